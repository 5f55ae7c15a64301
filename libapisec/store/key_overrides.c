/* key_overrides.c - the limits of a key's own, which stand in place of those of its plan. */
#include <apr_strings.h>

#include "own.h"

/* What the limit goes by, from its words; empty: it does not say. */
static bool says_by(struct aps_str text)
{
    struct aps_str word;

    while (aps_str_next(&text, ' ', &word))
        if (aps_str_starts(word, APS_STR_LIT("by=")))
            return true;
    return false;
}

static struct aps_str name_of(struct aps_str text)
{
    struct aps_str word = {NULL, 0};

    while (word.n == 0 && aps_str_next(&text, ' ', &word))
        continue;
    return word;
}

static const struct aps_limit *find_limit(const struct aps_plan *plan, struct aps_str name)
{
    for (size_t i = 0; plan != NULL && i < plan->n; i++)
        if (aps_str_eq(plan->limits[i]->name, name))
            return plan->limits[i];
    return NULL;
}

/* The text with what it goes by: that of the limit whose place it takes, else the key. */
static struct aps_str with_by(struct aps_str text, const struct aps_limit *in_place_of,
                              apr_pool_t *pool)
{
    char by[APS_LIMIT_BY_TEXT_MAX] = "key";

    if (says_by(text))
        return text;
    if (in_place_of != NULL)
        (void)aps_limit_print_by(in_place_of, by); /* returns `by` */
    return aps_str(apr_psprintf(pool, "%.*s by=%s", APS_STR_ARG(text), by));
}

/* A name that is in no plan of the key's is a slip of the finger. */
static enum aps_err refuse_stray(const struct aps_plan *plan, struct aps_str name, apr_pool_t *pool,
                                 struct aps_diag *diag)
{
    const char *names = "";

    for (size_t i = 0; i < plan->n; i++)
        names = apr_psprintf(pool, "%s%s%.*s", names, i == 0 ? "" : ", ",
                             APS_STR_ARG(plan->limits[i]->name));
    aps_err_explain(diag, "plan \"%.*s\" has no limit \"%.*s\" to override: it has %s",
                    APS_STR_ARG(plan->name), APS_STR_SHOW(name), names);
    return APS_ERR_NOT_FOUND;
}

/* Whether the key has an override of this name already, whatever its plan was then. */
static bool has_override(const struct aps_key *key, struct aps_str name)
{
    for (size_t i = 0; i < key->noverrides; i++)
        if (aps_str_eq(name_of(key->overrides[i]), name))
            return true;
    return false;
}

static enum aps_err read_one(const struct aps_plan *plan, const struct aps_key *key,
                             struct aps_str text, apr_pool_t *pool, struct aps_str *out,
                             struct aps_diag *diag)
{
    struct aps_str name = name_of(text);
    const struct aps_limit *in_place_of = find_limit(plan, name);
    struct aps_limit limit;
    enum aps_err err =
        aps_store_plan_limit_read(with_by(text, in_place_of, pool), pool, &limit, diag);

    if (err != APS_OK)
        return err;
    if (plan != NULL && in_place_of == NULL && !has_override(key, name))
        return refuse_stray(plan, name, pool, diag);
    *out = limit.text;
    return APS_OK;
}

static enum aps_err check_names(const struct aps_str *texts, size_t n, struct aps_diag *diag)
{
    for (size_t i = 1; i < n; i++)
        if (aps_str_eq(name_of(texts[i - 1]), name_of(texts[i]))) {
            aps_err_explain(diag, "limit \"%.*s\" is given twice", APS_STR_ARG(name_of(texts[i])));
            return APS_ERR_FORMAT;
        }
    return APS_OK;
}

static enum aps_err read_all(struct aps_store *st, const struct aps_key *to, struct aps_key *key,
                             struct aps_diag *diag)
{
    struct aps_str *texts = apr_pcalloc(st->pool, (to->noverrides + 1) * sizeof *texts);
    struct aps_planbook *book = NULL;
    struct aps_planbook_choice choice;
    enum aps_err err = aps_store_plan_book(st, st->pool, &book, diag);

    if (err != APS_OK)
        return err;
    if (aps_planbook_choose(book, key, (struct aps_str){NULL, 0}, &choice) != APS_REASON_ALLOW) {
        aps_err_explain(diag, "plan \"%.*s\" is damaged; restore a backup",
                        APS_STR_ARG(choice.name));
        return APS_ERR_CORRUPT;
    }
    for (size_t i = 0; err == APS_OK && i < to->noverrides; i++)
        err = read_one(choice.plan, key, to->overrides[i], st->pool, &texts[i], diag);
    if (err != APS_OK)
        return err;
    /* A blank comes before all that a name may hold: their order is that of the names. */
    aps_str_sort(texts, to->noverrides);
    key->overrides = texts;
    key->noverrides = to->noverrides;
    return check_names(texts, to->noverrides, diag);
}

enum aps_err aps_key_overrides_apply(struct aps_store *st, const struct aps_key_change *change,
                                     struct aps_key *key, struct aps_diag *diag)
{
    enum aps_err err = APS_OK;

    if ((change->set & APS_KEY_F_PLAN) && key->plan.n != 0)
        err = aps_store_plan_exists(st, key->plan, diag);
    if (err != APS_OK || !(change->set & APS_KEY_F_OVERRIDES))
        return err;
    if (change->to.noverrides > APS_KEY_OVERRIDES_MAX) {
        aps_err_explain(diag, "%zu overrides: a key has at most %d", change->to.noverrides,
                        APS_KEY_OVERRIDES_MAX);
        return APS_ERR_RANGE;
    }
    return read_all(st, &change->to, key, diag);
}
