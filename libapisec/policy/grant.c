/* grant.c - the text of a grant -> what it covers. */
#include <apr_strings.h>

#include "apisec/role.h"

#define ACCEPTED                                                                                   \
    "want METHODS PATH-PATTERN, such as 'GET,HEAD /orders/**', or a permission, such as "          \
    "orders:read or orders:*"
#define METHODS "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

/* "GET,POST" or "*" -> the methods that were named; 0 and a sentence when a word is wrong. */
static unsigned parse_methods(struct aps_str text, struct aps_diag *diag)
{
    struct aps_str rest = text, word;
    enum aps_method method;
    unsigned set = 0;

    if (aps_str_eq(text, APS_STR_LIT("*")))
        return APS_METHOD_ALL;
    while (aps_str_next(&rest, ',', &word)) {
        if ((method = aps_method_parse(word)) == APS_METHOD_NONE) {
            aps_err_explain(diag, "grant method \"%.*s\": want * or a comma list of " METHODS,
                            APS_STR_SHOW(word));
            return 0;
        }
        set |= method;
    }
    if (text.n == 0 || text.p[text.n - 1] == ',') {
        aps_err_explain(diag, "grant methods \"%.*s\": want * or a comma list of " METHODS,
                        APS_STR_SHOW(text));
        return 0;
    }
    return set;
}

/* "GET,POST": the methods as they were named, in the table's order, without spaces. */
static const char *methods_text(apr_pool_t *pool, unsigned set, bool star)
{
    char text[APS_METHODS_TEXT_MAX];
    char *to = text;

    if (star)
        return "*";
    for (const char *from = aps_methods_print(set, text); *from != '\0'; from++)
        if (*from != ' ')
            *to++ = *from;
    *to = '\0';
    return apr_pstrdup(pool, text);
}

static enum aps_err parse_path(apr_pool_t *pool, struct aps_str methods, struct aps_str path,
                               struct aps_grant *out, struct aps_diag *diag)
{
    struct aps_grant grant = {0};
    enum aps_err err;
    unsigned named = parse_methods(methods, diag);

    if (named == 0)
        return APS_ERR_FORMAT;
    if ((err = aps_pattern_compile(pool, path, &grant.pattern, diag)) != APS_OK)
        return err;
    grant.methods = (named & APS_METHOD_GET) != 0 ? named | APS_METHOD_HEAD : named;
    grant.text = aps_str(apr_pstrcat(pool, methods_text(pool, named, methods.p[0] == '*'), " ",
                                     aps_str_copy(pool, path).p, NULL));
    *out = grant;
    return APS_OK;
}

static bool is_part(struct aps_str s)
{
    return aps_str_eq(s, APS_STR_LIT("*")) || aps_str_is_name(s);
}

static enum aps_err parse_permission(apr_pool_t *pool, struct aps_str text, struct aps_grant *out,
                                     struct aps_diag *diag)
{
    const char *colon = memchr(text.p, ':', text.n);
    struct aps_grant grant = {0};
    size_t at;

    if (colon == NULL) {
        aps_err_explain(diag, "grant \"%.*s\": " ACCEPTED, APS_STR_SHOW(text));
        return APS_ERR_FORMAT;
    }
    at = (size_t)(colon - text.p);
    grant.text = aps_str_copy(pool, text);
    grant.resource = (struct aps_str){grant.text.p, at};
    grant.action = (struct aps_str){grant.text.p + at + 1, text.n - at - 1};
    if (!is_part(grant.resource) || !is_part(grant.action)) {
        aps_err_explain(diag,
                        "permission \"%.*s\": want RESOURCE:ACTION, each * or 1 to 64 of "
                        "A-Z a-z 0-9 . _ - beginning with a letter or a digit",
                        APS_STR_SHOW(text));
        return APS_ERR_FORMAT;
    }
    *out = grant;
    return APS_OK;
}

enum aps_err aps_grant_parse(apr_pool_t *pool, struct aps_str text, bool deny,
                             struct aps_grant *out, struct aps_diag *diag)
{
    struct aps_str rest = aps_str_trim(text), first;
    enum aps_err err;

    if (rest.n == 0 || text.n > APS_GRANT_TEXT_MAX) {
        aps_err_explain(diag, "grant \"%.*s\": " ACCEPTED ", at most %d bytes", APS_STR_SHOW(text),
                        APS_GRANT_TEXT_MAX);
        return rest.n == 0 ? APS_ERR_FORMAT : APS_ERR_RANGE;
    }
    if (memchr(rest.p, ' ', rest.n) == NULL) {
        err = parse_permission(pool, rest, out, diag);
    } else {
        (void)aps_str_next(&rest, ' ', &first); /* there is a space, so there is a word */
        err = parse_path(pool, first, aps_str_trim(rest), out, diag);
    }
    if (err == APS_OK)
        out->deny = deny;
    return err;
}
