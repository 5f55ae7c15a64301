#include "t_token.h"

#include "apisec/resource.h"

/* RFC 9728 3.1 */
static void metadata_lies_beside_the_host(void **state)
{
    static const struct {
        const char *id, *url; /* NULL: refused */
    } cases[] = {
        {"https://api.example", "https://api.example/.well-known/oauth-protected-resource"},
        {"https://api.example/", "https://api.example/.well-known/oauth-protected-resource"},
        {"https://api.example/v1", "https://api.example/.well-known/oauth-protected-resource/v1"},
        {"https://api.example:8443/a/b/",
         "https://api.example:8443/.well-known/oauth-protected-resource/a/b/"},
        {"http://api.example", NULL},
        {"https://", NULL},
        {"https:///x", NULL},
        {"https://api.example/?x", NULL},
        {"https://api.example/#x", NULL},
        {"https://api.example/a b", NULL},
        {"https://api.example/\"", NULL},
        {"api", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_str id = aps_str(cases[i].id);
        const char *path = NULL, *url = aps_resource_url(t_pool, id, &path);
        struct aps_diag diag = {{0}};

        assert_int_equal(aps_resource_check(id, &diag),
                         cases[i].url != NULL ? APS_OK : APS_ERR_FORMAT);
        assert_int_equal(diag.text[0] == '\0', cases[i].url != NULL);
        if (cases[i].url == NULL) {
            assert_null(url);
            continue;
        }
        assert_string_equal(url, cases[i].url);
        assert_string_equal(path, strstr(cases[i].url, "/.well-known"));
    }
}

/* JWT-24 */
static void the_document_names_nothing_empty(void **state)
{
    static const struct aps_str issuers[] = {{"https://issuer.example", 22}};
    static const struct aps_str scopes[] = {{"orders:read", 11}, {"a\"b", 3}};
    static const enum aps_alg algs[] = {APS_ALG_ES256, APS_ALG_EDDSA};
    struct aps_resource r = {.id = APS_STR_LIT("https://api.example/v1")};
    struct aps_str json;

    (void)state;
    json = aps_resource_json(t_pool, &r);
    assert_string_equal(json.p, "{\"resource\":\"https://api.example/v1\"}");
    r.issuers = issuers;
    r.nissuers = 1;
    r.scopes = scopes;
    r.nscopes = 2;
    r.bearer = true;
    r.dpop_algs = algs;
    r.ndpop_algs = 2;
    r.dpop_required = true;
    r.certificates = true;
    r.name = APS_STR_LIT("Orders");
    json = aps_resource_json(t_pool, &r);
    assert_string_equal(
        json.p,
        "{\"resource\":\"https://api.example/v1\",\"authorization_servers\":"
        "[\"https://issuer.example\"],\"scopes_supported\":[\"orders:read\",\"a\\\"b\"],"
        "\"bearer_methods_supported\":[\"header\"],"
        "\"dpop_signing_alg_values_supported\":[\"ES256\",\"EdDSA\"],"
        "\"dpop_bound_access_tokens_required\":true,"
        "\"tls_client_certificate_bound_access_tokens\":true,\"resource_name\":\"Orders\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_lies_beside_the_host),
        cmocka_unit_test(the_document_names_nothing_empty),
    };

    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
