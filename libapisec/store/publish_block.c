/* publish_block.c - what is compiled of APIs: files of pub/api, each named by its digest. */
#include <apr_escape.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "apisec/version.h"
#include "block.h"

enum { DIGITS = 2 * APS_DIGEST_LEN };

static enum aps_err fault(struct aps_diag *diag, const char *path, const char *what)
{
    char text[128];
    aps_err_explain(diag, "%s: cannot %s: %s", path, what, strerror_r(errno, text, sizeof text));
    return APS_ERR_IO;
}

/* ---- one file ---- */

static enum aps_err write_all(int fd, const char *path, struct aps_str bytes, struct aps_diag *diag)
{
    for (size_t done = 0; done < bytes.n;) {
        ssize_t n = write(fd, bytes.p + done, bytes.n - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fault(diag, path, "write it");
        done += (size_t)n;
    }
    return APS_OK;
}

static enum aps_err fill(struct aps_store *st, const char *temp, void *arg, struct aps_diag *diag)
{
    const struct aps_str *block = arg;
    int fd = open(temp, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    enum aps_err err;

    (void)st;
    if (fd < 0)
        return fault(diag, temp, "open it");
    err = write_all(fd, temp, *block, diag);
    if (close(fd) != 0 && err == APS_OK)
        err = fault(diag, temp, "write it");
    return err;
}

static bool is_there(const char *path, uint64_t size)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
           (st.st_mode & 07777) == 0640 && (uint64_t)st.st_size == size;
}

/* The row is of what this program compiles. */
static enum aps_err put_row(struct aps_store *st, const struct aps_store_api *api,
                            struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db, "UPDATE api SET digest = ?, size = ?, release = ? WHERE name = ?");
    aps_sql_blob(&q, api->digest, sizeof api->digest);
    aps_sql_i64(&q, (int64_t)api->size);
    aps_sql_str(&q, api->release);
    aps_sql_str(&q, api->name);
    return aps_sql_run(&q, diag);
}

/* Whether the file of the row can be used as it is. */
static bool is_usable(const struct aps_store *st, const struct aps_store_api *api)
{
    struct aps_block *block = NULL;
    bool good = aps_block_open(st->dir, geteuid(), api, &block, NULL) == APS_OK;

    aps_block_release(block);
    return good;
}

static enum aps_err make(struct aps_store *st, const struct aps_store_api *old, apr_pool_t *pool,
                         bool *out_wrote, struct aps_diag *diag)
{
    struct aps_store_api api = *old;
    struct aps_store_api_bundle bundle;
    struct aps_store_api_made made;
    char path[APS_FILE_PATH_MAX];
    enum aps_err err = aps_store_api_bundle(st, api.name, pool, &bundle, diag);

    if (err != APS_OK)
        return err;
    if (aps_store_api_compile(&bundle, pool, &made, NULL) != APS_OK)
        return APS_OK; /* nothing else waits for it */
    api.size = made.block.n;
    api.release = aps_str(aps_version());
    if ((err = aps_digest_sum(made.block, api.digest)) != APS_OK ||
        (err = aps_block_path(st->dir, api.digest, path, diag)) != APS_OK)
        return err;
    if (!is_there(path, api.size) || !is_usable(st, &api)) {
        *out_wrote = true;
        if ((err = aps_publish_file(st, path, fill, &made.block, diag)) != APS_OK)
            return err;
    }
    if (aps_secret_equal(api.digest, old->digest, sizeof api.digest) &&
        aps_str_eq(api.release, old->release))
        return APS_OK;
    *out_wrote = true;
    return put_row(st, &api, diag);
}

/* ---- all of them ---- */

static enum aps_err make_folder(struct aps_store *st, struct aps_diag *diag)
{
    char pub[APS_FILE_PATH_MAX], path[APS_FILE_PATH_MAX];
    struct stat where;
    enum aps_err err;

    if ((err = aps_file_join(st->dir, "pub", pub, diag)) != APS_OK ||
        (err = aps_file_join(st->dir, "pub/api", path, diag)) != APS_OK)
        return err;
    if (stat(pub, &where) != 0)
        return fault(diag, pub, "find it");
    return aps_folder_below(path, where.st_gid, diag);
}

static enum aps_err make_all(struct aps_store *st, bool anew, apr_pool_t *pool, bool *out_wrote,
                             struct aps_diag *diag)
{
    const struct aps_store_api *list = NULL;
    char path[APS_FILE_PATH_MAX];
    apr_pool_t *each = NULL;
    size_t n = 0;
    enum aps_err err = aps_store_apis(st, pool, &list, &n, diag);

    if (err != APS_OK || n == 0)
        return err;
    if (apr_pool_create(&each, pool) != APR_SUCCESS)
        return APS_ERR_NOMEM;
    err = make_folder(st, diag);
    for (size_t i = 0; err == APS_OK && i < n; i++) {
        bool ours = aps_str_eq(list[i].release, aps_str(aps_version()));

        apr_pool_clear(each);
        err = aps_block_path(st->dir, list[i].digest, path, diag);
        if (err == APS_OK && (anew || !ours || !is_there(path, list[i].size)))
            err = make(st, &list[i], each, out_wrote, diag);
    }
    return err;
}

