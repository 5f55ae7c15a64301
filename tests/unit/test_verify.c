#include "t.h"

#include <pthread.h>

#include "apisec/sign.h"
#include "apisec/verify.h"
#include "t_keys.h"

#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Each algorithm, keys that belong together, and the length of its signatures. */
static const struct pair {
    enum aps_alg alg;
    const char *private, *public; /* NULL: SECRET */
    size_t len;
} pairs[] = {
    {APS_ALG_HS256, NULL, NULL, 32},
    {APS_ALG_HS384, NULL, NULL, 48},
    {APS_ALG_HS512, NULL, NULL, 64},
    {APS_ALG_RS256, t_private_rsa, t_public_rsa, 256},
    {APS_ALG_RS384, t_private_rsa, t_public_rsa, 256},
    {APS_ALG_RS512, t_private_rsa, t_public_rsa, 256},
    {APS_ALG_PS256, t_private_rsa, t_public_rsa, 256},
    {APS_ALG_PS384, t_private_rsa, t_public_rsa, 256},
    {APS_ALG_PS512, t_private_rsa, t_public_rsa, 256},
    {APS_ALG_PS512, t_private_rsa_pss, t_public_rsa_pss, 256},
    {APS_ALG_ES256, t_private_p256, t_public_p256, 64},
    {APS_ALG_ES256, t_private_p256_sec1, t_public_p256, 64},
    {APS_ALG_ES384, t_private_p384, t_public_p384, 96},
    {APS_ALG_ES512, t_private_p521, t_public_p521, 132},
    {APS_ALG_ED25519, t_private_ed25519, t_public_ed25519, 64},
    {APS_ALG_ED448, t_private_ed448, t_public_ed448, 114},
    {APS_ALG_EDDSA, t_private_ed25519, t_public_ed25519, 64},
    {APS_ALG_EDDSA, t_private_ed448, t_public_ed448, 114},
};

#define PAIRS (sizeof pairs / sizeof *pairs)

static struct aps_verify_key *verifier(const struct pair *p)
{
    struct aps_verify_key *key = NULL;

    if (p->public == NULL)
        assert_int_equal(aps_verify_secret(p->alg, APS_STR_LIT(SECRET), &key, NULL), APS_OK);
    else
        assert_int_equal(aps_verify_pem(p->alg, aps_str(p->public), &key, NULL), APS_OK);
    return key;
}

static struct aps_str sign(const struct pair *p, struct aps_str text, uint8_t out[APS_SIGN_MAX])
{
    struct aps_sign_key *key = NULL;
    size_t n = 0;

    if (p->private == NULL)
        assert_int_equal(aps_sign_secret(p->alg, APS_STR_LIT(SECRET), &key, NULL), APS_OK);
    else
        assert_int_equal(aps_sign_pem(p->alg, aps_str(p->private), &key, NULL), APS_OK);
    assert_int_equal(aps_sign(key, text, out, &n), APS_OK);
    aps_sign_free(key);
    return (struct aps_str){(const char *)out, n};
}

static void what_is_signed_verifies_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAIRS; i++) {
        struct aps_verify_key *key = verifier(&pairs[i]);
        uint8_t buf[APS_SIGN_MAX + 1];
        struct aps_str text = APS_STR_LIT("a text"), sig = sign(&pairs[i], text, buf);

        assert_int_equal(aps_verify_alg(key), pairs[i].alg);
        assert_int_equal(sig.n, pairs[i].len);
        for (int again = 0; again < 3; again++)
            assert_int_equal(aps_verify(key, text, sig), APS_OK);
        assert_int_equal(aps_verify(key, APS_STR_LIT("a texT"), sig), APS_ERR_CHECK);
        assert_int_equal(aps_verify(key, APS_STR_LIT(""), sig), APS_ERR_CHECK);
        for (size_t at = 0; at < sig.n; at += 7) {
            buf[at] ^= 1;
            assert_int_equal(aps_verify(key, text, sig), APS_ERR_CHECK);
            buf[at] ^= 1;
        }
        assert_int_equal(aps_verify(key, text, sig), APS_OK);
        aps_verify_free(key);
    }
}

