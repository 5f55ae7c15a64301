/* net.c - addresses and ranges of them; a sealed set is searched by halves. */
#include "apisec/net.h"

#include <apr_file_io.h>
#include <apr_tables.h>
#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <stdlib.h>

#include "apisec/num.h"

#define V4_START 96 /* bits of the IPv4-mapped prefix, ::ffff:0:0 */
#define ALL_BITS 128

#define FILE_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define FILE_MAX_RANGES 1000000

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void set_v4(struct aps_addr *out, const void *four)
{
    memcpy(out->b, v4_prefix, sizeof v4_prefix);
    memcpy(out->b + sizeof v4_prefix, four, 4);
}

bool aps_addr_from_sockaddr(const struct sockaddr *sa, struct aps_addr *out)
{
    if (sa->sa_family == AF_INET) {
        set_v4(out, &((const struct sockaddr_in *)(const void *)sa)->sin_addr);
        return true;
    }
    if (sa->sa_family == AF_INET6) {
        memcpy(out->b, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, sizeof out->b);
        return true;
    }
    return false;
}

/* The C library's readers are strict, but want a NUL at the end and stop at one before it. */
bool aps_addr_parse(struct aps_str text, struct aps_addr *out)
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t b[16];

    if (text.n == 0 || text.n >= sizeof copy || memchr(text.p, '\0', text.n) != NULL)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (inet_pton(AF_INET, copy, b) == 1) {
        set_v4(out, b);
        return true;
    }
    if (inet_pton(AF_INET6, copy, b) == 1) {
        memcpy(out->b, b, sizeof out->b);
        return true;
    }
    return false;
}

/* Two loads: every lookup begins with this. */
bool aps_addr_is_v4(const struct aps_addr *addr)
{
    uint64_t zeros;
    uint32_t mapped;

    memcpy(&zeros, addr->b, sizeof zeros);
    memcpy(&mapped, addr->b + sizeof zeros, sizeof mapped);
    return zeros == 0 && mapped == htonl(0xffff);
}

bool aps_addr_is_loopback(const struct aps_addr *addr)
{
    static const uint8_t v6_loopback[16] = {[15] = 1};

    if (aps_addr_is_v4(addr))
        return addr->b[12] == 127;
    return memcmp(addr->b, v6_loopback, sizeof v6_loopback) == 0;
}

/* All bits from `bits` on become zero. */
static void clear_from(struct aps_addr *addr, unsigned bits)
{
    if (bits >= ALL_BITS)
        return;
    addr->b[bits / 8] &= (uint8_t)(0xff00u >> bits % 8);
    memset(addr->b + bits / 8 + 1, 0, sizeof addr->b - bits / 8 - 1);
}

struct aps_addr aps_addr_prefix(const struct aps_addr *addr, unsigned v4_bits, unsigned v6_bits)
{
    struct aps_addr out = *addr;

    if (!aps_addr_is_v4(addr))
        clear_from(&out, v6_bits);
    else if (v4_bits < 32)
        clear_from(&out, V4_START + v4_bits);
    return out;
}

static char *put_v4(char *p, const uint8_t *b)
{
    for (int i = 0; i < 4; i++) {
        p = aps_num_put(p, b[i]);
        *p++ = '.';
    }
    return p - 1;
}

static char *put_hex(char *p, unsigned value)
{
    for (int shift = value > 0xfff  ? 12
                     : value > 0xff ? 8
                     : value > 0xf  ? 4
                                    : 0;
         shift >= 0; shift -= 4)
        *p++ = "0123456789abcdef"[value >> shift & 15];
    return p;
}

static unsigned group_of(const uint8_t *b, int i)
{
    return (unsigned)b[2 * i] << 8 | b[2 * i + 1];
}

