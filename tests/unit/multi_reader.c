/* Many threads on one reader: the thread sanitizer watches. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <apr_general.h>
#include <apisec/authn.h>

#include "fake_snapshot.h"

#define REFRESH (250 * APS_MSEC)

static apr_pool_t *pool;
static struct aps_reader *reader;

static int setup(void **state)
{
    const struct aps_reader_options options = {
        .snapshot = {.store = "/store"}, .refresh = REFRESH, .cache_max = 4};
    (void)state;
    apr_pool_create(&pool, NULL);
    t_fake_reset(pool);
    assert_int_equal(aps_reader_new(&options, &reader), APS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    aps_reader_free(reader);
    assert_int_equal(t_fake.opens, t_fake.closes);
    apr_pool_destroy(pool);
    return 0;
}

static struct aps_view *acquire(aps_nsec now, enum aps_reader_event want)
{
    enum aps_reader_event event = APS_READER_FAILED;
    struct aps_view *view = aps_reader_acquire(reader, now, &event, NULL);
    assert_int_equal(event, want);
    return view;
}

static uint64_t generation_at(aps_nsec now, enum aps_reader_event want)
{
    struct aps_view *view = acquire(now, want);
    uint64_t generation = 0;
    if (view != NULL) {
        generation = aps_snapshot_generation(aps_view_snapshot(view));
        aps_view_release(view);
    }
    return generation;
}

static void *acquire_in_thread(void *now)
{
    enum aps_reader_event event;
    return aps_reader_acquire(reader, *(aps_nsec *)now, &event, NULL);
}

/* While one thread opens, the others go on with what is in force. */
static void one_thread_opens_and_nobody_waits(void **state)
{
    aps_nsec later = REFRESH;
    pthread_t opener;
    void *fresh;
    (void)state;
    assert_int_equal(generation_at(0, APS_READER_LOADED), 1);
    t_fake_publish(2);
    t_fake.hold = true;
    assert_int_equal(pthread_create(&opener, NULL, acquire_in_thread, &later), 0);
    while (t_fake.waiting == 0)
        sched_yield();
    for (int i = 0; i < 100; i++)
        assert_int_equal(generation_at(later, APS_READER_SAME), 1);
    t_fake.hold = false;
    assert_int_equal(pthread_join(opener, &fresh), 0);
    assert_int_equal(aps_snapshot_generation(aps_view_snapshot(fresh)), 2);
    aps_view_release(fresh);
    assert_int_equal(t_fake.opens, 2);
}

/* The first requests wait for the first copy: none of them is told that there is none. */
static void first_requests_wait_for_the_first_copy(void **state)
{
    aps_nsec now = 0;
    pthread_t threads[4];
    (void)state;
    t_fake.hold = true;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, acquire_in_thread, &now), 0);
    while (t_fake.waiting == 0)
        sched_yield();
    t_fake.hold = false;
    for (int i = 0; i < 4; i++) {
        void *view;
        assert_int_equal(pthread_join(threads[i], &view), 0);
        assert_non_null(view);
        aps_view_release(view);
    }
    assert_int_equal(t_fake.opens, 1);
}

/* ---- Many threads: requests come and go while copies replace each other. ---- */

enum { THREADS = 4, KEYS = 12, GENERATIONS = 150 };

static atomic_int_least64_t clock_now;
static atomic_bool stop;
static atomic_uint requests;

static void *serve(void *arg)
{
    apr_pool_t *own;
    uint64_t seen = 0;
    unsigned n = *(unsigned *)arg;
    apr_pool_create(&own, NULL);
    while (!stop) {
        enum aps_reader_event event;
        const struct aps_identity *who = NULL;
        struct aps_str id;
        bool hit;
        struct aps_view *view = aps_reader_acquire(reader, clock_now, &event, NULL);
        uint64_t generation = aps_snapshot_generation(aps_view_snapshot(view));
        assert_true(generation >= seen);
        seen = generation;
        n = n * 5 + 1;
        struct aps_str text = t_fake_text(own, n % KEYS, n / KEYS % 8 == 0 ? 2 : 1);
        enum aps_reason reason = aps_authn_key(view, text, 0, own, &who, &id, &hit);
        if (n / KEYS % 8 == 0) {
            assert_int_equal(reason, APS_REASON_KEY_WRONG);
        } else {
            assert_int_equal(reason, APS_REASON_ALLOW);
            assert_memory_equal(who->id_text, text.p + 5, 12);
        }
        aps_view_release(view);
        requests++;
        apr_pool_clear(own);
    }
    apr_pool_destroy(own);
    return NULL;
}

static void threads_and_new_copies_do_not_meet(void **state)
{
    pthread_t threads[THREADS];
    unsigned seeds[THREADS];
    (void)state;
    stop = false;
    requests = 0;
    clock_now = 0;
    for (unsigned n = 0; n < KEYS; n++) /* more than the cache holds: it is replaced, too */
        t_fake_add(n);
    for (unsigned i = 0; i < THREADS; i++) {
        seeds[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, serve, &seeds[i]), 0);
    }
    for (uint64_t g = 2; g <= GENERATIONS; g++) {
        unsigned before = requests;
        t_fake_publish(g);
        clock_now += REFRESH;
        while (requests < before + THREADS)
            sched_yield();
    }
    stop = true;
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    clock_now += REFRESH;
    struct aps_view *view =
        aps_reader_acquire(reader, clock_now, &(enum aps_reader_event){0}, NULL);
    assert_int_equal(aps_snapshot_generation(aps_view_snapshot(view)), GENERATIONS);
    aps_view_release(view);
    assert_int_equal(t_fake.opens - t_fake.closes, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(one_thread_opens_and_nobody_waits),
        T(first_requests_wait_for_the_first_copy),
        T(threads_and_new_copies_do_not_meet),
    };
    apr_initialize();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