enum aps_err aps_publish_block(struct aps_store *st, bool anew, bool *out_wrote,
                               struct aps_diag *diag)
{
    apr_pool_t *pool = aps_store_pool(); /* st->pool may hold what the command still prints */
    enum aps_err err = APS_ERR_NOMEM;

    if (pool == NULL)
        return err;
    err = make_all(st, anew, pool, out_wrote, diag);
    apr_pool_destroy(pool);
    return err;
}

/* ---- what nobody names any more ---- */

struct sweep {
    apr_pool_t *pool;
    apr_hash_t *named; /* digests in hexadecimal digits */
    apr_hash_t *gone;  /* the same, and since when: aps_nsec */
};

static enum aps_err read_digests(struct aps_store *st, struct sweep *s, const char *sql,
                                 apr_hash_t *into)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db, sql);
    while (aps_sql_row(&q)) {
        struct aps_str digest = aps_sql_get_str(&q, 0);
        aps_nsec at = aps_sql_get_i64(&q, 1);

        if (digest.n == APS_DIGEST_LEN)
            apr_hash_set(into, apr_pescape_hex(s->pool, digest.p, digest.n, 0), DIGITS,
                         apr_pmemdup(s->pool, &at, sizeof at));
    }
    return aps_sql_end(&q, NULL);
}

static bool is_digest(const char *name)
{
    return strlen(name) == DIGITS && strspn(name, "0123456789abcdef") == DIGITS;
}

/* Of a run that was killed: the writers' lock is held, so nobody writes it now. */
static bool is_temp(const char *name)
{
    return name[0] == '.' && strlen(name) > DIGITS + 2 && name[DIGITS + 1] == '.' &&
           strspn(name + 1, "0123456789abcdef") == DIGITS;
}

static enum aps_err note(struct aps_store *st, const char *sql, const char *name, aps_nsec at)
{
    uint8_t digest[APS_DIGEST_LEN];
    struct aps_sql q;

    (void)apr_unescape_hex(digest, name, DIGITS, 0, NULL); /* it has those digits */
    aps_sql_begin(&q, st->db, sql);
    aps_sql_blob(&q, digest, sizeof digest);
    if (at != 0)
        aps_sql_i64(&q, at);
    return aps_sql_run(&q, NULL);
}

#define NOTE_GONE "INSERT OR IGNORE INTO api_gone(digest, at) VALUES(?, ?)"
#define NOTE_NO_MORE "DELETE FROM api_gone WHERE digest = ?"

static enum aps_err judge(struct aps_store *st, struct sweep *s, const char *folder,
                          const char *name)
{
    const aps_nsec *gone = apr_hash_get(s->gone, name, APR_HASH_KEY_STRING);
    bool named = apr_hash_get(s->named, name, APR_HASH_KEY_STRING) != NULL;
    char path[APS_FILE_PATH_MAX];
    enum aps_err err = aps_file_join(folder, name, path, NULL);

    if (err != APS_OK)
        return err;
    if (is_temp(name))
        (void)unlink(path); /* what stays is found again next time */
    if (!is_digest(name))
        return APS_OK; /* not ours: doctor tells it */
    if (named)
        return gone != NULL ? note(st, NOTE_NO_MORE, name, 0) : APS_OK;
    if (gone == NULL)
        return note(st, NOTE_GONE, name, st->now);
    if (st->now - *gone < APS_PUBLISH_BLOCK_GRACE)
        return APS_OK;
    if (unlink(path) != 0 && errno != ENOENT)
        return APS_ERR_IO;
    return note(st, NOTE_NO_MORE, name, 0);
}

static void sweep(struct aps_store *st, struct sweep *s)
{
    char folder[APS_FILE_PATH_MAX];
    struct dirent *e;
    DIR *d;
    enum aps_err err;

    if (aps_file_join(st->dir, "pub/api", folder, NULL) != APS_OK || (d = opendir(folder)) == NULL)
        return;
    if ((err = read_digests(st, s, "SELECT digest, 0 FROM api", s->named)) == APS_OK)
        err = read_digests(st, s, "SELECT digest, at FROM api_gone", s->gone);
    while (err == APS_OK && (e = readdir(d)) != NULL)
        err = judge(st, s, folder, e->d_name);
    (void)closedir(d); /* read only */
}

void aps_publish_block_sweep(struct aps_store *st)
{
    struct sweep s = {.pool = aps_store_pool()};

    if (s.pool == NULL)
        return;
    s.named = apr_hash_make(s.pool);
    s.gone = apr_hash_make(s.pool);
    sweep(st, &s);
    apr_pool_destroy(s.pool);
}
