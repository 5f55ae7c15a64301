/* leak.c - bodies of some kinds through the scanner of responses, in pieces of 8 KiB; leaks counts.
 * usage: leak KIND
 * Prints the bytes. */
#include <apr_general.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apisec/leak.h"

#define BODY (1 << 20)
#define PIECE 8192

static const struct {
    const char *name, *unit;
} kinds[] = {
    {"json",
     "{\"id\":1042,\"name\":\"Blue chair\",\"price\":{\"amount\":129.95,\"currency\":\"EUR\"},"
     "\"tags\":[\"garden\",\"wood\"],\"created\":\"2026-03-01T12:30:00Z\"},"},
    {"html", "<li class=\"item\"><a href=\"/orders/1042\">Order 1042</a> was sent to you on "
             "<time>1 March</time>, and will be with you soon.</li>\n"},
    {"text",
     "An order that was paid can be sent back within thirty days. Write to us before you do, "
     "so that we know which parcel to look for, and keep the slip that came with it. What "
     "was made for you alone we cannot take back, unless it is broken or not what you had "
     "asked for; then we pay the postage, too. "},
    {"numbers", "[12.5,1042,-3,77781,0.25,1700000000,42],"},
    {"digits", "31415926535897932384626433832795028841971693993751"},
    {"base64", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"},
};

static bool stop(void *ctx, const struct aps_leak_finding *finding)
{
    (void)ctx;
    printf("found: %s\n", finding->text);
    return false;
}

static int scan(apr_pool_t *pool, const char *unit)
{
    const struct aps_leak_rules *rules = NULL;
    const struct aps_str prefix = APS_STR_LIT("apisec");
    const size_t n = strlen(unit);
    char *body = apr_palloc(pool, BODY);
    struct aps_leak s;

    for (size_t i = 0; i < BODY; i++)
        body[i] = unit[i % n];
    if (aps_leak_rules_new(pool, UINT32_MAX, &prefix, 1, &rules) != APS_OK)
        return 1;
    aps_leak_init(&s, pool, rules, stop, NULL);
    for (size_t at = 0; at < BODY; at += PIECE)
        if (aps_leak_feed(&s, (struct aps_str){body + at, PIECE}) != APS_OK)
            return 1;
    aps_leak_end(&s);
    printf("%d\n", BODY);
    return 0;
}

int main(int argc, char **argv)
{
    apr_pool_t *pool = NULL;

    if (argc != 2 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 2;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(argv[1], kinds[i].name) == 0)
            return scan(pool, kinds[i].unit);
    return 2;
}
