/* stream_head.c - the head of a stream, as bytes and as a struct. */
#include "stream_head.h"

#include "apisec/random.h"

static const uint8_t magic[8] = "APISECBK";

enum { FORMAT = 1 };

/* ---- numbers ---- */

static uint8_t *put(uint8_t *at, const void *p, size_t n)
{
    memcpy(at, p, n);
    return at + n;
}

static uint8_t *put_number(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        *at++ = (uint8_t)(value >> (8 * i));
    return at;
}

static const uint8_t *get(const uint8_t *at, void *out, size_t n)
{
    memcpy(out, at, n);
    return at + n;
}

static const uint8_t *get_number(const uint8_t *at, int bytes, uint64_t *out)
{
    uint64_t value = 0;
    while (bytes-- > 0)
        value = value << 8 | *at++;
    *out = value;
    return at;
}

/* ---- locks ---- */

/* A key that a passphrase gave wraps once, since its salt is its own. */
static const uint8_t nonce[APS_AEAD_NONCE_LEN];

static enum aps_err lock_by_passphrase(struct aps_stream_head *head, struct aps_str passphrase,
                                       const struct aps_secret *key)
{
    struct aps_secret wrap = {NULL, 0};
    enum aps_err err = aps_random_fill(head->salt, sizeof head->salt);

    head->scrypt = aps_stretch_make(APS_STRETCH_SCRYPT);
    if (err == APS_OK)
        err = aps_stretch(&head->scrypt, passphrase, head->salt, &wrap, NULL);
    if (err == APS_OK)
        err = aps_aead_encrypt(wrap.b, nonce, (struct aps_str){NULL, 0}, aps_secret_str(key),
                               head->wrapped, head->wrapped + APS_AEAD_KEY_LEN);
    aps_secret_wipe(&wrap);
    head->nlocks = 1;
    return err;
}

enum aps_err aps_stream_head_lock(struct aps_stream_head *head, const struct aps_stream_for *whom,
                                  const struct aps_secret *key)
{
    enum aps_err err = APS_OK;

    if (key->n != APS_AEAD_KEY_LEN || whom->n > APS_STREAM_LOCKS_MAX ||
        (whom->n == 0) == (whom->passphrase.n == 0))
        return APS_ERR_RANGE;
    if (whom->n == 0)
        return lock_by_passphrase(head, whom->passphrase, key);
    for (size_t i = 0; err == APS_OK && i < whom->n; i++)
        err = aps_recipient_wrap(&whom->to[i], key->b, &head->boxes[i]);
    head->nlocks = head->nboxes = whom->n;
    return err;
}

enum aps_err aps_stream_head_unlock(const struct aps_stream_head *head, struct aps_str passphrase,
                                    struct aps_secret *out)
{
    struct aps_secret wrap = {NULL, 0}, key = {NULL, 0};
    enum aps_err err = passphrase.n != 0 ? aps_secret_new(APS_AEAD_KEY_LEN, &key) : APS_ERR_CRYPTO;

    if (err == APS_OK)
        err = aps_stretch(&head->scrypt, passphrase, head->salt, &wrap, NULL);
    if (err == APS_OK)
        err = aps_aead_decrypt(wrap.b, nonce, (struct aps_str){NULL, 0},
                               (struct aps_str){(const char *)head->wrapped, APS_AEAD_KEY_LEN},
                               head->wrapped + APS_AEAD_KEY_LEN, key.b);
    aps_secret_wipe(&wrap);
    if (err == APS_OK)
        *out = key;
    else
        aps_secret_wipe(&key);
    return err;
}

/* ---- bytes ---- */

static uint8_t *print_box(uint8_t *at, const struct aps_recipient_box *box)
{
    *at++ = APS_STREAM_LOCK_X25519;
    at = put(at, box->to, sizeof box->to);
    at = put(at, box->ephemeral, sizeof box->ephemeral);
    return put(at, box->wrapped, sizeof box->wrapped);
}

/* Of a power of two. */
static uint64_t log2_of(uint32_t n)
{
    uint64_t log2 = 0;
    while (n >>= 1)
        log2++;
    return log2;
}

