/* json.c - how fast the JSON reader is, by kind of document.
 * usage: json [DOCUMENT RUNS]
 *
 * Makes documents, the same each time, and reads each kind again and again: prints what they are
 * and the median, least and most of fifteen measures of processor time, in millions of bytes a
 * second.  With DOCUMENT and RUNS that kind is read RUNS times and not measured, for a count of
 * instructions; prints how many texts and bytes were read. */
#include <apr_general.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "apisec/json.h"
#include "apisec/jsonread.h"

#define BODIES 64 /* of one kind, so that no branch of the reader knows them by heart */
#define MEASURES 15
#define MEASURE_SECONDS 0.05

struct document {
    struct aps_str text[BODIES];
    unsigned count;
    size_t bytes;
};

static uint64_t state = 88172645463325252u;

/* xorshift64: the same numbers each time. */
static unsigned below(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % n;
}

static const char *pick(const char *const *words, unsigned n)
{
    return words[below(n)];
}

#define PICK(words) pick(words, sizeof(words) / sizeof *(words))

/* ---- documents */

static void put_digits(struct aps_json *w, const char *name, const char *before, const char *after)
{
    char text[64];
    const int n = snprintf(text, sizeof text, "%s%u%s", before, below(1000000), after);

    aps_json_name_n(w, name, strlen(name));
    aps_json_str(w, (struct aps_str){text, (size_t)n});
}

static void put_decimal(struct aps_json *w, const char *name)
{
    char text[64];
    const int n =
        snprintf(text, sizeof text, "%s%u.%02u", below(8) == 0 ? "-" : "", below(5000), below(100));

    if (name != NULL)
        aps_json_name_n(w, name, strlen(name));
    aps_json_raw(w, (struct aps_str){text, (size_t)n});
}

static void put_address(struct aps_json *w, const char *name)
{
    static const char *const streets[] = {"Main Street", "Station Road", "Long Acre", "Mill Lane"};
    static const char *const cities[] = {"Rotterdam", "Lyon", "Porto", "Turku", "Graz"};

    aps_json_name_n(w, name, strlen(name));
    aps_json_object(w);
    aps_json_put_str(w, "street", PICK(streets));
    put_digits(w, "house_number", "", "");
    put_digits(w, "postal_code", "NL-", "");
    aps_json_put_str(w, "city", PICK(cities));
    aps_json_put_bool(w, "verified", below(2) == 0);
    aps_json_end(w);
}

/* An order of a shop: about 1 KB. */
static void put_order(struct aps_json *w)
{
    static const char *const states[] = {"pending", "paid", "shipped", "returned"};
    static const char *const notes[] = {
        "", "Please leave the parcel with the neighbours if nobody opens the door.", "gift"};
    static const char *const things[] = {"Desk lamp, brass", "Notebook A5", "Chair", "USB cable"};

    aps_json_object(w);
    put_digits(w, "id", "ord_01HZX", "T9QK");
    put_digits(w, "created_at", "2026-03-0", "T12:00:00Z");
    aps_json_put_str(w, "status", PICK(states));
    aps_json_name(w, "customer");
    aps_json_object(w);
    aps_json_put_u64(w, "id", below(1000000));
    put_digits(w, "email", "someone.", "@mail.example.com");
    put_digits(w, "name", "Maria van der ", "");
    aps_json_put_bool(w, "newsletter", below(2) == 0);
    aps_json_end(w);
    put_address(w, "shippingAddress");
    put_address(w, "billingAddress");
    aps_json_name(w, "items");
    aps_json_array(w);
    for (unsigned i = 3 + below(5); i > 0; i--) {
        aps_json_object(w);
        put_digits(w, "sku", "SKU-", "-B");
        aps_json_put_str(w, "description", PICK(things));
        aps_json_put_u64(w, "quantity", 1 + below(12));
        put_decimal(w, "unitPrice");
        aps_json_end(w);
    }
    aps_json_end(w);
    put_decimal(w, "total");
    aps_json_put_str(w, "currency", "EUR");
    aps_json_put_str(w, "note", PICK(notes));
    aps_json_name(w, "discount");
    aps_json_null(w);
    aps_json_end(w);
}

static void put_orders(struct aps_json *w)
{
    aps_json_array(w);
    for (unsigned i = 0; i < 600; i++)
        put_order(w);
    aps_json_end(w);
}

static void put_numbers(struct aps_json *w)
{
    aps_json_array(w);
    for (unsigned i = 0; i < 5000; i++) {
        aps_json_array(w);
        put_decimal(w, NULL);
        put_decimal(w, NULL);
        aps_json_u64(w, below(100000));
        aps_json_end(w);
    }
    aps_json_end(w);
}

