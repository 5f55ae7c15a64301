/* net.h - address ranges, IPv4 and IPv6 in one form.
 *
 * An IPv4 address is kept as its IPv4-mapped IPv6 address, so that both spellings are equal
 * (AZ-15).  A range of less than 96 bits is one of IPv6 alone: `::/0` is all of IPv6, `0.0.0.0/0`
 * all of IPv4, and neither covers the other.  Threads and processes: pure functions; a set is
 * read-only once it is built. */
#ifndef APISEC_NET_H
#define APISEC_NET_H

#include <apr_pools.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "apisec/err.h"
#include "apisec/str.h"

struct aps_addr {
    uint8_t b[16]; /* network order */
};

struct aps_net {
    struct aps_addr addr; /* bits beyond `bits` are zero */
    uint8_t bits;         /* 0 to 128; an IPv4 /24 is 120 */
};

/* Room for a printed address or range, NUL included. */
#define APS_NET_TEXT_MAX 64

/* From a socket address; false for a family that is neither IPv4 nor IPv6. */
bool aps_addr_from_sockaddr(const struct sockaddr *sa, struct aps_addr *out);

/* Strict text: four decimal numbers without leading zeros, or an IPv6 address in any of the forms
 * of RFC 4291 2.2.  No zone, brackets or port. */
bool aps_addr_parse(struct aps_str text, struct aps_addr *out);
bool aps_addr_is_v4(const struct aps_addr *addr);
bool aps_addr_is_loopback(const struct aps_addr *addr);

/* The address with all but its first bits cleared: `v4_bits` of an IPv4 address (0 to 32),
 * `v6_bits` of an IPv6 address (0 to 128).  More bits than there are keep all. */
struct aps_addr aps_addr_prefix(const struct aps_addr *addr, unsigned v4_bits, unsigned v6_bits);

/* IPv4 dotted, IPv6 by RFC 5952.  Returns `out`. */
char *aps_addr_print(const struct aps_addr *addr, char out[APS_NET_TEXT_MAX]);

/* ADDRESS or ADDRESS/BITS.  APS_ERR_FORMAT; APS_ERR_RANGE for more bits than the address has, and
 * for bits that are set beyond BITS: they show a mistake, and `diag` names the range that was
 * probably meant. */
APS_MUST_CHECK enum aps_err aps_net_parse(struct aps_str text, struct aps_net *out,
                                          struct aps_diag *diag);
bool aps_net_has(const struct aps_net *net, const struct aps_addr *addr);
/* ADDRESS/BITS, or ADDRESS alone where the range is a single address.  Returns `out`. */
char *aps_net_print(const struct aps_net *net, char out[APS_NET_TEXT_MAX]);

/* Many ranges, looked up in a time that depends on the logarithm of their number. */
struct aps_netset;

/* An empty set, lives in `pool`. */
struct aps_netset *aps_netset_new(apr_pool_t *pool);
/* Not after aps_netset_seal, like the two calls below. */
void aps_netset_add(struct aps_netset *set, const struct aps_net *net);
/* Adds every range of `more`, which may be sealed or not. */
void aps_netset_join(struct aps_netset *set, const struct aps_netset *more);
/* One range a line, which LF or CRLF ends; empty lines and text from '#' on are skipped.  Bounded:
 * 16 MiB, 1,000,000 ranges.  APS_ERR_NOT_FOUND, APS_ERR_IO, APS_ERR_UNSAFE for what is not a
 * regular file, APS_ERR_RANGE past a bound, or what aps_net_parse says.  On an error nothing is
 * added and `diag` names path and line. */
APS_MUST_CHECK enum aps_err aps_netset_load(struct aps_netset *set, const char *path,
                                            struct aps_diag *diag);
/* Sort, and drop ranges that others cover; after it the set is read-only.  Lookups before it find
 * nothing. */
void aps_netset_seal(struct aps_netset *set);
bool aps_netset_has(const struct aps_netset *set, const struct aps_addr *addr);
/* Number of ranges: all that were added, or once the set is sealed those that were kept. */
size_t aps_netset_count(const struct aps_netset *set);

#endif
