/* kind_crypto.c - files of Wycheproof: each test through the call that the module would make.
 *
 * A test of an algorithm or of a size that no call has is not judged. */
#include <apr_strings.h>
#include <stdio.h>

#include "apisec/aead.h"
#include "apisec/kdf.h"
#include "apisec/mac.h"
#include "apisec/num.h"
#include "apisec/secret.h"
#include "apisec/verify.h"
#include "vectors.h"

/* One test: its own members, those of its group, and what the file is about. */
struct test {
    const struct t_row *row;
    const struct t_row *group;
    struct aps_str algorithm;
    struct aps_str type;
};

/* Whether the answer is the right one; or why there is none. */
typedef const char *judge_fn(const struct test *t, bool *out_valid);

static bool hex_of(const struct t_row *row, const char *name, struct aps_str *out)
{
    struct aps_str text;
    uint8_t *bytes;

    if (!t_row_text(row, name, &text) || text.n % 2 != 0)
        return false;
    bytes = apr_palloc(row->pool, text.n / 2 + 1);
    for (size_t i = 0; i < text.n / 2; i++) {
        int high = aps_num_hex(text.p[2 * i]), low = aps_num_hex(text.p[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    *out = (struct aps_str){(const char *)bytes, text.n / 2};
    return true;
}

/* Numbers are written with zeros in front, which keys are not. */
static bool number_of(const struct t_row *row, const char *name, struct aps_str *out)
{
    if (!hex_of(row, name, out))
        return false;
    while (out->n > 1 && out->p[0] == 0)
        *out = (struct aps_str){out->p + 1, out->n - 1};
    return true;
}

static bool has_text(const struct t_row *row, const char *name, const char *text)
{
    struct aps_str s;

    return t_row_text(row, name, &s) && aps_str_eq(s, aps_str(text));
}

/* Whether bytes at `p`, which may be more than `want` has, are those of `want`. */
static bool are(struct aps_str want, const uint8_t *p, size_t n)
{
    return want.n == n && aps_secret_equal(want.p, p, n);
}

static const char *judge_aead(const struct test *t, bool *out_valid)
{
    struct aps_str key, iv, aad, msg, ct, tag;
    uint8_t *out, out_tag[APS_AEAD_TAG_LEN];

    if (!hex_of(t->row, "key", &key) || !hex_of(t->row, "iv", &iv) ||
        !hex_of(t->row, "aad", &aad) || !hex_of(t->row, "msg", &msg) ||
        !hex_of(t->row, "ct", &ct) || !hex_of(t->row, "tag", &tag))
        return "want key, iv, aad, msg, ct and tag in hexadecimal digits";
    if (!aps_str_eq(t->algorithm, APS_STR_LIT("AES-GCM")) || key.n != APS_AEAD_KEY_LEN ||
        iv.n != APS_AEAD_NONCE_LEN || tag.n != APS_AEAD_TAG_LEN)
        return "AES-GCM with keys of 32 bytes, nonces of 12 and tags of 16 is all that is used";
    out = apr_palloc(t->row->pool, ct.n + msg.n + 1);
    *out_valid = aps_aead_decrypt((const uint8_t *)key.p, (const uint8_t *)iv.p, aad, ct,
                                  (const uint8_t *)tag.p, out) == APS_OK &&
                 are(msg, out, ct.n) &&
                 aps_aead_encrypt((const uint8_t *)key.p, (const uint8_t *)iv.p, aad, msg, out,
                                  out_tag) == APS_OK &&
                 are(ct, out, msg.n) && are(tag, out_tag, sizeof out_tag);
    return NULL;
}

static const char *judge_mac(const struct test *t, bool *out_valid)
{
    static const struct {
        struct aps_str algorithm;
        enum aps_alg_hash hash;
    } known[] = {{{"HMACSHA256", 10}, APS_ALG_HASH_SHA256},
                 {{"HMACSHA384", 10}, APS_ALG_HASH_SHA384},
                 {{"HMACSHA512", 10}, APS_ALG_HASH_SHA512}};
    enum aps_alg_hash hash = APS_ALG_HASH_NONE;
    struct aps_str key, msg, tag;
    struct aps_mac *mac = NULL;
    uint8_t out[APS_MAC_MAX];

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (aps_str_eq(t->algorithm, known[i].algorithm))
            hash = known[i].hash;
    if (!hex_of(t->row, "key", &key) || !hex_of(t->row, "msg", &msg) ||
        !hex_of(t->row, "tag", &tag))
        return "want key, msg and tag in hexadecimal digits";
    if (hash == APS_ALG_HASH_NONE || tag.n != aps_alg_hash_len(hash))
        return "HMAC with SHA-256, SHA-384 and SHA-512, not cut, is all that is used";
    if (aps_mac_new_hash(hash, key.p, key.n, &mac) != APS_OK)
        return "the MAC cannot be computed";
    *out_valid = aps_mac_sum_parts(mac, &msg, 1, out) == APS_OK && are(tag, out, tag.n);
    aps_mac_free(mac);
    return NULL;
}

static const char *judge_hkdf(const struct test *t, bool *out_valid)
{
    struct aps_str ikm, salt, info, okm;
    int64_t size;
    uint8_t *out;

    if (!aps_str_eq(t->algorithm, APS_STR_LIT("HKDF-SHA-256")))
        return "HKDF with SHA-256 is all that is used";
    if (!hex_of(t->row, "ikm", &ikm) || !hex_of(t->row, "salt", &salt) ||
        !hex_of(t->row, "info", &info) || !hex_of(t->row, "okm", &okm) ||
        !t_row_integer(t->row, "size", &size) || size < 1 || size > 1 << 20)
        return "want ikm, salt, info and okm in hexadecimal digits, and size";
    out = apr_palloc(t->row->pool, (size_t)size);
    *out_valid =
        aps_kdf_hkdf(ikm, salt, info, out, (size_t)size) == APS_OK && are(okm, out, (size_t)size);
    return NULL;
}

/* Takes `*key` and the error of the call that made it: a key that is refused verifies nothing. */
static const char *judge_signature(const struct test *t, enum aps_err err,
                                   struct aps_verify_key *const *key, bool *out_valid)
{
    struct aps_str msg, sig;

    *out_valid = err == APS_OK && hex_of(t->row, "msg", &msg) && hex_of(t->row, "sig", &sig) &&
                 aps_verify(*key, msg, sig) == APS_OK;
    aps_verify_free(*key);
    return err == APS_ERR_CRYPTO || err == APS_ERR_NOMEM ? "the key cannot be made" : NULL;
}

static bool public_key_of(const struct test *t, struct t_row *out)
{
    *out = *t->group;
    out->object = aps_jsonread_get(t->group->reader, t->group->object, APS_STR_LIT("publicKey"));
    return out->object != NULL;
}

static const char *judge_eddsa(const struct test *t, bool *out_valid)
{
    struct t_row public;
    struct aps_str pk;
    struct aps_verify_key *key = NULL;
    enum aps_alg_key kind = APS_ALG_KEY_ED25519;

    if (!public_key_of(t, &public) || !hex_of(&public, "pk", &pk))
        return "want publicKey.pk in hexadecimal digits";
    if (has_text(&public, "curve", "edwards448") || pk.n == 57)
        kind = APS_ALG_KEY_ED448;
    return judge_signature(t, aps_verify_okp(APS_ALG_EDDSA, kind, pk, &key, NULL), &key, out_valid);
}

static const char *judge_ecdsa(const struct test *t, bool *out_valid)
{
    static const struct {
        const char *curve, *sha;
        enum aps_alg alg;
        size_t half;
    } known[] = {{"secp256r1", "SHA-256", APS_ALG_ES256, 32},
                 {"secp384r1", "SHA-384", APS_ALG_ES384, 48},
                 {"secp521r1", "SHA-512", APS_ALG_ES512, 66}};
    struct t_row public;
    struct aps_str point;
    struct aps_verify_key *key = NULL;

    if (!public_key_of(t, &public) || !hex_of(&public, "uncompressed", &point))
        return "want publicKey.uncompressed in hexadecimal digits";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!has_text(&public, "curve", known[i].curve) ||
            !has_text(t->group, "sha", known[i].sha) || point.n != 1 + 2 * known[i].half)
            continue;
        return judge_signature(
            t,
            aps_verify_ec(known[i].alg, (struct aps_str){point.p + 1, known[i].half},
                          (struct aps_str){point.p + 1 + known[i].half, known[i].half}, &key, NULL),
            &key, out_valid);
    }
    return "P-256 with SHA-256, P-384 with SHA-384 and P-521 with SHA-512 are all that is used";
}

static const char *judge_rsa(const struct test *t, bool *out_valid)
{
    static const struct {
        const char *sha;
        int64_t salt;
        enum aps_alg pkcs1, pss;
    } known[] = {{"SHA-256", 32, APS_ALG_RS256, APS_ALG_PS256},
                 {"SHA-384", 48, APS_ALG_RS384, APS_ALG_PS384},
                 {"SHA-512", 64, APS_ALG_RS512, APS_ALG_PS512}};
    const bool pss = aps_str_eq(t->type, APS_STR_LIT("RsassaPssVerify"));
    struct t_row public;
    struct aps_str n, e;
    struct aps_verify_key *key = NULL;
    int64_t salt = 0;

    if (!public_key_of(t, &public) || !number_of(&public, "modulus", &n) ||
        !number_of(&public, "publicExponent", &e))
        return "want publicKey.modulus and publicExponent in hexadecimal digits";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!has_text(t->group, "sha", known[i].sha) ||
            (pss && (!has_text(t->group, "mgfSha", known[i].sha) ||
                     !t_row_integer(t->group, "sLen", &salt) || salt != known[i].salt)))
            continue;
        return judge_signature(
            t, aps_verify_rsa(pss ? known[i].pss : known[i].pkcs1, n, e, &key, NULL), &key,
            out_valid);
    }
    return "SHA-256, SHA-384 and SHA-512, with a salt as long as the hash, are all that is used";
}

