/* Records (abi/record.h), and those of how a program runs. */
#include <string.h>

#include "host/image/image.h"

void record_add(struct buf *records, enum orris_record_type type, const void *data, size_t size)
{
    struct orris_record record = {.type = type, .size = (uint32_t)size};
    buf_add(records, &record, sizeof(record));
    buf_add(records, data, size);
    buf_add(records, "\0\0\0\0\0\0\0", (8 - size % 8) % 8);
}

void record_string(struct buf *records, enum orris_record_type type, const char *text)
{
    record_add(records, type, text, strlen(text));
}

bool record_next(const struct buf *records, size_t *at, struct orris_record *record,
                 const char **payload)
{
    if (records->size - *at < sizeof(*record))
        return false;
    memcpy(record, records->data + *at, sizeof(*record));
    size_t padded = (size_t)record->size + (8 - record->size % 8) % 8;
    if (records->size - *at - sizeof(*record) < padded)
        return false;
    *payload = records->data + *at + sizeof(*record);
    *at += sizeof(*record) + padded;
    return record->type != ORRIS_RECORD_END;
}

void image_records(const struct image_spec *spec, struct buf *records)
{
    record_string(records, ORRIS_RECORD_PROGRAM, spec->program);
    for (size_t i = 0; i < spec->args.count; i++)
        record_string(records, ORRIS_RECORD_ARG, spec->args.items[i]);
    for (size_t i = 0; i < spec->env.count; i++)
        record_string(records, ORRIS_RECORD_ENV, spec->env.items[i]);
    if (spec->workdir)
        record_string(records, ORRIS_RECORD_WORKDIR, spec->workdir);
    record_add(records, ORRIS_RECORD_USER, &spec->user, sizeof(spec->user));
}
