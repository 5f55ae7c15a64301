/* lookup.c - look keys up in a published copy, for counting what one lookup costs.
 * usage: lookup STORE COUNT MAC < texts
 *
 * Reads the texts of keys, one a line, and looks the ids of COUNT of them up, far apart from each
 * other; with MAC 1 each text's MAC is made as well, as for a key that is seen for the first time.
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apisec/master.h"
#include "apisec/snapshot.h"

/* Prime to every number of keys that is asked for, so that each text has its turn. */
#define STRIDE 7919

static apr_array_header_t *read_texts(apr_pool_t *pool)
{
    apr_array_header_t *texts = apr_array_make(pool, 1024, sizeof(const char *));
    char line[256];
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        APR_ARRAY_PUSH(texts, const char *) = apr_pstrdup(pool, line);
    }
    return texts;
}

/* PREFIX_ID_SECRET: its id. */
static struct aps_str id_of(const char *text)
{
    const char *id = strchr(text, '_');
    id = id != NULL ? id + 1 : text;
    return (struct aps_str){id, strcspn(id, "_")};
}

static enum aps_err look_up(struct aps_snapshot *snap, const char *text, bool mac, apr_pool_t *pool)
{
    uint8_t made[APS_KEY_MAC_LEN];
    struct aps_key key;
    enum aps_err err = aps_snapshot_key(snap, id_of(text), pool, &key);
    if (err == APS_OK && mac)
        err = aps_snapshot_mac(snap, 0, aps_str(text), made);
    apr_pool_clear(pool);
    return err;
}

static enum aps_err run(const char *dir, unsigned count, bool mac, apr_pool_t *pool,
                        struct aps_diag *diag)
{
    struct aps_secret master = {0};
    struct aps_snapshot *snap = NULL;
    apr_pool_t *scratch = NULL;
    apr_array_header_t *texts = read_texts(pool);
    enum aps_err err =
        aps_master_load(apr_pstrcat(pool, "file:", dir, "/master.key", NULL), &master, diag);
    struct aps_snapshot_options how = {.store = dir, .master = &master, .owner = getuid()};
    if (err != APS_OK || (err = aps_snapshot_open(&how, &snap, diag)) != APS_OK)
        goto out;
    apr_pool_create(&scratch, pool);
    for (unsigned i = 0; i < count && err == APS_OK && texts->nelts > 0; i++)
        err = look_up(snap,
                      APR_ARRAY_IDX(texts, (int)((uint64_t)i * STRIDE % (unsigned)texts->nelts),
                                    const char *),
                      mac, scratch);
out:
    aps_snapshot_close(snap);
    aps_secret_wipe(&master);
    return err;
}

int main(int argc, char **argv)
{
    struct aps_diag diag = {{0}};
    apr_pool_t *pool = NULL;
    if (argc != 4 || apr_initialize() != APR_SUCCESS)
        return 2;
    apr_pool_create(&pool, NULL);
    enum aps_err err =
        run(argv[1], (unsigned)strtoul(argv[2], NULL, 10), argv[3][0] == '1', pool, &diag);
    if (err != APS_OK)
        fprintf(stderr, "lookup: %s\n", aps_err_say(err, &diag));
    apr_terminate();
    return aps_err_exit(err);
}
