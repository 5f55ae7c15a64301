/* A message, one line each: method, target, authority, components of a policy, then fields until an
 * empty line, then trailers.  Whatever is read: the base has as many lines as there are components,
 * in printable ASCII, and is the same again for a signature that is made anew from what was read;
 * that signature holds, and does not any more with one bit of its bytes changed. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/httpsig.h"
#include "apisec/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_MAX 64

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static const char secret[] = "0123456789abcdef0123456789abcdef";
static struct aps_verify_key *key;
static struct aps_sign_key *maker;

static void open_keys(void)
{
    if (key != NULL)
        return;
    expect(aps_verify_secret(APS_ALG_HS256, APS_STR_LIT(secret), &key, NULL) == APS_OK);
    expect(aps_sign_secret(APS_ALG_HS256, APS_STR_LIT(secret), &maker, NULL) == APS_OK);
}

static struct aps_str take(struct aps_str *rest)
{
    struct aps_str line = {NULL, 0};

    (void)aps_str_next(rest, '\n', &line); /* empty when nothing is left */
    return line;
}

/* Lines "name:value" up to an empty one; a byte 0x1e in a value stands for LF. */
static struct aps_httpsig_lines take_lines(struct aps_str *rest, apr_pool_t *pool)
{
    struct aps_httpsig_line *of = apr_palloc(pool, LINES_MAX * sizeof *of);
    size_t n = 0;

    for (struct aps_str line; n < LINES_MAX && (line = take(rest)).n != 0; n++) {
        char *value;
        const char *colon = memchr(line.p, ':', line.n);
        const size_t name = colon != NULL ? (size_t)(colon - line.p) : line.n;

        of[n].name = (struct aps_str){line.p, name};
        value = apr_pstrmemdup(pool, line.p + name, line.n - name);
        for (size_t i = 0; i < line.n - name; i++)
            if (value[i] == 0x1e)
                value[i] = '\n';
        of[n].value = (struct aps_str){value, line.n - name};
        if (of[n].value.n != 0) /* without the colon */
            of[n].value = (struct aps_str){value + 1, line.n - name - 1};
    }
    return (struct aps_httpsig_lines){of, n};
}

static size_t count_of(const struct aps_sf *v)
{
    size_t n = 0;

    for (; v != NULL; v = v->next)
        n++;
    return n;
}

static void check_text(struct aps_str base, const struct aps_sf *components)
{
    size_t lines = 0;

    expect(base.n <= APS_HTTPSIG_BASE_MAX);
    for (size_t i = 0; i < base.n; i++) {
        const unsigned char c = (unsigned char)base.p[i];

        expect(c == '\n' || c == '\t' || (c >= ' ' && c <= '~'));
        lines += c == '\n';
    }
    expect(lines == count_of(components));
}

/* Printed into fields and read again, it is the same signature over the same text. */
static void check_again(const struct aps_httpsig_message *m, const struct aps_httpsig *sig,
                        struct aps_str base, apr_pool_t *pool)
{
    struct aps_httpsig made = *sig;
    struct aps_httpsig_line of[2] = {{.name = APS_STR_LIT("signature-input")},
                                     {.name = APS_STR_LIT("signature")}};
    struct aps_httpsig_message bare = {.fields = {of, 2}};
    uint8_t bytes[APS_SIGN_MAX];
    const struct aps_httpsig *list;
    struct aps_buf input, signature;
    struct aps_str again;
    size_t n;

    expect(aps_sign(maker, base, bytes, &n) == APS_OK);
    made.signature = (struct aps_str){(const char *)bytes, n};
    aps_buf_init(&input, pool, SIZE_MAX);
    aps_buf_init(&signature, pool, SIZE_MAX);
    expect(aps_httpsig_make_fields(&made, &input, &signature, NULL) == APS_OK);
    of[0].value = aps_buf_text(&input);
    of[1].value = aps_buf_text(&signature);
    expect(aps_httpsig_read(&bare, pool, &list, &n, NULL) == APS_HTTPSIG_OK && n == 1);
    expect(list->fault == APS_HTTPSIG_OK);
    expect(aps_httpsig_base(m, list, pool, &again, NULL) == APS_HTTPSIG_OK);
    expect(aps_str_eq(base, again));
    made = *list;
    n = made.alg == NULL || aps_str_eq(made.alg->text, APS_STR_LIT("hmac-sha256"));
    expect(aps_httpsig_verify(m, &made, key, pool, NULL) ==
           (n != 0 ? APS_HTTPSIG_OK : APS_HTTPSIG_ALG));
    bytes[base.n % 32] ^= (uint8_t)(1u << base.n % 8);
    made.signature.p = (const char *)bytes;
    expect(aps_httpsig_verify(m, &made, key, pool, NULL) ==
           (n != 0 ? APS_HTTPSIG_WRONG : APS_HTTPSIG_ALG));
}

static const struct aps_verify_key *find_key(void *context, struct aps_str keyid)
{
    (void)context;
    return keyid.n % 2 != 0 ? key : NULL;
}

static void judge(const struct aps_httpsig_message *m, const struct aps_sf *require,
                  apr_pool_t *pool)
{
    const struct aps_httpsig_policy policy = {
        .require = require, .max_age = APS_HTTPSIG_MAX_AGE, .max_ahead = APS_HTTPSIG_MAX_AHEAD};
    const struct aps_httpsig_at at = {.now = 1000 * APS_SEC};
    const struct aps_httpsig *list, *found = NULL;
    struct aps_diag diag;
    struct aps_str base;
    size_t n;

    if (aps_httpsig_read(m, pool, &list, &n, &diag) != APS_HTTPSIG_OK)
        return;
    for (size_t i = 0; i < n; i++)
        if (aps_httpsig_base(m, &list[i], pool, &base, &diag) == APS_HTTPSIG_OK) {
            check_text(base, list[i].input->items);
            check_again(m, &list[i], base, pool);
        }
    expect((aps_httpsig_find(m, &policy, &at, find_key, NULL, pool, &found, &diag) ==
            APS_HTTPSIG_OK) == (found != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aps_str rest = {(const char *)data, size}, names;
    struct aps_httpsig_message m = {.scheme = APS_STR_LIT("https")};
    struct aps_sf *require = NULL;
    struct aps_diag diag;
    apr_pool_t *pool = NULL;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    open_keys();
    m.method = take(&rest);
    m.target = take(&rest);
    m.authority = take(&rest);
    names = take(&rest);
    m.fields = take_lines(&rest, pool);
    m.trailers = take_lines(&rest, pool);
    if (aps_httpsig_components(names, pool, &require, &diag) != APS_OK)
        require = NULL;
    judge(&m, require, pool);
    apr_pool_destroy(pool);
    return 0;
}