/* JWT-05: exactly 64, 96 or 132 bytes, the modulus, or the hash. */
static void a_signature_has_one_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAIRS; i++) {
        struct aps_verify_key *key = verifier(&pairs[i]);
        uint8_t buf[APS_SIGN_MAX + 1] = {0};
        struct aps_str text = APS_STR_LIT("x"), sig = sign(&pairs[i], text, buf);

        for (size_t n = 0; n <= sig.n + 1; n++)
            assert_int_equal(aps_verify(key, text, (struct aps_str){sig.p, n}),
                             n == sig.n ? APS_OK : APS_ERR_CHECK);
        aps_verify_free(key);
    }
}

/* One half of a signature on P-256 replaced. */
static enum aps_err with_half(size_t at, const char *hex)
{
    struct aps_verify_key *key = verifier(&pairs[10]);
    uint8_t buf[APS_SIGN_MAX];
    struct aps_str text = APS_STR_LIT("x"), sig = sign(&pairs[10], text, buf);
    enum aps_err err;

    assert_int_equal(t_hex(hex, buf + at), 32);
    err = aps_verify(key, text, sig);
    aps_verify_free(key);
    return err;
}

/* JWT-05: r and s from 1 to n-1. */
static void r_and_s_are_within_the_order(void **state)
{
    static const char *const halves[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", /* n */
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0000000000000000000000000000000000000000000000000000000000000001",
    };

    (void)state;
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        assert_int_equal(with_half(0, halves[i]), APS_ERR_CHECK);
        assert_int_equal(with_half(32, halves[i]), APS_ERR_CHECK);
    }
}

/* JWT-03: whatever the key, an algorithm of another kind is refused when the key is made. */
static void a_key_is_made_for_its_own_kind_only(void **state)
{
    static const char *const publics[] = {t_public_rsa,  t_public_p256,    t_public_p384,
                                          t_public_p521, t_public_ed25519, t_public_ed448};

    (void)state;
    for (size_t i = 0; i < sizeof publics / sizeof *publics; i++)
        for (unsigned alg = 0; alg <= APS_ALG_COUNT; alg++) {
            static const enum aps_alg_key kinds[] = {APS_ALG_KEY_RSA,     APS_ALG_KEY_P256,
                                                     APS_ALG_KEY_P384,    APS_ALG_KEY_P521,
                                                     APS_ALG_KEY_ED25519, APS_ALG_KEY_ED448};
            struct aps_verify_key *key = NULL;
            struct aps_diag diag = {{0}};
            enum aps_err err = aps_verify_pem((enum aps_alg)alg, aps_str(publics[i]), &key, &diag);

            if (aps_alg_fits((enum aps_alg)alg, kinds[i])) {
                assert_int_equal(err, APS_OK);
            } else {
                assert_int_equal(err, APS_ERR_FORMAT);
                assert_null(key);
                assert_string_not_equal(diag.text, "");
            }
            aps_verify_free(key);
        }
}

/* JWT-03, JWT-04 */
static void a_public_key_is_no_secret(void **state)
{
    static const char jwk[] = "{\"kty\":\"RSA\",\"n\":\"0123456789abcdef0123456789abcdef\"}";
    static const char ssh[] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJtnoQJgeKfhhLFyuBWiOIo";
    struct aps_verify_key *key = NULL;
    uint8_t der[91];
    struct aps_diag diag;

    (void)state;
    for (unsigned alg = APS_ALG_HS256; alg <= APS_ALG_HS512; alg++)
        for (size_t i = 0; i < PAIRS; i++)
            if (pairs[i].public != NULL)
                assert_int_equal(
                    aps_verify_secret((enum aps_alg)alg, aps_str(pairs[i].public), &key, &diag),
                    APS_ERR_FORMAT);
    assert_string_equal(diag.text, "a public key given as a secret: everybody has it");
    assert_int_equal(aps_verify_secret(APS_ALG_HS256, aps_str(jwk), &key, NULL), APS_ERR_FORMAT);
    assert_int_equal(aps_verify_secret(APS_ALG_HS256, aps_str(ssh), &key, NULL), APS_ERR_FORMAT);
    /* RFC 6979 A.2.5's public key, as DER. */
    assert_int_equal(t_hex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"
                           "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                           "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
                           der),
                     sizeof der);
    assert_int_equal(
        aps_verify_secret(APS_ALG_HS256, (struct aps_str){(char *)der, sizeof der}, &key, NULL),
        APS_ERR_FORMAT);
    assert_int_equal(aps_verify_secret(APS_ALG_RS256, APS_STR_LIT(SECRET), &key, &diag),
                     APS_ERR_FORMAT);
    assert_null(key);
}

