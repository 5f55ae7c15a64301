/* stream.c - chunks of a stream, written and read. */
#include "apisec/stream.h"

#include <apr_escape.h>
#include <stdlib.h>

#include "apisec/digest.h"
#include "apisec/random.h"
#include "stream_head.h"

enum { SEALED = APS_STREAM_CHUNK + APS_AEAD_TAG_LEN };

/* What both sides share. */
struct keys {
    struct aps_secret key; /* encrypts the chunks */
    uint8_t head[APS_DIGEST_LEN];
    uint64_t n; /* chunks so far */
};

static enum aps_err derive(struct keys *keys, const struct aps_secret *content)
{
    struct aps_secret key = {NULL, 0};
    enum aps_err err = aps_secret_new(APS_AEAD_KEY_LEN, &key);

    if (err == APS_OK)
        err = aps_kdf_hkdf(aps_secret_str(content),
                           (struct aps_str){(const char *)keys->head, sizeof keys->head},
                           APS_STR_LIT(APS_KDF_STREAM), key.b, key.n);
    if (err != APS_OK) {
        aps_secret_wipe(&key);
        return err;
    }
    aps_secret_wipe(&keys->key);
    keys->key = key;
    return APS_OK;
}

static void next_nonce(struct keys *keys, bool last, uint8_t out[APS_AEAD_NONCE_LEN])
{
    memset(out, 0, APS_AEAD_NONCE_LEN);
    for (int i = 0; i < 8; i++)
        out[3 + i] = (uint8_t)(keys->n >> (56 - 8 * i));
    out[11] = last;
    keys->n++;
}

/* ---- writing ---- */

struct aps_stream_writer {
    struct keys keys;
    aps_stream_put_fn put;
    void *arg;
    struct aps_secret plain; /* the chunk that is being filled */
    size_t n;
    bool ended;
    uint8_t sealed[SEALED];
};

static enum aps_err write_head(struct aps_stream_writer *w, const struct aps_stream_about *about,
                               const struct aps_stream_for *whom)
{
    struct aps_stream_head head = {.about = *about};
    uint8_t bytes[APS_STREAM_HEAD_MAX];
    struct aps_secret content = {NULL, 0};
    size_t n;
    enum aps_err err;

    if ((err = aps_secret_new(APS_AEAD_KEY_LEN, &content)) != APS_OK ||
        (err = aps_random_fill(content.b, content.n)) != APS_OK ||
        (err = aps_stream_head_lock(&head, whom, &content)) != APS_OK)
        goto out;
    n = aps_stream_head_print(&head, bytes);
    if ((err = aps_digest_sum((struct aps_str){(const char *)bytes, n}, w->keys.head)) != APS_OK ||
        (err = derive(&w->keys, &content)) != APS_OK)
        goto out;
    err = w->put(w->arg, bytes, n);
out:
    aps_secret_wipe(&content);
    return err;
}

enum aps_err aps_stream_new(const struct aps_stream_about *about, const struct aps_stream_for *whom,
                            aps_stream_put_fn put, void *arg, struct aps_stream_writer **out)
{
    struct aps_stream_writer *w = calloc(1, sizeof *w);
    enum aps_err err;

    if (w == NULL)
        return APS_ERR_NOMEM;
    w->put = put;
    w->arg = arg;
    if ((err = aps_secret_new(APS_STREAM_CHUNK, &w->plain)) != APS_OK ||
        (err = write_head(w, about, whom)) != APS_OK) {
        aps_stream_free(w);
        return err;
    }
    *out = w;
    return APS_OK;
}

static enum aps_err write_chunk(struct aps_stream_writer *w, bool last)
{
    uint8_t nonce[APS_AEAD_NONCE_LEN];
    enum aps_err err;

    next_nonce(&w->keys, last, nonce);
    err = aps_aead_encrypt(w->keys.key.b, nonce, (struct aps_str){NULL, 0},
                           (struct aps_str){(const char *)w->plain.b, w->n}, w->sealed,
                           w->sealed + w->n);
    if (err == APS_OK)
        err = w->put(w->arg, w->sealed, w->n + APS_AEAD_TAG_LEN);
    w->n = 0;
    return err;
}

enum aps_err aps_stream_add(struct aps_stream_writer *w, const void *p, size_t n)
{
    const uint8_t *from = p;
    enum aps_err err = w->ended ? APS_ERR_FAILED : APS_OK;

    while (err == APS_OK && n > 0) {
        size_t part = APS_STREAM_CHUNK - w->n;
        /* A full chunk waits for one byte more, since the last one is told apart. */
        if (part == 0) {
            err = write_chunk(w, false);
            continue;
        }
        part = part < n ? part : n;
        memcpy(w->plain.b + w->n, from, part);
        w->n += part;
        from += part;
        n -= part;
    }
    return err;
}

