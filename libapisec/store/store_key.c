/* store_key.c - keys: made, changed, rotated, revoked, deleted; each with its change row. */
#include "own.h"
#include "record.h"

enum { ID_TRIES = 8 };

/* ---- reading ---- */

enum aps_err aps_store_key_read(struct aps_sql *q, apr_pool_t *pool, struct aps_key *out,
                                struct aps_diag *diag)
{
    struct aps_str id = aps_sql_get_str(q, 0), name = aps_sql_get_str(q, 1);
    struct aps_key key = {
        .id = aps_str_copy(pool, id),
        .name = aps_str_copy(pool, name),
    };
    enum aps_err err = aps_record_decode(aps_sql_get_str(q, 2), pool, &key);
    if (err != APS_OK)
        aps_err_explain(diag, "the record of key %.*s is damaged; restore a backup",
                        APS_STR_ARG(id));
    else
        *out = key;
    return err;
}

static enum aps_err find_by(struct aps_store *st, const char *sql, struct aps_str ref,
                            apr_pool_t *pool, struct aps_key *out, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_ERR_NOT_FOUND, end;
    aps_sql_begin(&q, st->db, sql);
    aps_sql_str(&q, ref);
    if (aps_sql_row(&q))
        err = aps_store_key_read(&q, pool, out, diag);
    end = aps_sql_end(&q, diag);
    return end != APS_OK ? end : err;
}

enum aps_err aps_store_key_get(struct aps_store *st, struct aps_str ref, apr_pool_t *pool,
                               struct aps_key *out, struct aps_diag *diag)
{
    enum aps_err err =
        find_by(st, "SELECT id, name, record FROM key WHERE id = ?", ref, pool, out, diag);
    if (err == APS_ERR_NOT_FOUND)
        err = find_by(st, "SELECT id, name, record FROM key WHERE name = ?", ref, pool, out, diag);
    if (err == APS_ERR_NOT_FOUND)
        aps_err_explain(diag, "there is no key \"%.*s\"; `key list` shows ids and names",
                        APS_STR_SHOW(ref));
    return err;
}

enum aps_err aps_store_key_count(struct aps_store *st, uint64_t *out, struct aps_diag *diag)
{
    int64_t n = 0;
    enum aps_err err = aps_db_number(st->db, "SELECT count(*) FROM key", 0, &n, diag);
    if (err == APS_OK)
        *out = (uint64_t)n;
    return err;
}

enum aps_err aps_store_key_each(struct aps_store *st, aps_store_key_fn fn, void *arg,
                                struct aps_diag *diag)
{
    apr_pool_t *pool = aps_store_pool();
    struct aps_sql q;
    enum aps_err err = APS_OK, end;
    if (pool == NULL)
        return APS_ERR_NOMEM;
    aps_sql_begin(&q, st->db, "SELECT id, name, record FROM key ORDER BY name");
    while (err == APS_OK && aps_sql_row(&q)) {
        struct aps_key key;
        apr_pool_clear(pool);
        if ((err = aps_store_key_read(&q, pool, &key, diag)) == APS_OK)
            err = fn(arg, &key);
    }
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    apr_pool_destroy(pool);
    return err != APS_OK ? err : end;
}

/* ---- writing ---- */

enum aps_err aps_store_key_mark(struct aps_store *st, struct aps_str id, struct aps_diag *diag)
{
    struct aps_sql q;
    if (!st->meta.deltas || st->marked > APS_PUBLISH_DELTA_MAX)
        return APS_OK;
    st->marked++;
    aps_sql_begin(&q, st->db, "INSERT OR IGNORE INTO key_changed(id) VALUES(?)");
    aps_sql_str(&q, id);
    return aps_sql_run(&q, diag);
}

static enum aps_err write_row(struct aps_store *st, const char *sql, const struct aps_key *key,
                              struct aps_diag *diag)
{
    struct aps_str record = aps_record_encode(key, st->pool);
    struct aps_sql q;
    aps_sql_begin(&q, st->db, sql);
    aps_sql_str(&q, key->name);
    aps_sql_blob(&q, record.p, record.n);
    aps_sql_str(&q, key->id);
    enum aps_err err = aps_sql_run(&q, diag);
    return err == APS_OK ? aps_store_key_mark(st, key->id, diag) : err;
}

