/* master.c - the master key: its two forms, read from a source and written to a file. */
#include "apisec/master.h"

#include <apr_escape.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "apisec/file.h"
#include "apisec/keyline.h"
#include "apisec/source.h"

enum { DIGITS = 2 * APS_MASTER_LEN, TEXT_MAX = APS_KEYLINE_TEXT_MAX };

/* ---- the passphrase ---- */

/* Without white space at both ends, in memory of its own. */
static enum aps_err trim(struct aps_secret *text, struct aps_diag *diag)
{
    struct aps_secret trimmed = {0};
    struct aps_str s = aps_secret_str(text);
    enum aps_err err = APS_ERR_FORMAT;

    while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL && s.p[s.n - 1] != '\0')
        s.n--;
    for (; s.n > 0 && strchr(" \t\r\n", *s.p) != NULL && *s.p != '\0'; s.n--)
        s.p++;
    if (s.n == 0)
        aps_err_explain(diag, "no passphrase came: nothing but white space");
    else
        err = aps_secret_copy(s.p, s.n, &trimmed);
    aps_secret_wipe(text);
    *text = trimmed;
    return err;
}

enum aps_err aps_master_passphrase(const struct aps_master_from *from, struct aps_secret *out,
                                   struct aps_diag *diag)
{
    const struct aps_source source = {.text = from->passphrase,
                                      .what = "passphrase",
                                      .credentials = from->credentials,
                                      .again = from->again};
    struct aps_secret text = {0};
    enum aps_err err = aps_source_read(&source, APS_KEYLINE_PASSPHRASE_MAX + 2, &text, diag);
    if (err == APS_OK)
        err = trim(&text, diag);
    if (err == APS_OK)
        *out = text;
    return err;
}

static enum aps_err get_passphrase(const struct aps_master_from *from, struct aps_secret *out,
                                   struct aps_diag *diag)
{
    if (from->passphrase != NULL)
        return aps_master_passphrase(from, out, diag);
    if (from->ask != NULL)
        return from->ask(from->ask_arg, out, diag);
    aps_err_explain(diag,
                    "the master key of %s lies under a passphrase: say where that comes from "
                    "(apisecctl --master-passphrase, ApiSecMasterPassphrase in httpd)",
                    from->source);
    return APS_ERR_FAILED;
}

/* ---- the two forms ---- */

static enum aps_err no_key(const char *source, struct aps_diag *diag)
{
    aps_err_explain(diag,
                    "%s does not give a master key: want 64 hexadecimal digits and at most "
                    "one newline; `openssl rand -hex 32` makes one",
                    source);
    return APS_ERR_FORMAT;
}

static enum aps_err read_digits(const char *source, struct aps_str text, struct aps_secret *out,
                                struct aps_diag *diag)
{
    struct aps_secret key = {0};
    apr_size_t done = 0;
    bool good;
    enum aps_err err;

    if (text.n == DIGITS + 1 && text.p[text.n - 1] == '\n')
        text.n--;
    if ((err = aps_secret_new(APS_MASTER_LEN, &key)) != APS_OK)
        return err;
    good = text.n == DIGITS &&
           apr_unescape_hex(key.b, text.p, (apr_ssize_t)text.n, 0, &done) == APR_SUCCESS &&
           done == key.n;
    if (!good) {
        aps_secret_wipe(&key);
        return no_key(source, diag);
    }
    *out = key;
    return APS_OK;
}

static enum aps_err read_locked(const struct aps_master_from *from, struct aps_str text,
                                struct aps_secret *out, struct aps_diag *diag)
{
    struct aps_secret passphrase = {0};
    struct aps_diag why = {{0}};
    enum aps_err err = get_passphrase(from, &passphrase, diag);
    if (err != APS_OK)
        return err;
    if ((err = aps_keyline_open(text, aps_secret_str(&passphrase), out, &why)) != APS_OK)
        aps_err_explain(diag, "%s: %s", from->source, aps_err_say(err, &why));
    aps_secret_wipe(&passphrase);
    return err;
}

/* A passphrase that is given for a key under none is a mistake, or somebody has put another file
 * in the place of the one that was protected. */