enum aps_err aps_stream_end(struct aps_stream_writer *w)
{
    if (w->ended)
        return APS_ERR_FAILED;
    w->ended = true;
    return write_chunk(w, true);
}

const uint8_t *aps_stream_writer_digest(const struct aps_stream_writer *w)
{
    return w->keys.head;
}

void aps_stream_free(struct aps_stream_writer *w)
{
    if (w == NULL)
        return;
    aps_secret_wipe(&w->plain);
    aps_secret_wipe(&w->keys.key);
    free(w);
}

/* ---- reading ---- */

struct aps_stream_reader {
    struct keys keys;
    struct aps_stream_head head;
    aps_stream_get_fn get;
    void *arg;
    struct aps_secret plain; /* the chunk that is being handed out, from `at` to `n` */
    size_t at, n;
    size_t held; /* bytes in `sealed` */
    bool ended;
    enum aps_err failed;        /* nothing follows a fault */
    uint8_t sealed[SEALED + 1]; /* and a byte that tells that it is not the last */
};

static enum aps_err damaged(struct aps_diag *diag)
{
    aps_err_explain(diag, "the backup was changed or cut short: take another copy of it");
    return APS_ERR_CORRUPT;
}

/* Up to `n` bytes of the source; fewer only at its end. */
static enum aps_err fill(struct aps_stream_reader *r, uint8_t *to, size_t n, size_t *out_n)
{
    size_t done = 0, got = 1;
    enum aps_err err = APS_OK;

    while (err == APS_OK && done < n && got != 0) {
        got = 0;
        err = r->get(r->arg, to + done, n - done, &got);
        done += got;
    }
    *out_n = done;
    return err;
}

/* Exactly `n` bytes of the head, which are added to `bytes`. */
static enum aps_err fill_head(struct aps_stream_reader *r, uint8_t *bytes, size_t *at, size_t n,
                              struct aps_diag *diag)
{
    size_t got = 0;
    enum aps_err err = fill(r, bytes + *at, n, &got);

    if (err == APS_OK && got != n) {
        aps_err_explain(diag, "the backup ends within its head: take another copy of it");
        err = APS_ERR_CORRUPT;
    }
    *at += got;
    return err;
}

static enum aps_err read_head(struct aps_stream_reader *r, struct aps_diag *diag)
{
    uint8_t bytes[APS_STREAM_HEAD_MAX];
    size_t n = 0;
    enum aps_err err = fill_head(r, bytes, &n, APS_STREAM_FIXED_LEN, diag);

    if (err == APS_OK)
        err = aps_stream_head_begin(bytes, &r->head, diag);
    for (size_t i = 0; err == APS_OK && i < r->head.nlocks; i++) {
        size_t kind = n, len;
        if ((err = fill_head(r, bytes, &n, 1, diag)) != APS_OK)
            break;
        len = aps_stream_head_lock_len(bytes[kind]);
        /* What follows a lock of another size than that of a box is refused by the next line. */
        if (len == 0 || n + len > sizeof bytes)
            return damaged(diag);
        if ((err = fill_head(r, bytes, &n, len, diag)) == APS_OK)
            err = aps_stream_head_add(&r->head, bytes[kind], bytes + kind + 1, diag);
    }
    if (err != APS_OK)
        return err;
    return aps_digest_sum((struct aps_str){(const char *)bytes, n}, r->keys.head);
}

enum aps_err aps_stream_open(aps_stream_get_fn get, void *arg, struct aps_stream_reader **out,
                             struct aps_diag *diag)
{
    struct aps_stream_reader *r = calloc(1, sizeof *r);
    enum aps_err err;

    if (r == NULL)
        return APS_ERR_NOMEM;
    r->get = get;
    r->arg = arg;
    r->failed = APS_ERR_KEY; /* until it is unlocked */
    if ((err = aps_secret_new(APS_STREAM_CHUNK, &r->plain)) != APS_OK ||
        (err = read_head(r, diag)) != APS_OK) {
        aps_stream_close(r);
        return err;
    }
    *out = r;
    return APS_OK;
}

const struct aps_stream_about *aps_stream_about(const struct aps_stream_reader *r)
{
    return &r->head.about;
}

bool aps_stream_wants_passphrase(const struct aps_stream_reader *r)
{
    return r->head.nboxes == 0;
}

const uint8_t *aps_stream_head_digest(const struct aps_stream_reader *r)
{
    return r->keys.head;
}

