/* adjust.c - what single callers got beyond a limit. */
#include "apisec/adjust.h"

#include <apr_hash.h>
#include <apr_strings.h>

enum { PART_MAX = 128 };

_Static_assert(3 * (PART_MAX + (int)sizeof "user \n") <= APS_ADJUST_WHO_MAX, "all levels fit");

/* ---- whom ---- */

static char *put(char *p, const char *begin, const char *kind, struct aps_str text)
{
    size_t n = text.n < PART_MAX ? text.n : PART_MAX;

    if (p != begin)
        *p++ = '\n';
    while (*kind != '\0')
        *p++ = *kind++;
    if (n != 0)
        memcpy(p, text.p, n);
    return p + n;
}

static char *put_user(char *p, const char *begin, const struct aps_key *key)
{
    return key->owner.n != 0 ? put(p, begin, "user ", key->owner) : put(p, begin, "key ", key->id);
}

struct aps_str aps_adjust_who(unsigned by, const struct aps_key *key, char out[APS_ADJUST_WHO_MAX])
{
    char *p = out;

    if ((by & APS_LIMIT_BY_KEY) != 0)
        p = put(p, out, "key ", key->id);
    if ((by & APS_LIMIT_BY_USER) != 0)
        p = put_user(p, out, key);
    if ((by & APS_LIMIT_BY_ORG) != 0)
        p = key->org.n != 0 ? put(p, out, "org ", key->org) : put_user(p, out, key);
    return (struct aps_str){out, (size_t)(p - out)};
}

/* ---- the book ---- */

struct aps_adjusts {
    apr_pool_t *pool;
    apr_hash_t *all; /* bytes of `place` -> struct aps_adjust */
    apr_hash_t *who; /* every caller that has one: nearly all are told apart by that alone */
};

/* Which adjustment: name, 0, level, 0, caller; none of them holds a 0. */
struct place {
    size_t n;
    char b[APS_LIMIT_TEXT_MAX + APS_LIMIT_BY_TEXT_MAX + APS_ADJUST_WHO_MAX];
};

static void add(struct place *to, struct aps_str text)
{
    size_t room = sizeof to->b - to->n - 1;
    size_t n = text.n < room ? text.n : room;

    if (n != 0)
        memcpy(to->b + to->n, text.p, n);
    to->n += n;
    to->b[to->n++] = '\0';
}

static void place_init(struct place *to, struct aps_str name, struct aps_str by, struct aps_str who)
{
    to->n = 0;
    add(to, name);
    add(to, by);
    add(to, who);
}

struct aps_adjusts *aps_adjusts_new(apr_pool_t *pool)
{
    struct aps_adjusts *book = apr_palloc(pool, sizeof *book);

    *book = (struct aps_adjusts){pool, apr_hash_make(pool), apr_hash_make(pool)};
    return book;
}

void aps_adjusts_add(struct aps_adjusts *book, struct aps_str name, struct aps_str by,
                     struct aps_str who, const struct aps_adjust *adjust)
{
    struct place place;

    place_init(&place, name, by, who);
    apr_hash_set(book->all, apr_pmemdup(book->pool, place.b, place.n), (apr_ssize_t)place.n,
                 apr_pmemdup(book->pool, adjust, sizeof *adjust));
    apr_hash_set(book->who, aps_str_copy(book->pool, who).p, (apr_ssize_t)who.n, book);
}

size_t aps_adjusts_count(const struct aps_adjusts *book)
{
    return apr_hash_count(book->all);
}

/* In the order in which aps_limit_print_by has them; only what a plan can go by. */
static struct aps_str print_by(unsigned by, char out[APS_LIMIT_BY_TEXT_MAX])
{
    const struct aps_limit limit = {.by = by};

    return aps_str(aps_limit_print_by(&limit, out));
}

const struct aps_adjust *aps_adjusts_find(const struct aps_adjusts *book, struct aps_str name,
                                          unsigned by, const struct aps_key *key)
{
    char by_text[APS_LIMIT_BY_TEXT_MAX], who_text[APS_ADJUST_WHO_MAX];
    struct aps_str who;
    struct place place;

    if (apr_hash_count(book->all) == 0)
        return NULL;
    who = aps_adjust_who(by, key, who_text);
    if (who.n == 0 || apr_hash_get(book->who, who.p, (apr_ssize_t)who.n) == NULL)
        return NULL;
    place_init(&place, name, print_by(by, by_text), who);
    return apr_hash_get(book->all, place.b, (apr_ssize_t)place.n);
}

uint64_t aps_adjusts_epoch(const struct aps_adjusts *book, const struct aps_limit *limit,
                           const struct aps_key *key)
{
    const struct aps_adjust *one = aps_adjusts_find(book, limit->name, limit->by, key);

    return one != NULL ? one->epoch : 0;
}

uint32_t aps_adjusts_bonus(const struct aps_adjusts *book, const struct aps_limit *limit,
                           const struct aps_limit_meter *meter, const struct aps_key *key,
                           aps_nsec wall)
{
    const struct aps_adjust *one;

    if (meter->kind != APS_LIMIT_QUOTA)
        return 0;
    one = aps_adjusts_find(book, meter->name, limit->by, key);
    return one != NULL && wall < one->until ? one->bonus : 0;
}
