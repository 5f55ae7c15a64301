#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <apr_general.h>
#include <apisec/limit.h>

static apr_pool_t *pool;

static enum aps_err parse(const char *text, struct aps_limit *out, struct aps_diag *diag)
{
    diag->text[0] = '\0';
    return aps_limit_parse(pool, aps_str(text), out, diag);
}

/* What was written, in whatever order, has one text, and that text is read as the same. */
static void texts_are_canonical(void **state)
{
    static const struct {
        const char *text, *canonical;
    } rows[] = {
        {"api rate=100/m by=key", NULL},
        {"api  by=key   rate=100/m ", "api rate=100/m by=key"},
        {"a rate=10/s rate=1000/h rate=5000/d by=user", NULL},
        {"a quota=5/day by=org", "a quota=5/day zone=UTC by=org"},
        {"a quota=5/week quota=9/month zone=Europe/Berlin by=org", NULL},
        {"a inflight=10 by=ip", NULL},
        {"a rate=1/s quota=5/month inflight=65535 by=route+key",
         "a rate=1/s quota=5/month inflight=65535 zone=UTC by=key+route"},
        {"a rate=1/s by=ip/24", "a rate=1/s by=ip/24/64"},
        {"a rate=1/s by=ip/32/64", "a rate=1/s by=ip"},
        {"a rate=1/s by=route+ip/8/128", "a rate=1/s by=ip/8/128+route"},
        {"a rate=1/s by=role", NULL},
        {"a rate=9/s burst=5 by=key", "a rate=9/s by=key burst=5"},
        {"a rate=9/s by=key algorithm=gcra", "a rate=9/s by=key"},
        {"a rate=9/s by=key algorithm=token-bucket", NULL},
        {"a rate=9/s by=key algorithm=leaky-bucket delay=500ms", NULL},
        {"a rate=9/s by=key algorithm=fixed-window", NULL},
        {"a rate=9/s by=key algorithm=sliding-window", NULL},
        {"a rate=9/s by=key delay=30s", NULL},
        {"a rate=9/s by=key cost=1", "a rate=9/s by=key"},
        {"a rate=9/s by=key cost=9", NULL},
        {"a rate=9/s by=key cost=PUT,POST:5 cost=2 cost=bytes/64k",
         "a rate=9/s by=key cost=2 cost=POST,PUT:5 cost=bytes/65536"},
        {"a rate=9/s by=key mode=enforce", "a rate=9/s by=key"},
        {"a rate=9/s by=key mode=dry-run", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *want = rows[i].canonical != NULL ? rows[i].canonical : rows[i].text;
        struct aps_limit limit, again;
        struct aps_diag diag;
        assert_int_equal(parse(rows[i].text, &limit, &diag), APS_OK);
        assert_string_equal(limit.text.p, want);
        assert_int_equal(parse(limit.text.p, &again, &diag), APS_OK);
        assert_string_equal(again.text.p, want);
    }
}

/* Each refusal names the word that is wrong. */
static void faults_are_named(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "want a name"},
        {"-a rate=1/s by=key", "want a name"},
        {"a", "want at least one of rate"},
        {"a by=key", "want at least one of rate"},
        {"a rate=1/s", "want by="},
        {"a rate=1/s by=", "by \"\": want key"},
        {"a rate=1/s by=key+", "by \"key+\""},
        {"a rate=1/s by=+key", "by \"+key\""},
        {"a rate=1/s by=key+key", "each once"},
        {"a rate=1/s by=tenant", "by \"tenant\""},
        {"a rate=1/s by=ip/7", "number \"7\": want a whole number from 8 to 32"},
        {"a rate=1/s by=ip/33", "from 8 to 32"},
        {"a rate=1/s by=ip/24/15", "from 16 to 128"},
        {"a rate=1/s by=ip/24/129", "from 16 to 128"},
        {"a rate=1/s by=ip/24/48/", "want ip, ip/V4 or ip/V4/V6"},
        {"a rate=1/s by=ip/", "want ip, ip/V4 or ip/V4/V6"},
        {"a rate=0/s by=key", "rate \"0/s\""},
        {"a rate=1/y by=key", "rate \"1/y\""},
        {"a rate=1/s rate=2/s by=key", "of this kind and period already"},
        {"a quota=1/day quota=2/day by=key", "of this kind and period already"},
        {"a inflight=1 inflight=1 by=key", "inflight was given before"},
        {"a quota=1/h by=key", "quota \"1/h\": want COUNT/day"},
        {"a quota=day by=key", "quota \"day\""},
        {"a quota=0/day by=key", "number \"0\""},
        {"a inflight=0 by=key", "number \"0\""},
        {"a inflight=65536 by=key", "from 1 to 65535"},
        {"a rate=1/s rate=1/m rate=1/h rate=1/d quota=1/day quota=1/week quota=1/month by=key",
         "at most 6"},
        {"a rate=1/s by=key by=key", "by was given before"},
        {"a rate=1/s rate=1/m burst=2 by=key", "burst= goes with exactly one"},
        {"a quota=1/day burst=2 by=key", "burst= goes with exactly one"},
        {"a rate=1/s burst=2 by=key algorithm=fixed-window", "burst= goes with"},
        {"a rate=1/s burst=0 by=key", "number \"0\""},
        {"a inflight=1 by=key delay=1s", "delay= goes with"},
        {"a rate=1/s by=key delay=1s algorithm=sliding-window", "delay= goes with"},
        {"a rate=1/s by=key delay=31s", "at most 30s"},
        {"a rate=1/s by=key delay=1", "duration \"1\""},
        {"a rate=1/s by=key algorithm=leaky-bucket", "needs delay="},
        {"a rate=1/s by=key delay=0s", "delay \"0s\": want more than 0 and at most 30s"},
        {"a rate=9/s by=key burst=-1", "\"burst=-1\": number \"-1\": want a whole number from 1"},
        {"a inflight=65536 by=key", "\"inflight=65536\": number"},
        {"a rate=9/s by=ip/33", "\"by=ip/33\": number \"33\": want a whole number from 8 to 32"},
        {"a rate=9/s by=key cost=bytes/1x", "\"cost=bytes/1x\": size \"1x\""},
        {"a rate=9/s by=key cost=1 cost=2", "cost \"2\": one of this form was given before"},
        {"a rate=9/s by=key cost=bytes/1k cost=bytes/2k", "given before"},
        {"a rate=1/s by=key algorithm=bucket", "algorithm \"bucket\": want gcra"},
        {"a quota=1/day by=key algorithm=fixed-window", "algorithm= goes with"},
        {"a rate=1/s by=key zone=UTC", "zone= goes with"},
        {"a quota=1/day by=key zone=", "zone \"\": want UTC"},
        {"a quota=1/day by=key zone=../x", "zone \"../x\": want UTC"},
        {"a rate=1/s by=key mode=off", "mode \"off\": want enforce or dry-run"},
        {"a rate=1/s by=key cost=0", "number \"0\""},
        {"a rate=1/s by=key cost=2", "cost 2: above the 1"},
        {"a rate=9/s burst=3 by=key cost=4", "cost 4: above the 3"},
        {"a rate=9/s quota=3/day by=key cost=POST:4", "cost 4: above the 3"},
        {"a rate=9/s by=key cost=GET:2 cost=POST,GET:3", "a method has a cost already"},
        {"a rate=9/s by=key cost=:2", "want methods of GET"},
        {"a rate=9/s by=key cost=get:2", "want methods of GET"},
        {"a rate=9/s by=key cost=GET,:2", "want methods of GET"},
        {"a rate=9/s by=key cost=bytes/0", "size \"0\""},
        {"a rate=9/s by=key cost=bytes/", "size \"\""},
        {"a rate=1/s by=key rat=1/s", "\"rat=1/s\" is not known"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct aps_limit limit = {.by = 77};
        struct aps_diag diag;
        assert_int_not_equal(parse(rows[i].text, &limit, &diag), APS_OK);
        if (strstr(diag.text, rows[i].says) == NULL)
            fail_msg("%s: %s", rows[i].text, diag.text);
        assert_int_equal(limit.by, 77);
    }
}