static void put_text(struct aps_json *w)
{
    static const char *const words[] = {
        "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82, \xd0\xbc\xd0\xb8\xd1\x80 ",
        "\xe4\xbb\x8a\xe6\x97\xa5\xe3\x81\xaf\xe8\x89\xaf\xe3\x81\x84\xe5\xa4\xa9\xe6\xb0\x97",
        "na\xc3\xafve caf\xc3\xa9 cr\xc3\xa8me ",
        "\xf0\x9f\x98\x80 ",
    };
    char text[400];

    aps_json_array(w);
    for (unsigned i = 0; i < 2000; i++) {
        const int n = snprintf(text, sizeof text, "%s%s%s%s%s", PICK(words), PICK(words),
                               PICK(words), PICK(words), PICK(words));

        aps_json_str(w, (struct aps_str){text, (size_t)n});
    }
    aps_json_end(w);
}

/* JSON within strings. */
static void put_escapes(struct aps_json *w)
{
    struct aps_json inner;
    char text[4096];

    aps_json_array(w);
    for (unsigned i = 0; i < 200; i++) {
        aps_json_init(&inner, text, sizeof text);
        put_order(&inner);
        aps_json_str(w, aps_json_text(&inner));
    }
    aps_json_end(w);
}

static void put_members(struct aps_json *w)
{
    char name[32];

    aps_json_object(w);
    for (unsigned i = 0; i < 1000; i++) {
        aps_json_name_n(w, name, (size_t)snprintf(name, sizeof name, "member_%u", i));
        aps_json_u64(w, below(1000));
    }
    aps_json_end(w);
}

static const struct kind {
    const char *name;
    void (*put)(struct aps_json *w);
    unsigned count, spaces;
    const char *what;
} kinds[] = {
    {"body", put_order, BODIES, 0, "bodies of an API, about 1 KB each, one reading each"},
    {"orders", put_orders, 1, 0, "600 such bodies in an array"},
    {"indented", put_orders, 1, 2, "the same, indented"},
    {"numbers", put_numbers, 1, 0, "15,000 numbers in arrays of three"},
    {"text", put_text, 1, 0, "strings of Cyrillic, Japanese, accents and emoji"},
    {"escapes", put_escapes, 1, 0, "JSON within strings: a backslash every few bytes"},
    {"members", put_members, 1, 0, "one object of 1,000 members"},
};

static void make_document(const struct kind *kind, apr_pool_t *pool, struct document *d)
{
    *d = (struct document){.count = kind->count};
    for (unsigned i = 0; i < d->count; i++) {
        struct aps_json w;

        aps_json_init_pool(&w, pool, kind->spaces);
        kind->put(&w);
        d->text[i] = aps_json_text(&w);
        d->bytes += d->text[i].n;
    }
}

/* ---- measuring */

/* Reads all once; the number of nodes. */
static unsigned read_all(struct aps_jsonread *r, const struct document *d)
{
    unsigned nodes = 0;

    for (unsigned i = 0; i < d->count; i++) {
        if (aps_jsonread(r, d->text[i], &aps_jsonread_strict) != APS_JSONREAD_OK) {
            fprintf(stderr, "json: %s\n", aps_jsonread_fault_name(r->fault));
            exit(1);
        }
        nodes += r->count;
    }
    return nodes;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double measure(struct aps_jsonread *r, const struct document *d)
{
    const double start = seconds();
    double now = start;
    unsigned runs = 0;

    for (; now - start < MEASURE_SECONDS; runs++) {
        read_all(r, d);
        now = seconds();
    }
    return 1e-6 * (double)d->bytes * runs / (now - start);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void report(const struct kind *kind, struct aps_jsonread *r, const struct document *d)
{
    double rate[MEASURES];

    for (unsigned i = 0; i < MEASURES; i++)
        rate[i] = measure(r, d);
    qsort(rate, MEASURES, sizeof *rate, compare);
    printf("| `%s` | %zu | %u | %.0f | %.0f - %.0f | %s |\n", kind->name, d->bytes / d->count,
           read_all(r, d) / d->count, rate[MEASURES / 2], rate[0], rate[MEASURES - 1], kind->what);
}

int main(int argc, char **argv)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "any key will do";
    struct aps_jsonread r;
    struct document d;
    apr_pool_t *pool = NULL;
    unsigned long runs;

    if ((argc != 1 && argc != 3) || apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 2;
    aps_jsonread_init(&r, pool, key);
    if (argc == 1)
        puts("| document | bytes | nodes | MB/s | least - most | what "
             "|\n|---|---:|---:|---:|---:|---|");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (argc == 3 && strcmp(kinds[i].name, argv[1]) != 0)
            continue;
        make_document(&kinds[i], pool, &d);
        if (argc == 1)
            report(&kinds[i], &r, &d);
        runs = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
        for (unsigned long run = 0; run < runs; run++)
            read_all(&r, &d);
        if (runs > 0)
            printf("%lu %lu\n", runs * d.count, runs * d.bytes);
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
