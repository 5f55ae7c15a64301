#include "t.h"

#include "apisec/recipient.h"

/* RFC 7748 6.1: Alice's and Bob's keys, as openssl writes them. */
static const char alice_private[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VuBCIEIHcHbQpzGKV9PBbBclGyZkXfTC+H68CZKrF3+6UduSwq\n"
    "-----END PRIVATE KEY-----\n";
static const char alice_public[] = "-----BEGIN PUBLIC KEY-----\n"
                                   "MCowBQYDK2VuAyEAhSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n"
                                   "-----END PUBLIC KEY-----\n";
static const char bob_private[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VuBCIEIF2rCH5iSopLeeF/i4OADuZvO7EpJhi2/Rwviyf/iODr\n"
    "-----END PRIVATE KEY-----\n";
static const char ed25519_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    "-----END PUBLIC KEY-----\n";

static const uint8_t secret[APS_AEAD_KEY_LEN] = "0123456789abcdef0123456789abcdef";

static void keys_are_read_from_pem(void **state)
{
    struct aps_recipient to;
    struct aps_recipient_own id;
    struct aps_diag diag = {""};
    (void)state;
    assert_int_equal(aps_recipient_pem(aps_str(alice_public), &to, NULL), APS_OK);
    assert_int_equal(aps_recipient_own_pem(aps_str(alice_private), &id, NULL), APS_OK);
    assert_memory_equal(to.public_key, id.public_key, sizeof to.public_key);
    aps_recipient_own_wipe(&id);
    assert_null(id.key.b);
    /* Each in the other's place, another kind, nothing, a half. */
    assert_int_equal(aps_recipient_pem(aps_str(alice_private), &to, &diag), APS_ERR_FORMAT);
    assert_non_null(strstr(diag.text, "openssl genpkey -algorithm X25519"));
    assert_int_equal(aps_recipient_own_pem(aps_str(alice_public), &id, &diag), APS_ERR_FORMAT);
    assert_int_equal(aps_recipient_pem(aps_str(ed25519_public), &to, NULL), APS_ERR_FORMAT);
    assert_int_equal(aps_recipient_pem((struct aps_str){NULL, 0}, &to, NULL), APS_ERR_FORMAT);
    assert_int_equal(aps_recipient_pem((struct aps_str){alice_public, 60}, &to, NULL),
                     APS_ERR_FORMAT);
}

/* CLI-14 */
static void a_box_opens_for_its_recipient_and_as_it_was(void **state)
{
    struct aps_recipient to;
    struct aps_recipient_own alice, bob;
    struct aps_recipient_box box, other;
    uint8_t out[APS_AEAD_KEY_LEN];
    (void)state;
    assert_int_equal(aps_recipient_pem(aps_str(alice_public), &to, NULL), APS_OK);
    assert_int_equal(aps_recipient_own_pem(aps_str(alice_private), &alice, NULL), APS_OK);
    assert_int_equal(aps_recipient_own_pem(aps_str(bob_private), &bob, NULL), APS_OK);
    assert_int_equal(aps_recipient_wrap(&to, secret, &box), APS_OK);
    assert_int_equal(aps_recipient_wrap(&to, secret, &other), APS_OK);
    assert_memory_not_equal(box.ephemeral, other.ephemeral, sizeof box.ephemeral);
    assert_memory_not_equal(box.wrapped, other.wrapped, sizeof box.wrapped);

    assert_int_equal(aps_recipient_unwrap(&alice, &box, out), APS_OK);
    assert_memory_equal(out, secret, sizeof out);
    assert_int_equal(aps_recipient_unwrap(&bob, &box, out), APS_ERR_CRYPTO);
    memcpy(box.to, bob.public_key, sizeof box.to);
    assert_int_equal(aps_recipient_unwrap(&bob, &box, out), APS_ERR_CRYPTO);

    /* The top bit of a point counts for nothing in X25519, but it does in the salt. */
    for (size_t i = 0; i < 8 * sizeof other; i++) {
        ((uint8_t *)&other)[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(aps_recipient_unwrap(&alice, &other, out), APS_ERR_CRYPTO);
        ((uint8_t *)&other)[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_int_equal(aps_recipient_unwrap(&alice, &other, out), APS_OK);
    aps_recipient_own_wipe(&alice);
    aps_recipient_own_wipe(&bob);
}

/* A point of small order gives a secret that everybody knows (RFC 7748 6.1). */
static void a_point_of_small_order_is_refused(void **state)
{
    struct aps_recipient to = {{0}};
    struct aps_recipient_box box;
    (void)state;
    assert_int_equal(aps_recipient_wrap(&to, secret, &box), APS_ERR_CRYPTO);
    to.public_key[0] = 1;
    assert_int_equal(aps_recipient_wrap(&to, secret, &box), APS_ERR_CRYPTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_read_from_pem),
        cmocka_unit_test(a_box_opens_for_its_recipient_and_as_it_was),
        cmocka_unit_test(a_point_of_small_order_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