static void long_texts_are_refused(void **state)
{
    char text[APS_LIMIT_TEXT_MAX + 2];
    struct aps_limit limit;
    struct aps_diag diag;
    (void)state;
    memset(text, ' ', sizeof text);
    memcpy(text, "a rate=1/s by=key", 17);
    text[APS_LIMIT_TEXT_MAX] = '\0';
    assert_int_equal(parse(text, &limit, &diag), APS_OK);
    text[APS_LIMIT_TEXT_MAX] = ' ';
    text[APS_LIMIT_TEXT_MAX + 1] = '\0';
    assert_int_equal(parse(text, &limit, &diag), APS_ERR_RANGE);
}

/* LIM-16: names of several meters differ; what is not counted in requests says so. */
static void meters_are_named(void **state)
{
    static const struct {
        const char *name, *policy;
    } want[] = {
        {"a-s", "\"a-s\";q=10;w=1"},
        {"a-h", "\"a-h\";q=100;w=3600"},
        {"a-day", "\"a-day\";q=5;w=86400"},
        {"a-week", "\"a-week\";q=9;w=604800"},
        {"a-month", "\"a-month\";q=20"},
        {"a-inflight", "\"a-inflight\";q=3;qu=\"concurrent-requests\""},
    };
    struct aps_limit limit;
    struct aps_diag diag;
    (void)state;
    assert_int_equal(parse("a rate=10/s rate=100/h quota=5/day quota=9/week quota=20/month "
                           "inflight=3 by=key",
                           &limit, &diag),
                     APS_OK);
    assert_int_equal(limit.n, 6);
    for (size_t i = 0; i < limit.n; i++) {
        assert_string_equal(limit.meter[i].name.p, want[i].name);
        assert_string_equal(limit.meter[i].policy.p, want[i].policy);
    }
    assert_int_equal(parse("b rate=3/m by=ip", &limit, &diag), APS_OK);
    assert_string_equal(limit.meter[0].policy.p, "\"b\";q=3;w=60");
    assert_int_equal(limit.prefix4, 32);
    assert_int_equal(limit.prefix6, 64);
}

