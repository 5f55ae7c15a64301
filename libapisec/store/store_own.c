/* store_own.c - the random keys that a store has for itself, each for one purpose (SEC-12). */
#include "own.h"

/* A store that an older program made lacks those that came later. */
static const char *const purposes[] = {
    APS_WRAPPED_PEPPER,  APS_WRAPPED_AUDIT, APS_WRAPPED_ADDRESS, APS_WRAPPED_LOOKUP,
    APS_WRAPPED_PUBLISH, APS_WRAPPED_NONCE, APS_WRAPPED_CACHE,
};

enum { PURPOSES = sizeof purposes / sizeof *purposes };

enum aps_err aps_store_own_make(struct aps_store *st, struct aps_diag *diag)
{
    enum aps_err err = APS_OK;
    uint32_t newest = 0;

    for (size_t i = 0; err == APS_OK && i < PURPOSES; i++) {
        err = aps_wrapped_newest(st, purposes[i], &newest, diag);
        if (err == APS_OK && newest == 0)
            err = aps_wrapped_new(st, purposes[i], 1, diag);
    }
    return err;
}

static enum aps_err is_complete(struct aps_store *st, bool *out, struct aps_diag *diag)
{
    enum aps_err err = APS_OK;
    uint32_t newest = 1;

    for (size_t i = 0; err == APS_OK && newest != 0 && i < PURPOSES; i++)
        err = aps_wrapped_newest(st, purposes[i], &newest, diag);
    if (err == APS_OK)
        *out = newest != 0;
    return err;
}

enum aps_err aps_store_own_complete(struct aps_store *st, struct aps_diag *diag)
{
    bool complete = false;
    enum aps_err err = is_complete(st, &complete, diag);

    if (err != APS_OK || complete)
        return err;
    if ((err = aps_db_exec(st->db, "BEGIN IMMEDIATE", diag)) != APS_OK)
        return err;
    if ((err = aps_store_own_make(st, diag)) == APS_OK)
        err = aps_db_exec(st->db, "COMMIT", diag);
    if (err != APS_OK)
        aps_db_rollback(st->db);
    return err;
}

/* ---- after a compromise ---- */

/* Nobody has a use of an earlier version: what was made under it is made again. */
static enum aps_err drop(struct aps_store *st, const char *purpose, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db, "DELETE FROM wrapped WHERE purpose = ?");
    aps_sql_str(&q, aps_str(purpose));
    return aps_sql_run(&q, diag);
}

static enum aps_err renew(struct aps_store *st, const char *purpose, bool keep,
                          struct aps_diag *diag)
{
    uint32_t newest = 0;
    enum aps_err err = aps_wrapped_newest(st, purpose, &newest, diag);

    if (err == APS_OK && !keep)
        err = drop(st, purpose, diag);
    return err == APS_OK ? aps_wrapped_new(st, purpose, newest + 1, diag) : err;
}

enum aps_err aps_store_own_renew(struct aps_store *st, uint64_t *out_n, struct aps_diag *diag)
{
    static const struct {
        const char *purpose;
        bool keep; /* what was made under an earlier version is still there */
    } keys[] = {
        {APS_WRAPPED_AUDIT, true},  {APS_WRAPPED_ADDRESS, true}, {APS_WRAPPED_PUBLISH, false},
        {APS_WRAPPED_NONCE, false}, {APS_WRAPPED_CACHE, false},
    };
    uint32_t pepper = 0;
    enum aps_err err = aps_store_pepper_add(st, &pepper, diag);

    for (size_t i = 0; err == APS_OK && i < sizeof keys / sizeof *keys; i++)
        err = renew(st, keys[i].purpose, keys[i].keep, diag);
    if (err == APS_OK)
        *out_n = sizeof keys / sizeof *keys + 1;
    return err;
}
