/* SOL_SOCKET options. */
#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/net/interface.h"
#include "kernel/net/socket.h"
#include "kernel/proc/cred.h"
#include "kernel/time/clock.h"
#include "kernel/time/timespec.h"

#define SEND_ROOM_MIN 4608u
#define RECEIVE_ROOM_MIN 2304u
#define ROOM_MAX (4u * 212992u) /* twice rmem_max and wmem_max */
#define PRIORITY_MAX 6
#define NAMESPACE_COOKIE 1ul /* there is one */

/* Options that are on or off; who does something about one looks at the socket's switches. */
#define ANY_SWITCHES                                                                               \
    (1ul << SO_DEBUG | 1ul << SO_REUSEADDR | 1ul << SO_DONTROUTE | 1ul << SO_BROADCAST |           \
     1ul << SO_KEEPALIVE | 1ul << SO_OOBINLINE | 1ul << SO_REUSEPORT | 1ul << SO_NO_CHECK |        \
     1ul << SO_RXQ_OVFL | 1ul << SO_SELECT_ERR_QUEUE)
/* Of those whose messages have credentials: nothing labels processes here. */
#define CREDENTIAL_SWITCHES (1ul << SO_PASSSEC)

static bool is_inet(const struct socket *s)
{
    return s->family == AF_INET || s->family == AF_INET6;
}

static bool is_switch(const struct socket *s, int option)
{
    uint64_t switches = ANY_SWITCHES | (is_inet(s) ? 0 : CREDENTIAL_SWITCHES);
    return option >= 0 && option < 64 && (switches >> option & 1);
}

/* ---- when messages came ---- */

static bool is_stamp(int option)
{
    return option == SO_TIMESTAMP_OLD || option == SO_TIMESTAMPNS_OLD ||
           option == SO_TIMESTAMP_NEW || option == SO_TIMESTAMPNS_NEW;
}

/* ---- SO_BINDTODEVICE ---- */

static int set_interface(struct socket *s, struct uptr value, unsigned size)
{
    char name[INTERFACE_NAME_BYTES] = {0};
    struct interface_info found = {0};
    if (copy_from_user(name, value, min_u64(size, sizeof(name) - 1)))
        return -EFAULT;
    if (name[0] && !interface_find(name, &found))
        return -ENODEV;
    s->interface = found.index;
    return 0;
}

static int set_interface_number(struct socket *s, int index)
{
    if (index < 0)
        return -EINVAL;
    s->interface = (uint32_t)index;
    return 0;
}

static int put_interface(const struct socket *s, struct uptr value, struct uptr size)
{
    struct interface_info found;
    int room;
    if (copy_from_user(&room, size, sizeof(room)))
        return -EFAULT;
    if (!s->interface || !interface_next(s->interface, &found))
        return socket_option_put(NULL, 0, value, size);
    if (room < (int)sizeof(found.name))
        return -EINVAL;
    return socket_option_put(found.name, (unsigned)strlen(found.name) + 1, value, size);
}

/* ---- numbers ---- */

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
static uint32_t room_of(int value, uint32_t least)
{
    uint64_t room = value < 0 ? ROOM_MAX : 2 * (uint64_t)value;
    return (uint32_t)max_u64(min_u64(room, ROOM_MAX), least);
}

/* What may exceed the limit. */
static int force_room(uint32_t *room, int value, uint32_t least)
{
    if (!capable(CAP_NET_ADMIN))
        return -EPERM;
    *room = (uint32_t)max_u64(value < 0 ? 0 : min_u64(2 * (uint64_t)value, INT32_MAX - 1), least);
    return 0;
}

static bool may_mark(void)
{
    return capable(CAP_NET_RAW) || capable(CAP_NET_ADMIN);
}

/* SO_PEEK_OFF: of the kinds that know where they peek. */
static int set_peek(struct socket *s, int value)
{
    if (!s->peeks)
        return -EOPNOTSUPP;
    s->peek_at = value;
    return 0;
}

static int set_switch(struct socket *s, int option, int value)
{
    if (option == SO_REUSEPORT && value && !is_inet(s))
        return -EOPNOTSUPP;
    if (is_stamp(option)) {
        s->stamp = value ? (uint8_t)option : 0;
        s->stamps |= value != 0;
        return 0;
    }
    if (!is_switch(s, option))
        return option == SO_PASSSEC ? -EOPNOTSUPP : -ENOPROTOOPT;
    s->switches = value ? s->switches | 1ul << option : s->switches & ~(1ul << option);
    return 0;
}