static enum aps_err read_form(const struct aps_master_from *from, struct aps_str text,
                              struct aps_secret *out, struct aps_diag *diag)
{
    if (aps_keyline_is(text))
        return read_locked(from, text, out, diag);
    if (from->passphrase == NULL)
        return read_digits(from->source, text, out, diag);
    aps_err_explain(diag,
                    "the key of %s lies under no passphrase, but one is given: apisecctl master "
                    "protect puts it under one; else take away --master-passphrase or "
                    "ApiSecMasterPassphrase",
                    from->source);
    return APS_ERR_UNSAFE;
}

/* ---- loading ---- */

enum aps_err aps_master_check_source(const char *source, struct aps_diag *diag)
{
    return aps_source_check(source, "master key", diag);
}

enum aps_err aps_master_load_from(const struct aps_master_from *from, struct aps_secret *out,
                                  struct aps_diag *diag)
{
    const struct aps_source source = {.text = from->source,
                                      .what = "master key",
                                      .credentials = from->credentials,
                                      .again = from->again};
    struct aps_secret text = {0};
    enum aps_err err = aps_source_read(&source, TEXT_MAX, &text, diag);
    if (err == APS_ERR_RANGE) /* nobody's master key has that size */
        return no_key(from->source, diag);
    if (err == APS_OK)
        err = read_form(from, aps_secret_str(&text), out, diag);
    aps_secret_wipe(&text);
    return err;
}

enum aps_err aps_master_load(const char *source, struct aps_secret *out, struct aps_diag *diag)
{
    const struct aps_master_from from = {.source = source};
    return aps_master_load_from(&from, out, diag);
}

/* ---- writing ---- */

static enum aps_err print_locked(const struct aps_secret *key, const struct aps_master_lock *lock,
                                 char out[TEXT_MAX], size_t *out_n, struct aps_diag *diag)
{
    struct aps_secret again = {0};
    size_t n = 0;
    enum aps_err err = aps_keyline_make(key, lock->passphrase, &lock->how, out, &n, diag);
    if (err == APS_OK)
        err = aps_keyline_open((struct aps_str){out, n}, lock->passphrase, &again, diag);
    if (err == APS_OK && !aps_secret_equal(again.b, key->b, APS_MASTER_LEN))
        err = APS_ERR_CRYPTO; /* memory that fails: what is there stays */
    aps_secret_wipe(&again);
    if (err == APS_OK)
        *out_n = n;
    return err;
}

static enum aps_err write_all(int fd, const char *temp, const char *text, size_t n,
                              struct aps_diag *diag)
{
    char why[128];
    ssize_t done = write(fd, text, n);
    if (done == (ssize_t)n)
        return APS_OK;
    aps_err_explain(diag, "%s: cannot write it: %s", temp,
                    strerror_r(done < 0 ? errno : ENOSPC, why, sizeof why));
    return APS_ERR_IO;
}

enum aps_err aps_master_write(const char *path, const struct aps_secret *key,
                              const struct aps_master_lock *lock, struct aps_diag *diag)
{
    char text[TEXT_MAX], temp[APS_FILE_PATH_MAX], target[APS_FILE_PATH_MAX];
    size_t n = DIGITS + 1;
    int fd = -1;
    enum aps_err err;

    if (key->n != APS_MASTER_LEN)
        return APS_ERR_CRYPTO;
    if ((err = aps_file_locate(path, geteuid(), target, diag)) != APS_OK)
        return err;
    if (lock == NULL) {
        (void)apr_escape_hex(text, key->b, key->n, 0, NULL); /* it cannot fail */
        text[DIGITS] = '\n';
    } else if ((err = print_locked(key, lock, text, &n, diag)) != APS_OK) {
        return err;
    }
    aps_file_sweep(target);
    if ((err = aps_file_temp(target, 0600, (gid_t)-1, temp, &fd, diag)) == APS_OK) {
        if ((err = write_all(fd, temp, text, n, diag)) == APS_OK)
            err = aps_file_replace(temp, fd, target, diag);
        if (err != APS_OK)
            (void)unlink(temp); /* else the next run takes it */
        (void)close(fd);        /* synced, or gone */
    }
    aps_secret_cleanse(text, sizeof text);
    return err;
}
