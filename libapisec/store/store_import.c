/* store_import.c - many keys from elsewhere, as one change.
 *
 * Ids are spread at random, and a tree that grows at random places costs a page for each key.  So
 * the keys are laid aside in a table of the connection's own, then placed in the order of their
 * ids.  That table lies in memory, since nothing of a store goes to files that are not its own. */
#include <apr_escape.h>
#include <apr_hash.h>
#include <stdlib.h>

#include "apisec/imported.h"
#include "apisec/strength.h"
#include "own.h"
#include "record.h"

struct aps_import {
    struct aps_store *st;
    apr_pool_t *pool;  /* the import's */
    apr_pool_t *row;   /* of one key */
    apr_hash_t *roles; /* every role's name */
    apr_hash_t *plans; /* every plan's */
    struct aps_mac *lookup;
    struct aps_sql aside; /* lays a key aside */
    struct aps_import_count count;
};

static enum aps_err set_lookup(void *arg, uint32_t version, const struct aps_secret *key)
{
    struct aps_import *imp = arg;
    (void)version; /* there is one only: another would give every imported key another id */
    return imp->lookup != NULL ? APS_ERR_CORRUPT : aps_mac_new(key->b, key->n, &imp->lookup);
}

static enum aps_err add_role(void *arg, struct aps_str name, aps_nsec created_at)
{
    struct aps_import *imp = arg;
    struct aps_str copy = aps_str_copy(imp->pool, name);
    (void)created_at;
    apr_hash_set(imp->roles, copy.p, (apr_ssize_t)copy.n, copy.p);
    return APS_OK;
}

static enum aps_err add_plan(void *arg, struct aps_str name)
{
    struct aps_import *imp = arg;
    struct aps_str copy = aps_str_copy(imp->pool, name);
    apr_hash_set(imp->plans, copy.p, (apr_ssize_t)copy.n, copy.p);
    return APS_OK;
}

enum aps_err aps_store_import_begin(struct aps_store *st, struct aps_import **out,
                                    struct aps_diag *diag)
{
    struct aps_import *imp = calloc(1, sizeof *imp);
    enum aps_err err = APS_ERR_NOMEM;

    if (imp == NULL)
        goto out;
    imp->st = st;
    if ((imp->pool = aps_store_pool()) == NULL || (imp->row = aps_store_pool()) == NULL)
        goto out;
    imp->roles = apr_hash_make(imp->pool);
    imp->plans = apr_hash_make(imp->pool);
    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_key_pepper(st, diag)) != APS_OK ||
        (err = aps_wrapped_each(st->db, &st->meta, &st->seal, APS_WRAPPED_LOOKUP, set_lookup, imp,
                                diag)) != APS_OK ||
        (err = aps_store_role_each(st, add_role, imp, diag)) != APS_OK ||
        (err = aps_store_plan_each(st, add_plan, imp, diag)) != APS_OK ||
        (err = aps_db_exec(st->db,
                           "CREATE TEMP TABLE import(line INTEGER PRIMARY KEY, id TEXT NOT NULL,"
                           " name TEXT NOT NULL, record BLOB NOT NULL)",
                           diag)) != APS_OK)
        goto out;
    aps_sql_begin(&imp->aside, st->db,
                  "INSERT INTO temp.import(line, id, name, record) VALUES(?, ?, ?, ?)");
    *out = imp;
    imp = NULL;
out:
    aps_store_import_free(imp);
    return err;
}

/* What is left of it ends with the connection: a failure here is of no matter. */
static void end_aside(struct aps_import *imp)
{
    if (aps_sql_end(&imp->aside, NULL) != APS_OK ||
        aps_db_exec(imp->st->db, "DROP TABLE IF EXISTS temp.import", NULL) != APS_OK)
        return;
}

void aps_store_import_free(struct aps_import *imp)
{
    if (imp == NULL)
        return;
    end_aside(imp);
    aps_mac_free(imp->lookup);
    if (imp->row != NULL)
        apr_pool_destroy(imp->row);
    if (imp->pool != NULL)
        apr_pool_destroy(imp->pool);
    free(imp);
}

/* ---- one key ---- */

/* In the order in which their faults are told. */
static const struct {
    unsigned bit;
    const char *name;
} fields[] = {
    {APS_KEY_F_NAME, "name"},       {APS_KEY_F_ROLES, "roles"},
    {APS_KEY_F_OWNER, "owner"},     {APS_KEY_F_SCOPES, "scopes"},
    {APS_KEY_F_EXPIRES, "expires"}, {APS_KEY_F_NOT_BEFORE, "not_before"},
    {APS_KEY_F_LIMIT, "limit"},     {APS_KEY_F_NETS, "cidrs"},
    {APS_KEY_F_HOSTS, "hosts"},     {APS_KEY_F_ORG, "org"},
    {APS_KEY_F_PLAN, "plan"},
};