static int set_number(struct socket *s, int option, int value)
{
    switch (option) {
    case SO_SNDBUF:
        s->send_room = room_of(value, SEND_ROOM_MIN);
        return 0;
    case SO_SNDBUFFORCE:
        return force_room(&s->send_room, value, SEND_ROOM_MIN);
    case SO_RCVBUF:
        s->receive_room = room_of(value, RECEIVE_ROOM_MIN);
        return 0;
    case SO_RCVBUFFORCE:
        return force_room(&s->receive_room, value, RECEIVE_ROOM_MIN);
    case SO_PASSCRED:
        s->pass_credentials = value != 0;
        return is_inet(s) ? -EOPNOTSUPP : 0;
    case SO_PRIORITY:
        if ((value < 0 || value > PRIORITY_MAX) && !may_mark())
            return -EPERM;
        s->priority = value;
        return 0;
    case SO_MARK:
        if (!may_mark())
            return -EPERM;
        s->mark = value;
        return 0;
    case SO_PEEK_OFF:
        return set_peek(s, value);
    case SO_DETACH_FILTER: /* there is none */
        return -ENOENT;
    case SO_INCOMING_CPU:
        s->cpu = value;
        return 0;
    case SO_BINDTOIFINDEX:
        return set_interface_number(s, value);
    case SO_BSDCOMPAT: /* obsolete: taken, and off */
        return 0;
    case SO_RCVLOWAT:
        s->receive_low = value < 0 ? INT32_MAX : value ? (uint32_t)value : 1;
        return 0;
    default:
        return set_switch(s, option, value);
    }
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
    if (option == SO_BINDTODEVICE)
        return set_interface(s, value, size);
    int err = socket_option_number(value, size, &number);
    if (err)
        return err;
    if (option == SO_LINGER)
        return set_linger(s, value, size);
    if (option == SO_RCVTIMEO_OLD || option == SO_RCVTIMEO_NEW)
        return set_timeout(&s->receive_timeout_ns, value, size);
    if (option == SO_SNDTIMEO_OLD || option == SO_SNDTIMEO_NEW)
        return set_timeout(&s->send_timeout_ns, value, size);
    return set_number(s, option, number);
}

int socket_set_option(struct socket *s, int option, struct uptr value, unsigned size)
{
    int err = set_option(s, option, value, size);
    if (!err && s->ops->changed)
        s->ops->changed(s, option);
    return err;
}

static int get_switch(const struct socket *s, int option, int *value)
{
    *value = is_stamp(option) ? s->stamp == option : 0;
    if (is_stamp(option))
        return 0;
    if (!is_switch(s, option))
        return option == SO_PASSSEC ? -EOPNOTSUPP : -ENOPROTOOPT;
    *value = socket_switch(s, option);
    return 0;
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
        return is_inet(s) ? -EOPNOTSUPP : 0;
    case SO_PRIORITY:
        *value = s->priority;
        return 0;
    case SO_MARK:
        *value = s->mark;
        return 0;
    case SO_INCOMING_CPU:
        *value = s->cpu;
        return 0;
    case SO_PEEK_OFF:
        *value = s->peek_at;
        return s->peeks ? 0 : -EOPNOTSUPP;
    case SO_BINDTOIFINDEX:
        *value = (int)s->interface;
        return 0;
    case SO_BSDCOMPAT:
        *value = 0;
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
        return get_switch(s, option, value);
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

/* A number that no other socket has; all of it, or nothing. */
static int put_cookie(uint64_t cookie, struct uptr value, struct uptr size)
{
    int room;
    if (copy_from_user(&room, size, sizeof(room)))
        return -EFAULT;
    if (room < (int)sizeof(cookie))
        return -EINVAL;
    return socket_option_put(&cookie, sizeof(cookie), value, size);
}

/* SO_MEMINFO: what is counted of it, in the places of SK_MEMINFO_... */
static int put_memory(struct socket *s, struct uptr value, struct uptr size)
{
    int received = s->ops->queued(s, false), sent = s->ops->queued(s, true);
    const uint32_t told[9] = {
        [0] = (uint32_t)(received > 0 ? received : 0), [1] = s->receive_room,
        [2] = (uint32_t)(sent > 0 ? sent : 0),         [3] = s->send_room,
        [5] = (uint32_t)(sent > 0 ? sent : 0),         [8] = s->lost,
    };
    return socket_option_put(told, sizeof(told), value, size);
}

/* The peer's supplementary groups: it is of this program. */
static int put_peer_groups(struct socket *s, struct uptr value, struct uptr size)
{
    const struct cred_groups *groups = cred_current()->groups;
    struct credentials peer;
    unsigned bytes = groups ? groups->count * (unsigned)sizeof(groups->gid[0]) : 0;
    unsigned room;
    int err = s->ops->peer_credentials(s, &peer);
    if (err || !peer.pid)
        return err ? err : -ENODATA;
    if (copy_from_user(&room, size, sizeof(room)))
        return -EFAULT;
    if (room >= bytes)
        return socket_option_put(groups ? groups->gid : NULL, bytes, value, size);
    return copy_to_user(size, &bytes, sizeof(bytes)) ? -EFAULT : -ERANGE;
}

static int put_peer(struct socket *s, struct uptr value, struct uptr size)
{
    struct socket_name name;
    int room, err = s->ops->get_name(s, SOCKET_PEER, &name);
    if (err)
        return err;
    if (copy_from_user(&room, size, sizeof(room)))
        return -EFAULT;
    return room > (int)name.size ? -EINVAL : socket_option_put(name.bytes, name.size, value, size);
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
    case SO_BINDTODEVICE:
        return put_interface(s, value, size);
    case SO_COOKIE:
        return put_cookie(s->ino, value, size);
    case SO_NETNS_COOKIE:
        return put_cookie(NAMESPACE_COOKIE, value, size);
    case SO_MEMINFO:
        return put_memory(s, value, size);
    case SO_PEERGROUPS:
        return put_peer_groups(s, value, size);
    case SO_GET_FILTER: /* there is none */
        return socket_option_put(NULL, 0, value, size);
    case SO_PEERNAME:
        return put_peer(s, value, size);
    case SO_PEERCRED:
        err = s->ops->peer_credentials(s, &credentials);
        return err ? err : socket_option_put(&credentials, sizeof(credentials), value, size);
    default:
        err = get_number(s, option, &number);
        return err ? err : socket_option_put(&number, sizeof(number), value, size);
    }
}
