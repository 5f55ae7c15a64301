/* sanitize.c - ApiSecSanitize: its words, and where it may stand. */
#include "content.h"

#include <apr_strings.h>

#include "api.h"
#include "sections.h"

/* ---- Words ---- */

#define WANTED "want off, or a pointer such as /items/*/title and some of " ACTIONS
#define ACTIONS "nfc, strip-markup, trim and html-escape"

/* "nfc,trim"; 0: none of them. */
static unsigned read_actions(apr_pool_t *pool, const char *words)
{
    char *last = NULL;
    unsigned all = 0;
    for (char *word = apr_strtok(apr_pstrdup(pool, words), ",", &last); word != NULL;
         word = apr_strtok(NULL, ",", &last)) {
        unsigned one = aps_sanitize_action(aps_str(word));
        if (one == 0 || (all & one) != 0)
            return 0;
        all |= one;
    }
    return all;
}

/* With what was said before: whether these are rules. */
static const char *add_field(cmd_parms *cmd, struct mod_sanitize *all, const char *pointer,
                             unsigned actions)
{
    struct aps_sanitize *rules = aps_sanitize_new(cmd->temp_pool);
    struct aps_diag diag = {{0}};
    if (all->n == MOD_SANITIZE_FIELDS_MAX)
        return apr_psprintf(cmd->pool, "more than %d fields in one section",
                            MOD_SANITIZE_FIELDS_MAX);
    for (uint32_t i = 0; i < all->n; i++)
        if (strcmp(all->fields[i].pointer.p, pointer) == 0)
            return apr_psprintf(cmd->pool, "\"%s\" stands twice in one section", pointer);
    if (rules == NULL || aps_sanitize_add(rules, aps_str(pointer), actions, &diag) != APS_OK)
        return apr_pstrdup(cmd->pool, diag.text);
    all->fields[all->n++] =
        (struct aps_sanitize_field){aps_str(apr_pstrdup(cmd->pool, pointer)), actions};
    return NULL;
}

const char *mod_sanitize_words(cmd_parms *cmd, int argc, char *const argv[],
                               const struct mod_sanitize **io)
{
    const struct mod_sanitize *before = *io;
    struct mod_sanitize *all = apr_pcalloc(cmd->pool, sizeof *all);
    const bool off = argc == 1 && ap_cstr_casecmp(argv[0], "off") == 0;
    if (before != NULL)
        *all = *before;
    *io = all;
    if (before != NULL && (off || before->off))
        return "off stands alone in a section";
    all->off = off;
    if (off)
        return NULL;
    if (argc != 2)
        return WANTED;
    unsigned actions = read_actions(cmd->temp_pool, argv[1]);
    if (actions == 0)
        return apr_psprintf(cmd->pool, "\"%s\": want some of " ACTIONS ", each once", argv[1]);
    return add_field(cmd, all, argv[0], actions);
}

/* ---- Where it may stand ---- */

const char *mod_sanitize_fault(const struct mod_dir *dir)
{
    const struct mod_requires *requires = mod_config_requires(dir);
    if (requires->webhook != NULL)
        return "ApiSecWebhook";
    if (dir->signature != NULL && !dir->signature->off && !requires->is_public)
        return "ApiSecSignature";
    if (dir->content != NULL && mod_content_decode(dir->content)->original)
        return "ApiSecDecode forward=original";
    return NULL;
}

static bool is_read(const struct mod_dir *dir)
{
    const struct mod_read *read = mod_content_read(dir->content);
    if (read != NULL &&
        (read->kind == MOD_READ_JSON || read->kind == MOD_READ_FORM || read->kind == MOD_READ_NONE))
        return true;
    return dir->api != NULL && !dir->api->none && (read == NULL || read->kind == MOD_READ_ANY);
}

static const char *judge(apr_pool_t *pool, const struct mod_dir *dir)
{
    if (dir->engine <= MOD_ENGINE_OFF || dir->content == NULL || dir->content->sanitize == NULL ||
        dir->content->sanitize->off)
        return NULL;
    const char *fault = mod_sanitize_fault(dir);
    if (fault != NULL)
        return apr_pstrcat(pool, "ApiSecSanitize changes content, and ", fault,
                           " has it signed, or passed on as it was sent", NULL);
    return is_read(dir) ? NULL
                        : "ApiSecSanitize changes what ApiSecBody json, ApiSecBody form, "
                          "ApiSecSchema json or ApiSecApi reads, and none of them holds";
}

const char *mod_sanitize_check(apr_pool_t *pool, server_rec *main_server)
{
    return mod_sections_check(pool, main_server, judge);
}