/* LIM-19 */
static void costs_follow_method_and_body(void **state)
{
    static const struct {
        const char *text;
        enum aps_method method;
        int64_t body;
        uint32_t want;
    } rows[] = {
        {"", APS_METHOD_GET, -1, 1},
        {" cost=3", APS_METHOD_GET, -1, 3},
        {" cost=3 cost=POST,PUT:5", APS_METHOD_PUT, -1, 5},
        {" cost=3 cost=POST,PUT:5", APS_METHOD_GET, 0, 3},
        {" cost=bytes/1k", APS_METHOD_GET, -1, 0},
        {" cost=bytes/1k", APS_METHOD_GET, 0, 1},
        {" cost=bytes/1k", APS_METHOD_GET, 1024, 1},
        {" cost=bytes/1k", APS_METHOD_GET, 1025, 2},
        {" cost=3 cost=bytes/1k", APS_METHOD_GET, 1025, 3},
        {" cost=3 cost=bytes/1k", APS_METHOD_GET, 10240, 10},
        {" cost=bytes/1", APS_METHOD_GET, INT64_MAX, 1000000000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[128];
        struct aps_limit limit;
        struct aps_diag diag;
        (void)snprintf(text, sizeof text, "a rate=100/s by=key%s", rows[i].text);
        assert_int_equal(parse(text, &limit, &diag), APS_OK);
        assert_int_equal(aps_limit_cost_of(&limit.cost, rows[i].method, rows[i].body),
                         rows[i].want);
    }
}

static struct aps_limit bound(const char *text, uint64_t store)
{
    struct aps_limit limit;
    struct aps_diag diag;
    assert_int_equal(parse(text, &limit, &diag), APS_OK);
    assert_int_equal(aps_limit_bind(pool, &limit, store, &diag), APS_OK);
    return limit;
}

/* Which definitions share a caller's cell, and which do not. */
/* LIM-07: the burst of a leaky bucket is how many units wait, whatever the delay would let. */
static void the_burst_of_a_leaky_bucket_is_its_queue(void **state)
{
    static const struct {
        const char *text;
        aps_nsec longest;
    } rows[] = {
        {"a rate=10/s by=key algorithm=leaky-bucket delay=5s", 5 * APS_SEC},
        {"a rate=10/s by=key algorithm=leaky-bucket delay=5s burst=3", 300 * APS_MSEC},
        {"a rate=10/s by=key algorithm=leaky-bucket delay=5s burst=50", 5 * APS_SEC},
        {"a rate=10/s by=key algorithm=leaky-bucket delay=200ms burst=3", 200 * APS_MSEC},
        {"a rate=10/s by=key algorithm=leaky-bucket delay=5s burst=10", APS_SEC},
        {"a rate=10/s by=key delay=5s burst=3", 5 * APS_SEC},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(bound(rows[i].text, 7).meter[0].charge.delay, rows[i].longest);
}

static void scopes_follow_the_definition(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"a rate=5/s by=key", "a by=key rate=5/s mode=dry-run", true},
        {"a rate=5/s by=key", "a rate=5/s by=key algorithm=token-bucket", true},
        {"a rate=5/s by=key", "a rate=5/s by=key burst=5 cost=2", true},
        {"a rate=5/s by=key", "b rate=5/s by=key", false},
        {"a rate=5/s by=key", "a rate=5/s by=user", false},
        {"a rate=5/s by=ip", "a rate=5/s by=ip/24/48", false},
        {"a rate=5/s by=key", "a rate=6/s by=key", false},
        {"a rate=5/s by=key", "a rate=5/s by=key burst=6", false},
        {"a rate=5/s by=key", "a rate=5/s by=key delay=1s", false},
        {"a rate=5/s by=key delay=1s", "a rate=5/s by=key delay=1s algorithm=leaky-bucket", false},
        {"a rate=5/s by=key", "a rate=5/m by=key", false},
        {"a rate=5/s by=key", "a rate=5/s by=key algorithm=fixed-window", false},
        {"a rate=5/s by=key algorithm=fixed-window", "a rate=6/s by=key algorithm=fixed-window",
         true},
        {"a rate=5/s by=key algorithm=fixed-window", "a rate=5/s by=key algorithm=sliding-window",
         false},
        {"a rate=5/s by=key algorithm=sliding-window", "a rate=6/s by=key algorithm=sliding-window",
         true},
        {"a rate=5/m by=key algorithm=fixed-window", "a rate=5/h by=key algorithm=fixed-window",
         false},
        {"a quota=5/day by=key", "a quota=6/day by=key", true},
        {"a quota=5/day by=key", "a quota=5/day by=key zone=Europe/Berlin", true},
        {"a quota=5/day by=key", "a quota=5/week by=key", false},
        {"a quota=5/day by=key", "a quota=5/day by=ip", false},
        {"a quota=5/day by=key", "a rate=5/d by=key algorithm=fixed-window", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct aps_limit a = bound(rows[i].a, 7), b = bound(rows[i].b, 7);
        if ((a.meter[0].charge.scope == b.meter[0].charge.scope) != rows[i].same)
            fail_msg("%s and %s", rows[i].a, rows[i].b);
        b = bound(rows[i].a, 8);
        assert_true(a.meter[0].charge.scope != b.meter[0].charge.scope);
    }
}

/* LIM-09 */
static void quotas_are_of_a_zone_and_of_strangers_or_not(void **state)
{
    static const struct {
        const char *text;
        bool is_stranger;
    } rows[] = {
        {"a quota=5/month by=ip", true},     {"a quota=5/month by=ip+route", true},
        {"a quota=5/month by=key", false},   {"a quota=5/month by=ip+user", false},
        {"a quota=5/month by=route", false}, {"a quota=5/month by=org+route", false},
    };
    struct aps_limit limit;
    struct aps_diag diag = {""};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        limit = bound(rows[i].text, 7);
        assert_int_equal(limit.meter[0].charge.is_stranger, rows[i].is_stranger);
        assert_int_equal(limit.meter[0].charge.burst, 5);
        assert_int_equal(limit.meter[0].charge.unit, APS_ZONE_MONTH);
        assert_string_equal(aps_zone_name(limit.meter[0].charge.zone).p, "UTC");
    }
    limit = bound("a quota=5/day by=key zone=Europe/Berlin", 7);
    assert_string_equal(aps_zone_name(limit.meter[0].charge.zone).p, "Europe/Berlin");
    assert_int_equal(parse("a quota=5/day by=key zone=Mars/Olympus", &limit, &diag), APS_OK);
    assert_int_equal(aps_limit_bind(pool, &limit, 7, &diag), APS_ERR_NOT_FOUND);
    assert_non_null(strstr(diag.text, "\"Mars/Olympus\""));
}

