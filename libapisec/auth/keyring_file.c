/* keyring_file.c - a set of keys that was fetched, in a file that nobody else can make. */
#include "keyring_file.h"

#include <apr_escape.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "apisec/num.h"

#define MAGIC "apisec keys 1\n"

enum {
    MAC_AT = sizeof MAGIC - 1,
    TIME_AT = MAC_AT + 2 * APS_MAC_LEN + 1,
    TIME_DIGITS = 20,
    TEXT_AT = TIME_AT + TIME_DIGITS + 1,
    FILE_MAX = TEXT_AT + APS_JWKS_BYTES_MAX,
};

/* Of the store's id so much that two stores never share a folder's name. */
enum { TAG_LEN = 16 };

static enum aps_err cannot(const char *path, const char *what, struct aps_diag *diag)
{
    aps_err_explain(diag, "%s: cannot %s: %s", path, what, strerror(errno));
    return APS_ERR_IO;
}

enum aps_err aps_keyring_file_path(const struct aps_keyring_place *place, struct aps_str issuer,
                                   char out[APS_FILE_PATH_MAX], struct aps_diag *diag)
{
    char tag[2 * TAG_LEN + 1], name[2 * TAG_LEN + 80];
    size_t n = place->store_id_len < TAG_LEN ? place->store_id_len : TAG_LEN;

    (void)apr_escape_hex(tag, place->store_id, n, 0, NULL); /* it cannot fail */
    (void)snprintf(name, sizeof name, "%s-%.*s.keys", tag, (int)issuer.n, issuer.p);
    return aps_file_join(place->folder, name, out, diag);
}

static enum aps_err sum(const struct aps_keyring_place *place, const struct aps_issuer *issuer,
                        struct aps_str text, aps_nsec fetched, uint8_t out[APS_MAC_LEN])
{
    struct aps_mac_run *run = NULL;
    enum aps_err err = aps_mac_begin(place->mac, &run);

    if (err != APS_OK)
        return err;
    aps_mac_add(run, MAGIC, sizeof MAGIC);
    aps_mac_add(run, place->store_id, place->store_id_len);
    aps_mac_add(run, issuer->name.p, issuer->name.n);
    aps_mac_add_u64(run, issuer->edition);
    aps_mac_add_u64(run, (uint64_t)fetched);
    aps_mac_add(run, text.p, text.n);
    return aps_mac_end(run, out);
}

/* What lies there, whoever made it; it must not be able to make this process wait or grow. */
static enum aps_err slurp(const char *path, apr_pool_t *pool, struct stat *out_stat,
                          struct aps_str *out, struct aps_diag *diag)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    enum aps_err err = APS_OK;
    char *bytes = NULL;
    size_t n = 0;

    if (fd < 0 && errno == ENOENT)
        return APS_ERR_NOT_FOUND;
    if (fd < 0)
        return cannot(path, "open it", diag);
    if (fstat(fd, out_stat) != 0) {
        err = cannot(path, "look at it", diag);
        goto out;
    }
    if (!S_ISREG(out_stat->st_mode) || out_stat->st_size <= TEXT_AT ||
        out_stat->st_size > FILE_MAX) {
        aps_err_explain(diag, "%s: no file of fetched keys", path);
        err = APS_ERR_CORRUPT;
        goto out;
    }
    bytes = apr_palloc(pool, (size_t)out_stat->st_size);
    while (n < (size_t)out_stat->st_size) {
        ssize_t got = read(fd, bytes + n, (size_t)out_stat->st_size - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            err = cannot(path, "read it", diag);
            goto out;
        }
        n += (size_t)got;
    }
    *out = (struct aps_str){bytes, n};
out:
    (void)close(fd); /* it was only read */
    return err;
}

static bool is_mac(const char *hex, const uint8_t mac[APS_MAC_LEN])
{
    char want[2 * APS_MAC_LEN + 1];

    (void)apr_escape_hex(want, mac, APS_MAC_LEN, 0, NULL); /* it cannot fail */
    return aps_secret_equal(hex, want, 2 * APS_MAC_LEN);
}

/* 20 digits; what does not fit is a time that no MAC was made over. */
static aps_nsec read_time(const char *digits)
{
    uint64_t value = 0;

    for (int i = 0; i < TIME_DIGITS; i++)
        if (digits[i] < '0' || digits[i] > '9' ||
            __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(digits[i] - '0'), &value) || value > INT64_MAX)
            return 0;
    return (aps_nsec)value;
}

enum aps_err aps_keyring_file_read(const struct aps_keyring_place *place,
                                   const struct aps_issuer *issuer, apr_pool_t *pool,
                                   struct stat *out_stat, struct aps_str *out_text,
                                   aps_nsec *out_fetched, struct aps_diag *diag)
{
    char path[APS_FILE_PATH_MAX];
    struct aps_str all = {NULL, 0}, text;
    uint8_t mac[APS_MAC_LEN];
    enum aps_err err;
    aps_nsec fetched;

    memset(out_stat, 0, sizeof *out_stat);
    if ((err = aps_keyring_file_path(place, issuer->name, path, diag)) != APS_OK ||
        (err = slurp(path, pool, out_stat, &all, diag)) != APS_OK)
        return err;
    text = (struct aps_str){all.p + TEXT_AT, all.n - TEXT_AT};
    fetched = read_time(all.p + TIME_AT);
    if ((err = sum(place, issuer, text, fetched, mac)) != APS_OK)
        return err;
    if (!aps_str_starts(all, APS_STR_LIT(MAGIC)) || fetched <= 0 || !is_mac(all.p + MAC_AT, mac)) {
        aps_err_explain(diag, "%s: not written by this server for this definition of the issuer",
                        path);
        return APS_ERR_CORRUPT;
    }
    *out_text = text;
    *out_fetched = fetched;
    return APS_OK;
}

static enum aps_err write_all(int fd, const char *path, struct aps_str part, struct aps_diag *diag)
{
    while (part.n > 0) {
        ssize_t put = write(fd, part.p, part.n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return cannot(path, "write it", diag);
        part = (struct aps_str){part.p + put, part.n - (size_t)put};
    }
    return APS_OK;
}

enum aps_err aps_keyring_file_write(const struct aps_keyring_place *place,
                                    const struct aps_issuer *issuer, struct aps_str text,
                                    aps_nsec fetched, struct aps_diag *diag)
{
    char path[APS_FILE_PATH_MAX], temp[APS_FILE_PATH_MAX], head[TEXT_AT + 1];
    char hex[2 * APS_MAC_LEN + 1];
    uint8_t mac[APS_MAC_LEN];
    enum aps_err err;
    int fd = -1;

    if ((err = aps_keyring_file_path(place, issuer->name, path, diag)) != APS_OK ||
        (err = sum(place, issuer, text, fetched, mac)) != APS_OK)
        return err;
    (void)apr_escape_hex(hex, mac, sizeof mac, 0, NULL); /* it cannot fail */
    (void)snprintf(head, sizeof head, MAGIC "%s\n%020llu\n", hex, (unsigned long long)fetched);
    aps_file_sweep(path); /* one process writes at a time; what others left was killed */
    if ((err = aps_file_temp(path, 0600, (gid_t)-1, temp, &fd, diag)) != APS_OK)
        return err;
    if ((err = write_all(fd, temp, aps_str(head), diag)) == APS_OK &&
        (err = write_all(fd, temp, text, diag)) == APS_OK)
        err = aps_file_replace(temp, fd, path, diag);
    if (err != APS_OK)
        (void)unlink(temp); /* else the next sweep takes it */
    (void)close(fd);        /* it was synced, or is gone */
    return err;
}