/* JWT-04: at, below and above each bound. */
static void a_secret_is_as_long_as_the_hash(void **state)
{
    static const struct {
        enum aps_alg alg;
        size_t least;
    } cases[] = {{APS_ALG_HS256, 32}, {APS_ALG_HS384, 48}, {APS_ALG_HS512, 64}};
    static const size_t most = 16384;
    static char bytes[16385];

    (void)state;
    memset(bytes, 'k', sizeof bytes);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t lengths[] = {0, 1, cases[i].least - 1, cases[i].least, most, most + 1};

        for (size_t j = 0; j < sizeof lengths / sizeof *lengths; j++) {
            struct aps_verify_key *key = NULL;
            bool fits = lengths[j] >= cases[i].least && lengths[j] <= most;

            assert_int_equal(
                aps_verify_secret(cases[i].alg, (struct aps_str){bytes, lengths[j]}, &key, NULL),
                fits ? APS_OK : APS_ERR_RANGE);
            assert_true((key != NULL) == fits);
            aps_verify_free(key);
        }
    }
}

/* An RSA key of `bits` whose modulus is no product of primes: its bounds are asked for first. */
static enum aps_err rsa_of(size_t bits, const char *exponent)
{
    static uint8_t n[1025];
    uint8_t e[16];
    struct aps_verify_key *key = NULL;
    size_t bytes = (bits + 7) / 8, e_n = t_hex(exponent, e);
    enum aps_err err;

    memset(n, 0xff, sizeof n);
    n[0] = (uint8_t)(0xff >> (8 * bytes - bits));
    err = aps_verify_rsa(APS_ALG_RS256, (struct aps_str){(char *)n, bytes},
                         (struct aps_str){(char *)e, e_n}, &key, NULL);
    aps_verify_free(key);
    return err;
}

/* JWT-05 */
static void rsa_has_bounds(void **state)
{
    struct aps_verify_key *key = NULL;
    uint8_t even[256];

    (void)state;
    assert_int_equal(rsa_of(1024, "010001"), APS_ERR_RANGE);
    assert_int_equal(rsa_of(2047, "010001"), APS_ERR_RANGE);
    assert_int_equal(rsa_of(2048, "010001"), APS_OK);
    assert_int_equal(rsa_of(2049, "010001"), APS_OK);
    assert_int_equal(rsa_of(8192, "010001"), APS_OK);
    assert_int_equal(rsa_of(8193, "010001"), APS_ERR_RANGE);
    assert_int_equal(rsa_of(2048, "03"), APS_OK);
    assert_int_equal(rsa_of(2048, "ffffffff"), APS_OK);
    assert_int_equal(rsa_of(2048, "01"), APS_ERR_RANGE);
    assert_int_equal(rsa_of(2048, "02"), APS_ERR_RANGE);
    assert_int_equal(rsa_of(2048, "010000"), APS_ERR_RANGE);
    assert_int_equal(rsa_of(2048, "0100000001"), APS_ERR_RANGE);
    assert_int_equal(rsa_of(2048, "00010001"), APS_ERR_RANGE); /* a leading zero */
    assert_int_equal(rsa_of(2048, ""), APS_ERR_RANGE);
    memset(even, 0xfe, sizeof even);
    assert_int_equal(aps_verify_rsa(APS_ALG_RS256, (struct aps_str){(char *)even, sizeof even},
                                    APS_STR_LIT("\x03"), &key, NULL),
                     APS_ERR_RANGE);
    even[0] = 0;
    assert_int_equal(aps_verify_rsa(APS_ALG_RS256, (struct aps_str){(char *)even, sizeof even},
                                    APS_STR_LIT("\x03"), &key, NULL),
                     APS_ERR_RANGE);
    assert_int_equal(aps_verify_rsa(APS_ALG_ES256, (struct aps_str){(char *)even, sizeof even},
                                    APS_STR_LIT("\x03"), &key, NULL),
                     APS_ERR_RANGE);
    assert_int_equal(aps_verify_pem(APS_ALG_RS256, aps_str(t_public_rsa_1024), &key, NULL),
                     APS_ERR_RANGE);
    assert_null(key);
}

/* n = n * (2^16 + 1): each byte and the one two places to the right of it, from before. */
static void times_65537(uint8_t *n, size_t len)
{
    uint8_t before[260];
    unsigned carry = 0;

    assert_true(len <= sizeof before);
    memcpy(before, n, len);
    for (size_t at = len; at-- > 0;) {
        carry += before[at] + (at + 2 < len ? before[at + 2] : 0u);
        n[at] = (uint8_t)carry;
        carry >>= 8;
    }
}

