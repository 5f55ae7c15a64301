/* t_api.h - descriptions as tests write them. */
#ifndef T_API_H
#define T_API_H

#include <apr_strings.h>

#include "apisec/api.h"
#include "apisec/api_compile.h"

/* Quotes are ' there. */
static inline struct aps_str t_api_text(apr_pool_t *pool, const char *text)
{
    char *copy = apr_pstrdup(pool, text);

    for (char *p = copy; *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    return aps_str(copy);
}

static inline enum aps_err t_api_compile(apr_pool_t *pool, const char *text, struct aps_str *out,
                                         struct aps_api_report *report, struct aps_diag *diag)
{
    const struct aps_schema_source source = {.text = t_api_text(pool, text), .document = true};
    const struct aps_api_options options = {.formats = true};

    diag->text[0] = '\0';
    return aps_api_compile(&source, 1, &options, pool, out, report, diag);
}

/* Compiled and open, or the test fails. */
static inline const struct aps_api *t_api_open(apr_pool_t *pool, const char *text,
                                               struct aps_api_report *report)
{
    const struct aps_api *api = NULL;
    struct aps_str block = {NULL, 0};
    struct aps_diag diag = {.text = ""};

    if (t_api_compile(pool, text, &block, report, &diag) != APS_OK ||
        aps_api_open(pool, block, &api, &diag) != APS_OK)
        fail_msg("%s: %s", text, diag.text);
    return api;
}

/* A description of these paths, each with the operations that follow it. */
#define T_API(version, paths)                                                                      \
    "{'openapi':'" version "','info':{'title':'Pets','version':'1.2'},'paths':{" paths "}"

#endif
