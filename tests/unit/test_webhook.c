#include "t_token.h"

#include "apisec/mac.h"
#include "apisec/webhook.h"

/* A secret of 24 bytes and a delivery as the libraries of Standard Webhooks test them. */
#define SW_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SW_ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define SW_TIME 1614265330
#define SW_SIG "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define SW_BODY "{\"test\": 2432232314}"

static const struct aps_webhook_spec standard = {.scheme = APS_WEBHOOK_SCHEME_STANDARD,
                                                 .window = APS_WEBHOOK_WINDOW};
static const struct aps_webhook_spec github = {.scheme = APS_WEBHOOK_SCHEME_GITHUB,
                                               .window = APS_WEBHOOK_WINDOW};
static const struct aps_webhook_spec stripe = {.scheme = APS_WEBHOOK_SCHEME_STRIPE,
                                               .window = APS_WEBHOOK_WINDOW};
static const struct aps_webhook_spec slack = {.scheme = APS_WEBHOOK_SCHEME_SLACK,
                                              .window = APS_WEBHOOK_WINDOW};

static struct aps_webhook_key *key_of(const struct aps_webhook_spec *spec, const char *secret)
{
    struct aps_webhook_key *key = NULL;

    assert_int_equal(aps_webhook_key(spec->scheme, aps_str(secret), &key, NULL), APS_OK);
    return key;
}

struct sent {
    const char *signature, *time, *id, *body;
};

static enum aps_webhook judge_all(const struct aps_webhook_spec *spec, const char *const *secrets,
                                  size_t n, struct sent sent, int64_t now,
                                  struct aps_webhook_seen *out)
{
    struct aps_webhook_key *keys[4] = {NULL};
    struct aps_str body = aps_str(sent.body);
    struct aps_webhook_delivery delivery = {{sent.signature, sent.time, sent.id}, &body, 1};
    struct aps_webhook_seen ignored;
    enum aps_webhook verdict;

    for (size_t i = 0; i < n; i++)
        keys[i] = key_of(spec, secrets[i]);
    verdict = aps_webhook(spec, keys, n, &delivery, now * APS_SEC, t_pool,
                          out != NULL ? out : &ignored, NULL);
    for (size_t i = 0; i < n; i++)
        aps_webhook_key_free(keys[i]);
    return verdict;
}

static enum aps_webhook judge(const struct aps_webhook_spec *spec, const char *secret,
                              struct sent sent, int64_t now)
{
    return judge_all(spec, &secret, 1, sent, now, NULL);
}

static enum aps_webhook judge_standard(const char *signature, const char *time, const char *id)
{
    return judge(&standard, SW_SECRET, (struct sent){signature, time, id, SW_BODY}, SW_TIME);
}