static enum aps_err update(struct aps_store *st, const struct aps_key *old,
                           const struct aps_key *key, struct aps_diag *diag)
{
    enum aps_err err = write_row(st, "UPDATE key SET name = ?, record = ? WHERE id = ?", key, diag);
    if (err != APS_OK)
        return err;
    return aps_store_change_put(st, key->id, aps_key_fields_json(old, st->pool),
                                aps_key_fields_json(key, st->pool), diag);
}

/* Is the name another key's? */
static enum aps_err check_name(struct aps_store *st, const struct aps_key *key,
                               struct aps_diag *diag)
{
    struct aps_sql q;
    bool taken = false;
    aps_sql_begin(&q, st->db, "SELECT id FROM key WHERE name = ?");
    aps_sql_str(&q, key->name);
    if (aps_sql_row(&q))
        taken = !aps_str_eq(aps_sql_get_str(&q, 0), key->id);
    enum aps_err err = aps_sql_end(&q, diag);
    if (err == APS_OK && taken) {
        aps_err_explain(diag, "there is a key with the name \"%.*s\" already",
                        APS_STR_ARG(key->name));
        err = APS_ERR_EXISTS;
    }
    return err;
}

static enum aps_err check_roles(struct aps_store *st, const struct aps_key *key,
                                struct aps_diag *diag)
{
    enum aps_err err = APS_OK;
    for (size_t i = 0; err == APS_OK && i < key->nroles; i++)
        err = aps_store_role_exists(st, key->roles[i], diag);
    return err;
}

/* ---- secrets ---- */

static enum aps_err keep_newest(void *arg, uint32_t version, const struct aps_secret *key)
{
    struct aps_store *st = arg;
    struct aps_mac *mac = NULL;
    enum aps_err err = aps_mac_new(key->b, key->n, &mac);
    if (err != APS_OK)
        return err;
    aps_mac_free(st->pepper);
    st->pepper = mac;
    st->pepper_version = version;
    return APS_OK;
}

enum aps_err aps_store_key_pepper(struct aps_store *st, struct aps_diag *diag)
{
    if (st->pepper != NULL)
        return APS_OK;
    return aps_wrapped_each(st->db, &st->meta, &st->seal, APS_WRAPPED_PEPPER, keep_newest, st,
                            diag);
}

/* A fresh text for key->id, and its MAC as the newest secret. */
static enum aps_err make_secret(struct aps_store *st, struct aps_key *key, uint32_t version,
                                struct aps_secret *out_text, struct aps_diag *diag)
{
    struct aps_secret text = {0};
    struct aps_key_secret secret = {.version = version, .made_at = st->now};
    enum aps_err err = aps_store_key_pepper(st, diag);

    if (err == APS_OK)
        err = aps_keytext_new(aps_store_prefix(st), key->id, &text);
    if (err == APS_OK)
        err = aps_mac_sum(st->pepper, aps_secret_str(&text), secret.mac);
    if (err != APS_OK) {
        aps_secret_wipe(&text);
        return err;
    }
    secret.pepper = st->pepper_version;
    key->secret[0] = secret;
    *out_text = text;
    return APS_OK;
}

/* An id that no key has. */
static enum aps_err make_id(struct aps_store *st, struct aps_key *key, struct aps_diag *diag)
{
    char *id = apr_palloc(st->pool, APS_KEYTEXT_ID_LEN);
    for (int i = 0; i < ID_TRIES; i++) {
        struct aps_sql q;
        enum aps_err err = aps_keytext_random(APS_KEYTEXT_ID_LEN, id);
        if (err != APS_OK)
            return err;
        key->id = (struct aps_str){id, APS_KEYTEXT_ID_LEN};
        aps_sql_begin(&q, st->db, "SELECT 1 FROM key WHERE id = ?");
        aps_sql_str(&q, key->id);
        bool taken = aps_sql_row(&q);
        if ((err = aps_sql_end(&q, diag)) != APS_OK || !taken)
            return err;
    }
    aps_err_explain(diag, "%d random ids in a row are taken: the random generator is broken",
                    ID_TRIES);
    return APS_ERR_CRYPTO;
}

/* ---- the changes ---- */

