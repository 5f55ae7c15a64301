/* fill.c - put many keys into a store, in one transaction, and print their texts; or many secrets.
 * usage: fill STORE COUNT [secrets] */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "apisec/master.h"
#include "apisec/store.h"

static enum aps_err create(struct aps_store *st, unsigned i, apr_pool_t *pool,
                           struct aps_diag *diag)
{
    struct aps_secret text = {0};
    struct aps_key key;
    struct aps_str role = APS_STR_LIT("reader");
    struct aps_key_change fields = {
        .set = APS_KEY_F_NAME | APS_KEY_F_ROLES,
        .to = {.name = aps_str(apr_psprintf(pool, "bench-%u", i)), .nroles = 1, .roles = &role}};
    enum aps_err err = aps_store_key_create(st, &fields, pool, &key, &text, diag);
    if (err == APS_OK)
        printf("%.*s\n", (int)text.n, (const char *)text.b);
    aps_secret_wipe(&text);
    return err;
}

static enum aps_err keep(struct aps_store *st, unsigned i, apr_pool_t *pool, struct aps_diag *diag)
{
    const struct aps_store_named to = {.name = aps_str(apr_psprintf(pool, "bench-%u", i)),
                                       .max_age = 90 * APS_DAY};
    return aps_store_named_set(st, &to, aps_str(apr_psprintf(pool, "credential-%032u", i)), diag);
}

typedef enum aps_err (*make_fn)(struct aps_store *st, unsigned i, apr_pool_t *pool,
                                struct aps_diag *diag);

static enum aps_err fill(const char *dir, unsigned count, make_fn make, apr_pool_t *pool,
                         struct aps_diag *diag)
{
    struct aps_store_actor actor = {getuid(), "", "", "", "localhost", "bench fill"};
    struct aps_secret master = {0};
    struct aps_store *st = NULL;
    apr_pool_t *scratch = NULL;
    enum aps_err err =
        aps_master_load(apr_pstrcat(pool, "file:", dir, "/master.key", NULL), &master, diag);
    struct aps_store_open how = {dir, &master, APS_STORE_WRITE, aps_clock_wall(), &actor};
    if (err != APS_OK || (err = aps_store_open(&how, &st, diag)) != APS_OK)
        goto out;
    apr_pool_create(&scratch, pool);
    for (unsigned i = 0; i < count && err == APS_OK; i++) {
        err = make(st, i, scratch, diag);
        apr_pool_clear(scratch);
    }
    if (err == APS_OK)
        err = aps_store_commit(st, diag);
out:
    aps_store_close(st);
    aps_secret_wipe(&master);
    return err;
}

int main(int argc, char **argv)
{
    struct aps_diag diag = {{0}};
    apr_pool_t *pool = NULL;
    if (argc < 3 || argc > 4 || apr_initialize() != APR_SUCCESS)
        return 2;
    apr_pool_create(&pool, NULL);
    enum aps_err err =
        fill(argv[1], (unsigned)strtoul(argv[2], NULL, 10), argc == 4 ? keep : create, pool, &diag);
    if (err != APS_OK)
        fprintf(stderr, "fill: %s\n", aps_err_say(err, &diag));
    apr_terminate();
    return aps_err_exit(err);
}
