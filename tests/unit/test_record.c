#include "t.h"

#include <apr_general.h>

#include "../../libapisec/store/record.h"

static apr_pool_t *pool;

static int set_up(void **state)
{
    (void)state;
    return apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS;
}

static int tear_down(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

static const struct aps_str *list(const char *word, size_t n)
{
    struct aps_str *l = apr_palloc(pool, n * sizeof *l);
    for (size_t i = 0; i < n; i++) {
        char *text = apr_palloc(pool, 300);
        l[i] = (struct aps_str){text, (size_t)snprintf(text, 300, "%s-%zu", word, i)};
    }
    return l;
}

static struct aps_key least(void)
{
    return (struct aps_key){.status = APS_KEY_ACTIVE,
                            .created_at = 1,
                            .expires_at = 2,
                            .secret = {{.version = 1, .pepper = 1}}};
}

static struct aps_key most(void)
{
    struct aps_key key = {
        .status = APS_KEY_REVOKED,
        .origin = APS_KEY_IMPORTED_DIGEST,
        .decoy = true,
        .owner = APS_STR_LIT("team \xc3\xa4"),
        .created_at = INT64_MAX,
        .not_before = 5,
        .expires_at = INT64_MAX - 1,
        .revoked_at = 7,
        .revoke_reason = APS_STR_LIT("leaked"),
        .secret = {{.version = UINT32_MAX, .pepper = 3, .made_at = 4, .closes_at = 9},
                   {.version = UINT32_MAX - 1,
                    .pepper = 2,
                    .form = APS_KEY_FORM_DIGEST,
                    .made_at = INT64_MAX,
                    .closes_at = 11,
                    .grace = INT64_MAX - 2}},
        .limit = {.rate = {1000000000, APS_DAY}, .burst = UINT32_MAX},
        .org = APS_STR_LIT("\xc3\x96rg"),
        .plan = APS_STR_LIT("gold"),
        .noverrides = APS_KEY_OVERRIDES_MAX,
        .nroles = APS_KEY_ROLES_MAX,
        .nscopes = APS_KEY_SCOPES_MAX,
        .nnets = APS_KEY_NETS_MAX,
        .nhosts = APS_KEY_HOSTS_MAX,
    };
    struct aps_net *nets = apr_palloc(pool, APS_KEY_NETS_MAX * sizeof *nets);
    for (size_t i = 0; i < APS_KEY_NETS_MAX; i++) {
        memset(nets[i].addr.b, (int)i, 16);
        nets[i].bits = (uint8_t)(2 * i);
    }
    memset(key.secret[0].mac, 0xaa, sizeof key.secret[0].mac);
    memset(key.secret[1].mac, 0xbb, sizeof key.secret[1].mac);
    key.roles = list("role", key.nroles);
    key.scopes = list("scope", key.nscopes);
    key.hosts = list("host", key.nhosts);
    key.overrides = list("limit rate=1/s by=key", key.noverrides);
    key.nets = nets;
    return key;
}

static void same_list(const struct aps_str *a, const struct aps_str *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_true(aps_str_eq(a[i], b[i]));
}

static void same(const struct aps_key *a, const struct aps_key *b)
{
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->origin, b->origin);
    assert_int_equal(a->decoy, b->decoy);
    assert_true(aps_str_eq(a->owner, b->owner));
    assert_true(aps_str_eq(a->revoke_reason, b->revoke_reason));
    assert_true(a->created_at == b->created_at && a->not_before == b->not_before &&
                a->expires_at == b->expires_at && a->revoked_at == b->revoked_at);
    for (int i = 0; i < 2; i++) {
        assert_true(a->secret[i].version == b->secret[i].version &&
                    a->secret[i].pepper == b->secret[i].pepper &&
                    a->secret[i].form == b->secret[i].form &&
                    a->secret[i].made_at == b->secret[i].made_at &&
                    a->secret[i].closes_at == b->secret[i].closes_at &&
                    a->secret[i].grace == b->secret[i].grace);
        assert_memory_equal(a->secret[i].mac, b->secret[i].mac, APS_KEY_MAC_LEN);
    }
    assert_true(a->limit.rate.count == b->limit.rate.count &&
                a->limit.rate.period == b->limit.rate.period && a->limit.burst == b->limit.burst);
    assert_true(a->nroles == b->nroles && a->nscopes == b->nscopes && a->nnets == b->nnets &&
                a->nhosts == b->nhosts && a->noverrides == b->noverrides);
    assert_true(aps_str_eq(a->org, b->org) && aps_str_eq(a->plan, b->plan));
    same_list(a->overrides, b->overrides, a->noverrides);
    same_list(a->roles, b->roles, a->nroles);
    same_list(a->scopes, b->scopes, a->nscopes);
    same_list(a->hosts, b->hosts, a->nhosts);
    for (size_t i = 0; i < a->nnets; i++) {
        assert_memory_equal(a->nets[i].addr.b, b->nets[i].addr.b, 16);
        assert_int_equal(a->nets[i].bits, b->nets[i].bits);
    }
}

