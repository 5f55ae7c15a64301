/* A token's text -> who calls, and what is remembered of it. */
#include "t_token.h"

#include "apisec/bearer.h"
#include "apisec/gone.h"
#include "fake_snapshot.h"

#define WALL ((aps_nsec)1795400000 * APS_SEC)
#define HEADER "{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}"
#define CLAIMS                                                                                     \
    "\"iss\":\"https://a.example\",\"aud\":\"api\",\"exp\":1795400060,\"iat\":1795400000,"         \
    "\"jti\":\"j1\""

static const enum aps_alg algs[] = {APS_ALG_RS256};
static const struct aps_str audience = {"api", 3};
static const struct aps_str groups = {"groups", 6};
static struct aps_claimrule rules[2];
static struct aps_issuer issuers[2];
static struct aps_jwks jwks;
static struct aps_reader *reader;
static struct aps_view *view;
static struct aps_diag diag;
static struct aps_bearer_found found;

static void read_keys(void)
{
    struct aps_jwks_options options = aps_issuer_jwks(&issuers[0], false);
    char *text = apr_pstrcat(t_pool, "{\"keys\":[{", t_jwk_rsa, "}]}", NULL);

    assert_int_equal(aps_jwks_read(aps_str(text), &options, t_hash_key, t_pool, &jwks, NULL),
                     APS_OK);
}

static int setup(void **state)
{
    const struct aps_reader_options options = {
        .snapshot = {.store = "/store"}, .refresh = APS_SEC, .cache_max = 8};
    enum aps_reader_event event;

    (void)state;
    t_fake_reset(t_pool);
    rules[0] = aps_claimrule_scope;
    rules[1] = (struct aps_claimrule){.path = &groups, .npath = 1, .kind = APS_CLAIMRULE_ROLE};
    for (size_t i = 0; i < 2; i++)
        issuers[i] = (struct aps_issuer){
            .name = i == 0 ? APS_STR_LIT("acme") : APS_STR_LIT("other"),
            .edition = i + 1,
            .jwt = {.claims = {.iss = aps_str(i == 0 ? "https://a.example" : "https://b.example"),
                               .audiences = &audience,
                               .naudiences = 1,
                               .leeway = 5 * APS_SEC,
                               .rules = rules,
                               .nrules = 2},
                    .algs = algs,
                    .nalgs = 1},
            .source = i == 0 ? APS_ISSUER_STATIC : APS_ISSUER_URL,
        };
    read_keys();
    issuers[0].jwt.keys = &jwks;
    t_fake.issuers = issuers;
    t_fake.nissuers = 2;
    assert_int_equal(aps_reader_new(&options, &reader), APS_OK);
    view = aps_reader_acquire(reader, 0, &event, NULL);
    assert_non_null(view);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    aps_view_release(view);
    aps_reader_free(reader);
    apr_pool_clear(t_pool);
    return 0;
}

static struct aps_str token_of(const char *more)
{
    return t_token(APS_ALG_RS256, HEADER, apr_pstrcat(t_pool, "{" CLAIMS, more, "}", NULL));
}

static enum aps_token show_at(struct aps_str token, uint64_t epoch, aps_nsec wall)
{
    struct aps_bearer_shown shown = {token, wall, epoch};

    diag.text[0] = '\0';
    return aps_bearer(view, NULL, &shown, t_pool, &found, &diag);
}

static enum aps_token show(struct aps_str token)
{
    return show_at(token, 0, WALL);
}

