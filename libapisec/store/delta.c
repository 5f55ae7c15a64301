/* delta.c - the keys that changed since the complete copy, in memory. */
#include "delta.h"

#include "record.h"

/* At most half of the slots are filled, so that an empty one ends each search soon. */
enum { SLOTS = 4 * APS_PUBLISH_DELTA_MAX, MASK = SLOTS - 1 };
_Static_assert((SLOTS & MASK) == 0, "a mask needs a power of two");

struct slot {
    char id[APS_KEYTEXT_ID_LEN]; /* all zero: empty */
    bool gone;
    struct aps_str name, record;
};

struct aps_delta {
    size_t n;
    uint32_t mask; /* slots less one */
    struct slot *slots;
};

/* Ids are random, and nobody outside chooses one that is in the table: all that a hash has to do is
 * to use all twelve bytes. */
static uint32_t hash(const char *id)
{
    uint64_t first, last;
    memcpy(&first, id, sizeof first);
    memcpy(&last, id + APS_KEYTEXT_ID_LEN - sizeof last, sizeof last);
    return (uint32_t)((first * UINT64_C(0xff51afd7ed558ccd) ^ last) *
                          UINT64_C(0x9e3779b97f4a7c15) >>
                      32);
}

/* Where the id is, or the empty slot where it would go. */
static struct slot *slot_of(const struct aps_delta *delta, const char *id)
{
    uint32_t i = hash(id) & delta->mask;
    while (delta->slots[i].id[0] != '\0' &&
           memcmp(delta->slots[i].id, id, sizeof delta->slots[i].id) != 0)
        i = (i + 1) & delta->mask;
    return &delta->slots[i];
}

static enum aps_err add(struct aps_delta *delta, struct aps_str id, struct aps_str name,
                        struct aps_str record, bool gone, apr_pool_t *pool)
{
    struct slot *slot;
    if (!aps_keytext_is_id(id) || delta->n++ == APS_PUBLISH_DELTA_MAX)
        return APS_ERR_CORRUPT;
    slot = slot_of(delta, id.p);
    if (slot->id[0] != '\0')
        return APS_ERR_CORRUPT; /* there and gone at once */
    memcpy(slot->id, id.p, sizeof slot->id);
    slot->gone = gone;
    slot->name = aps_str_copy(pool, name);
    slot->record = aps_str_copy(pool, record);
    return APS_OK;
}

static enum aps_err load(struct aps_delta *delta, sqlite3 *db, const char *sql, bool gone,
                         apr_pool_t *pool, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;
    aps_sql_begin(&q, db, sql);
    while (err == APS_OK && aps_sql_row(&q))
        err = add(delta, aps_sql_get_str(&q, 0), aps_sql_get_str(&q, 1), aps_sql_get_str(&q, 2),
                  gone, pool);
    end = aps_sql_end(&q, diag);
    if (err == APS_ERR_CORRUPT)
        aps_err_explain(diag, "%s: its keys are damaged", sqlite3_db_filename(db, "main"));
    return err != APS_OK ? err : end;
}

enum aps_err aps_delta_load(sqlite3 *db, apr_pool_t *pool, struct aps_delta **out,
                            struct aps_diag *diag)
{
    struct aps_delta *delta = apr_pcalloc(pool, sizeof *delta);
    int64_t n = 0;
    enum aps_err err = aps_db_number(
        db, "SELECT (SELECT count(*) FROM key) + (SELECT count(*) FROM key_gone)", 0, &n, diag);
    if (err != APS_OK)
        return err;
    for (delta->mask = 1; delta->mask < MASK && (int64_t)delta->mask < 2 * n;)
        delta->mask = delta->mask * 2 + 1;
    delta->slots = apr_pcalloc(pool, (delta->mask + 1) * sizeof *delta->slots);
    if ((err = load(delta, db, "SELECT id, name, record FROM key", false, pool, diag)) != APS_OK ||
        (err = load(delta, db, "SELECT id, '', x'' FROM key_gone", true, pool, diag)) != APS_OK)
        return err;
    *out = delta;
    return APS_OK;
}

bool aps_delta_key(const struct aps_delta *delta, struct aps_str id, apr_pool_t *pool,
                   struct aps_key *out, enum aps_err *out_err)
{
    const struct slot *slot = slot_of(delta, id.p);
    if (slot->id[0] == '\0')
        return false;
    *out = (struct aps_key){.id = aps_str_copy(pool, id)};
    *out_err = slot->gone ? APS_ERR_NOT_FOUND : aps_record_decode(slot->record, pool, out);
    return true;
}

struct aps_str aps_delta_name(const struct aps_delta *delta, struct aps_str id)
{
    return slot_of(delta, id.p)->name; /* none of an empty one */
}
