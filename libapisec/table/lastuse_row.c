/* lastuse_row.c - what the last use of a secret was: network and route, under a keyed hash. */
#include <string.h>

#include "apisec/siphash.h"
#include "lastuse_impl.h"
#include "pause.h"

enum { NET_NONE = 0, NET_V4 = 4, NET_V6 = 6 };

struct net_word {
    uint8_t kind;
    uint8_t prefix[6];
    uint8_t is_cut; /* of the route */
};

_Static_assert(sizeof(struct net_word) == 8, "one word of a row");
_Static_assert(sizeof((struct layout_use *)NULL)->route == APS_LASTUSE_ROUTE_MAX, "as promised");

static uint64_t check_of(const uint8_t key[16], const struct layout_use *row)
{
    uint64_t words[7] = {row->used.a,   lastuse_hour(row->used.b),
                         row->net,      row->route[0],
                         row->route[1], row->route[2],
                         row->route[3]};

    return aps_siphash_64((struct aps_str){(const char *)words, sizeof words}, key);
}

static struct net_word net_of(const struct aps_addr *addr)
{
    struct net_word net = {.kind = NET_NONE};

    if (addr == NULL)
        return net;
    net.kind = aps_addr_is_v4(addr) ? NET_V4 : NET_V6;
    memcpy(net.prefix, addr->b + (net.kind == NET_V4 ? 12 : 0), net.kind == NET_V4 ? 3 : 6);
    return net;
}

/* At most so many bytes of the route, on a character's boundary. */
static size_t cut(struct aps_str route)
{
    size_t n = route.n;

    if (n <= APS_LASTUSE_ROUTE_MAX)
        return n;
    n = APS_LASTUSE_ROUTE_MAX;
    while (n > 0 && ((unsigned char)route.p[n] & 0xc0) == 0x80)
        n--;
    return n;
}

struct layout_use aps_lastuse_row_describe(const uint8_t key[16], struct layout_pair used,
                                           const struct aps_lastuse_note *note)
{
    struct layout_use row = {.used = used};
    struct net_word net = net_of(note->addr);
    size_t n = cut(note->route);

    net.is_cut = n < note->route.n;
    memcpy(&row.net, &net, sizeof row.net);
    if (n != 0)
        memcpy(row.route, note->route.p, n);
    row.check = check_of(key, &row);
    return row;
}

static void store_word(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

void aps_lastuse_row_write(struct layout_use *row, const struct layout_use *from)
{
    APS_PAUSE_POINT(33);
    store_word(&row->net, from->net);
    for (size_t i = 0; i < 4; i++) {
        APS_PAUSE_POINT(34);
        store_word(&row->route[i], from->route[i]);
    }
    APS_PAUSE_POINT(35);
    store_word(&row->check, from->check);
}

static bool read_net(struct net_word word, struct aps_net *out)
{
    struct aps_net net = {{{0}}, 0};

    if (word.kind == NET_V4) {
        net.addr.b[10] = net.addr.b[11] = 0xff;
        memcpy(net.addr.b + 12, word.prefix, 3);
        net.bits = 96 + APS_LASTUSE_BITS_V4;
    } else if (word.kind == NET_V6) {
        memcpy(net.addr.b, word.prefix, 6);
        net.bits = APS_LASTUSE_BITS_V6;
    } else {
        return false;
    }
    *out = net;
    return true;
}

void aps_lastuse_row_read(const uint8_t key[16], const struct layout_use *row,
                          struct aps_lastuse *out)
{
    struct net_word net;

    out->has_what = row->check == check_of(key, row);
    out->has_net = false;
    out->route_n = 0;
    if (!out->has_what)
        return;
    memcpy(&net, &row->net, sizeof net);
    out->has_net = read_net(net, &out->net);
    out->is_cut = net.is_cut != 0;
    memcpy(out->route, row->route, sizeof out->route);
    out->route_n = strnlen(out->route, sizeof out->route);
}