/* 65537^128, of 2049 bits, has the mark of CVE-2017-15361.  JWT-05 */
static void keys_that_can_be_broken_are_refused(void **state)
{
    uint8_t n[260] = {0};
    struct aps_str modulus = {(char *)n, sizeof n};
    struct aps_verify_key *key = NULL;
    struct aps_diag diag;

    (void)state;
    n[sizeof n - 1] = 1;
    for (int i = 0; i < 128; i++)
        times_65537(n, sizeof n);
    while (modulus.n > 1 && modulus.p[0] == 0)
        modulus = (struct aps_str){modulus.p + 1, modulus.n - 1};
    assert_int_equal(modulus.n, 257);
    assert_int_equal(
        aps_verify_rsa(APS_ALG_RS256, modulus, APS_STR_LIT("\x01\x00\x01"), &key, &diag),
        APS_ERR_RANGE);
    assert_string_equal(diag.text, "RSA key of a generator whose keys can be broken "
                                   "(CVE-2017-15361): want a new one");
    assert_null(key);
}

/* RFC 6979 A.2.5's public key: on its curve, then off it, and with other lengths.  JWT-05 */
static void a_point_is_on_its_curve(void **state)
{
    uint8_t x[33] = {0}, y[33] = {0};
    struct aps_str sx = {(char *)x, 32}, sy = {(char *)y, 32};
    struct aps_verify_key *key = NULL;
    struct aps_diag diag;

    (void)state;
    (void)t_hex("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6", x);
    (void)t_hex("7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299", y);
    assert_int_equal(aps_verify_ec(APS_ALG_ES256, sx, sy, &key, NULL), APS_OK);
    aps_verify_free(key);
    key = NULL;
    y[31] ^= 1;
    assert_int_equal(aps_verify_ec(APS_ALG_ES256, sx, sy, &key, &diag), APS_ERR_FORMAT);
    assert_string_equal(diag.text, "P-256 key with a point that is not on the curve");
    y[31] ^= 1;
    assert_int_equal(aps_verify_ec(APS_ALG_ES256, sx, (struct aps_str){sy.p, 31}, &key, NULL),
                     APS_ERR_FORMAT);
    assert_int_equal(aps_verify_ec(APS_ALG_ES256, (struct aps_str){sx.p, 33}, sy, &key, NULL),
                     APS_ERR_FORMAT);
    assert_int_equal(aps_verify_ec(APS_ALG_ES384, sx, sy, &key, NULL), APS_ERR_FORMAT);
    assert_int_equal(aps_verify_ec(APS_ALG_RS256, sx, sy, &key, NULL), APS_ERR_FORMAT);
    memset(x, 0, 32);
    memset(y, 0, 32);
    assert_int_equal(aps_verify_ec(APS_ALG_ES256, sx, sy, &key, NULL), APS_ERR_FORMAT);
    assert_null(key);
}

static void keys_on_edwards_curves(void **state)
{
    uint8_t x[57] = {0};
    struct aps_verify_key *key = NULL;

    (void)state;
    /* RFC 8037 A.2 */
    assert_int_equal(t_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", x),
                     32);
    assert_int_equal(aps_verify_okp(APS_ALG_EDDSA, APS_ALG_KEY_ED25519,
                                    (struct aps_str){(char *)x, 32}, &key, NULL),
                     APS_OK);
    aps_verify_free(key);
    key = NULL;
    for (size_t n = 0; n <= 57; n += n < 31 ? 31 : n == 33 ? 23 : 1)
        if (n != 32)
            assert_int_equal(aps_verify_okp(APS_ALG_ED25519, APS_ALG_KEY_ED25519,
                                            (struct aps_str){(char *)x, n}, &key, NULL),
                             APS_ERR_FORMAT);
    assert_int_equal(aps_verify_okp(APS_ALG_ED448, APS_ALG_KEY_ED25519,
                                    (struct aps_str){(char *)x, 32}, &key, NULL),
                     APS_ERR_FORMAT);
    assert_int_equal(aps_verify_okp(APS_ALG_EDDSA, APS_ALG_KEY_P256,
                                    (struct aps_str){(char *)x, 32}, &key, NULL),
                     APS_ERR_FORMAT);
    memset(x, 0, sizeof x);
    x[0] = 1; /* the neutral element */
    assert_int_equal(aps_verify_okp(APS_ALG_ED25519, APS_ALG_KEY_ED25519,
                                    (struct aps_str){(char *)x, 32}, &key, NULL),
                     APS_ERR_FORMAT);
    assert_int_equal(aps_verify_okp(APS_ALG_ED448, APS_ALG_KEY_ED448,
                                    (struct aps_str){(char *)x, 57}, &key, NULL),
                     APS_ERR_FORMAT);
    assert_null(key);
}