static void what_is_written_is_read(void **state)
{
    struct aps_key keys[] = {least(), most()};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct aps_key out = {.id = APS_STR_LIT("id"), .name = APS_STR_LIT("name")};
        struct aps_str record = aps_record_encode(&keys[i], pool);
        assert_int_equal(aps_record_decode(record, pool, &out), APS_OK);
        same(&keys[i], &out);
        assert_true(aps_str_eq(out.id, APS_STR_LIT("id"))); /* not the record's to say */
        assert_true(aps_str_eq(out.name, APS_STR_LIT("name")));
    }
}

/* The record read stays when the memory that it was read from goes. */
static void the_pool_has_a_copy(void **state)
{
    struct aps_key key = most(), out = {0};
    struct aps_str record = aps_record_encode(&key, pool);
    char *b = apr_palloc(pool, record.n);
    (void)state;
    memcpy(b, record.p, record.n);
    assert_int_equal(aps_record_decode((struct aps_str){b, record.n}, pool, &out), APS_OK);
    memset(b, 0, record.n);
    same(&key, &out);
}

static void any_other_length_is_damage(void **state)
{
    struct aps_key key = most(), out = {.id = key.id, .nroles = 77};
    struct aps_str record = aps_record_encode(&key, pool);
    (void)state;
    /* Each length in a block of its own, so that a reader that goes too far is caught. */
    for (size_t n = 0; n < record.n; n++) {
        char *b = test_malloc(n + 1);
        memcpy(b, record.p, n);
        assert_int_equal(aps_record_decode((struct aps_str){b, n}, pool, &out), APS_ERR_CORRUPT);
        test_free(b);
    }
    char *longer = apr_palloc(pool, record.n + 1);
    memcpy(longer, record.p, record.n);
    longer[record.n] = 0;
    assert_int_equal(aps_record_decode((struct aps_str){longer, record.n + 1}, pool, &out),
                     APS_ERR_CORRUPT);
    assert_ptr_equal(out.id.p, key.id.p);
    assert_null(out.owner.p);
    assert_null(out.roles);
    assert_int_equal(out.nroles, 0);
    assert_int_equal(out.secret[0].version, 0);
}

/* Any byte may be anything: the reader refuses or gives a key within all bounds. */
static void damaged_bytes_never_lead_astray(void **state)
{
    struct aps_key key = most();
    struct aps_str record = aps_record_encode(&key, pool);
    char *b = apr_palloc(pool, record.n);
    int refused = 0;
    (void)state;
    for (size_t i = 0; i < record.n; i++)
        for (int value = 0; value < 256; value += 15) {
            struct aps_key out = {0};
            memcpy(b, record.p, record.n);
            b[i] = (char)value;
            if (aps_record_decode((struct aps_str){b, record.n}, pool, &out) != APS_OK) {
                refused++;
                continue;
            }
            assert_true(out.noverrides <= APS_KEY_OVERRIDES_MAX);
            assert_true(out.nroles <= APS_KEY_ROLES_MAX && out.nscopes <= APS_KEY_SCOPES_MAX &&
                        out.nnets <= APS_KEY_NETS_MAX && out.nhosts <= APS_KEY_HOSTS_MAX);
            assert_true(out.status == APS_KEY_ACTIVE || out.status == APS_KEY_REVOKED);
            for (size_t k = 0; k < out.nnets; k++)
                assert_true(out.nets[k].bits <= 128);
        }
    assert_true(refused > 1000);
}

/* Keys without plans keep the form that they had before there were plans, and its size. */
static void what_says_nothing_of_plans_takes_no_room(void **state)
{
    struct aps_key plain = least(), with[] = {least(), least(), least()}, out = {0};
    struct aps_str record = aps_record_encode(&plain, pool);
    (void)state;
    assert_int_equal(record.p[0], 1);
    with[0].org = APS_STR_LIT("o");
    with[1].plan = APS_STR_LIT("p");
    with[2].overrides = list("limit", 1);
    with[2].noverrides = 1;
    for (size_t i = 0; i < 3; i++) {
        struct aps_str longer = aps_record_encode(&with[i], pool);
        assert_int_equal(longer.p[0], 2);
        assert_int_equal(aps_record_decode(longer, pool, &out), APS_OK);
        same(&with[i], &out);
    }
    /* What the caller's struct held before is no part of the key. */
    assert_int_equal(aps_record_decode(record, pool, &out), APS_OK);
    same(&plain, &out);
}

static void what_no_key_has_is_damage(void **state)
{
    struct aps_key bad[] = {least(), least(), least(), least(), least(),
                            least(), least(), least(), most()},
                   out = {0};
    (void)state;
    bad[0].status = APS_KEY_UNSET;
    bad[1].status = (enum aps_key_status)3;
    bad[2].expires_at = 0;
    bad[3].secret[0].version = 0;
    bad[4].limit.rate = (struct aps_rate){1, 0};
    bad[5].origin = (enum aps_key_origin)3;
    bad[6].secret[0].form = (enum aps_key_form)2;
    bad[7].secret[0].made_at = -1;
    bad[8].secret[1].grace = -1;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(aps_record_decode(aps_record_encode(&bad[i], pool), pool, &out),
                         APS_ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_pool_has_a_copy),
        cmocka_unit_test(any_other_length_is_damage),
        cmocka_unit_test(damaged_bytes_never_lead_astray),
        cmocka_unit_test(what_says_nothing_of_plans_takes_no_room),
        cmocka_unit_test(what_no_key_has_is_damage),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
