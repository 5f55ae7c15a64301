/* vectors.c - cases from outside through the module's own code.
 * usage: vectors KIND < FILE
 *
 * Reads rows as JSON lines, or a file of Wycheproof as it is, and prints {"id":...,"got":...} for
 * each, in order, or {"id":...,"why":...} for a row that it cannot judge.  No row ends it. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>

#include "apisec/random.h"
#include "apisec/xml.h"
#include "vectors.h"

static const struct kind {
    const char *name;
    t_kind_fn *judge;  /* a row */
    t_whole_fn *whole; /* a file that is one document */
} kinds[] = {
    {"crypto", NULL, t_kind_crypto},
    {"digest", t_kind_digest, NULL},
    {"dpop", t_kind_dpop, NULL},
    {"httpsig", t_kind_httpsig, NULL},
    {"httpsig-component", t_kind_httpsig_component, NULL},
    {"json", t_kind_json, NULL},
    {"jws", t_kind_jws, NULL},
    {"jwt-attack", t_kind_jwt_attack, NULL},
    {"leak", t_kind_leak, NULL},
    {"openapi-doc", t_kind_openapi_doc, NULL},
    {"openapi-request", t_kind_openapi_request, NULL},
    {"schema", t_kind_schema, NULL},
    {"schema-oas30", t_kind_schema_oas30, NULL},
    {"sf", t_kind_sf, NULL},
    {"webhook", t_kind_webhook, NULL},
    {"xml-attack", t_kind_xml_attack, NULL},
    {"xsd", t_kind_xsd, NULL},
    {"zone", t_kind_zone, NULL},
};

#define KINDS (sizeof kinds / sizeof *kinds)

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

static int explain_usage(void)
{
    fputs("usage: vectors KIND < FILE; want one of these kinds:", stderr);
    for (size_t i = 0; i < KINDS; i++)
        fprintf(stderr, " %s", kinds[i].name);
    fputs("\n", stderr);
    return 2;
}

/* Why the line is no row, or NULL. */
static const char *read_row(struct aps_str line, struct t_row *row)
{
    struct aps_diag diag;

    if (aps_jsonread(row->reader, line, &aps_jsonread_plain) != APS_JSONREAD_OK) {
        aps_jsonread_fault_explain(row->reader, &diag);
        return apr_pstrdup(row->pool, diag.text);
    }
    row->object = aps_jsonread_root(row->reader);
    return aps_jsonread_kind(row->object) == APS_JSON_OBJECT ? NULL : "the row is no object";
}

/* One line in, one line out.  The id is copied as it is written; without one it is null. */
static bool judge_line(struct aps_str line, t_kind_fn *judge, const unsigned char *key,
                       apr_pool_t *pool)
{
    struct aps_jsonread reader;
    struct t_row row = {.pool = pool, .reader = &reader, .key = key};
    const struct aps_jsonread_node *id;
    struct aps_json w;
    struct aps_str text = {NULL, 0};
    const char *why;

    aps_jsonread_init(&reader, pool, key);
    aps_json_init_pool(&w, pool, 0);
    why = read_row(line, &row);
    if ((id = aps_jsonread_get(&reader, row.object, APS_STR_LIT("id"))) != NULL)
        text = aps_jsonread_raw(&reader, id);
    aps_json_object(&w);
    aps_json_name(&w, "id");
    aps_json_raw(&w, text);
    if (why == NULL)
        why = judge(&row, &w);
    if (why != NULL)
        aps_json_put_str(&w, "why", why);
    aps_json_end(&w);
    text = aps_json_text(&w);
    return !w.full && fwrite(text.p, 1, text.n, stdout) == text.n && putchar('\n') != EOF;
}

static bool judge_all(t_kind_fn *judge, const unsigned char *key)
{
    apr_pool_t *pool = NULL;
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    bool done = apr_pool_create(&pool, NULL) == APR_SUCCESS;

    while (done && (n = getline(&line, &cap, stdin)) >= 0) {
        n -= n > 0 && line[n - 1] == '\n';
        done = judge_line((struct aps_str){line, (size_t)n}, judge, key, pool);
        apr_pool_clear(pool);
    }
    free(line);
    return done && ferror(stdin) == 0 && fflush(stdout) == 0;
}

static bool judge_whole(t_whole_fn *whole, const unsigned char *key)
{
    apr_pool_t *pool = NULL;
    char *text = NULL;
    size_t cap = 0;
    ssize_t n;
    bool done = apr_pool_create(&pool, NULL) == APR_SUCCESS;

    n = done ? getdelim(&text, &cap, -1, stdin) : 0; /* no byte is -1: up to the end */
    done = done && ferror(stdin) == 0 &&
           whole((struct aps_str){text, n > 0 ? (size_t)n : 0}, key, pool);
    free(text);
    return done && fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    unsigned char key[APS_SIPHASH_KEY_LEN];
    const struct kind *kind = argc == 2 ? find_kind(argv[1]) : NULL;
    bool done;

    if (kind == NULL)
        return explain_usage();
    aps_xml_start();
    done = apr_initialize() == APR_SUCCESS && aps_random_fill(key, sizeof key) == APS_OK &&
           (kind->whole != NULL ? judge_whole(kind->whole, key) : judge_all(kind->judge, key));
    if (!done)
        fputs("vectors: not all rows could be read and printed\n", stderr);
    apr_terminate();
    return done ? 0 : 1;
}