/* RFC 5952 4.2: the longest run of two zero groups or more, the first of equal ones. */
static int longest_zeros(const uint8_t *b, int *out_count)
{
    int best = -1, count = 1;

    for (int i = 0; i < 8; i++) {
        int n = 0;

        while (i + n < 8 && group_of(b, i + n) == 0)
            n++;
        if (n > count) {
            best = i;
            count = n;
        }
        i += n;
    }
    *out_count = count;
    return best;
}

static char *put_v6(char *p, const uint8_t *b)
{
    int count;
    int zeros = longest_zeros(b, &count);

    for (int i = 0; i < 8; i++) {
        if (i == zeros) {
            *p++ = ':';
            i += count;
            if (i == 8) {
                *p++ = ':';
                break;
            }
        }
        if (i > 0)
            *p++ = ':';
        p = put_hex(p, group_of(b, i));
    }
    return p;
}

static char *put_addr(char *p, const struct aps_addr *addr)
{
    return aps_addr_is_v4(addr) ? put_v4(p, addr->b + V4_START / 8) : put_v6(p, addr->b);
}

char *aps_addr_print(const struct aps_addr *addr, char out[APS_NET_TEXT_MAX])
{
    *put_addr(out, addr) = '\0';
    return out;
}

static enum aps_err refuse(struct aps_diag *diag, struct aps_str text)
{
    aps_err_explain(diag,
                    "network \"%.*s\": want an address or ADDRESS/BITS, such as 192.0.2.0/24 or "
                    "2001:db8::/32",
                    APS_STR_SHOW(text));
    return APS_ERR_FORMAT;
}

/* The number behind the slash, as bits of 128. */
static enum aps_err read_bits(struct aps_str text, struct aps_str digits, unsigned max,
                              uint8_t *out, struct aps_diag *diag)
{
    enum aps_err err;
    uint64_t bits;

    err = aps_num_parse(digits, 0, max, &bits, NULL);
    if (err == APS_ERR_RANGE)
        aps_err_explain(diag, "network \"%.*s\": want 0 to %u bits", APS_STR_SHOW(text), max);
    else if (err != APS_OK)
        return refuse(diag, text);
    else
        *out = (uint8_t)(ALL_BITS - max + bits);
    return err;
}

enum aps_err aps_net_parse(struct aps_str text, struct aps_net *out, struct aps_diag *diag)
{
    struct aps_str rest = text, addr;
    struct aps_net net = {.bits = ALL_BITS}, meant;
    char said[APS_NET_TEXT_MAX];
    enum aps_err err;

    if (!aps_str_next(&rest, '/', &addr) || !aps_addr_parse(addr, &net.addr))
        return refuse(diag, text);
    if (addr.n < text.n) {
        err = read_bits(text, rest, memchr(addr.p, ':', addr.n) != NULL ? ALL_BITS : 32, &net.bits,
                        diag);
        if (err != APS_OK)
            return err;
    }
    meant = net;
    clear_from(&meant.addr, meant.bits);
    if (memcmp(&meant.addr, &net.addr, sizeof net.addr) != 0) {
        aps_err_explain(diag, "network \"%.*s\" has bits set beyond its prefix: want %s",
                        APS_STR_SHOW(text), aps_net_print(&meant, said));
        return APS_ERR_RANGE;
    }
    *out = net;
    return APS_OK;
}

/* A range of less than 96 bits is one of IPv6, though ::/0 to ::/80 hold ::ffff:0:0/96. */
static bool is_of_v4(const struct aps_net *net)
{
    return net->bits >= V4_START && aps_addr_is_v4(&net->addr);
}

/* Half of an address as a number whose order is that of the bytes. */
static uint64_t load_half(const uint8_t *b)
{
    uint64_t half;

    memcpy(&half, b, sizeof half);
    return be64toh(half);
}

/* Whether the first `bits` of two addresses, given by halves, are the same. */
static bool same_start(uint64_t hi_diff, uint64_t lo_diff, unsigned bits)
{
    if (bits > 64)
        return hi_diff == 0 && lo_diff >> (ALL_BITS - bits) == 0;
    return bits == 0 || hi_diff >> (64 - bits) == 0;
}

