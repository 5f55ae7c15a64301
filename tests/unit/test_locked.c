/* SEC-14: memory for secrets: what the kernel says of its pages, that small pieces share them, and
 * what is left of one that was given back. */
#include "t.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apisec/secret.h"

/* KiB that this process has locked. */
static unsigned long locked(void)
{
    unsigned long kib = 0;
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    assert_non_null(status);
    while (fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, "VmLck:", 6) == 0)
            kib = strtoul(line + 6, NULL, 10);
    (void)fclose(status);
    return kib;
}

/* Sanitizers make nothing of mlock. */
static bool can_lock(void)
{
    void *page = NULL;
    unsigned long before = locked();
    bool can;
    assert_int_equal(posix_memalign(&page, 4096, 4096), 0);
    can = mlock(page, 4096) == 0 && locked() > before;
    (void)munlock(page, 4096);
    free(page);
    return can;
}

static struct aps_secret make(size_t n)
{
    struct aps_secret s = {0};
    assert_int_equal(aps_secret_new(n, &s), APS_OK);
    return s;
}

/* VmFlags of the pages at `p`, with a space before each. */
static void flags_of(const void *p, char out[512])
{
    char line[512], at[32];
    bool inside = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    assert_non_null(maps);
    out[0] = '\0';
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx %31s", &from, &to, at) == 3)
            inside = (uintptr_t)p >= from && (uintptr_t)p < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            (void)snprintf(out, 512, "%s", line + 8);
    }
    (void)fclose(maps);
}

static void pages_of_each_size_stay_out_of_dumps_and_swap(void **state)
{
    static const size_t sizes[] = {1, 32, 33, 1000, 4096, 4097, 300000};
    char flags[512];
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct aps_secret s = make(sizes[i]);
        flags_of(s.b, flags);
        assert_non_null(strstr(flags, " dd"));
        assert_true(!can_lock() || strstr(flags, " lo") != NULL);
        flags_of(s.b + s.n - 1, flags);
        assert_non_null(strstr(flags, " dd"));
        aps_secret_wipe(&s);
    }
}

static void small_ones_share_pages(void **state)
{
    enum { MANY = 20000 };
    static struct aps_secret s[MANY];
    unsigned long before = locked();
    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        s[i] = make(32);
        memset(s[i].b, (int)(i % 255 + 1), 32);
    }
    if (can_lock())
        assert_in_range(locked() - before, MANY * 32 / 1024, MANY * 34 / 1024);
    for (size_t i = 0; i < MANY; i += 2)
        aps_secret_wipe(&s[i]);
    for (size_t i = 0; i < MANY; i += 2) /* where others were */
        s[i] = make(32);
    for (size_t i = 0; i < MANY; i++)
        for (size_t k = 0; k < 32; k++)
            assert_int_equal(s[i].b[k], i % 2 != 0 ? i % 255 + 1 : 0);
    for (size_t i = MANY; i-- > 0;)
        aps_secret_wipe(&s[i]);
    assert_int_equal(locked(), before);
}

static void nothing_is_left_of_a_wiped_one(void **state)
{
    struct aps_secret neighbour = make(64), s = make(64);
    const unsigned char *was = s.b;
    (void)state;
    memset(s.b, 0xa5, 64);
    memset(neighbour.b, 0x5a, 64);
    s.n = 7; /* a caller that needs less of it */
    aps_secret_wipe(&s);
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(was[i], 0);
        assert_int_equal(neighbour.b[i], 0x5a);
    }
    aps_secret_wipe(&neighbour);
}

/* Whether a child that writes at `p` is killed for it. */
static bool is_fatal(unsigned char *p)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGSEGV, SIG_DFL);
        *(volatile unsigned char *)p = 1;
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void pages_beside_a_slab_cannot_be_touched(void **state)
{
    struct aps_secret small = make(16), large = make(100000);
    unsigned char *slab = (unsigned char *)((uintptr_t)small.b & ~(uintptr_t)(16 * 1024 - 1));
    (void)state;
    assert_false(is_fatal(small.b));
    assert_true(is_fatal(slab - 1));
    assert_true(is_fatal(slab + (size_t)16 * 1024));
    assert_true(is_fatal(large.b + 100000 + 4096));
    aps_secret_wipe(&small);
    aps_secret_wipe(&large);
}

static void a_child_reads_what_it_inherits_and_locks_it_again(void **state)
{
    struct aps_secret s = make(32);
    int status = 0;
    pid_t pid;
    (void)state;
    memcpy(s.b, "inherited", 9);
    pid = fork();
    if (pid == 0) {
        bool good = memcmp(s.b, "inherited", 9) == 0 && locked() == 0;
        aps_secret_child(&s);
        good = good && (locked() == 16 || !can_lock());
        aps_secret_wipe(&s);
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_memory_equal(s.b, "inherited", 9);
    aps_secret_wipe(&s);
}

static void *churn(void *arg)
{
    unsigned mark = *(const unsigned *)arg, x = mark;
    struct aps_secret held[32] = {{0}};
    bool good = true;
    for (int round = 0; round < 20000; round++) {
        x = x * 1103515245 + 12345;
        struct aps_secret *s = &held[x / 65536 % 32];
        for (size_t i = 0; i < s->n; i++)
            good = good && s->b[i] == mark;
        aps_secret_wipe(s);
        if (aps_secret_new(x / 65536 % 200 + 1, s) != APS_OK)
            return NULL;
        for (size_t i = 0; i < s->n; i++)
            good = good && s->b[i] == 0;
        memset(s->b, (int)mark, s->n);
    }
    for (size_t i = 0; i < 32; i++)
        aps_secret_wipe(&held[i]);
    return good ? arg : NULL;
}

static void threads_do_not_meet(void **state)
{
    enum { THREADS = 4 };
    pthread_t thread[THREADS];
    unsigned marks[THREADS];
    (void)state;
    for (unsigned i = 0; i < THREADS; i++) {
        marks[i] = i + 1;
        assert_int_equal(pthread_create(&thread[i], NULL, churn, &marks[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *good = NULL;
        assert_int_equal(pthread_join(thread[i], &good), 0);
        assert_ptr_equal(good, &marks[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_each_size_stay_out_of_dumps_and_swap),
        cmocka_unit_test(small_ones_share_pages),
        cmocka_unit_test(nothing_is_left_of_a_wiped_one),
        cmocka_unit_test(pages_beside_a_slab_cannot_be_touched),
        cmocka_unit_test(a_child_reads_what_it_inherits_and_locks_it_again),
        cmocka_unit_test(threads_do_not_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
