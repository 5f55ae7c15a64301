/* suggest.c - what a command that found nothing may have meant: roles, keys and plans of the store.
 */
#include "suggest.h"

#include <apr_strings.h>

#include "near.h"
#include "stock.h"

#define CANDIDATES_MAX 100000 /* so that a slip of the finger stays a matter of moments */

struct search {
    struct ctl_near near;
    bool named_otherwise; /* a key's name where its id is wanted, or the other way round */
    size_t seen;
};

static bool try_one(void *to, struct aps_str name, struct aps_str other)
{
    struct search *s = to;

    if (aps_str_eq(other, s->near.word)) {
        s->near.distance = 1;
        memcpy(s->near.best, name.p, name.n);
        s->near.best[name.n] = '\0';
        s->named_otherwise = true;
        return false;
    }
    ctl_near_try(&s->near, name);
    return s->near.distance > 0 && ++s->seen < CANDIDATES_MAX;
}

/* What the word may have meant, or NULL.  A key may be named by its id, too. */
static const char *meant(struct ctl *c, enum ctl_stock kind, struct aps_str word)
{
    struct search s = {.seen = 0};

    ctl_near_init(&s.near, word);
    if (word.n == 0 || ctl_stock_each(c->store, kind, try_one, &s, NULL) != APS_OK ||
        (s.named_otherwise && kind == CTL_STOCK_KEYS) || ctl_near_found(&s.near) == NULL)
        return NULL;
    return apr_pstrdup(c->pool, ctl_near_found(&s.near));
}

/* A value of an option may be a list, and its words may begin with + or -. */
static const char *meant_by_value(struct ctl *c, enum ctl_stock kind, const char *value)
{
    struct aps_str rest = aps_str(value);
    const char *found = NULL;
    struct aps_str word;

    while (found == NULL && aps_str_next(&rest, ',', &word)) {
        if (word.n > 0 && (word.p[0] == '+' || word.p[0] == '-')) {
            word.p++;
            word.n--;
        }
        found = meant(c, kind, word);
    }
    return found;
}

static const char *meant_by_options(struct ctl *c)
{
    const char *found = NULL;

    for (int opt = 0; opt < CTL_OPT_COUNT && found == NULL; opt++) {
        const apr_array_header_t *values = c->call.values[opt];
        enum ctl_stock kind = ctl_stock_of(aps_str(ctl_command_options[opt].value));

        for (int i = 0; values != NULL && kind != CTL_STOCK_NONE && i < values->nelts; i++)
            if (found == NULL)
                found = meant_by_value(c, kind, APR_ARRAY_IDX(values, i, const char *));
    }
    return found;
}

/* The copy that explain reads has no list of keys. */
static bool has_store(struct ctl *c)
{
    struct aps_store_open how = {
        .dir = c->place.store,
        .master = &c->master,
        .mode = APS_STORE_READ,
        .now = c->now,
        .actor = &c->actor,
    };

    return c->store != NULL || (c->copy != NULL && aps_store_open(&how, &c->store, NULL) == APS_OK);
}

const char *ctl_suggest(struct ctl *c)
{
    const char *found = NULL;

    if (!has_store(c))
        return NULL;
    for (size_t i = 0; i < c->call.nargs && found == NULL; i++)
        if (c->call.arg[i] != NULL)
            found = meant(c, ctl_stock_of(ctl_command_arg(c->call.command, i)),
                          aps_str(c->call.arg[i]));
    if (found == NULL)
        found = meant_by_options(c);
    return found != NULL ? apr_pstrcat(c->pool, " (did you mean ", found, "?)", NULL) : NULL;
}
