#include "t_token.h"

#include <pthread.h>
#include <sched.h>

#include "apisec/answers.h"

#define NOW (1000 * APS_SEC)

static struct aps_answers *answers;

static int setup(void **state)
{
    (void)state;
    return aps_answers_new(&answers) != APS_OK;
}

static int teardown(void **state)
{
    (void)state;
    aps_answers_free(answers);
    return 0;
}

/* Of one set; `i` tells them apart. */
static struct aps_siphash token(uint64_t i)
{
    return (struct aps_siphash){7, i};
}

/* Ask and answer at once. */
static uint64_t put(uint64_t i, const char *body, aps_nsec until, bool active)
{
    struct aps_answers_question q;
    struct aps_answers_said said = {aps_str(body), until, 0}, other;
    assert_int_equal(aps_answers_enter(answers, token(i), NOW, 0, t_pool, &q, &other),
                     APS_ANSWERS_ASK);
    aps_answers_leave(answers, &q, &said, active, NOW);
    return said.number;
}

static bool has(uint64_t i, aps_nsec wall)
{
    struct aps_answers_said said;
    return aps_answers_find(answers, token(i), wall, t_pool, &said);
}

/* JWT-19 */
static void an_answer_is_remembered_until_its_end(void **state)
{
    struct aps_answers_said said;
    (void)state;
    uint64_t number = put(1, "one", NOW + 10, true);
    assert_true(aps_answers_find(answers, token(1), NOW + 9, t_pool, &said));
    assert_string_equal(said.body.p, "one");
    assert_true(said.number == number && said.until == NOW + 10);
    assert_false(has(1, NOW + 10));
    assert_false(has(2, NOW));
    assert_true(put(2, "two", NOW + 10, true) != number);
    (void)put(3, "not at all", NOW, true);
    assert_false(has(3, NOW - 1));
}

/* JWT-19: no answer is nothing to remember. */
static void a_failure_is_not_remembered(void **state)
{
    struct aps_answers_question q;
    struct aps_answers_said said;
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(aps_answers_enter(answers, token(1), NOW, 0, t_pool, &q, &said),
                         APS_ANSWERS_ASK);
        aps_answers_leave(answers, &q, NULL, false, NOW);
    }
}

/* JWT-19, JWT-26: tokens that are none push out nobody's. */
static void garbage_gives_way(void **state)
{
    (void)state;
    (void)put(1, "x", NOW + 10, true);
    (void)put(2, "x", NOW + 10, true);
    (void)put(3, "x", NOW + 10, true);
    for (uint64_t i = 100; i < 200; i++)
        (void)put(i, "garbage", NOW + 10, false);
    assert_true(has(1, NOW) && has(2, NOW) && has(3, NOW) && has(199, NOW));
    assert_false(has(198, NOW));
    (void)put(4, "x", NOW + 10, true);
    assert_true(has(1, NOW) && has(2, NOW) && has(3, NOW) && has(4, NOW));
    (void)put(200, "garbage", NOW + 10, false);
    assert_false(has(200, NOW));
    (void)put(5, "x", NOW + 10, true);
    assert_false(has(1, NOW)); /* the oldest */
    assert_true(has(2, NOW) && has(5, NOW));
}

/* JWT-19: memory is bounded. */
static void a_long_answer_is_not_remembered(void **state)
{
    char *body = apr_palloc(t_pool, APS_ANSWERS_BODY_MAX + 2);
    (void)state;
    memset(body, 'x', APS_ANSWERS_BODY_MAX + 1);
    body[APS_ANSWERS_BODY_MAX + 1] = '\0';
    (void)put(1, body, NOW + 10, true);
    assert_false(has(1, NOW));
    (void)put(1, body + 1, NOW + 10, true);
    assert_true(has(1, NOW));
}

/* ---- Two who want to know the same ---- */

struct other {
    aps_nsec deadline;
    enum aps_answers_state state;
    struct aps_answers_said said;
    apr_pool_t *pool;
};

static void *enter(void *arg)
{
    struct other *other = arg;
    struct aps_answers_question q;
    other->state =
        aps_answers_enter(answers, token(1), NOW, other->deadline, other->pool, &q, &other->said);
    return NULL;
}

/* Another thread waits for what this one says; and has it though nothing is remembered. */
static enum aps_answers_state answer_other(struct aps_answers_said *said)
{
    struct aps_answers_question q;
    struct aps_answers_said none;
    struct other other = {.deadline = aps_clock_monotonic() + 60 * APS_SEC};
    pthread_t thread;
    assert_int_equal(apr_pool_create(&other.pool, NULL), APR_SUCCESS);
    assert_int_equal(aps_answers_enter(answers, token(1), NOW, 0, t_pool, &q, &none),
                     APS_ANSWERS_ASK);
    assert_int_equal(pthread_create(&thread, NULL, enter, &other), 0);
    while (__atomic_load_n(&q.waiting, __ATOMIC_ACQUIRE) == 0)
        (void)sched_yield();
    aps_answers_leave(answers, &q, said, true, NOW);
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (other.state == APS_ANSWERS_KNOWN) {
        assert_string_equal(other.said.body.p, said->body.p);
        assert_true(other.said.number == said->number);
    }
    apr_pool_destroy(other.pool);
    return other.state;
}

/* JWT-19 */
static void who_waits_has_the_same_answer(void **state)
{
    struct aps_answers_said said = {APS_STR_LIT("body"), NOW, 0};
    (void)state;
    assert_int_equal(answer_other(&said), APS_ANSWERS_KNOWN);
    assert_int_equal(answer_other(NULL), APS_ANSWERS_FAILED);
}

/* JWT-19 */
static void who_waits_gives_up(void **state)
{
    struct aps_answers_question q, mine;
    struct aps_answers_said said;
    (void)state;
    assert_int_equal(aps_answers_enter(answers, token(1), NOW, 0, t_pool, &q, &said),
                     APS_ANSWERS_ASK);
    assert_int_equal(aps_answers_enter(answers, token(1), NOW, 0, t_pool, &mine, &said),
                     APS_ANSWERS_LATE);
    aps_answers_leave(answers, &q, NULL, false, NOW);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        T(an_answer_is_remembered_until_its_end),
        T(a_failure_is_not_remembered),
        T(garbage_gives_way),
        T(a_long_answer_is_not_remembered),
        T(who_waits_has_the_same_answer),
        T(who_waits_gives_up),
    };
    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
