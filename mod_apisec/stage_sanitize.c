/* stage_sanitize.c - content that is changed before the handler gets it.
 *
 * A transaction may come to several sections.  What one of them asks for is done, and stays done
 * where a later one serves; each time all rules so far change the content as it came, so that
 * nothing is ever done twice to it. */
#include "api.h"
#include "content.h"

#include <apr_strings.h>

/* Rules that a transaction came to. */
struct mod_sanitizing {
    const struct aps_sanitize_field *fields;
    uint32_t n;
    struct mod_sanitizing *next;
};

/* One go at it. */
struct change {
    request_rec *r;
    struct mod_req *m;
    const struct mod_dir *dir;
    const struct mod_read *read;   /* of the section; NULL: none */
    const struct mod_api_use *use; /* of its API; NULL: none */
    apr_pool_t *pool;
};

/* False: there are none, or they were come to before. */
static bool note(struct mod_req *m, const struct aps_sanitize_field *fields, uint32_t n)
{
    for (const struct mod_sanitizing *s = m->sanitizing; s != NULL; s = s->next)
        if (s->fields == fields)
            return false;
    if (n == 0)
        return false;
    struct mod_sanitizing *one = apr_palloc(m->first->pool, sizeof *one);
    *one = (struct mod_sanitizing){fields, n, m->sanitizing};
    m->sanitizing = one;
    return true;
}

static bool note_rules(const struct change *c)
{
    const struct mod_sanitize *own = c->dir->content != NULL ? c->dir->content->sanitize : NULL;
    bool more = own != NULL && !own->off && note(c->m, own->fields, own->n);
    if (c->use != NULL && c->use->media != NULL)
        more |= note(c->m, c->use->media->sanitize, c->use->media->sanitize_n);
    return more;
}

/* NULL: more than can be. */
static const struct aps_sanitize *rules_of(const struct change *c)
{
    struct aps_sanitize *rules = aps_sanitize_new(c->pool);
    for (const struct mod_sanitizing *s = c->m->sanitizing; s != NULL && rules != NULL; s = s->next)
        for (uint32_t i = 0; i < s->n; i++)
            if (aps_sanitize_add(rules, s->fields[i].pointer, s->fields[i].actions, NULL) != APS_OK)
                return NULL;
    return rules;
}

/* How the content was read; NONE: as nothing that has fields. */
static enum mod_read_kind kind_of(const struct change *c)
{
    if (c->read != NULL && (c->read->kind == MOD_READ_JSON || c->read->kind == MOD_READ_FORM))
        return c->read->kind;
    if (c->use == NULL || c->use->media == NULL)
        return MOD_READ_NONE;
    return c->use->kind == APS_API_JSON         ? MOD_READ_JSON
           : c->use->kind == APS_API_URLENCODED ? MOD_READ_FORM
                                                : MOD_READ_NONE;
}

static enum aps_reason make(const struct change *c, enum mod_read_kind kind, struct aps_str text,
                            struct aps_sanitize_result *out)
{
    const struct mod_read *read = c->read != NULL ? c->read : mod_stage_api_judge_read();
    const struct aps_sanitize *rules = rules_of(c);
    struct aps_jsonread reader;
    enum aps_reason reason = APS_REASON_ALLOW;
    enum aps_err err;
    if (rules == NULL)
        return APS_REASON_INTERNAL;
    if (kind == MOD_READ_JSON)
        reason = mod_content_json(c->m, text,
                                  read->kind == MOD_READ_JSON ? &read->caps : &aps_jsonread_strict,
                                  c->pool, &reader);
    if (reason != APS_REASON_ALLOW)
        return reason;
    err = kind == MOD_READ_JSON ? aps_sanitize_json(rules, &reader, c->pool, read->max, out)
                                : aps_sanitize_form(rules, text, c->pool, read->max, out);
    if (err == APS_OK)
        return APS_REASON_ALLOW;
    if (err == APS_ERR_NOMEM)
        return APS_REASON_INTERNAL;
    mod_content_fail(c->m, "sanitize", err == APS_ERR_RANGE ? "bytes" : "encoding", 0,
                     err == APS_ERR_RANGE ? "content within its cap when fields of it were changed"
                                          : "UTF-8");
    return err == APS_ERR_RANGE ? APS_REASON_BODY_OVER : APS_REASON_BODY_MALFORMED;
}

/* Lengths and patterns are asked once more, of what the handler would get (NEG-20). */
static enum aps_reason judge_again(const struct change *c, struct aps_str text)
{
    const struct mod_content *before = c->m->content;
    enum aps_reason reason = APS_REASON_ALLOW;
    if (c->read != NULL)
        reason = mod_stage_content_again(c->r, c->m, c->dir->content, text);
    if (reason == APS_REASON_ALLOW && c->use != NULL)
        reason = mod_stage_api_judge_again(c->m, c->dir, text);
    if (reason == APS_REASON_ALLOW)
        c->m->content = before;
    return reason;
}

/* "/title,/items/0/title"; the names of fields, and nothing of what they say (NEG-23). */
static void tell(struct mod_req *m, const struct aps_sanitize_result *result)
{
    const char *text = "";
    for (uint32_t i = 0; i < result->shown; i++)
        text = apr_psprintf(m->first->pool, "%s%s%.*s", text, i != 0 ? "," : "",
                            APS_STR_ARG(result->pointers[i]));
    if (result->shown < result->changed)
        text = apr_pstrcat(m->first->pool, text, ",...", NULL);
    m->sanitized = aps_str(text);
}

static enum aps_reason change(const struct change *c)
{
    static const struct mod_content none;
    const struct mod_decode *decode =
        mod_content_decode(c->dir->content != NULL ? c->dir->content : &none);
    struct aps_sanitize_result result;
    struct aps_str text = {"", 0};
    enum mod_read_kind kind = kind_of(c);
    if (kind == MOD_READ_NONE)
        return APS_REASON_ALLOW;
    enum aps_reason reason = mod_content_bytes(
        c->r, c->m, c->read != NULL ? c->read : mod_stage_api_judge_read(), decode, &text);
    if (reason == APS_REASON_ALLOW)
        reason = make(c, kind, text, &result);
    if (reason != APS_REASON_ALLOW || result.changed == 0)
        return reason;
    reason = judge_again(c, result.text);
    if (reason != APS_REASON_ALLOW)
        return reason;
    if (!mod_body_change(c->m, result.text))
        return APS_REASON_INTERNAL;
    tell(c->m, &result);
    return APS_REASON_ALLOW;
}

enum aps_reason mod_stage_sanitize(request_rec *r, struct mod_req *m, const struct mod_dir *dir)
{
    struct change c = {.r = r, .m = m, .dir = dir};
    if (dir->content != NULL)
        c.read = mod_content_read(dir->content);
    if (dir->api != NULL && !dir->api->none)
        c.use = mod_stage_api_use(m, dir->api);
    if (m->body == NULL || mod_body_sent(m).n == 0)
        return APS_REASON_ALLOW;
    if (!note_rules(&c) && m->sanitized.n == 0) /* else this section judges what was changed, too */
        return APS_REASON_ALLOW;
    if (mod_sanitize_fault(dir) != NULL) /* by sections of which only a request shows it */
        return APS_REASON_SANITIZE_BARRED;
    if (apr_pool_create(&c.pool, r->pool) != APR_SUCCESS)
        return APS_REASON_INTERNAL;
    enum aps_reason reason = change(&c);
    apr_pool_destroy(c.pool);
    if (reason != APS_REASON_ALLOW) /* nobody gets it */
        m->sanitized = (struct aps_str){NULL, 0};
    return reason;
}