static enum aps_err unlocked(struct aps_stream_reader *r, const struct aps_secret *content)
{
    enum aps_err err = derive(&r->keys, content);
    if (err == APS_OK)
        r->failed = APS_OK;
    return err;
}

enum aps_err aps_stream_unlock(struct aps_stream_reader *r, struct aps_str passphrase,
                               struct aps_diag *diag)
{
    struct aps_secret content = {NULL, 0};
    enum aps_err err = APS_ERR_CRYPTO;

    if (r->head.nboxes != 0) {
        aps_err_explain(diag, "the backup is for recipients: give the private key of one of them "
                              "by --identity");
        return APS_ERR_KEY;
    }
    err = aps_stream_head_unlock(&r->head, passphrase, &content);
    if (err == APS_ERR_CRYPTO) {
        aps_err_explain(diag, "the passphrase does not open the backup: it is another one, or the "
                              "backup's head was changed");
        err = APS_ERR_KEY;
    }
    if (err == APS_OK)
        err = unlocked(r, &content);
    aps_secret_wipe(&content);
    return err;
}

/* Name the recipients there are, so that the right key can be found. */
static enum aps_err no_recipient(const struct aps_stream_reader *r, struct aps_diag *diag)
{
    char first[2 * APS_RECIPIENT_LEN + 1] = "";

    if (r->head.nboxes == 0) {
        aps_err_explain(diag, "the backup is for a passphrase and no recipient: leave --identity "
                              "away");
        return APS_ERR_KEY;
    }
    (void)apr_escape_hex(first, r->head.boxes[0].to, APS_RECIPIENT_LEN, 0, NULL); /* cannot fail */
    aps_err_explain(diag,
                    "the private key does not open the backup: it is for %zu recipient%s, the "
                    "first with the public key %s (hex, the last 32 bytes of openssl pkey -pubout "
                    "-outform DER), or its head was changed",
                    r->head.nboxes, r->head.nboxes == 1 ? "" : "s", first);
    return APS_ERR_KEY;
}

enum aps_err aps_stream_unlock_by(struct aps_stream_reader *r, const struct aps_recipient_own *id,
                                  struct aps_diag *diag)
{
    struct aps_secret content = {NULL, 0};
    enum aps_err err = aps_secret_new(APS_AEAD_KEY_LEN, &content);
    enum aps_err open = APS_ERR_CRYPTO;

    for (size_t i = 0; err == APS_OK && open != APS_OK && i < r->head.nboxes; i++)
        open = aps_recipient_unwrap(id, &r->head.boxes[i], content.b);
    if (err == APS_OK)
        err = open == APS_OK ? unlocked(r, &content) : no_recipient(r, diag);
    aps_secret_wipe(&content);
    return err;
}

static enum aps_err read_chunk(struct aps_stream_reader *r, struct aps_diag *diag)
{
    uint8_t nonce[APS_AEAD_NONCE_LEN];
    size_t got = 0, n;
    bool first = r->keys.n == 0, last;
    enum aps_err err = fill(r, r->sealed + r->held, sizeof r->sealed - r->held, &got);

    if (err != APS_OK)
        return err;
    r->held += got;
    last = r->held < sizeof r->sealed;
    n = last ? r->held : SEALED;
    if (n < APS_AEAD_TAG_LEN || (n == APS_AEAD_TAG_LEN && !first))
        return damaged(diag);
    n -= APS_AEAD_TAG_LEN;
    next_nonce(&r->keys, last, nonce);
    if (aps_aead_decrypt(r->keys.key.b, nonce, (struct aps_str){NULL, 0},
                         (struct aps_str){(const char *)r->sealed, n}, r->sealed + n,
                         r->plain.b) != APS_OK)
        return damaged(diag);
    r->sealed[0] = r->sealed[SEALED];
    r->held = last ? 0 : 1;
    r->at = 0;
    r->n = n;
    r->ended = last;
    return APS_OK;
}

enum aps_err aps_stream_read(struct aps_stream_reader *r, void *p, size_t max, size_t *out_n,
                             struct aps_diag *diag)
{
    size_t n;

    while (r->failed == APS_OK && r->at == r->n && !r->ended)
        r->failed = read_chunk(r, diag);
    if (r->failed != APS_OK)
        return r->failed;
    n = r->n - r->at < max ? r->n - r->at : max;
    if (n != 0)
        memcpy(p, r->plain.b + r->at, n);
    r->at += n;
    *out_n = n;
    return APS_OK;
}

void aps_stream_close(struct aps_stream_reader *r)
{
    if (r == NULL)
        return;
    aps_secret_wipe(&r->plain);
    aps_secret_wipe(&r->keys.key);
    free(r);
}
