/* schema.c - what a body costs beyond its transport: reading it, and judging it by its schema.
 * usage: schema [RUNS]
 *        schema print schema|order|large
 *        schema time order|large RUNS
 *
 * `order` is the order of 1 KB that the comparison with other servers sends, `large` one of 1 MB.
 * With RUNS alone the order is read and judged that often and nothing else, for a count of
 * instructions; without, the processor time of both is printed.  `time` prints an object of
 * figures: microseconds of processor and by the clock for a body, its bytes, and the most KiB that
 * the program had resident. */
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
    "\"items\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":10000,\"items\":{"
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
static struct aps_str make_body(char *room, size_t cap, unsigned lines, const char *note)
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

    for (unsigned i = 1; i <= lines; i++)
        n += (size_t)snprintf(room + n, cap - n,
                              "%s{\"sku\": \"SKU-%05u\", \"qty\": %u, \"price\": %s, "
                              "\"note\": \"%s\"}",
                              i > 1 ? ", " : "", i, (i - 1) % 1000 + 1, prices[(i - 1) % 10], note);
    n += (size_t)snprintf(room + n, cap - n,
                          "], \"currency\": \"EUR\", \"express\": false, "
                          "\"tags\": [\"spring\", \"retail\", \"web\"]}");
    return (struct aps_str){room, n};
}

#define LARGE (1u << 20) /* bytes, and no more than aps_jsonread_strict allows */

/* The body of this name; no text for another name. */
static struct aps_str body_of(const char *name, apr_pool_t *pool)
{
    char *room = apr_palloc(pool, LARGE);

    if (strcmp(name, "order") == 0)
        return make_body(room, LARGE, 10, "gift wrap please, no card");
    if (strcmp(name, "large") == 0)
        return make_body(room, LARGE, 6900,
                         "gift wrap please, no card; ring at the door of the neighbours if nobody "
                         "opens");
    return (struct aps_str){NULL, 0};
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

static double seconds(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool run(struct bench *b, unsigned long runs)
{
    for (unsigned long i = 0; i < runs; i++)
        if (!read_body(b) || !judge_body(b)) {
            fputs("schema: the body is refused\n", stderr);
            return false;
        }
    return true;
}

/* KiB; -1 if the system does not tell. */
static long most_resident(void)
{
    FILE *in = fopen("/proc/self/status", "r");
    char line[256];
    long most = -1;

    while (in != NULL && most < 0 && fgets(line, sizeof line, in) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            most = strtol(line + 6, NULL, 10);
    if (in != NULL)
        (void)fclose(in); /* nothing was written */
    return most;
}

/* The figures of `time`; false: the body is refused. */
static bool print_times(struct bench *b, unsigned long runs)
{
    const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), clock = seconds(CLOCK_MONOTONIC);

    if (!run(b, runs))
        return false;
    printf("{\"cpu\": %.3f, \"clock\": %.3f, \"bytes\": %zu, \"memory\": %ld}\n",
           1e6 * (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (double)runs,
           1e6 * (seconds(CLOCK_MONOTONIC) - clock) / (double)runs, b->body.n, most_resident());
    return true;
}

static bool print_all(struct bench *b, const char *runs)
{
    const unsigned long n = runs != NULL ? strtoul(runs, NULL, 10) : 100000;
    const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);

    if (!run(b, n))
        return false;
    if (runs != NULL)
        printf("%lu %zu\n", n, b->body.n);
    else
        printf("%.2f us a body of %zu bytes\n",
               1e6 * (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (double)n, b->body.n);
    return true;
}

static int usage(void)
{
    fputs("usage: schema [RUNS] | schema print schema|order|large | schema time order|large RUNS\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "any key will do";
    const bool print = argc == 3 && strcmp(argv[1], "print") == 0;
    const bool time = argc == 4 && strcmp(argv[1], "time") == 0;
    struct bench b = {.image = NULL};
    apr_pool_t *pool = NULL;
    bool good;

    if ((argc > 2 && !print && !time) || apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return usage();
    b.body = print && strcmp(argv[2], "schema") == 0
                 ? APS_STR_LIT(schema)
                 : body_of(print || time ? argv[2] : "order", pool);
    if (b.body.n == 0)
        return usage();
    if (print)
        good = fwrite(b.body.p, 1, b.body.n, stdout) == b.body.n;
    else
        good = set_up(&b, pool, key) && (time ? print_times(&b, strtoul(argv[3], NULL, 10))
                                              : print_all(&b, argc == 2 ? argv[1] : NULL));
    apr_pool_destroy(pool);
    apr_terminate();
    return good ? 0 : 1;
}