/* One field after the other, so that a fault has the name of its field. */
static enum aps_err apply(struct aps_import *imp, const struct aps_key_change *all,
                          struct aps_key *key, const char **out_field, struct aps_diag *diag)
{
    enum aps_err err = APS_OK;
    for (size_t i = 0; err == APS_OK && i < sizeof fields / sizeof *fields; i++) {
        struct aps_key_change one = *all;
        one.set = all->set & fields[i].bit;
        *out_field = fields[i].name;
        if (one.set != 0)
            err = aps_key_fields_apply(&one, imp->st->now, imp->row, key, diag);
    }
    return err;
}

static enum aps_err check_roles(const struct aps_import *imp, const struct aps_key *key,
                                struct aps_diag *diag)
{
    for (size_t i = 0; i < key->nroles; i++)
        if (apr_hash_get(imp->roles, key->roles[i].p, (apr_ssize_t)key->roles[i].n) == NULL) {
            aps_err_explain(diag, "there is no role \"%.*s\": `role create` makes it",
                            APS_STR_ARG(key->roles[i]));
            return APS_ERR_NOT_FOUND;
        }
    return APS_OK;
}

static enum aps_err check_plan(const struct aps_import *imp, const struct aps_key *key,
                               struct aps_diag *diag)
{
    if (key->plan.n == 0 || apr_hash_get(imp->plans, key->plan.p, (apr_ssize_t)key->plan.n) != NULL)
        return APS_OK;
    aps_err_explain(diag, "there is no plan \"%.*s\": `plan create` makes it",
                    APS_STR_ARG(key->plan));
    return APS_ERR_NOT_FOUND;
}

/* No sentence about a text shows any of it (CLI-02). */
static enum aps_err check_text(const struct aps_import *imp, struct aps_str text,
                               struct aps_diag *diag)
{
    struct aps_str prefix = aps_store_prefix(imp->st);
    unsigned bits;

    if (!aps_imported_is_text(text)) {
        aps_err_explain(diag, "a text of %zu bytes that is none for a key: want " APS_IMPORTED_FORM,
                        text.n);
        return APS_ERR_FORMAT;
    }
    if (aps_str_starts(text, prefix) && text.n > prefix.n && text.p[prefix.n] == '_') {
        aps_err_explain(diag,
                        "it begins with \"%.*s_\", as the texts that this store makes: want a "
                        "store with another prefix (`init --prefix`), or a new key (`key create`)",
                        APS_STR_ARG(prefix));
        return APS_ERR_FORMAT;
    }
    if ((bits = aps_strength_bits(text)) < APS_IMPORTED_BITS) {
        aps_err_explain(diag,
                        "too easy to guess: it counts for %u bits, want %d or more, such as 32 "
                        "random hexadecimal digits; `key create` makes a strong one",
                        bits, APS_IMPORTED_BITS);
        return APS_ERR_RANGE;
    }
    return APS_OK;
}

/* The id and the MAC, from text or digest. */
static enum aps_err set_secret(struct aps_import *imp, const struct aps_import_key *in,
                               struct aps_key *key, const char **out_field, struct aps_diag *diag)
{
    struct aps_store *st = imp->st;
    struct aps_key_secret secret = {.version = 1,
                                    .pepper = st->pepper_version,
                                    .form = APS_KEY_FORM_DIGEST,
                                    .made_at = st->now};
    uint8_t digest[APS_DIGEST_LEN];
    char *id = apr_palloc(imp->row, APS_KEYTEXT_ID_LEN);
    enum aps_err err = APS_OK;

    *out_field = "key";
    if (in->digest == NULL && (err = check_text(imp, in->text, diag)) != APS_OK)
        return err;
    *out_field = NULL;
    if (in->digest != NULL)
        memcpy(digest, in->digest, sizeof digest);
    else
        err = aps_digest_sum(in->text, digest);
    if (err == APS_OK)
        err = aps_imported_id(imp->lookup, digest, id);
    if (err == APS_OK)
        err = aps_mac_sum(st->pepper, (struct aps_str){(const char *)digest, sizeof digest},
                          secret.mac);
    aps_secret_cleanse(digest, sizeof digest);
    if (err != APS_OK)
        return err;
    key->id = (struct aps_str){id, APS_KEYTEXT_ID_LEN};
    key->origin = in->digest != NULL ? APS_KEY_IMPORTED_DIGEST : APS_KEY_IMPORTED;
    key->secret[0] = secret;
    return APS_OK;
}