static uint8_t *print_scrypt(uint8_t *at, const struct aps_stream_head *head)
{
    *at++ = APS_STREAM_LOCK_SCRYPT;
    at = put_number(at, log2_of(head->scrypt.cost[0]), 4);
    at = put_number(at, head->scrypt.cost[1], 4);
    at = put_number(at, head->scrypt.cost[2], 4);
    at = put(at, head->salt, sizeof head->salt);
    return put(at, head->wrapped, sizeof head->wrapped);
}

size_t aps_stream_head_print(const struct aps_stream_head *head, uint8_t out[APS_STREAM_HEAD_MAX])
{
    uint8_t *at = put(out, magic, sizeof magic);

    *at++ = FORMAT;
    *at++ = (uint8_t)head->nlocks;
    at = put(at, head->about.store_id, sizeof head->about.store_id);
    at = put_number(at, head->about.generation, 8);
    at = put_number(at, (uint64_t)head->about.made_at, 8);
    for (size_t i = 0; i < head->nboxes; i++)
        at = print_box(at, &head->boxes[i]);
    if (head->nboxes == 0)
        at = print_scrypt(at, head);
    return (size_t)(at - out);
}

static enum aps_err damaged(struct aps_diag *diag)
{
    aps_err_explain(diag, "the head of the backup is damaged: take another copy of it");
    return APS_ERR_CORRUPT;
}

enum aps_err aps_stream_head_begin(const uint8_t in[APS_STREAM_FIXED_LEN],
                                   struct aps_stream_head *out, struct aps_diag *diag)
{
    struct aps_stream_head head = {.nboxes = 0};
    const uint8_t *at = in + sizeof magic;
    uint64_t at_time;

    if (memcmp(in, magic, sizeof magic) != 0) {
        aps_err_explain(diag, "this is no backup: want a file that apisecctl backup has made");
        return APS_ERR_FORMAT;
    }
    if (*at > FORMAT) {
        aps_err_explain(diag, "the backup has format %u, this program knows up to %d: upgrade it",
                        *at, FORMAT);
        return APS_ERR_NEWER;
    }
    if (*at++ != FORMAT)
        return damaged(diag);
    head.nlocks = *at++;
    at = get(at, head.about.store_id, sizeof head.about.store_id);
    at = get_number(at, 8, &head.about.generation);
    (void)get_number(at, 8, &at_time); /* the last of them */
    head.about.made_at = (aps_nsec)at_time;
    if (head.nlocks == 0 || head.nlocks > APS_STREAM_LOCKS_MAX || at_time > INT64_MAX)
        return damaged(diag);
    *out = head;
    return APS_OK;
}

size_t aps_stream_head_lock_len(uint8_t kind)
{
    return kind == APS_STREAM_LOCK_X25519   ? APS_STREAM_BOX_LEN
           : kind == APS_STREAM_LOCK_SCRYPT ? APS_STREAM_SCRYPT_LEN
                                            : 0;
}

static enum aps_err add_scrypt(struct aps_stream_head *head, const uint8_t *in,
                               struct aps_diag *diag)
{
    uint64_t log2_n, r, p;

    if (head->nlocks != 1)
        return damaged(diag);
    in = get_number(in, 4, &log2_n);
    in = get_number(in, 4, &r);
    in = get_number(in, 4, &p);
    head->scrypt = (struct aps_stretch){
        .kind = APS_STRETCH_SCRYPT,
        .cost = {log2_n < 32 ? UINT32_C(1) << log2_n : 0, (uint32_t)r, (uint32_t)p},
    };
    in = get(in, head->salt, sizeof head->salt);
    (void)get(in, head->wrapped, sizeof head->wrapped); /* the last of them */
    return aps_stretch_check(&head->scrypt, NULL) == APS_OK ? APS_OK : damaged(diag);
}

enum aps_err aps_stream_head_add(struct aps_stream_head *head, uint8_t kind, const uint8_t *in,
                                 struct aps_diag *diag)
{
    struct aps_recipient_box *box;

    if (kind == APS_STREAM_LOCK_SCRYPT)
        return add_scrypt(head, in, diag);
    if (kind != APS_STREAM_LOCK_X25519 || head->nboxes == head->nlocks)
        return damaged(diag);
    box = &head->boxes[head->nboxes++];
    in = get(in, box->to, sizeof box->to);
    in = get(in, box->ephemeral, sizeof box->ephemeral);
    (void)get(in, box->wrapped, sizeof box->wrapped); /* the last of them */
    return APS_OK;
}
