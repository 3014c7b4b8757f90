/* SOL_SOCKET options. */
#include "kernel/base/errno.h"
#include "kernel/net/socket.h"
#include "kernel/time/timespec.h"

#define ROOM_MIN 4608u
#define ROOM_MAX (4u * 212992u)

/* Options that mean nothing here, and are only kept: on or off. */
#define KEPT_SWITCHES                                                                              \
    (1ul << SO_DEBUG | 1ul << SO_REUSEADDR | 1ul << SO_DONTROUTE | 1ul << SO_BROADCAST |           \
     1ul << SO_KEEPALIVE | 1ul << SO_OOBINLINE | 1ul << SO_REUSEPORT | 1ul << SO_PRIORITY |        \
     1ul << SO_TIMESTAMP_OLD | 1ul << SO_TIMESTAMPNS_OLD | 1ul << SO_PASSSEC)

static bool is_switch(int option)
{
    return option >= 0 && option < 64 && (KEPT_SWITCHES >> option & 1);
}

static int set_timeout(uint64_t *timeout_ns, struct uptr value, unsigned size)
{
    struct timeval_kernel tv;
    if (size < sizeof(tv))
        return -EINVAL;
    if (copy_from_user(&tv, value, sizeof(tv)))
        return -EFAULT;
    if (tv.usec < 0 || tv.usec >= US_PER_SECOND)
        return -EDOM;
    int64_t ns = time_of_us(tv.sec, tv.usec);
    *timeout_ns = ns == INT64_MAX ? 0 : ns_of(ns);
    return 0;
}

/* Linux doubles what it is told, for its own overhead. */
static uint32_t room_of(int value)
{
    uint64_t room = value < 0 ? ROOM_MAX : 2 * (uint64_t)value;
    return (uint32_t)max_u64(min_u64(room, ROOM_MAX), ROOM_MIN);
}

static int set_number(struct socket *s, int option, int value)
{
    switch (option) {
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
        s->send_room = room_of(value);
        return 0;
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
        s->receive_room = room_of(value);
        return 0;
    case SO_PASSCRED:
        s->pass_credentials = value != 0;
        return 0;
    case SO_RCVLOWAT:
        s->receive_low = value < 0 ? INT32_MAX : value ? (uint32_t)value : 1;
        return 0;
    default:
        break;
    }
    if (!is_switch(option))
        return -ENOPROTOOPT;
    s->switches = value ? s->switches | 1ul << option : s->switches & ~(1ul << option);
    return 0;
}

static int set_linger(struct socket *s, struct uptr value, unsigned size)
{
    int linger[2];
    if (size < sizeof(linger))
        return -EINVAL;
    if (copy_from_user(linger, value, sizeof(linger)))
        return -EFAULT;
    s->linger = linger[0] != 0;
    if (s->linger)
        s->linger_seconds = (uint32_t)linger[1];
    return 0;
}

int socket_option_number(struct uptr value, unsigned size, int *out)
{
    if (size < sizeof(*out))
        return -EINVAL;
    return copy_from_user(out, value, sizeof(*out)) ? -EFAULT : 0;
}

static int set_option(struct socket *s, int option, struct uptr value, unsigned size)
{
    int number;
    if (option == SO_LINGER)
        return set_linger(s, value, size);
    if (option == SO_RCVTIMEO_OLD || option == SO_RCVTIMEO_NEW)
        return set_timeout(&s->receive_timeout_ns, value, size);
    if (option == SO_SNDTIMEO_OLD || option == SO_SNDTIMEO_NEW)
        return set_timeout(&s->send_timeout_ns, value, size);
    int err = socket_option_number(value, size, &number);
    return err ? err : set_number(s, option, number);
}

int socket_set_option(struct socket *s, int option, struct uptr value, unsigned size)
{
    int err = set_option(s, option, value, size);
    if (!err && s->ops->changed)
        s->ops->changed(s, option);
    return err;
}

static int get_number(struct socket *s, int option, int *value)
{
    switch (option) {
    case SO_TYPE:
        *value = s->type;
        return 0;
    case SO_DOMAIN:
        *value = s->family;
        return 0;
    case SO_PROTOCOL:
        *value = s->protocol;
        return 0;
    case SO_ERROR:
        *value = -socket_take_error(s);
        return 0;
    case SO_SNDBUF:
        *value = (int)s->send_room;
        return 0;
    case SO_RCVBUF:
        *value = (int)s->receive_room;
        return 0;
    case SO_PASSCRED:
        *value = s->pass_credentials;
        return 0;
    case SO_ACCEPTCONN:
        *value = s->ops->listening(s);
        return 0;
    case SO_RCVLOWAT:
        *value = (int)s->receive_low;
        return 0;
    case SO_SNDLOWAT:
        *value = 1;
        return 0;
    default:
        *value = is_switch(option) ? (int)(s->switches >> option & 1) : 0;
        return is_switch(option) ? 0 : -ENOPROTOOPT;
    }
}

int socket_option_put(const void *data, unsigned length, struct uptr value, struct uptr size)
{
    int room;
    if (copy_from_user(&room, size, sizeof(room)))
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    if ((unsigned)room < length)
        length = (unsigned)room;
    if (copy_to_user(value, data, length))
        return -EFAULT;
    return copy_to_user(size, &length, sizeof(length));
}

static int put_timeout(uint64_t timeout_ns, struct uptr value, struct uptr size)
{
    struct timeval_kernel tv = timeval_of((int64_t)timeout_ns);
    return socket_option_put(&tv, sizeof(tv), value, size);
}

int socket_get_option(struct socket *s, int option, struct uptr value, struct uptr size)
{
    int linger[2] = {s->linger, (int)s->linger_seconds};
    struct credentials credentials;
    int number, err;
    switch (option) {
    case SO_RCVTIMEO_OLD:
    case SO_RCVTIMEO_NEW:
        return put_timeout(s->receive_timeout_ns, value, size);
    case SO_SNDTIMEO_OLD:
    case SO_SNDTIMEO_NEW:
        return put_timeout(s->send_timeout_ns, value, size);
    case SO_LINGER:
        return socket_option_put(linger, sizeof(linger), value, size);
    case SO_PEERCRED:
        err = s->ops->peer_credentials(s, &credentials);
        return err ? err : socket_option_put(&credentials, sizeof(credentials), value, size);
    default:
        err = get_number(s, option, &number);
        return err ? err : socket_option_put(&number, sizeof(number), value, size);
    }
}