bool aps_net_has(const struct aps_net *net, const struct aps_addr *addr)
{
    if (net->bits < V4_START && aps_addr_is_v4(addr))
        return false;
    return same_start(load_half(net->addr.b) ^ load_half(addr->b),
                      load_half(net->addr.b + 8) ^ load_half(addr->b + 8), net->bits);
}

char *aps_net_print(const struct aps_net *net, char out[APS_NET_TEXT_MAX])
{
    char *p = put_addr(out, &net->addr);

    if (net->bits < ALL_BITS) {
        *p++ = '/';
        p = aps_num_put(p, is_of_v4(net) ? net->bits - V4_START : net->bits);
    }
    *p = '\0';
    return out;
}

/* A range in a set. */
struct range {
    uint64_t hi, lo;
    uint32_t bits;
};

/* Ranges lie within each other or apart.  So once they are sorted and those within others are
 * gone, the last one that begins at or before an address is the only one that can hold it. */
struct aps_netset {
    apr_pool_t *pool;
    apr_array_header_t *v4, *v6; /* of struct range; apart, since neither covers the other */
    bool sealed;
};

struct aps_netset *aps_netset_new(apr_pool_t *pool)
{
    struct aps_netset *set = apr_pcalloc(pool, sizeof *set);

    set->pool = pool;
    set->v4 = apr_array_make(pool, 4, sizeof(struct range));
    set->v6 = apr_array_make(pool, 4, sizeof(struct range));
    return set;
}

void aps_netset_add(struct aps_netset *set, const struct aps_net *net)
{
    assert(!set->sealed);
    APR_ARRAY_PUSH(is_of_v4(net) ? set->v4 : set->v6, struct range) =
        (struct range){load_half(net->addr.b), load_half(net->addr.b + 8), net->bits};
}

void aps_netset_join(struct aps_netset *set, const struct aps_netset *more)
{
    assert(!set->sealed);
    apr_array_cat(set->v4, more->v4);
    apr_array_cat(set->v6, more->v6);
}

static enum aps_err cannot_read(const char *path, apr_status_t rv, struct aps_diag *diag)
{
    char why[120];

    aps_err_explain(diag, "%s: cannot be read: %s", path, apr_strerror(rv, why, sizeof why));
    return APR_STATUS_IS_ENOENT(rv) ? APS_ERR_NOT_FOUND : APS_ERR_IO;
}

/* A whole regular file, at most FILE_MAX_BYTES of it, in `pool`. */
static enum aps_err read_file(apr_pool_t *pool, const char *path, struct aps_str *out,
                              struct aps_diag *diag)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_status_t rv;
    apr_size_t n = 0;
    char *text;

    /* Opening what is not a regular file must not block; it is refused right after. */
    rv =
        apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_NONBLOCK, APR_FPROT_OS_DEFAULT, pool);
    if (rv == APR_SUCCESS)
        rv = apr_file_info_get(&info, APR_FINFO_TYPE | APR_FINFO_SIZE, file);
    if (rv != APR_SUCCESS)
        return cannot_read(path, rv, diag);
    if (info.filetype != APR_REG) {
        aps_err_explain(diag, "%s: want a regular file", path);
        return APS_ERR_UNSAFE;
    }
    if (info.size > (apr_off_t)FILE_MAX_BYTES) {
        aps_err_explain(diag, "%s: want at most %zu bytes", path, FILE_MAX_BYTES);
        return APS_ERR_RANGE;
    }
    text = apr_palloc(pool, (apr_size_t)info.size + 1);
    rv = apr_file_read_full(file, text, (apr_size_t)info.size, &n);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EOF(rv))
        return cannot_read(path, rv, diag);
    *out = (struct aps_str){text, n};
    return APS_OK;
}