/* A copy that outlives the scratch pool. */
static enum aps_err hand_out(const struct aps_key *key, apr_pool_t *pool, struct aps_key *out)
{
    struct aps_key copy = {
        .id = aps_str_copy(pool, key->id),
        .name = aps_str_copy(pool, key->name),
    };
    enum aps_err err = aps_record_decode(aps_record_encode(key, pool), pool, &copy);
    if (err == APS_OK)
        *out = copy;
    return err;
}

enum aps_err aps_store_key_create(struct aps_store *st, const struct aps_key_change *fields,
                                  apr_pool_t *pool, struct aps_key *out,
                                  struct aps_secret *out_text, struct aps_diag *diag)
{
    struct aps_key_change change = *fields;
    struct aps_key key = {.status = APS_KEY_ACTIVE, .decoy = fields->to.decoy}, copy;
    struct aps_secret text = {0};
    enum aps_err err;

    change.set |= APS_KEY_F_NAME;
    if (!(change.set & APS_KEY_F_EXPIRES)) {
        change.set |= APS_KEY_F_EXPIRES;
        change.to.expires_at = st->now + APS_KEY_LIFE_DEFAULT;
    }
    key.created_at = st->now;
    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_key_fields_apply(&change, st->now, st->pool, &key, diag)) != APS_OK ||
        (err = check_name(st, &key, diag)) != APS_OK ||
        (err = check_roles(st, &key, diag)) != APS_OK ||
        (err = aps_key_overrides_apply(st, &change, &key, diag)) != APS_OK ||
        (err = make_id(st, &key, diag)) != APS_OK ||
        (err = make_secret(st, &key, 1, &text, diag)) != APS_OK ||
        (err = hand_out(&key, pool, &copy)) != APS_OK)
        goto out;
    err = write_row(st, "INSERT INTO key(name, record, id) VALUES(?, ?, ?)", &key, diag);
    if (err != APS_OK)
        goto out;
    err = aps_store_change_put(st, key.id, (struct aps_str){0}, aps_key_fields_json(&key, st->pool),
                               diag);
    if (err != APS_OK)
        goto out;
    *out = copy;
    *out_text = text;
    text = (struct aps_secret){0};
out:
    aps_secret_wipe(&text);
    return err;
}

/* The key to be changed, in the scratch pool. */
static enum aps_err get_for_change(struct aps_store *st, struct aps_str ref, struct aps_key *out,
                                   struct aps_diag *diag)
{
    enum aps_err err = aps_store_begin(st, diag);
    return err == APS_OK ? aps_store_key_get(st, ref, st->pool, out, diag) : err;
}

static enum aps_err refuse_revoked(const struct aps_key *key, struct aps_diag *diag)
{
    if (key->status != APS_KEY_REVOKED)
        return APS_OK;
    aps_err_explain(diag, "key %.*s (\"%.*s\") is revoked, which is for good; make a new one",
                    APS_STR_ARG(key->id), APS_STR_ARG(key->name));
    return APS_ERR_CONFLICT;
}

enum aps_err aps_store_key_set(struct aps_store *st, struct aps_str ref,
                               const struct aps_key_change *change, struct aps_diag *diag)
{
    struct aps_key old, key;
    enum aps_err err;

    if ((err = get_for_change(st, ref, &old, diag)) != APS_OK ||
        (err = refuse_revoked(&old, diag)) != APS_OK)
        return err;
    key = old;
    if ((err = aps_key_fields_apply(change, st->now, st->pool, &key, diag)) != APS_OK ||
        (err = check_name(st, &key, diag)) != APS_OK ||
        (err = check_roles(st, &key, diag)) != APS_OK ||
        (err = aps_key_overrides_apply(st, change, &key, diag)) != APS_OK)
        return err;
    return update(st, &old, &key, diag);
}

/* When the old secret of a rotation ends. */
struct ending {
    aps_nsec grace;   /* after the first use of the new one; 0: that does not matter */
    aps_nsec overlap; /* at the latest */
};

static enum aps_err rotate(struct aps_store *st, struct aps_str ref, struct ending ending,
                           apr_pool_t *pool, struct aps_key *out, struct aps_secret *out_text,
                           struct aps_diag *diag)
{
    struct aps_key old, key, copy;
    struct aps_secret text = {0};
    char at[APS_NUM_TIME_MAX];
    enum aps_err err;

