/* masters.c - how often a master key has sealed (SEC-02). */
#include "masters.h"

enum aps_err aps_masters_take(sqlite3 *db, const struct aps_seal_key *seal, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err;

    aps_sql_begin(&q, db, "UPDATE master SET seals = seals + 1 WHERE id = ? AND seals < ?");
    aps_sql_blob(&q, seal->id, sizeof seal->id);
    aps_sql_i64(&q, APS_MASTERS_SEALS);
    if ((err = aps_sql_run(&q, diag)) != APS_OK || sqlite3_changes(db) == 1)
        return err;
    aps_err_explain(diag,
                    "the master key has sealed %lld times, which is what one may: apisecctl master "
                    "rotate makes another",
                    (long long)APS_MASTERS_SEALS);
    return APS_ERR_CONFLICT;
}
