/* Ranges and addresses, one a line: what is read prints as what is read the same, the C library
 * agrees about what an address is, and a set agrees with one range after the other. */
#include <apr_general.h>
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/net.h"

#define LINES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void check_addr(const struct aps_addr *addr)
{
    char text[APS_NET_TEXT_MAX];
    struct aps_addr again;
    uint8_t b[16];

    aps_addr_print(addr, text);
    expect(strlen(text) < INET6_ADDRSTRLEN);
    expect(aps_addr_parse(aps_str(text), &again));
    expect(memcmp(addr, &again, sizeof again) == 0);
    if (aps_addr_is_v4(addr))
        expect(inet_pton(AF_INET, text, b) == 1 && memcmp(b, addr->b + 12, 4) == 0);
    else
        expect(inet_pton(AF_INET6, text, b) == 1 && memcmp(b, addr->b, 16) == 0);
}

static void check_net(const struct aps_net *net)
{
    char text[APS_NET_TEXT_MAX];
    struct aps_net again;

    expect(net->bits <= 128);
    expect(aps_net_parse(aps_str(aps_net_print(net, text)), &again, NULL) == APS_OK);
    expect(memcmp(&net->addr, &again.addr, sizeof again.addr) == 0 && net->bits == again.bits);
    expect(aps_net_has(net, &net->addr) || (net->bits < 96 && aps_addr_is_v4(&net->addr)));
}

/* Both bounds of the range, and the addresses beside them. */
static void check_set(const struct aps_netset *set, const struct aps_net *nets, size_t n,
                      const struct aps_net *at)
{
    for (int past = 0; past <= 1; past++)
        for (int end = 0; end <= 1; end++) {
            struct aps_addr addr = at->addr;
            bool want = false;

            for (unsigned bit = at->bits; end == 1 && bit < 128; bit++)
                addr.b[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
            /* One more, or one less; the carry runs on while bytes wrap. */
            for (int i = 15; past == 1 && i >= 0; i--) {
                addr.b[i] = (uint8_t)(addr.b[i] + (end == 1 ? 1 : -1));
                if (addr.b[i] != (end == 1 ? 0 : 0xff))
                    break;
            }
            for (size_t k = 0; k < n; k++)
                want = want || aps_net_has(&nets[k], &addr);
            expect(aps_netset_has(set, &addr) == want);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    apr_pool_t *pool;
    struct aps_str rest = {(const char *)data, size}, line;
    struct aps_net nets[LINES_MAX];
    struct aps_netset *set;
    struct aps_addr addr;
    size_t n = 0;

    if (root == NULL)
        expect(apr_initialize() == APR_SUCCESS && apr_pool_create(&root, NULL) == APR_SUCCESS);
    expect(apr_pool_create(&pool, root) == APR_SUCCESS);
    set = aps_netset_new(pool);
    while (n < LINES_MAX && aps_str_next(&rest, '\n', &line)) {
        struct aps_diag diag = {""};
        enum aps_err err = aps_net_parse(line, &nets[n], &diag);

        expect((err == APS_OK) == (diag.text[0] == '\0'));
        if (aps_addr_parse(line, &addr)) {
            expect(err == APS_OK && nets[n].bits == 128);
            check_addr(&addr);
        }
        if (err == APS_OK) {
            check_net(&nets[n]);
            aps_netset_add(set, &nets[n++]);
        }
    }
    aps_netset_seal(set);
    expect(aps_netset_count(set) <= n);
    for (size_t i = 0; i < n; i++)
        check_set(set, nets, n, &nets[i]);
    apr_pool_destroy(pool);
    return 0;
}