static void pem_is_one_public_key(void **state)
{
    struct aps_verify_key *key = NULL;
    struct aps_diag diag;
    char two[1024], cut[1024];
    static const struct {
        enum aps_alg alg;
        const char *pem;
    } cases[] = {
        {APS_ALG_ES256, ""},
        {APS_ALG_ES256, "text"},
        {APS_ALG_ES256, "-----BEGIN PUBLIC KEY-----\n"},
        {APS_ALG_ES256, "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"},
        {APS_ALG_ES256, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"},
        {APS_ALG_ES256, t_private_p256},
        {APS_ALG_ES256, t_private_encrypted},
        {APS_ALG_ES256, t_public_secp256k1},
        {APS_ALG_ES256, t_public_explicit},
        {APS_ALG_RS256, t_public_rsa_pss},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(aps_verify_pem(cases[i].alg, aps_str(cases[i].pem), &key, &diag),
                         APS_ERR_FORMAT);
        assert_string_not_equal(diag.text, "");
    }
    (void)snprintf(two, sizeof two, "%s%s", t_public_p256, t_public_p256);
    assert_int_equal(aps_verify_pem(APS_ALG_ES256, aps_str(two), &key, NULL), APS_ERR_FORMAT);
    (void)snprintf(cut, sizeof cut, "%.*s", 60, t_public_p256);
    assert_int_equal(aps_verify_pem(APS_ALG_ES256, aps_str(cut), &key, NULL), APS_ERR_FORMAT);
    assert_null(key);
    assert_int_equal(aps_verify_pem(APS_ALG_RS256, aps_str(t_public_rsa_e3), &key, NULL), APS_OK);
    aps_verify_free(key);
}

static void nothing_is_no_key(void **state)
{
    (void)state;
    assert_int_equal(aps_verify_alg(NULL), APS_ALG_NONE);
    aps_verify_free(NULL);
}

enum { THREADS = 8, ROUNDS = 60 };

struct job {
    const struct aps_verify_key *key;
    struct aps_str sig;
    int wrong;
};

static void *work(void *arg)
{
    struct job *job = arg;

    for (int i = 0; i < ROUNDS; i++) {
        if (aps_verify(job->key, APS_STR_LIT("x"), job->sig) != APS_OK)
            job->wrong++;
        if (aps_verify(job->key, APS_STR_LIT("y"), job->sig) != APS_ERR_CHECK)
            job->wrong++;
    }
    return NULL;
}

static void threads_share_a_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAIRS; i++) {
        struct aps_verify_key *key = verifier(&pairs[i]);
        uint8_t buf[APS_SIGN_MAX];
        struct job jobs[THREADS];
        pthread_t threads[THREADS];

        jobs[0] = (struct job){key, sign(&pairs[i], APS_STR_LIT("x"), buf), 0};
        for (int t = 0; t < THREADS; t++) {
            jobs[t] = jobs[0];
            assert_int_equal(pthread_create(&threads[t], NULL, work, &jobs[t]), 0);
        }
        for (int t = 0; t < THREADS; t++) {
            assert_int_equal(pthread_join(threads[t], NULL), 0);
            assert_int_equal(jobs[t].wrong, 0);
        }
        aps_verify_free(key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_verifies_and_nothing_else),
        cmocka_unit_test(a_signature_has_one_length),
        cmocka_unit_test(r_and_s_are_within_the_order),
        cmocka_unit_test(a_key_is_made_for_its_own_kind_only),
        cmocka_unit_test(a_public_key_is_no_secret),
        cmocka_unit_test(a_secret_is_as_long_as_the_hash),
        cmocka_unit_test(rsa_has_bounds),
        cmocka_unit_test(keys_that_can_be_broken_are_refused),
        cmocka_unit_test(a_point_is_on_its_curve),
        cmocka_unit_test(keys_on_edwards_curves),
        cmocka_unit_test(pem_is_one_public_key),
        cmocka_unit_test(nothing_is_no_key),
        cmocka_unit_test(threads_share_a_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