enum aps_err aps_store_import_add(struct aps_import *imp, const struct aps_import_key *in,
                                  const char **out_field, struct aps_diag *diag)
{
    struct aps_store *st = imp->st;
    struct aps_key_change change = *in->fields;
    struct aps_key key = {
        .status = APS_KEY_ACTIVE, .created_at = st->now, .decoy = change.to.decoy};
    bool conflict;
    enum aps_err err;

    apr_pool_clear(imp->row);
    change.set |= APS_KEY_F_NAME;
    if (!(change.set & APS_KEY_F_EXPIRES)) {
        change.set |= APS_KEY_F_EXPIRES;
        change.to.expires_at = st->now + APS_KEY_LIFE_DEFAULT;
    }
    if ((err = apply(imp, &change, &key, out_field, diag)) != APS_OK)
        return err;
    *out_field = "plan";
    if ((err = check_plan(imp, &key, diag)) != APS_OK)
        return err;
    *out_field = "roles";
    if ((err = check_roles(imp, &key, diag)) != APS_OK ||
        (err = set_secret(imp, in, &key, out_field, diag)) != APS_OK)
        return err;
    struct aps_str record = aps_record_encode(&key, imp->row);
    aps_sql_i64(&imp->aside, (int64_t)in->line);
    aps_sql_str(&imp->aside, key.id);
    aps_sql_str(&imp->aside, key.name);
    aps_sql_blob(&imp->aside, record.p, record.n);
    aps_sql_again(&imp->aside, &conflict);
    if (conflict || imp->aside.rc != SQLITE_OK)
        return conflict ? APS_ERR_FAILED : aps_sql_end(&imp->aside, diag);
    imp->count.keys++;
    imp->count.digests += in->digest != NULL ? 1 : 0;
    imp->count.decoys += key.decoy ? 1 : 0;
    return APS_OK;
}

/* ---- all of them ---- */

/* A key that cannot be placed, and the fault that is told of it. */
struct twin {
    uint64_t line;
    struct aps_str id, name;
    const char *field;
    struct aps_diag why;
};

/* The line that this key was on; 0: on none. */
static enum aps_err line_of(struct aps_store *st, struct aps_str id, struct aps_str name,
                            uint64_t *out, struct aps_diag *diag)
{
    struct aps_sql q;
    *out = 0;
    aps_sql_begin(&q, st->db, "SELECT line FROM temp.import WHERE id = ? AND name = ?");
    aps_sql_str(&q, id);
    aps_sql_str(&q, name);
    if (aps_sql_row(&q))
        *out = (uint64_t)aps_sql_get_i64(&q, 0);
    return aps_sql_end(&q, diag);
}

/* The id of the key that has this name; false where none has it. */
static enum aps_err holder_of(struct aps_store *st, struct aps_str name, char id[], bool *out,
                              struct aps_diag *diag)
{
    struct aps_sql q;
    *out = false;
    aps_sql_begin(&q, st->db, "SELECT id FROM key WHERE name = ?");
    aps_sql_str(&q, name);
    if (aps_sql_row(&q) && aps_sql_get_str(&q, 0).n == APS_KEYTEXT_ID_LEN) {
        memcpy(id, aps_sql_get_str(&q, 0).p, APS_KEYTEXT_ID_LEN);
        *out = true;
    }
    return aps_sql_end(&q, diag);
}

/* Has the store a key with this text?  It is told before the same name: it is the graver slip. */
static enum aps_err explain_text(struct aps_store *st, struct twin *twin, bool *out,
                                 struct aps_diag *diag)
{
    struct aps_sql q;
    aps_sql_begin(&q, st->db, "SELECT 1 FROM key WHERE id = ?");
    aps_sql_str(&q, twin->id);
    *out = aps_sql_row(&q);
    twin->field = "key";
    aps_err_explain(&twin->why, "the text is, or once was, that of key %.*s in the store",
                    APS_STR_ARG(twin->id));
    return aps_sql_end(&q, diag);
}

/* Without the name: a key's text may have got into its column (CLI-02). */
static enum aps_err explain_name(struct aps_store *st, struct twin *twin, struct aps_diag *diag)
{
    char id[APS_KEYTEXT_ID_LEN] = {0};
    uint64_t other = 0;
    bool there;
    enum aps_err err = holder_of(st, twin->name, id, &there, diag);

    if (err == APS_OK && there)
        err = line_of(st, (struct aps_str){id, sizeof id}, twin->name, &other, diag);
    if (err != APS_OK)
        return err;
    twin->field = "name";
    if (other == 0) {
        aps_err_explain(&twin->why, "key %.*s in the store has that name already", (int)sizeof id,
                        id);
        return APS_OK;
    }
    if (other > twin->line) { /* placed in the order of ids: the later line is told */
        uint64_t line = twin->line;
        twin->line = other;
        other = line;
    }
    aps_err_explain(&twin->why, "line %llu has the same name", (unsigned long long)other);
    return APS_OK;
}