static struct aps_limit edition(const char *text, uint64_t number)
{
    struct aps_limit limit;
    struct aps_diag diag;
    assert_int_equal(parse(text, &limit, &diag), APS_OK);
    limit.edition = number;
    assert_int_equal(aps_limit_bind(pool, &limit, 7, &diag), APS_OK);
    return limit;
}

/* A definition that comes back has buckets of its own; its windows go on. */
static void editions_have_buckets_of_their_own(void **state)
{
    struct aps_limit a = edition("a rate=5/s by=key", 1), b = edition("a rate=5/s by=key", 2);
    (void)state;
    assert_true(a.meter[0].charge.scope != b.meter[0].charge.scope);
    a = edition("a rate=5/s by=key algorithm=fixed-window", 1);
    b = edition("a rate=6/s by=key algorithm=fixed-window", 2);
    assert_true(a.meter[0].charge.scope == b.meter[0].charge.scope);
}

/* A bucket goes on from the one of its period and level that it took the place of. */
static void buckets_follow_earlier_ones(void **state)
{
    struct aps_limit then[] = {edition("a rate=5/s rate=9/m by=key", 3),
                               edition("a rate=1/h by=key", 2),
                               edition("a rate=7/s rate=1/d by=key", 1)};
    struct aps_limit now = edition("a rate=9/m rate=6/s rate=4/h by=key", 4);
    struct aps_limit other = edition("a rate=6/s by=user", 4);
    (void)state;
    aps_limit_bind_earlier(&now, then, 3, 99);
    assert_ptr_equal(now.meter[0].charge.earlier, &then[0].meter[1].charge);
    assert_null(then[0].meter[1].charge.earlier);
    assert_ptr_equal(now.meter[1].charge.earlier, &then[0].meter[0].charge);
    assert_ptr_equal(then[0].meter[0].charge.earlier, &then[2].meter[0].charge);
    assert_ptr_equal(now.meter[2].charge.earlier, &then[1].meter[0].charge);
    assert_int_equal(now.meter[0].charge.edited, 99);
    assert_int_equal(then[0].meter[0].charge.edited, 0);
    aps_limit_bind_earlier(&other, then, 3, 99);
    assert_null(other.meter[0].charge.earlier);
}

