/* schema.c - what a body costs beyond its transport: reading it, and judging it by its schema.
 * usage: schema [RUNS]
 *
 * The body is the order of 1 KB that the comparison with other servers sends.  Prints how often it
 * was read and judged; with RUNS it does so that often and nothing else, for a count of
 * instructions, else it prints the processor time of both. */
#include <apr_general.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "apisec/schema_compile.h"
#include "apisec/schema_judge.h"

/* What an API's own description would say of it: nothing is left open. */
static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"customer\",\"items\",\"currency\"],\"properties\":{"
    "\"customer\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"id\",\"email\"],\"properties\":{"
    "\"id\":{\"type\":\"integer\",\"minimum\":1},"
    "\"email\":{\"type\":\"string\",\"format\":\"email\",\"maxLength\":254},"
    "\"name\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":100}}},"
    "\"items\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":100,\"items\":{"
    "\"$ref\":\"#/$defs/item\"}},"
    "\"currency\":{\"enum\":[\"EUR\",\"USD\",\"GBP\",\"CHF\"]},"
    "\"express\":{\"type\":\"boolean\"},"
    "\"tags\":{\"type\":\"array\",\"maxItems\":20,\"uniqueItems\":true,"
    "\"items\":{\"type\":\"string\",\"maxLength\":32}}},"
    "\"$defs\":{\"item\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"sku\",\"qty\",\"price\"],\"properties\":{"
    "\"sku\":{\"type\":\"string\",\"pattern\":\"^SKU-[0-9]{5}$\"},"
    "\"qty\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000},"
    "\"price\":{\"type\":\"number\",\"minimum\":0},"
    "\"note\":{\"type\":\"string\",\"maxLength\":200}}}}}";

struct bench {
    struct aps_jsonread reader;
    struct aps_schema_judge *judge;
    const struct aps_schema_image *image;
    struct aps_str body;
};

/* As Python's json.dumps writes it. */
static struct aps_str make_body(char *room, size_t cap)
{
    static const char *const prices[] = {"10.99",
                                         "11.99",
                                         "12.99",
                                         "13.99",
                                         "14.99",
                                         "15.99",
                                         "16.990000000000002",
                                         "17.990000000000002",
                                         "18.990000000000002",
                                         "19.990000000000002"};
    size_t n = (size_t)snprintf(room, cap,
                                "{\"customer\": {\"id\": 4711, \"email\": \"jo@example.com\", "
                                "\"name\": \"Jo Doe\"}, \"items\": [");

    for (unsigned i = 1; i <= 10; i++)
        n += (size_t)snprintf(room + n, cap - n,
                              "%s{\"sku\": \"SKU-%05u\", \"qty\": %u, \"price\": %s, "
                              "\"note\": \"gift wrap please, no card\"}",
                              i > 1 ? ", " : "", i, i, prices[i - 1]);
    n += (size_t)snprintf(room + n, cap - n,
                          "], \"currency\": \"EUR\", \"express\": false, "
                          "\"tags\": [\"spring\", \"retail\", \"web\"]}");
    return (struct aps_str){room, n};
}

/* Each is one function, whose name callgrind is told. */
__attribute__((noinline)) static bool read_body(struct bench *b)
{
    return aps_jsonread(&b->reader, b->body, &aps_jsonread_strict) == APS_JSONREAD_OK;
}

__attribute__((noinline)) static bool judge_body(struct bench *b)
{
    return aps_schema_judge(b->judge, b->image, 0, &b->reader, aps_jsonread_root(&b->reader)) ==
           APS_SCHEMA_VALID;
}

static bool set_up(struct bench *b, apr_pool_t *pool, const unsigned char *key)
{
    const struct aps_schema_source source = {.text = APS_STR_LIT(schema)};
    const struct aps_schema_compile what = {.sources = &source, .sources_n = 1, .formats = true};
    struct aps_diag diag = {.text = ""};
    struct aps_str block = {NULL, 0};

    if (aps_schema_compile(&what, pool, &block, NULL, &diag) != APS_OK ||
        aps_schema_image_open(pool, block, &b->image, &diag) != APS_OK) {
        fprintf(stderr, "schema: %s\n", diag.text);
        return false;
    }
    b->judge = aps_schema_judge_new(pool, &aps_schema_judge_usual);
    aps_jsonread_init(&b->reader, pool, key);
    return b->judge != NULL;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "any key will do";
    const unsigned long runs = argc == 2 ? strtoul(argv[1], NULL, 10) : 100000;
    struct bench b = {.image = NULL};
    apr_pool_t *pool = NULL;
    char room[2048];
    double start;

    if (argc > 2 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 2;
    b.body = make_body(room, sizeof room);
    if (!set_up(&b, pool, key))
        return 1;
    start = seconds();
    for (unsigned long i = 0; i < runs; i++)
        if (!read_body(&b) || !judge_body(&b)) {
            fputs("schema: the body is refused\n", stderr);
            return 1;
        }
    if (argc == 1)
        printf("%.2f us a body of %zu bytes\n", 1e6 * (seconds() - start) / (double)runs, b.body.n);
    else
        printf("%lu %zu\n", runs, b.body.n);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