/* JWT-16: who calls is the issuer's name and the subject, and of roles what the store has. */
static void a_token_becomes_an_identity(void **state)
{
    (void)state;
    assert_int_equal(show(token_of(",\"sub\":\"eve\",\"client_id\":\"web\",\"scope\":\"a b\","
                                   "\"groups\":[\"writer\",\"boss\",\"reader\"],"
                                   "\"acr\":\"gold\",\"amr\":[\"pwd\",\"otp\"]")),
                     APS_TOKEN_OK);
    assert_false(found.hit);
    assert_string_equal(found.who->id_text, "acme:eve");
    assert_string_equal(found.who->user_text, "acme:eve");
    assert_string_equal(found.who->roles_text, "reader writer");
    assert_int_equal(found.who->key.nscopes, 2);
    assert_int_equal(found.who->secret->version, 0);
    assert_false(found.who->bearer->claims.is_client);
    assert_true(aps_str_eq(found.who->bearer->claims.acr, aps_str("gold")));
    assert_int_equal(found.who->bearer->claims.amr.n, 2);
    assert_true(aps_str_eq(found.who->bearer->claims.amr.items[1], aps_str("otp")));
    assert_true(aps_str_eq(found.issuer, aps_str("acme")));
    /* No subject, or that of the client itself: a client. */
    assert_int_equal(show(token_of(",\"client_id\":\"web\"")), APS_TOKEN_OK);
    assert_string_equal(found.who->id_text, "acme:web");
    assert_true(found.who->bearer->claims.is_client);
    assert_int_equal(show(token_of(",\"sub\":\"web\",\"client_id\":\"web\"")), APS_TOKEN_OK);
    assert_true(found.who->bearer->claims.is_client);
}

/* JWT-26: found again as long as it holds, and as the keys are the same. */
static void a_token_that_holds_is_remembered(void **state)
{
    struct aps_str token = token_of(",\"sub\":\"eve\"");
    const struct aps_identity *first;

    (void)state;
    assert_int_equal(show(token), APS_TOKEN_OK);
    first = found.who;
    assert_int_equal(show(token), APS_TOKEN_OK);
    assert_true(found.hit);
    assert_ptr_equal(found.who, first);
    assert_int_equal(show_at(token, 0, WALL + 64 * APS_SEC), APS_TOKEN_OK);
    assert_int_equal(show_at(token, 0, WALL + 65 * APS_SEC), APS_TOKEN_EXPIRED);
    assert_string_equal(aps_str_copy(t_pool, found.id).p, "acme:eve");
    assert_int_equal(show_at(token, 77, WALL), APS_TOKEN_OK);
    assert_false(found.hit);
    assert_int_equal(show_at(token, 77, WALL), APS_TOKEN_OK);
    assert_true(found.hit);
}

/* JWT-26: nothing is remembered of a token that does not. */
static void what_fails_is_not_remembered(void **state)
{
    struct aps_str token = token_of(",\"sub\":\"eve\"");
    char *wrong = apr_pstrmemdup(t_pool, token.p, token.n);

    (void)state;
    wrong[token.n - 20] = wrong[token.n - 20] == 'A' ? 'B' : 'A';
    for (int i = 0; i < 2; i++) {
        assert_int_equal(show((struct aps_str){wrong, token.n}), APS_TOKEN_SIGNATURE);
        assert_false(found.hit);
        assert_int_equal(found.id.n, 0);
        assert_int_equal(show(token_of("")), APS_TOKEN_CLAIM_MISSING);
        assert_false(found.hit);
    }
    assert_int_equal(show(token), APS_TOKEN_OK);
}

/* JWT-13: the age of a token ends as its exp does, also of one that is remembered. */
static void a_greatest_age_ends_it(void **state)
{
    struct aps_str token = token_of(",\"sub\":\"eve\"");

    (void)state;
    issuers[0].jwt.claims.max_age = 10 * APS_SEC;
    assert_int_equal(show(token), APS_TOKEN_OK);
    assert_int_equal(show_at(token, 0, WALL + 15 * APS_SEC - 1), APS_TOKEN_OK);
    assert_true(found.hit);
    assert_int_equal(show_at(token, 0, WALL + 15 * APS_SEC), APS_TOKEN_EXPIRED);
}

/* JWT-20: by iss and jti, or as a whole. */
static void a_revoked_token_is_refused(void **state)
{
    struct aps_str token = token_of(",\"sub\":\"eve\"");

    (void)state;
    assert_int_equal(aps_gone_jti(aps_str("https://a.example"), aps_str("j1"), t_fake.gone),
                     APS_OK);
    assert_int_equal(show(token), APS_TOKEN_REVOKED);
    assert_string_equal(aps_str_copy(t_pool, found.id).p, "acme:eve");
    assert_int_equal(aps_gone_jti(aps_str("https://b.example"), aps_str("j1"), t_fake.gone),
                     APS_OK);
    assert_int_equal(show(token_of(",\"sub\":\"bob\"")), APS_TOKEN_OK);
    assert_int_equal(aps_gone_token(token, t_fake.gone), APS_OK);
    assert_int_equal(show(token), APS_TOKEN_REVOKED);
}