/* Where there is one bucket only, what it is counted by may change; windows stand alone. */
static void a_lone_bucket_follows_another_period(void **state)
{
    struct aps_limit then[] = {edition("a rate=600/m by=key", 1)};
    struct aps_limit now = edition("a rate=10/s burst=600 by=key", 2);
    struct aps_limit window = edition("a rate=600/m by=key algorithm=fixed-window", 3);
    (void)state;
    aps_limit_bind_earlier(&now, then, 1, 0);
    assert_ptr_equal(now.meter[0].charge.earlier, &then[0].meter[0].charge);
    aps_limit_bind_earlier(&window, then, 1, 0);
    assert_null(window.meter[0].charge.earlier);
    aps_limit_bind_earlier(&then[0], &window, 1, 0);
    assert_null(then[0].meter[0].charge.earlier);
}

static void what_cannot_be_is_refused(void **state)
{
    struct aps_limit limit;
    struct aps_diag diag;
    (void)state;
    assert_int_equal(parse("a rate=1/d burst=1000000 by=key", &limit, &diag), APS_OK);
    assert_int_equal(aps_limit_bind(pool, &limit, 0, &diag), APS_ERR_RANGE);
    assert_non_null(strstr(diag.text, "ten years"));
    assert_int_equal(parse("a rate=65536/s by=key algorithm=sliding-window", &limit, &diag),
                     APS_OK);
    assert_int_equal(aps_limit_bind(pool, &limit, 0, &diag), APS_ERR_RANGE);
    assert_non_null(strstr(diag.text, "gcra"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_canonical),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(long_texts_are_refused),
        cmocka_unit_test(meters_are_named),
        cmocka_unit_test(costs_follow_method_and_body),
        cmocka_unit_test(the_burst_of_a_leaky_bucket_is_its_queue),
        cmocka_unit_test(scopes_follow_the_definition),
        cmocka_unit_test(quotas_are_of_a_zone_and_of_strangers_or_not),
        cmocka_unit_test(editions_have_buckets_of_their_own),
        cmocka_unit_test(buckets_follow_earlier_ones),
        cmocka_unit_test(a_lone_bucket_follows_another_period),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    int failed;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