/* WHK-01 */
static void the_standard(void **state)
{
    static const struct {
        const char *signature;
        enum aps_webhook want;
    } cases[] = {
        {SW_SIG, APS_WEBHOOK_OK},
        {"v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= " SW_SIG, APS_WEBHOOK_OK},
        {"v2,x v1a,x  " SW_SIG " v1,", APS_WEBHOOK_OK},
        {"v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", APS_WEBHOOK_SIGNATURE},
        {"V1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", APS_WEBHOOK_SIGNATURE},
        {"v1=g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", APS_WEBHOOK_SIGNATURE},
        {"g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", APS_WEBHOOK_SIGNATURE},
        {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE", APS_WEBHOOK_SIGNATURE},
        {"v1,g0hM9SsE-OTPJTGt_tmIKtSyZlE3uFJELVlNIOLJ1OE=", APS_WEBHOOK_SIGNATURE},
        {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=", APS_WEBHOOK_SIGNATURE},
        {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=", APS_WEBHOOK_SIGNATURE},
        {"v1,", APS_WEBHOOK_SIGNATURE},
        {"v1,g0hM9", APS_WEBHOOK_SIGNATURE},
        {"", APS_WEBHOOK_MISSING},
        {" ", APS_WEBHOOK_MISSING},
        {NULL, APS_WEBHOOK_MISSING},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(judge_standard(cases[i].signature, "1614265330", SW_ID), cases[i].want);
    assert_int_equal(judge_standard(SW_SIG, NULL, SW_ID), APS_WEBHOOK_MISSING);
    assert_int_equal(judge_standard(SW_SIG, "1614265330", NULL), APS_WEBHOOK_MISSING);
    assert_int_equal(judge_standard(SW_SIG, "1614265330", "msg_other"), APS_WEBHOOK_SIGNATURE);
    assert_int_equal(judge_standard(SW_SIG, "1614265331", SW_ID), APS_WEBHOOK_SIGNATURE);
    assert_int_equal(judge(&standard, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                           (struct sent){SW_SIG, "1614265330", SW_ID, SW_BODY}, SW_TIME),
                     APS_WEBHOOK_OK);
    assert_int_equal(judge(&standard, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx",
                           (struct sent){SW_SIG, "1614265330", SW_ID, SW_BODY}, SW_TIME),
                     APS_WEBHOOK_SIGNATURE);
    assert_int_equal(judge(&standard, SW_SECRET,
                           (struct sent){SW_SIG, "1614265330", SW_ID, SW_BODY " "}, SW_TIME),
                     APS_WEBHOOK_SIGNATURE);
}

static char *plain_b64(const void *p, size_t n)
{
    char *text = apr_pcalloc(t_pool, APS_B64_ENCODED_MAX(n) + 1);

    (void)aps_b64_encode((struct aps_str){p, n}, text);
    return text;
}

/* WHK-01: v1a under a pinned public key, in a body of several pieces. */
static void the_standard_with_a_public_key(void **state)
{
    struct aps_sign_key *signer = NULL;
    struct aps_webhook_key *keys[2];
    struct aps_str pieces[] = {{"{\"test\"", 7}, {NULL, 0}, {": 2432232314}", 13}};
    struct aps_webhook_delivery delivery = {{NULL, "1614265330", SW_ID}, pieces, 3};
    struct aps_webhook_seen seen;
    uint8_t sig[APS_SIGN_MAX], x[APS_B64_DECODED_MAX(43)];
    size_t n = 0, x_n = 0;
    const char *field;

    (void)state;
    assert_int_equal(aps_sign_pem(APS_ALG_ED25519, aps_str(t_private_ed25519), &signer, NULL),
                     APS_OK);
    assert_int_equal(aps_sign(signer, aps_str(SW_ID ".1614265330." SW_BODY), sig, &n), APS_OK);
    aps_sign_free(signer);
    assert_true(
        aps_b64_url_decode(aps_str("LJB0m-HXUxag_izeNj79AOVEjkNNudUgyo3B1XfoISA"), x, &x_n));
    keys[0] = key_of(&standard, SW_SECRET);
    keys[1] = key_of(&standard, apr_pstrcat(t_pool, "whpk_", plain_b64(x, x_n), NULL));
    field = apr_pstrcat(t_pool, "v1a,AAAA v1a,", plain_b64(sig, n), NULL);
    delivery.values[0] = field;
    assert_int_equal(
        aps_webhook(&standard, keys, 2, &delivery, SW_TIME * APS_SEC, t_pool, &seen, NULL),
        APS_WEBHOOK_OK);
    assert_int_equal(seen.key, 1);
    /* Neither kind of signature counts under the other kind of key. */
    assert_int_equal(
        aps_webhook(&standard, keys, 1, &delivery, SW_TIME * APS_SEC, t_pool, &seen, NULL),
        APS_WEBHOOK_SIGNATURE);
    delivery.values[0] = SW_SIG;
    assert_int_equal(
        aps_webhook(&standard, keys + 1, 1, &delivery, SW_TIME * APS_SEC, t_pool, &seen, NULL),
        APS_WEBHOOK_SIGNATURE);
    pieces[2].n--;
    delivery.values[0] = field;
    assert_int_equal(
        aps_webhook(&standard, keys, 2, &delivery, SW_TIME * APS_SEC, t_pool, &seen, NULL),
        APS_WEBHOOK_SIGNATURE);
    aps_webhook_key_free(keys[0]);
    aps_webhook_key_free(keys[1]);
}

/* WHK-03, WHK-08 */
static void github_signs_the_body(void **state)
{
    static const char secret[] = "It's a Secret to Everybody";
    static const char good[] =
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    static const struct {
        const char *signature;
        enum aps_webhook want;
    } cases[] = {
        {good, APS_WEBHOOK_OK},
        {"sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17", APS_WEBHOOK_OK},
        {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e18",
         APS_WEBHOOK_SIGNATURE},
        {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1",
         APS_WEBHOOK_MALFORMED},
        {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e170",
         APS_WEBHOOK_MALFORMED},
        {"757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", APS_WEBHOOK_MALFORMED},
        {"sha1=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
         APS_WEBHOOK_MALFORMED},
        {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043eg7",
         APS_WEBHOOK_MALFORMED},
        {"sha256=", APS_WEBHOOK_MALFORMED},
        {NULL, APS_WEBHOOK_MISSING},
    };
    struct aps_webhook_seen seen;
    const char *secrets[] = {secret};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(judge(&github, secret,
                               (struct sent){cases[i].signature, NULL, NULL, "Hello, World!"}, 0),
                         cases[i].want);
    assert_int_equal(judge(&github, secret, (struct sent){good, NULL, NULL, "Hello, World"}, 0),
                     APS_WEBHOOK_SIGNATURE);
    assert_int_equal(
        judge_all(&github, secrets, 1, (struct sent){good, NULL, NULL, "Hello, World!"}, 7, &seen),
        APS_WEBHOOK_OK);
    assert_int_equal(seen.time, -1);
    assert_int_equal(seen.until, -1);
}

/* HMAC with SHA-256 of a text, in hexadecimal digits. */
static const char *hex_mac(const char *secret, const char *text)
{
    struct aps_mac *mac = NULL;
    uint8_t sum[APS_MAC_LEN];
    const char *out = "";

    assert_int_equal(aps_mac_new(secret, strlen(secret), &mac), APS_OK);
    assert_int_equal(aps_mac_sum(mac, aps_str(text), sum), APS_OK);
    aps_mac_free(mac);
    for (size_t i = 0; i < sizeof sum; i++)
        out = apr_psprintf(t_pool, "%s%02x", out, sum[i]);
    return out;
}

/* WHK-02: the whole text of the secret is the key. */
static void stripe_signs_time_and_body(void **state)
{
    static const char secret[] = "whsec_test_secret_of_a_test";
    const char *good = hex_mac(secret, "1492774577.{}");
    const char *decoded = hex_mac("test_secret_of_a_test", "1492774577.{}");
    const struct {
        const char *field;
        enum aps_webhook want;
    } cases[] = {
        {apr_psprintf(t_pool, "t=1492774577,v1=%s", good), APS_WEBHOOK_OK},
        {apr_psprintf(t_pool, "v0=x,v1=%s,t=1492774577,v2=y,z", good), APS_WEBHOOK_OK},
        {apr_psprintf(t_pool, "t=1492774577,v1=%s,v1=%s", decoded, good), APS_WEBHOOK_OK},
        {apr_psprintf(t_pool, "t=1492774577,v1=,v1=zz,v1=%s", good), APS_WEBHOOK_OK},
        {apr_psprintf(t_pool, "t=1492774577,v1=%s", decoded), APS_WEBHOOK_SIGNATURE},
        {apr_psprintf(t_pool, "t=1492774577,v0=%s", good), APS_WEBHOOK_SIGNATURE},
        {apr_psprintf(t_pool, "t=1492774577,v1=%s", good + 1), APS_WEBHOOK_SIGNATURE},
        {apr_psprintf(t_pool, "t=1492774578,v1=%s", good), APS_WEBHOOK_SIGNATURE},
        {"t=1492774577", APS_WEBHOOK_SIGNATURE},
        {apr_psprintf(t_pool, "v1=%s", good), APS_WEBHOOK_MALFORMED},
        {apr_psprintf(t_pool, "t=,v1=%s", good), APS_WEBHOOK_MALFORMED},
        {apr_psprintf(t_pool, "t=1492774577,t=1492774577,v1=%s", good), APS_WEBHOOK_MALFORMED},
        {apr_psprintf(t_pool, "t=1492774577,v1=%s, t=1492774577,v1=%s", good, good),
         APS_WEBHOOK_MALFORMED},
        {apr_psprintf(t_pool, "t=01492774577,v1=%s", good), APS_WEBHOOK_MALFORMED},
        {NULL, APS_WEBHOOK_MISSING},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(
            judge(&stripe, secret, (struct sent){cases[i].field, NULL, NULL, "{}"}, 1492774577),
            cases[i].want);
}

#define SLACK_BODY                                                                                 \
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id="         \
    "G8PSS9T3V"                                                                                    \
    "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=" \
    "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%"           \
    "2F96rGlfmib"                                                                                  \
    "IGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"

/* WHK-04: the vector of its documentation. */
static void slack_signs_version_time_and_body(void **state)
{
    static const char secret[] = "8f742231b10e8888abcd99yyyzzz85a5";
    static const char good[] =
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    (void)state;
    assert_int_equal(
        judge(&slack, secret, (struct sent){good, "1531420618", NULL, SLACK_BODY}, 1531420618),
        APS_WEBHOOK_OK);
    assert_int_equal(
        judge(&slack, secret, (struct sent){good, "1531420619", NULL, SLACK_BODY}, 1531420618),
        APS_WEBHOOK_SIGNATURE);
    assert_int_equal(
        judge(&slack, secret, (struct sent){good + 3, "1531420618", NULL, SLACK_BODY}, 1531420618),
        APS_WEBHOOK_MALFORMED);
    assert_int_equal(judge(&slack, secret, (struct sent){good, NULL, NULL, SLACK_BODY}, 1531420618),
                     APS_WEBHOOK_MISSING);
    assert_int_equal(
        judge(&slack, secret, (struct sent){NULL, "1531420618", NULL, SLACK_BODY}, 1531420618),
        APS_WEBHOOK_MISSING);
}

static void a_scheme_of_ones_own(void **state)
{
    static const char secret[] = "0123456789abcdef01234567";
    struct aps_webhook_spec spec = {.scheme = APS_WEBHOOK_SCHEME_HMAC,
                                    .window = APS_WEBHOOK_WINDOW,
                                    .signature_field = "X-Signature"};
    const char *names[APS_WEBHOOK_FIELDS], *hex = hex_mac(secret, "{}");
    uint8_t sum[APS_MAC_LEN];

    (void)state;
    assert_int_equal(aps_webhook_fields(&spec, names), 1);
    assert_string_equal(names[0], "X-Signature");
    assert_int_equal(judge(&spec, secret, (struct sent){hex, NULL, NULL, "{}"}, 0), APS_WEBHOOK_OK);
    assert_int_equal(judge(&spec, secret, (struct sent){hex, NULL, NULL, "{ }"}, 0),
                     APS_WEBHOOK_SIGNATURE);
    spec.prefix = APS_STR_LIT("sha256=");
    assert_int_equal(judge(&spec, secret, (struct sent){hex, NULL, NULL, "{}"}, 0),
                     APS_WEBHOOK_MALFORMED);
    assert_int_equal(
        judge(&spec, secret,
              (struct sent){apr_pstrcat(t_pool, "sha256=", hex, NULL), NULL, NULL, "{}"}, 0),
        APS_WEBHOOK_OK);
    spec.base64 = true;
    assert_int_equal(t_hex(hex, sum), sizeof sum);
    assert_int_equal(
        judge(&spec, secret,
              (struct sent){apr_pstrcat(t_pool, "sha256=", plain_b64(sum, sizeof sum), NULL), NULL,
                            NULL, "{}"},
              0),
        APS_WEBHOOK_OK);
    spec = (struct aps_webhook_spec){.scheme = APS_WEBHOOK_SCHEME_HMAC,
                                     .window = 10 * APS_SEC,
                                     .signature_field = "X-Signature",
                                     .time_field = "X-Time"};
    assert_int_equal(aps_webhook_fields(&spec, names), 2);
    assert_string_equal(names[1], "X-Time");
    hex = hex_mac(secret, "1000.{}");
    assert_int_equal(judge(&spec, secret, (struct sent){hex, "1000", NULL, "{}"}, 1010),
                     APS_WEBHOOK_OK);
    assert_int_equal(judge(&spec, secret, (struct sent){hex, "1000", NULL, "{}"}, 1011),
                     APS_WEBHOOK_TIME);
    assert_int_equal(judge(&spec, secret, (struct sent){hex, NULL, NULL, "{}"}, 1000),
                     APS_WEBHOOK_MISSING);
}

/* WHK-05: both sides, and the spelling of the number. */
static void a_delivery_has_a_window(void **state)
{
    static const char *const texts[] = {"+1614265330",  "-1",           "01614265330",
                                        "1614265330.0", "1614265330 1", "0x60379a32",
                                        "hello",        "1e9",          "99999999999999999999"};
    const struct sent sent = {SW_SIG, "1614265330", SW_ID, SW_BODY};
    const char *secrets[] = {SW_SECRET};
    struct aps_webhook_seen seen;

    (void)state;
    for (int d = -301; d <= 301; d += d == -301 || d == 300 ? 1 : 100)
        assert_int_equal(judge(&standard, SW_SECRET, sent, SW_TIME + d),
                         d >= -300 && d <= 300 ? APS_WEBHOOK_OK : APS_WEBHOOK_TIME);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(judge_standard(SW_SIG, texts[i], SW_ID), APS_WEBHOOK_MALFORMED);
    assert_int_equal(judge_all(&standard, secrets, 1, sent, SW_TIME, &seen), APS_WEBHOOK_OK);
    assert_int_equal(seen.time, SW_TIME * APS_SEC);
    assert_int_equal(seen.until, (SW_TIME + 301) * APS_SEC);
}

/* WHK-05 */
static void an_id_is_short_and_has_no_dot(void **state)
{
    static const char *const ids[] = {"a.b", ".", "a b", "a\tb", "a,b", "\xc3\xa9", "a\x7f"};

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        assert_int_equal(judge_standard(SW_SIG, "1614265330", ids[i]), APS_WEBHOOK_MALFORMED);
    for (int n = 255; n <= 257; n++)
        assert_int_equal(judge_standard(SW_SIG, "1614265330", apr_psprintf(t_pool, "%0*d", n, 0)),
                         n <= 256 ? APS_WEBHOOK_SIGNATURE : APS_WEBHOOK_MALFORMED);
}

static void signatures_are_few(void **state)
{
    const char *list = "";

    (void)state;
    for (int n = 1; n <= 17; n++) {
        list = apr_pstrcat(t_pool, list, n == 1 ? "" : " ",
                           "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=", NULL);
        assert_int_equal(judge_standard(list, "1614265330", SW_ID),
                         n <= 16 ? APS_WEBHOOK_SIGNATURE : APS_WEBHOOK_MALFORMED);
    }
}

/* WHK-06: one delivery is one, under whichever secret it is shown and whenever it is sent again. */
static void a_delivery_is_known_again(void **state)
{
    static const char *const two[] = {"an older secret of 30 bytes..",
                                      "a newer secret of 30 bytes.."};
    struct aps_webhook_seen a, b, c;
    const char *first = apr_pstrcat(t_pool, "sha256=", hex_mac(two[0], "{}"), NULL);
    const char *second = apr_pstrcat(t_pool, "sha256=", hex_mac(two[1], "{}"), NULL);
    const char *third = apr_pstrcat(t_pool, "sha256=", hex_mac(two[1], "[]"), NULL);
    const char *whsec[] = {"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"};
    const char *key = "0123456789abcdef01234567";
    uint8_t sum[APS_MAC_LEN];

    (void)state;
    assert_int_equal(judge_all(&github, two, 2, (struct sent){first, NULL, NULL, "{}"}, 0, &a),
                     APS_WEBHOOK_OK);
    assert_int_equal(judge_all(&github, two, 2, (struct sent){second, NULL, NULL, "{}"}, 0, &b),
                     APS_WEBHOOK_OK);
    assert_int_equal(judge_all(&github, two, 2, (struct sent){third, NULL, NULL, "[]"}, 0, &c),
                     APS_WEBHOOK_OK);
    assert_int_equal(a.key, 0);
    assert_int_equal(b.key, 1);
    assert_memory_equal(a.once, b.once, sizeof a.once);
    assert_memory_not_equal(a.once, c.once, sizeof a.once);
    /* Standard Webhooks: the id, whatever the time of the second attempt. */
    (void)t_hex(hex_mac(key, "id.1000.{}"), sum);
    first = apr_pstrcat(t_pool, "v1,", plain_b64(sum, sizeof sum), NULL);
    (void)t_hex(hex_mac(key, "id.1060.{}"), sum);
    second = apr_pstrcat(t_pool, "v1,", plain_b64(sum, sizeof sum), NULL);
    assert_int_equal(
        judge_all(&standard, whsec, 1, (struct sent){first, "1000", "id", "{}"}, 1000, &a),
        APS_WEBHOOK_OK);
    assert_int_equal(
        judge_all(&standard, whsec, 1, (struct sent){second, "1060", "id", "{}"}, 1060, &b),
        APS_WEBHOOK_OK);
    assert_memory_equal(a.once, b.once, sizeof a.once);
}

/* WHK-07 */
static void several_secrets_while_rotating(void **state)
{
    static const char *const secrets[] = {"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", SW_SECRET,
                                          "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY4"};
    const struct sent sent = {SW_SIG, "1614265330", SW_ID, SW_BODY};
    struct aps_webhook_seen seen;

    (void)state;
    assert_int_equal(judge_all(&standard, secrets, 3, sent, SW_TIME, &seen), APS_WEBHOOK_OK);
    assert_int_equal(seen.key, 1);
    assert_int_equal(judge_all(&standard, secrets, 1, sent, SW_TIME, &seen), APS_WEBHOOK_SIGNATURE);
    assert_int_equal(judge_all(&standard, secrets, 0, sent, SW_TIME, &seen), APS_WEBHOOK_SIGNATURE);
}

/* WHK-07 */
static void secrets_have_a_form_and_a_length(void **state)
{
    static const struct {
        enum aps_webhook_scheme scheme;
        const char *secret;
        enum aps_err make, check;
    } cases[] = {
        {APS_WEBHOOK_SCHEME_STANDARD, SW_SECRET, APS_OK, APS_OK},
        {APS_WEBHOOK_SCHEME_STANDARD, "whsec_", APS_ERR_FORMAT, APS_ERR_FORMAT},
        {APS_WEBHOOK_SCHEME_STANDARD, "", APS_ERR_RANGE, APS_ERR_FORMAT},
        {APS_WEBHOOK_SCHEME_STANDARD, "whsec_*", APS_ERR_FORMAT, APS_ERR_FORMAT},
        {APS_WEBHOOK_SCHEME_STANDARD, "whsec_AAAA", APS_OK, APS_ERR_RANGE},
        {APS_WEBHOOK_SCHEME_STANDARD, "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY", APS_OK,
         APS_ERR_RANGE}, /* 23 bytes, padding missing */
        {APS_WEBHOOK_SCHEME_STANDARD, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3OA==", APS_OK, APS_OK},
        {APS_WEBHOOK_SCHEME_STANDARD, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3OA", APS_OK, APS_OK},
        {APS_WEBHOOK_SCHEME_STANDARD,
         "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==",
         APS_OK, APS_OK}, /* 64 */
        {APS_WEBHOOK_SCHEME_STANDARD,
         "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZmc=",
         APS_OK, APS_ERR_RANGE},
        {APS_WEBHOOK_SCHEME_STANDARD, "whpk_AAAA", APS_ERR_FORMAT, APS_OK},
        {APS_WEBHOOK_SCHEME_GITHUB, "It's a Secret to Everybody", APS_OK, APS_OK},
        {APS_WEBHOOK_SCHEME_GITHUB, "0123456789abcdef0123456", APS_OK, APS_ERR_RANGE},
        {APS_WEBHOOK_SCHEME_GITHUB, "0123456789abcdef01234567", APS_OK, APS_OK},
        {APS_WEBHOOK_SCHEME_GITHUB, "", APS_ERR_RANGE, APS_ERR_RANGE},
        {APS_WEBHOOK_SCHEME_NONE, "0123456789abcdef01234567", APS_ERR_FORMAT, APS_OK},
    };
    char text[1026];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_webhook_key *key = NULL;
        struct aps_diag diag = {{0}};

        assert_int_equal(aps_webhook_key(cases[i].scheme, aps_str(cases[i].secret), &key, &diag),
                         cases[i].make);
        assert_int_equal(key != NULL, cases[i].make == APS_OK);
        assert_int_equal(diag.text[0] != '\0', cases[i].make != APS_OK);
        aps_webhook_key_free(key);
        assert_int_equal(aps_webhook_key_check(cases[i].scheme, aps_str(cases[i].secret), NULL),
                         cases[i].check);
    }
    memset(text, 'A', sizeof text);
    for (size_t n = 1023; n <= 1025; n++)
        for (unsigned scheme = APS_WEBHOOK_SCHEME_STANDARD; scheme <= APS_WEBHOOK_SCHEME_HMAC;
             scheme++) {
            struct aps_webhook_key *key = NULL;
            const enum aps_err err = aps_webhook_key((enum aps_webhook_scheme)scheme,
                                                     (struct aps_str){text, n}, &key, NULL);

            assert_int_equal(err, n <= 1024 ? APS_OK : APS_ERR_RANGE);
            aps_webhook_key_free(key);
        }
}

static void verdicts_and_names(void **state)
{
    const struct aps_webhook_spec none = {.scheme = APS_WEBHOOK_SCHEME_NONE};

    (void)state;
    for (unsigned v = 0; v < APS_WEBHOOK_COUNT; v++) {
        assert_string_not_equal(aps_webhook_word((enum aps_webhook)v), "");
        assert_string_not_equal(aps_webhook_text((enum aps_webhook)v), "");
        assert_int_equal(aps_webhook_status((enum aps_webhook)v) == 200, v == APS_WEBHOOK_OK);
    }
    assert_int_equal(APS_WEBHOOK_UNDECIDED, 0);
    assert_int_equal(aps_webhook_status(APS_WEBHOOK_COUNT), 503);
    assert_int_equal(aps_webhook_status(APS_WEBHOOK_MISSING), 401);
    assert_int_equal(aps_webhook_scheme(APS_STR_LIT("stripe")), APS_WEBHOOK_SCHEME_STRIPE);
    assert_int_equal(aps_webhook_scheme(APS_STR_LIT("Stripe")), APS_WEBHOOK_SCHEME_NONE);
    assert_int_equal(aps_webhook_scheme(APS_STR_LIT("")), APS_WEBHOOK_SCHEME_NONE);
    assert_int_equal(judge_all(&none, NULL, 0, (struct sent){"x", "1", "x", ""}, 1, NULL),
                     APS_WEBHOOK_UNDECIDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standard),
        cmocka_unit_test(the_standard_with_a_public_key),
        cmocka_unit_test(github_signs_the_body),
        cmocka_unit_test(stripe_signs_time_and_body),
        cmocka_unit_test(slack_signs_version_time_and_body),
        cmocka_unit_test(a_scheme_of_ones_own),
        cmocka_unit_test(a_delivery_has_a_window),
        cmocka_unit_test(an_id_is_short_and_has_no_dot),
        cmocka_unit_test(signatures_are_few),
        cmocka_unit_test(a_delivery_is_known_again),
        cmocka_unit_test(several_secrets_while_rotating),
        cmocka_unit_test(secrets_have_a_form_and_a_length),
        cmocka_unit_test(verdicts_and_names),
    };

    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
