/* urls.c - ApiSecUrl: its words, and where it may stand. */
#include "content.h"

#include <apr_strings.h>

#include "sections.h"

#define WANTED                                                                                     \
    "want off, or a pointer such as /items/*/callback or a parameter such as ?callback, and "      \
    "rules "                                                                                       \
    "such as https://api.example or https://*.cdn.example:8443"

/* ---- Words ---- */

/* With what was said before: whether these are rules. */
static const char *add_field(cmd_parms *cmd, struct mod_url_fields *all, const char *pointer,
                             int argc, char *const argv[])
{
    struct aps_str *rules = apr_palloc(cmd->pool, (size_t)argc * sizeof *rules);
    struct aps_diag diag = {{0}};
    if (all->n == APS_URLFIELD_MAX)
        return apr_psprintf(cmd->pool, "more than %d fields in one section", APS_URLFIELD_MAX);
    for (uint32_t i = 0; i < all->n; i++)
        if (strcmp(all->v[i].pointer.p, pointer) == 0)
            return apr_psprintf(cmd->pool, "\"%s\" stands twice in one section", pointer);
    for (int i = 0; i < argc; i++)
        rules[i] = aps_str(apr_pstrdup(cmd->pool, argv[i]));
    all->v[all->n++] = (struct aps_urlfield){aps_str(pointer), rules, (uint32_t)argc};
    enum aps_err err = aps_urlfield_compile(all->v, all->n, cmd->pool, &all->image, &diag);
    return err == APS_OK ? NULL : apr_pstrdup(cmd->pool, aps_err_say(err, &diag));
}

/* "?callback": the pointer of a member of this name. */
static const char *pointer_of(apr_pool_t *pool, const char *name)
{
    char *text = apr_palloc(pool, 2 * strlen(name) + 2), *to = text;
    *to++ = '/';
    for (; *name != '\0'; name++)
        if (*name == '~' || *name == '/') {
            *to++ = '~';
            *to++ = *name == '~' ? '0' : '1';
        } else {
            *to++ = *name;
        }
    *to = '\0';
    return text;
}

const char *mod_urls_words(cmd_parms *cmd, int argc, char *const argv[], const struct mod_urls **io)
{
    const struct mod_urls *before = *io;
    struct mod_urls *all = apr_pcalloc(cmd->pool, sizeof *all);
    const bool off = argc == 1 && ap_cstr_casecmp(argv[0], "off") == 0;
    if (before != NULL)
        *all = *before;
    *io = all;
    if (before != NULL && (off || before->off))
        return "off stands alone in a section";
    all->off = off;
    if (off)
        return NULL;
    if (argc < 2)
        return WANTED;
    if (argv[0][0] == '?' && argv[0][1] != '\0')
        return add_field(cmd, &all->query, pointer_of(cmd->pool, argv[0] + 1), argc - 1, argv + 1);
    if (argv[0][0] != '/' && argv[0][0] != '\0')
        return WANTED;
    return add_field(cmd, &all->body, apr_pstrdup(cmd->pool, argv[0]), argc - 1, argv + 1);
}

const struct aps_schema_image *mod_urls_body(const struct mod_urls *urls)
{
    return urls != NULL ? urls->body.image : NULL;
}

const struct aps_schema_image *mod_urls_query(const struct mod_urls *urls)
{
    return urls != NULL ? urls->query.image : NULL;
}

/* ---- Where it may stand ---- */

static const char *judge(apr_pool_t *pool, const struct mod_dir *dir)
{
    (void)pool;
    if (dir->engine <= MOD_ENGINE_OFF || dir->content == NULL ||
        mod_urls_body(dir->content->urls) == NULL)
        return NULL;
    const struct mod_read *read = mod_content_read(dir->content);
    if (read != NULL && (mod_content_has_fields(read) || read->kind == MOD_READ_NONE))
        return NULL;
    return "ApiSecUrl judges fields of what ApiSecBody json, ndjson, form or multipart reads, and "
           "none of them holds; the description of an API says it with x-apisec-url";
}

const char *mod_urls_check(apr_pool_t *pool, server_rec *main_server)
{
    return mod_sections_check(pool, main_server, judge);
}