static const char *judge(const struct test *t, bool *out_valid)
{
    static const struct {
        const char *type;
        judge_fn *judge;
    } known[] = {
        {"AeadTest", judge_aead},       {"EcdsaP1363Verify", judge_ecdsa},
        {"EddsaVerify", judge_eddsa},   {"HkdfTest", judge_hkdf},
        {"MacTest", judge_mac},         {"RsassaPkcs1Verify", judge_rsa},
        {"RsassaPssVerify", judge_rsa},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (aps_str_eq(t->type, aps_str(known[i].type)))
            return known[i].judge(t, out_valid);
    return "nothing of this type is used";
}

static bool print(const struct test *t, const char *why, bool valid)
{
    const struct aps_jsonread_node *id =
        aps_jsonread_get(t->row->reader, t->row->object, APS_STR_LIT("tcId"));
    struct aps_json w;
    struct aps_str text = {NULL, 0};

    if (id != NULL)
        text = aps_jsonread_raw(t->row->reader, id);
    aps_json_init_pool(&w, t->row->pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "id");
    aps_json_raw(&w, text);
    if (why != NULL)
        aps_json_put_str(&w, "why", why);
    else
        aps_json_put_str(&w, "got", valid ? "valid" : "invalid");
    aps_json_end(&w);
    text = aps_json_text(&w);
    return !w.full && fwrite(text.p, 1, text.n, stdout) == text.n && putchar('\n') != EOF;
}

static bool judge_group(const struct t_row *group, struct aps_str algorithm)
{
    const struct aps_jsonread *r = group->reader;
    const struct aps_jsonread_node *tests =
        aps_jsonread_get(r, group->object, APS_STR_LIT("tests"));
    struct t_row row = *group;
    struct test t = {&row, group, algorithm, {NULL, 0}};
    bool done = apr_pool_create(&row.pool, group->pool) == APR_SUCCESS;

    (void)t_row_text(group, "type", &t.type); /* or none that is known */
    if (tests == NULL || aps_jsonread_kind(tests) != APS_JSON_ARRAY)
        return true;
    for (row.object = aps_jsonread_first(tests); done && row.object < aps_jsonread_end(tests);
         row.object = aps_jsonread_next(row.object)) {
        bool valid = false;
        const char *why = judge(&t, &valid);

        done = print(&t, why, valid);
        apr_pool_clear(row.pool);
    }
    return done;
}

bool t_kind_crypto(struct aps_str text, const unsigned char *key, apr_pool_t *pool)
{
    struct aps_jsonread reader;
    struct t_row file = {.pool = pool, .reader = &reader, .key = key};
    const struct aps_jsonread_node *groups;
    struct aps_str algorithm = {NULL, 0};
    bool done = true;

    aps_jsonread_init(&reader, pool, key);
    if (aps_jsonread(&reader, text, &aps_jsonread_plain) != APS_JSONREAD_OK)
        return puts("{\"id\":null,\"why\":\"the file is no JSON document\"}") != EOF;
    file.object = aps_jsonread_root(&reader);
    (void)t_row_text(&file, "algorithm", &algorithm); /* or none that is known */
    groups = aps_jsonread_get(&reader, file.object, APS_STR_LIT("testGroups"));
    if (groups == NULL || aps_jsonread_kind(groups) != APS_JSON_ARRAY)
        return puts("{\"id\":null,\"why\":\"want an array testGroups\"}") != EOF;
    for (file.object = aps_jsonread_first(groups); done && file.object < aps_jsonread_end(groups);
         file.object = aps_jsonread_next(file.object))
        done = judge_group(&file, algorithm);
    return done;
}