    if ((err = get_for_change(st, ref, &old, diag)) != APS_OK ||
        (err = refuse_revoked(&old, diag)) != APS_OK)
        return err;
    if (old.expires_at <= st->now) {
        aps_err_explain(diag, "key %.*s expired at %s: `key set` can give it a later expiry first",
                        APS_STR_ARG(old.id), aps_num_print_time(old.expires_at, false, at));
        return APS_ERR_CONFLICT;
    }
    if (ending.overlap < 0) {
        aps_err_explain(diag, "the overlap of a rotation cannot be negative");
        return APS_ERR_RANGE;
    }
    key = old;
    /* The older of two secrets gives way, even inside of its overlap: a key has two at most. */
    key.secret[1] = old.secret[0];
    key.secret[1].grace = ending.grace;
    key.secret[1].closes_at =
        ending.overlap < old.expires_at - st->now ? st->now + ending.overlap : old.expires_at;
    if ((err = make_secret(st, &key, old.secret[0].version + 1, &text, diag)) != APS_OK ||
        (err = hand_out(&key, pool, &copy)) != APS_OK ||
        (err = update(st, &old, &key, diag)) != APS_OK)
        goto out;
    *out = copy;
    *out_text = text;
    text = (struct aps_secret){0};
out:
    aps_secret_wipe(&text);
    return err;
}

enum aps_err aps_store_key_rotate(struct aps_store *st, struct aps_str ref, aps_nsec overlap,
                                  apr_pool_t *pool, struct aps_key *out,
                                  struct aps_secret *out_text, struct aps_diag *diag)
{
    return rotate(st, ref, (struct ending){0, overlap}, pool, out, out_text, diag);
}

enum aps_err aps_store_key_rotate_until_used(struct aps_store *st, struct aps_str ref,
                                             aps_nsec grace, aps_nsec overlap, apr_pool_t *pool,
                                             struct aps_key *out, struct aps_secret *out_text,
                                             struct aps_diag *diag)
{
    if (grace < APS_SEC) {
        aps_err_explain(diag, "the old secret has to stay for at least 1s after the first use of "
                              "the new one, since uses are noted to the second");
        return APS_ERR_RANGE;
    }
    return rotate(st, ref, (struct ending){grace, overlap}, pool, out, out_text, diag);
}

enum aps_err aps_store_key_revoke(struct aps_store *st, struct aps_str ref, struct aps_str reason,
                                  struct aps_diag *diag)
{
    struct aps_key old, key;
    enum aps_err err;

    if ((err = get_for_change(st, ref, &old, diag)) != APS_OK)
        return err;
    if (old.status == APS_KEY_REVOKED)
        return APS_OK;
    if (reason.n != 0 && !aps_str_is_text(reason)) {
        aps_err_explain(diag,
                        "reason \"%.*s\": want at most 128 bytes of UTF-8 without control "
                        "characters",
                        APS_STR_SHOW(reason));
        return APS_ERR_FORMAT;
    }
    key = old;
    key.status = APS_KEY_REVOKED;
    key.revoked_at = st->now;
    key.revoke_reason = reason;
    return update(st, &old, &key, diag);
}

enum aps_err aps_store_key_delete(struct aps_store *st, struct aps_str ref, struct aps_diag *diag)
{
    struct aps_key old;
    struct aps_sql q;
    enum aps_err err;

    if ((err = get_for_change(st, ref, &old, diag)) != APS_OK)
        return err;
    if (old.status != APS_KEY_REVOKED) {
        aps_err_explain(diag,
                        "key %.*s (\"%.*s\") is %s: only a revoked key can be deleted; `key "
                        "revoke` first",
                        APS_STR_ARG(old.id), APS_STR_ARG(old.name),
                        aps_key_status_name(old.status));
        return APS_ERR_CONFLICT;
    }
    aps_sql_begin(&q, st->db, "DELETE FROM key WHERE id = ?");
    aps_sql_str(&q, old.id);
    if ((err = aps_sql_run(&q, diag)) != APS_OK ||
        (err = aps_store_key_mark(st, old.id, diag)) != APS_OK ||
        (err = aps_store_adjust_forget(st, old.id, diag)) != APS_OK ||
        (err = aps_store_signer_forget(st, old.id, diag)) != APS_OK ||
        (err = aps_store_certificate_forget(st, old.id, diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, old.id, aps_key_fields_json(&old, st->pool),
                                (struct aps_str){0}, diag);
}