/* Whose name cannot be told, and who has more roles than anybody may. */
static void a_caller_who_cannot_be_named_is_refused(void **state)
{
    char *name = apr_pcalloc(t_pool, APS_BEARER_ID_MAX);

    (void)state;
    memset(name, 'x', APS_BEARER_ID_MAX - 5);
    assert_int_equal(show(token_of(apr_pstrcat(t_pool, ",\"sub\":\"", name, "\"", NULL))),
                     APS_TOKEN_OK);
    assert_int_equal(show(token_of(apr_pstrcat(t_pool, ",\"sub\":\"x", name, "\"", NULL))),
                     APS_TOKEN_CLAIMS);
    assert_int_equal(show(token_of(",\"sub\":\"a\\nb\"")), APS_TOKEN_CLAIMS);
    assert_non_null(strstr(diag.text, "128"));
}

/* JWT-11, JWT-18: keys that are not there are the server's trouble, and nobody else's keys do. */
static void an_issuer_without_keys_refuses(void **state)
{
    struct aps_str token = t_token(
        APS_ALG_RS256, HEADER,
        "{\"iss\":\"https://b.example\",\"aud\":\"api\",\"exp\":1795400060,\"sub\":\"eve\"}");

    (void)state;
    assert_int_equal(show(token), APS_TOKEN_NO_KEYS);
    assert_true(aps_str_eq(found.issuer, aps_str("other")));
}

static void texts_are_told_apart_by_their_form(void **state)
{
    (void)state;
    assert_int_equal(aps_bearer_form(view, aps_str("shop_abc")), APS_BEARER_KEY);
    assert_int_equal(aps_bearer_form(view, aps_str("a.b.c")), APS_BEARER_JWT);
    assert_int_equal(aps_bearer_form(view, aps_str("opaque")), APS_BEARER_KEY);
    issuers[1].introspect = APS_STR_LIT("https://b.example/ask");
    assert_int_equal(aps_bearer_form(view, aps_str("opaque")), APS_BEARER_OPAQUE);
    assert_int_equal(aps_bearer_form(view, aps_str("a.b.c")), APS_BEARER_JWT);
    assert_int_equal(aps_bearer_form(view, aps_str("shop_a.b.c")), APS_BEARER_KEY);
    issuers[0].source = issuers[1].source = APS_ISSUER_NONE;
    assert_int_equal(aps_bearer_form(view, aps_str("a.b.c")), APS_BEARER_OPAQUE);
    t_fake.nissuers = 0;
    assert_int_equal(aps_bearer_form(view, aps_str("a.b.c")), APS_BEARER_KEY);
    assert_int_equal(aps_bearer_form(view, aps_str("opaque")), APS_BEARER_KEY);
}

/* A text from elsewhere that the store knows as a key is one, whatever it looks like. */
static void an_imported_key_stays_a_key(void **state)
{
    static const char text[] = "old.style.key-0123456789abcdefghijklmnopqrstuv";
    struct aps_key *key = t_fake_add(1);

    (void)state;
    assert_int_equal(aps_bearer_form(view, aps_str(text)), APS_BEARER_JWT);
    t_fake.imports = true;
    assert_int_equal(aps_bearer_form(view, aps_str(text)), APS_BEARER_JWT);
    t_fake_import(key, &key->secret[0], aps_str(text));
    assert_int_equal(aps_bearer_form(view, aps_str(text)), APS_BEARER_KEY);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_token_becomes_an_identity),    T(a_token_that_holds_is_remembered),
        T(what_fails_is_not_remembered),   T(a_greatest_age_ends_it),
        T(a_revoked_token_is_refused),     T(a_caller_who_cannot_be_named_is_refused),
        T(an_issuer_without_keys_refuses), T(texts_are_told_apart_by_their_form),
        T(an_imported_key_stays_a_key),
    };

    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
