#include "t_state.h"

#include "apisec/metrics.h"

static void every_counter_is_its_own(void **state)
{
    (void)state;
    for (unsigned m = 0; m < APS_METRIC_COUNT; m++)
        aps_metrics_add(table, (enum aps_metric)m, m + 1);
    for (unsigned r = 0; r < APS_REASON_COUNT; r++)
        for (unsigned i = 0; i < r + 1000; i++)
            aps_metrics_add_reason(table, (enum aps_reason)r);
    for (unsigned m = 0; m < APS_METRIC_COUNT; m++)
        assert_int_equal(aps_metrics_sum(table, (enum aps_metric)m), m + 1);
    for (unsigned r = 0; r < APS_REASON_COUNT; r++)
        assert_int_equal(aps_metrics_sum_reason(table, (enum aps_reason)r), r + 1000);
}

static void a_value_outside_of_the_table_is_safe(void **state)
{
    (void)state;
    aps_metrics_add(table, APS_METRIC_COUNT, 1);
    aps_metrics_add(table, (enum aps_metric) - 1, 1);
    assert_int_equal(aps_metrics_sum(table, APS_METRIC_COUNT), 0);
    assert_string_equal(aps_metrics_name(APS_METRIC_COUNT), "unknown");
    aps_metrics_add_reason(table, APS_REASON_COUNT);
    aps_metrics_add_reason(table, (enum aps_reason) - 5);
    assert_int_equal(aps_metrics_sum_reason(table, APS_REASON_UNDECIDED), 2);
}

static void a_decision_is_counted_in_its_class(void **state)
{
    static const struct {
        enum aps_reason reason;
        bool detect_only;
        enum aps_metric metric;
    } cases[] = {
        {APS_REASON_ALLOW, false, APS_METRIC_ALLOWED},
        {APS_REASON_PUBLIC, false, APS_METRIC_ALLOWED},
        {APS_REASON_ALLOW, true, APS_METRIC_ALLOWED},
        {APS_REASON_KEY_UNKNOWN, false, APS_METRIC_REFUSED_AUTHN},
        {APS_REASON_GRANT_MISSING, false, APS_METRIC_REFUSED_AUTHZ},
        {APS_REASON_METHOD_NOT_GRANTED, false, APS_METRIC_REFUSED_AUTHZ},
        {APS_REASON_RATE_EXCEEDED, false, APS_METRIC_REFUSED_LIMIT},
        {APS_REASON_AUTHN_RATE, false, APS_METRIC_REFUSED_LIMIT},
        {APS_REASON_DECOY_RATE, false, APS_METRIC_REFUSED_LIMIT},
        {APS_REASON_PATH_AMBIGUOUS, false, APS_METRIC_REFUSED_INPUT},
        {APS_REASON_METHOD_UNKNOWN, false, APS_METRIC_REFUSED_INPUT},
        {APS_REASON_STORE_DOWN, false, APS_METRIC_REFUSED_SERVER},
        {APS_REASON_UNDECIDED, false, APS_METRIC_REFUSED_SERVER},
        {APS_REASON_KEY_UNKNOWN, true, APS_METRIC_WOULD_REFUSE},
        {APS_REASON_STORE_DOWN, true, APS_METRIC_WOULD_REFUSE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t before = aps_metrics_sum(table, cases[i].metric);
        uint64_t reason = aps_metrics_sum_reason(table, cases[i].reason);

        aps_metrics_add_decision(table, cases[i].reason, cases[i].detect_only);
        assert_int_equal(aps_metrics_sum(table, APS_METRIC_REQUESTS), i + 1);
        assert_int_equal(aps_metrics_sum(table, cases[i].metric), before + 1);
        assert_int_equal(aps_metrics_sum_reason(table, cases[i].reason), reason + 1);
    }
}

static void names_are_fit_for_openmetrics(void **state)
{
    (void)state;
    for (unsigned m = 0; m < APS_METRIC_COUNT; m++) {
        const char *name = aps_metrics_name((enum aps_metric)m);

        assert_int_equal(strncmp(name, "apisec_", 7), 0);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
        assert_null(strstr(name, "_total"));
        assert_true(strlen(aps_metrics_help((enum aps_metric)m)) > 10);
        for (unsigned other = 0; other < m; other++)
            assert_string_not_equal(name, aps_metrics_name((enum aps_metric)other));
    }
}

#define T(test) cmocka_unit_test_setup_teardown(test, open_table, close_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_counter_is_its_own),
        T(a_value_outside_of_the_table_is_safe),
        T(a_decision_is_counted_in_its_class),
        T(names_are_fit_for_openmetrics),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