/* Why the key could not be placed; `first` is the line of the file that has its text, or 0. */
static enum aps_err explain_twin(struct aps_store *st, struct twin *twin, uint64_t first,
                                 struct aps_diag *diag)
{
    bool same_text;
    enum aps_err err;

    if (first != 0) {
        twin->field = "key";
        aps_err_explain(&twin->why, "line %llu has the same text", (unsigned long long)first);
        return APS_OK;
    }
    err = explain_text(st, twin, &same_text, diag);
    return err == APS_OK && !same_text ? explain_name(st, twin, diag) : err;
}

enum aps_err aps_store_import_place(struct aps_import *imp, aps_import_fault_fn fault, void *arg,
                                    struct aps_diag *diag)
{
    struct aps_sql from, put;
    char last[APS_KEYTEXT_ID_LEN] = {0};
    uint64_t first = 0; /* the line that `last` was on first */
    bool twins = false, more = true;
    enum aps_err end,
        err = aps_db_exec(imp->st->db, "CREATE INDEX temp.import_id ON import(id, line)", diag);

    if (err != APS_OK)
        return err;
    aps_sql_begin(&from, imp->st->db,
                  "SELECT line, id, name, record FROM temp.import ORDER BY id, line");
    aps_sql_begin(&put, imp->st->db, "INSERT INTO key(id, name, record) VALUES(?, ?, ?)");
    while (err == APS_OK && more && put.rc == SQLITE_OK && aps_sql_row(&from)) {
        struct twin twin = {.line = (uint64_t)aps_sql_get_i64(&from, 0),
                            .id = aps_sql_get_str(&from, 1),
                            .name = aps_sql_get_str(&from, 2)};
        struct aps_str record = aps_sql_get_str(&from, 3);
        bool again = memcmp(last, twin.id.p, sizeof last) == 0, conflict = again;

        if (!again) {
            memcpy(last, twin.id.p, sizeof last);
            first = twin.line;
            aps_sql_str(&put, twin.id);
            aps_sql_str(&put, twin.name);
            aps_sql_blob(&put, record.p, record.n);
            aps_sql_again(&put, &conflict);
        }
        if (!conflict) {
            err = aps_store_key_mark(imp->st, twin.id, diag);
            continue;
        }
        twins = true;
        err = explain_twin(imp->st, &twin, again ? first : 0, diag);
        if (err == APS_OK)
            more = fault(arg, twin.line, twin.field, APS_ERR_EXISTS, twin.why.text);
    }
    end = aps_sql_end(&put, err == APS_OK ? diag : NULL);
    err = err != APS_OK ? err : end;
    end = aps_sql_end(&from, err == APS_OK ? diag : NULL);
    err = err != APS_OK ? err : end;
    return err == APS_OK && twins ? APS_ERR_EXISTS : err;
}

/* ---- the change log ---- */

static enum aps_err raise_imports(struct aps_store *st, uint64_t n, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err;
    aps_sql_begin(&q, st->db, "UPDATE meta SET imports = imports + ?");
    aps_sql_i64(&q, (int64_t)n);
    if ((err = aps_sql_run(&q, diag)) == APS_OK)
        st->meta.imports += n;
    return err;
}

enum aps_err aps_store_import_end(struct aps_import *imp, const struct aps_import_source *source,
                                  struct aps_import_count *out, struct aps_diag *diag)
{
    char digest[2 * APS_DIGEST_LEN + 1];
    struct aps_json w;
    enum aps_err err;

    if (imp->count.keys == 0) {
        aps_err_explain(diag, "%.*s has no key in it", APS_STR_SHOW(source->name));
        return APS_ERR_CONFLICT;
    }
    (void)apr_escape_hex(digest, source->digest, APS_DIGEST_LEN, 0, NULL); /* it cannot fail */
    aps_json_init_pool(&w, imp->pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "file");
    aps_json_str(&w, source->name);
    aps_json_put_str(&w, "sha256", digest);
    aps_json_put_u64(&w, "keys", imp->count.keys);
    aps_json_put_u64(&w, "digests", imp->count.digests);
    aps_json_put_u64(&w, "decoys", imp->count.decoys);
    aps_json_end(&w);
    if ((err = raise_imports(imp->st, imp->count.keys, diag)) != APS_OK ||
        (err = aps_store_change_put(imp->st, APS_STR_LIT("import"), (struct aps_str){0},
                                    aps_json_text(&w), diag)) != APS_OK)
        return err;
    *out = imp->count;
    return APS_OK;
}