/* What a line says, without comment and blanks. */
static struct aps_str strip_line(struct aps_str line)
{
    struct aps_str said = {line.p, 0};

    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    (void)aps_str_next(&line, '#', &said); /* an empty line leaves it empty */
    return aps_str_trim(said);
}

static enum aps_err add_lines(struct aps_netset *set, const char *path, struct aps_str text,
                              struct aps_diag *diag)
{
    struct aps_diag why = {""};
    struct aps_str line;
    struct aps_net net;
    enum aps_err err;
    unsigned number = 0, count = 0;

    while (aps_str_next(&text, '\n', &line)) {
        number++;
        line = strip_line(line);
        if (line.n == 0)
            continue;
        if ((err = aps_net_parse(line, &net, &why)) != APS_OK) {
            aps_err_explain(diag, "%s line %u: %s", path, number, why.text);
            return err;
        }
        if (count++ == FILE_MAX_RANGES) {
            aps_err_explain(diag, "%s line %u: want at most %d ranges", path, number,
                            FILE_MAX_RANGES);
            return APS_ERR_RANGE;
        }
        aps_netset_add(set, &net);
    }
    return APS_OK;
}

enum aps_err aps_netset_load(struct aps_netset *set, const char *path, struct aps_diag *diag)
{
    apr_pool_t *scratch = NULL;
    struct aps_netset *more;
    struct aps_str text;
    enum aps_err err;

    if (apr_pool_create(&scratch, set->pool) != APR_SUCCESS)
        return APS_ERR_NOMEM;
    more = aps_netset_new(scratch);
    if ((err = read_file(scratch, path, &text, diag)) != APS_OK)
        goto out;
    if ((err = add_lines(more, path, text, diag)) != APS_OK)
        goto out;
    aps_netset_join(set, more);
out:
    apr_pool_destroy(scratch); /* closes the file */
    return err;
}

/* By start, and of equal starts the wider range first. */
static int compare(const void *left, const void *right)
{
    const struct range *a = left, *b = right;

    if (a->hi != b->hi)
        return a->hi < b->hi ? -1 : 1;
    if (a->lo != b->lo)
        return a->lo < b->lo ? -1 : 1;
    return (a->bits > b->bits) - (a->bits < b->bits);
}

static bool range_has(const struct range *r, uint64_t hi, uint64_t lo)
{
    return same_start(r->hi ^ hi, r->lo ^ lo, r->bits);
}

static void sort_apart(apr_array_header_t *ranges)
{
    struct range *r = (struct range *)(void *)ranges->elts;
    int kept = 0;

    if (ranges->nelts == 0)
        return;
    qsort(r, (size_t)ranges->nelts, sizeof *r, compare);
    for (int i = 1; i < ranges->nelts; i++)
        if (!range_has(&r[kept], r[i].hi, r[i].lo))
            r[++kept] = r[i];
    ranges->nelts = kept + 1;
}

void aps_netset_seal(struct aps_netset *set)
{
    sort_apart(set->v4);
    sort_apart(set->v6);
    set->sealed = true;
}

bool aps_netset_has(const struct aps_netset *set, const struct aps_addr *addr)
{
    const apr_array_header_t *ranges = aps_addr_is_v4(addr) ? set->v4 : set->v6;
    const struct range *r = (const struct range *)(const void *)ranges->elts;
    uint64_t hi = load_half(addr->b), lo = load_half(addr->b + 8);
    size_t n = (size_t)ranges->nelts;

    if (!set->sealed)
        return false;
    while (n > 1) { /* the range is among the `n` from `r` on */
        const struct range *middle = r + n / 2;

        if (middle->hi < hi || (middle->hi == hi && middle->lo <= lo))
            r = middle;
        n -= n / 2;
    }
    return n == 1 && range_has(r, hi, lo);
}

size_t aps_netset_count(const struct aps_netset *set)
{
    return (size_t)set->v4->nelts + (size_t)set->v6->nelts;
}
