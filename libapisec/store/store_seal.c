/* store_seal.c - what a change is sealed under: every master key that opens the store.
 *
 * Who holds the newest master key finds the sealing keys of the older ones sealed under it, and so
 * writes for a server that was started with one of those. */
#include <apr_escape.h>
#include <stdio.h>

#include "own.h"

enum { START = sizeof APS_WRAPPED_MASTER - 1, HEX_LEN = 2 * APS_SEAL_ID_LEN };

static enum aps_err keep(void *arg, uint32_t version, const struct aps_secret *key)
{
    struct aps_seal_key *seal = arg;
    (void)version; /* there is one */
    aps_secret_wipe(&seal->key);
    return aps_secret_copy(key->b, key->n, &seal->key);
}

static bool read_id(struct aps_str purpose, uint8_t out[APS_SEAL_ID_LEN])
{
    apr_size_t n = 0;
    return purpose.n == START + HEX_LEN &&
           apr_unescape_hex(out, purpose.p + START, HEX_LEN, 0, &n) == APR_SUCCESS &&
           n == APS_SEAL_ID_LEN;
}

/* The purposes of the rows, which are read one by one afterwards. */
static enum aps_err list(struct aps_store *st, char out[][APS_WRAPPED_PURPOSE_MAX], size_t *out_n,
                         struct aps_diag *diag)
{
    struct aps_sql q;
    size_t n = 0;
    enum aps_err err;

    aps_sql_begin(&q, st->db,
                  "SELECT purpose FROM wrapped WHERE master = ? AND purpose GLOB"
                  " '" APS_WRAPPED_MASTER "*' ORDER BY purpose");
    aps_sql_blob(&q, st->seal.id, sizeof st->seal.id);
    for (; n < APS_STORE_MASTERS_MAX && aps_sql_row(&q); n++)
        (void)snprintf(out[n], APS_WRAPPED_PURPOSE_MAX, "%.*s",
                       APS_STR_ARG(aps_sql_get_str(&q, 0)));
    if ((err = aps_sql_end(&q, diag)) == APS_OK)
        *out_n = n;
    return err;
}

static enum aps_err read_all(struct aps_store *st, struct aps_diag *diag)
{
    char purpose[APS_STORE_MASTERS_MAX][APS_WRAPPED_PURPOSE_MAX];
    int64_t masters = 0;
    size_t n = 0;
    enum aps_err err = list(st, purpose, &n, diag);

    if (err == APS_OK)
        err = aps_db_number(st->db, "SELECT count(*) FROM master", 0, &masters, diag);
    if (err != APS_OK)
        return err;
    if (n >= APS_STORE_MASTERS_MAX || (int64_t)n != masters - 1) {
        aps_err_explain(diag,
                        "%s: %lld master keys open it, and the key given can seal for %zu of "
                        "them%s",
                        sqlite3_db_filename(st->db, "main"), (long long)masters, n + 1,
                        aps_db_mend(st->db));
        return APS_ERR_CORRUPT;
    }
    for (size_t i = 0; err == APS_OK && i < n; i++) {
        if (!read_id(aps_str(purpose[i]), st->others[i].id))
            err = APS_ERR_CORRUPT;
        if (err == APS_OK)
            err = aps_wrapped_each(st->db, &st->meta, &st->seal, purpose[i], keep, &st->others[i],
                                   diag);
        st->nothers = i + 1;
    }
    return err;
}

enum aps_err aps_store_seal_load(struct aps_store *st, struct aps_diag *diag)
{
    enum aps_err err;

    if (st->has_others)
        return APS_OK;
    if ((err = read_all(st, diag)) == APS_OK)
        st->has_others = true;
    else
        aps_store_seal_forget(st);
    return err;
}

const struct aps_seal_key *aps_store_seal_at(const struct aps_store *st, size_t i)
{
    if (i == 0)
        return &st->seal;
    return i <= st->nothers ? &st->others[i - 1] : NULL;
}

void aps_store_seal_forget(struct aps_store *st)
{
    for (size_t i = 0; i < st->nothers; i++)
        aps_seal_key_wipe(&st->others[i]);
    st->nothers = 0;
    st->has_others = false;
}

/* The one that was made last; it is told, no more. */
static void print_newest(struct aps_store *st, char out[HEX_LEN + 1])
{
    struct aps_sql q;
    enum aps_err err;

    (void)snprintf(out, HEX_LEN + 1, "%s", "another");
    aps_sql_begin(&q, st->db, "SELECT lower(hex(id)) FROM master ORDER BY created_at DESC LIMIT 1");
    if (aps_sql_row(&q))
        (void)snprintf(out, HEX_LEN + 1, "%.*s", APS_STR_ARG(aps_sql_get_str(&q, 0)));
    err = aps_sql_end(&q, NULL);
    (void)err; /* the sentence that it is for goes without */
}

enum aps_err aps_store_seal_check(struct aps_store *st, struct aps_diag *diag)
{
    char mine[HEX_LEN + 1], purpose[APS_WRAPPED_PURPOSE_MAX], newest[HEX_LEN + 1];
    uint32_t followed = 0;
    enum aps_err err;

    (void)apr_escape_hex(mine, st->seal.id, sizeof st->seal.id, 0, NULL); /* it cannot fail */
    (void)snprintf(purpose, sizeof purpose, APS_WRAPPED_MASTER "%s", mine);
    err = aps_wrapped_newest(st, purpose, &followed, diag);
    if (err != APS_OK || followed == 0)
        return err;
    print_newest(st, newest);
    aps_err_explain(diag,
                    "the master key given, %s, still opens %s, but the store is changed with the "
                    "one that followed it, %s: name where that lies by --master-key",
                    mine, sqlite3_db_filename(st->db, "main"), newest);
    return APS_ERR_KEY;
}
