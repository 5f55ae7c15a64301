#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <apr_general.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../libapisec/table/layout.h"
#include "apisec/metrics.h"
#include "apisec/state.h"
#include "apisec/word.h"

#define WALL ((aps_nsec)1795400000 * APS_SEC)

static apr_pool_t *pool;
static char folder[32];
static char file[64];
static struct aps_diag diag;

static int make_folder(void **state)
{
    (void)state;
    assert_int_equal(apr_pool_create(&pool, NULL), APR_SUCCESS);
    (void)snprintf(folder, sizeof folder, "/tmp/test_state.XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(file, sizeof file, "%s/s", folder);
    memset(&diag, 0, sizeof diag);
    return 0;
}

static int remove_folder(void **state)
{
    struct dirent *entry;
    DIR *dir = opendir(folder);

    (void)state;
    apr_pool_destroy(pool);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
    assert_int_equal(closedir(dir), 0);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static const char *in_folder(const char *name)
{
    static char path[96];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static struct aps_state *open_entries(uint64_t entries)
{
    struct aps_state *opened = NULL;

    assert_int_equal(
        aps_state_open(pool, file, &(struct aps_state_size){entries, 0}, WALL, &opened, &diag),
        APS_OK);
    assert_string_equal(diag.text, "");
    return opened;
}

static enum aps_err try_open(const char *path)
{
    struct aps_state *opened = (void *)&diag;
    enum aps_err err =
        aps_state_open(pool, path, &(struct aps_state_size){1024, 0}, WALL, &opened, &diag);

    assert_ptr_equal(opened, &diag); /* untouched */
    assert_string_not_equal(diag.text, "");
    return err;
}

static enum aps_err try_attach(const char *path)
{
    struct aps_state *opened = (void *)&diag;
    enum aps_err err = aps_state_attach(pool, path, &opened, &diag);

    assert_ptr_equal(opened, &diag);
    assert_string_not_equal(diag.text, "");
    return err;
}

static void poke(uint64_t at, const void *bytes, size_t n)
{
    int fd = open(file, O_WRONLY);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, n, (off_t)at), n);
    assert_int_equal(close(fd), 0);
}

static enum aps_state_origin origin_of(const struct aps_state *state)
{
    struct aps_state_info info;

    aps_state_info(state, &info);
    return info.origin;
}

/* LIM-14 */
static void entries_are_bounded_and_rounded_up(void **state)
{
    static const struct {
        uint64_t entries;
        uint64_t cells; /* 0: refused */
        uint64_t rows;
        uint64_t slots;
    } cases[] = {
        {0, 0, 0, 0},
        {1023, 0, 0, 0},
        {1024, 1024, 4096, 4096},
        {1025, 2048, 4096, 4096},
        {65536, 65536, 4096, 16384},
        {65537, 131072, 8192, 32768},
        {2097152, 2097152, 65536, 65536},
        {((uint64_t)1 << 28) + 1, 0, 0, 0},
        {UINT64_MAX, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_state *opened = NULL;
        struct aps_state_info info;
        enum aps_err err = aps_state_open(pool, file, &(struct aps_state_size){cases[i].entries, 0},
                                          WALL, &opened, &diag);

        assert_int_equal(err, cases[i].cells != 0 ? APS_OK : APS_ERR_RANGE);
        if (err != APS_OK)
            continue;
        aps_state_info(opened, &info);
        assert_int_equal(info.entries, cases[i].cells);
        assert_int_equal(info.rows, cases[i].rows);
        assert_int_equal(info.slots, cases[i].slots);
        assert_int_equal(info.leases, cases[i].cells / 4);
        aps_state_close(opened);
    }
    aps_state_close(NULL);
}

static void a_new_file_is_private_and_all_on_disk(void **state)
{
    struct stat st;
    struct aps_state_info info;
    mode_t old = umask(0);
    struct aps_state *opened = open_entries(65536);

    (void)state;
    aps_state_info(opened, &info);
    (void)umask(old);
    assert_int_equal(info.origin, APS_STATE_CREATED);
    assert_int_equal(info.boot, 1);
    assert_int_equal(info.created, WALL);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, info.bytes);
    assert_true((uint64_t)st.st_blocks * 512 >= info.bytes);
    aps_state_close(opened);
    aps_state_info(open_entries(1048576), &info);
    assert_true(info.bytes <= 1048576 * 32); /* 64 bytes for each caller of a table half full */
}

static void what_is_there_is_used_again(void **state)
{
    struct aps_state *first = open_entries(1024);
    struct aps_state *second;
    uint64_t key = first->hash_key[0];

    (void)state;
    first->cells[1000] = (struct layout_pair){5, 6};
    aps_metrics_add(first, APS_METRIC_REQUESTS, 3);
    first->head->check = 0; /* as a file of before there was one */
    second = open_entries(1000 + 24);
    assert_int_equal(origin_of(second), APS_STATE_KEPT);
    assert_true(first->head->check == aps_layout_check(first->head));
    assert_int_equal(aps_state_boot(first), 1);
    assert_int_equal(aps_state_boot(second), 2);
    assert_int_equal(second->cells[1000].b, 6);
    assert_int_equal(second->hash_key[0], key);
    assert_int_equal(aps_metrics_sum(second, APS_METRIC_REQUESTS), 3);
    first->cells[1001].a = 7; /* old and new children share it */
    assert_int_equal(second->cells[1001].a, 7);
    aps_state_close(first);
    aps_state_close(first);
}

static void another_size_is_a_new_file_and_old_children_keep_theirs(void **state)
{
    struct aps_state *old = open_entries(4096);
    struct aps_state *new;

    (void)state;
    old->cells[4000] = (struct layout_pair){5, 6};
    new = open_entries(1024);
    assert_int_equal(origin_of(new), APS_STATE_CARRIED);
    assert_int_equal(aps_state_boot(new), 2); /* boot numbers go on */
    assert_int_equal(old->cells[4000].b, APS_WORD_RETIRED | 6);
    old->cells[4095].b = 1; /* no signal: nothing was cut off */
    assert_int_equal(new->cells[1000].a, 0);
}

static void a_damaged_head_is_replaced(void **state)
{
    static const struct {
        size_t at;
        size_t n;
    } fields[] = {
        {offsetof(struct layout_head, version), 4},
        {offsetof(struct layout_head, head_bytes), 4},
        {offsetof(struct layout_head, file_bytes), 8},
        {offsetof(struct layout_head, cells), 8},
        {offsetof(struct layout_head, rows), 8},
        {offsetof(struct layout_head, uses), 8},
        {offsetof(struct layout_head, overflow), 4},
        {offsetof(struct layout_head, stripes), 4},
        {offsetof(struct layout_head, counters), 4},
        {offsetof(struct layout_head, hash_key), 8},
        {offsetof(struct layout_head, use_key), 8},
        {offsetof(struct layout_head, salt), 8},
        {offsetof(struct layout_head, check), 8},
    };

    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        aps_state_close(open_entries(1024));
        poke(fields[i].at, "\xff\xff\xff\xff\xff\xff\xff\xff", fields[i].n);
        assert_int_not_equal(try_attach(file), APS_OK);
        memset(&diag, 0, sizeof diag);
        assert_int_equal(origin_of(open_entries(1024)), APS_STATE_REPLACED);
        assert_int_equal(origin_of(open_entries(1024)), APS_STATE_KEPT);
    }
    assert_int_equal(truncate(file, 8192), 0);
    assert_int_equal(origin_of(open_entries(1024)), APS_STATE_REPLACED);
}

/* Somebody else's file by a slip of the pen: its content stays. */
static void a_file_without_the_magic_is_set_aside(void **state)
{
    char text[8] = "";
    FILE *f = fopen(file, "w");

    (void)state;
    assert_non_null(f);
    assert_int_equal(fputs("diary", f) >= 0 && fclose(f) == 0, 1);
    assert_int_equal(chmod(file, 0600), 0);
    assert_int_equal(try_attach(file), APS_ERR_CORRUPT);
    memset(&diag, 0, sizeof diag);
    assert_int_equal(origin_of(open_entries(1024)), APS_STATE_FOREIGN);
    assert_non_null(f = fopen(in_folder("s.bad"), "r"));
    assert_non_null(fgets(text, sizeof text, f));
    assert_int_equal(fclose(f), 0);
    assert_string_equal(text, "diary");
}

/* CLI-06: what others could have put there is refused, not opened. */
static void unsafe_files_are_refused(void **state)
{
    (void)state;
    aps_state_close(open_entries(1024));
    assert_int_equal(chmod(file, 0640), 0);
    assert_int_equal(try_open(file), APS_ERR_UNSAFE);
    assert_int_equal(chmod(file, 0600), 0);
    assert_int_equal(link(file, in_folder("second")), 0);
    assert_int_equal(try_open(file), APS_ERR_UNSAFE);
    assert_int_equal(unlink(in_folder("second")), 0);
    assert_int_equal(symlink(file, in_folder("link")), 0);
    assert_int_equal(try_open(in_folder("link")), APS_ERR_UNSAFE);
    assert_int_equal(try_attach(in_folder("link")), APS_ERR_UNSAFE);
    assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
    assert_int_equal(try_open(in_folder("fifo")), APS_ERR_UNSAFE);
    assert_int_equal(try_attach(in_folder("fifo")), APS_ERR_UNSAFE); /* and does not wait */
    assert_int_equal(try_open(folder), APS_ERR_IO);
    if (geteuid() == 0) {
        assert_int_equal(chown(file, 65534, 65534), 0);
        assert_int_equal(try_open(file), APS_ERR_UNSAFE);
        assert_int_equal(chown(file, 0, 0), 0);
    }
    assert_int_equal(chmod(folder, 0770), 0);
    assert_int_equal(try_open(file), APS_ERR_UNSAFE);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(try_open(in_folder("none/s")), APS_ERR_IO);
    assert_int_equal(try_attach(in_folder("none/s")), APS_ERR_NOT_FOUND);
    memset(&diag, 0, sizeof diag);
    assert_int_equal(origin_of(open_entries(1024)), APS_STATE_KEPT);
}

/* After a reboot the monotonic clock begins anew; counters and boot numbers go on. */
static void a_reboot_drops_the_cells_only(void **state)
{
    struct aps_state *opened = open_entries(1024);
    uint64_t lease = (uint64_t)(WALL / APS_MINUTE + 10) << 32 | 15;
    unsigned leases = 0;

    (void)state;
    opened->cells[77] = (struct layout_pair){5, 6};
    opened->overflow[9].b = 10;
    opened->rows[3].owner.a = 11;
    opened->slots.rows[4095].owner.a = 12;
    opened->slots.head->shared[4095] = 13;
    opened->slots.head->swept = 14;
    opened->leases.rows[255].leased = (struct layout_pair){21, lease};
    opened->leases.head->budget = 16;
    aps_metrics_add(opened, APS_METRIC_ALLOWED, 12);
    opened->head->boot_id[5] ^= 1;
    opened = open_entries(1024);
    assert_int_equal(origin_of(opened), APS_STATE_REBOOTED);
    assert_int_equal(opened->cells[77].a, 0);
    assert_int_equal(opened->overflow[9].b, 0);
    assert_int_equal(opened->rows[3].owner.a, 0);
    assert_int_equal(opened->slots.rows[4095].owner.a, 0);
    assert_int_equal(opened->slots.head->shared[4095], 0);
    assert_int_equal(opened->slots.head->swept, 0);
    for (uint64_t i = 0; i < opened->leases.count; i++)
        leases += opened->leases.rows[i].leased.b == lease;
    assert_int_equal(leases, 1);
    assert_int_equal(opened->leases.head->budget, 0);
    assert_int_equal(aps_metrics_sum(opened, APS_METRIC_ALLOWED), 12);
    assert_int_equal(aps_state_boot(opened), 2);
    assert_int_equal(origin_of(open_entries(1024)), APS_STATE_KEPT);
}

/* LIM-14: a file that was kept hashes callers elsewhere after each boot. */
static void each_boot_has_a_seed_of_its_own(void **state)
{
    struct aps_state *opened = open_entries(1024), *after = NULL;
    uint64_t salt = opened->salt;

    (void)state;
    assert_int_equal(open_entries(1024)->salt, salt);
    assert_int_equal(open_entries(2048)->salt, salt);
    opened = open_entries(1024);
    assert_int_equal(opened->salt, salt);
    opened->head->boot_id[5] ^= 1;
    after = open_entries(1024);
    assert_int_not_equal(after->salt, salt);
    assert_memory_equal(after->hash_key, opened->hash_key, sizeof after->hash_key);
    assert_int_equal(open_entries(1024)->salt, after->salt);
}

static void counters_of_another_version_are_dropped(void **state)
{
    struct aps_state *opened = open_entries(1024);

    (void)state;
    opened->cells[77] = (struct layout_pair){5, 6};
    aps_metrics_add(opened, APS_METRIC_ALLOWED, 12);
    opened->head->metrics ^= 1;
    assert_int_equal(try_attach(file), APS_ERR_NEWER);
    memset(&diag, 0, sizeof diag);
    opened = open_entries(1024);
    assert_int_equal(aps_metrics_sum(opened, APS_METRIC_ALLOWED), 0);
    assert_int_equal(opened->cells[77].b, 6);
}

/* A disk that is full shows at start.  The limit on file sizes stands in for the disk. */
static void a_full_disk_is_an_error_and_leaves_nothing(void **state)
{
    int status = 0;
    pid_t pid;

    (void)state;
    if ((pid = fork()) == 0) {
        struct rlimit limit = {100000, 100000};
        struct aps_state *opened = NULL;

        (void)signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(2);
        _exit(aps_state_open(pool, file, &(struct aps_state_size){65536, 0}, WALL, &opened,
                             &diag) == APS_ERR_IO
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(rmdir(folder), 0); /* no file was left behind */
    assert_int_equal(mkdir(folder, 0700), 0);
}

/* No file, no trace of another one, and all calls work on it. */
static void a_state_in_memory_is_a_whole_one(void **state)
{
    struct aps_state *one = NULL, *two = (void *)&diag;
    struct aps_state_info info;

    (void)state;
    assert_int_equal(aps_state_memory(pool, &(struct aps_state_size){5000, 1024}, &one, &diag),
                     APS_OK);
    aps_state_info(one, &info);
    assert_int_equal(info.origin, APS_STATE_MEMORY);
    assert_int_equal(info.entries, 8192);
    assert_int_equal(info.uses, 1024);
    memset(one->cells, 1, info.entries * sizeof *one->cells);
    aps_metrics_add(one, APS_METRIC_ALLOWED, 2);
    assert_int_equal(aps_metrics_sum(one, APS_METRIC_ALLOWED), 2);
    one->directory.asked[LAYOUT_STRIPES * LAYOUT_LIMITS - 1] = 3; /* its last word */
    assert_int_equal(aps_state_memory(pool, &(struct aps_state_size){1, 0}, &two, &diag),
                     APS_ERR_RANGE);
    assert_ptr_equal(two, &diag);
    assert_int_equal(aps_state_memory(pool, &(struct aps_state_size){1024, 0}, &two, &diag),
                     APS_OK);
    assert_int_not_equal(one->hash_key[0], two->hash_key[0]);
    assert_int_equal(two->cells[7].a, 0);
    aps_state_close(one);
    aps_state_close(two);
    assert_int_equal(access(file, F_OK), -1);
}

/* What a killed server left half made is in nobody's way. */
static void a_half_made_file_is_made_anew(void **state)
{
    char temp[96];
    FILE *f;

    (void)state;
    (void)snprintf(temp, sizeof temp, "%s.new-%ld", file, (long)getpid());
    assert_non_null(f = fopen(temp, "w"));
    assert_int_equal(fclose(f), 0);
    aps_state_close(open_entries(1024));
    assert_int_not_equal(access(temp, F_OK), 0);
}

/* Servers that start together end with one file, and each start has its own number. */
static void servers_that_start_together_share_the_file(void **state)
{
    struct aps_state *opened;
    int status = 0;

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        if (fork() == 0) {
            struct aps_state *mine = NULL;

            _exit(aps_state_open(pool, file, &(struct aps_state_size){1024, 0}, WALL, &mine,
                                 &diag) == APS_OK
                      ? 0
                      : 1);
        }
    }
    for (unsigned i = 0; i < 6; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    opened = open_entries(1024);
    assert_int_equal(origin_of(opened), APS_STATE_KEPT);
    assert_int_equal(aps_state_boot(opened), 7);
}

static void a_reader_copies_and_outlives_what_happens_to_the_file(void **state)
{
    struct aps_state *opened = open_entries(1024);
    struct aps_state *reader = NULL;
    struct aps_state_info info;

    (void)state;
    aps_metrics_add(opened, APS_METRIC_ALLOWED, 12);
    assert_int_equal(aps_state_attach(pool, file, &reader, &diag), APS_OK);
    assert_int_equal(truncate(file, 0), 0);
    assert_int_equal(aps_metrics_sum(reader, APS_METRIC_ALLOWED), 12);
    aps_state_info(reader, &info);
    assert_int_equal(info.origin, APS_STATE_ATTACHED);
    assert_int_equal(info.entries, 1024);
    assert_int_equal(info.boot, 1);
    aps_state_close(reader);
    assert_int_equal(try_attach(file), APS_ERR_CORRUPT);
}

/* Sizes that a hostile child writes lead a reader nowhere. */
/* A reader learns from the file how late the server may be; a file of an older server has 0. */
static void the_server_says_how_late_it_may_be(void **state)
{
    struct aps_state *server = open_entries(1024), *reader = NULL;
    struct aps_state_info info;

    (void)state;
    for (aps_nsec refresh = 0; refresh < 2 * APS_SEC; refresh += APS_SEC) {
        if (refresh != 0)
            aps_state_set_refresh(server, refresh);
        assert_int_equal(aps_state_attach(pool, file, &reader, &diag), APS_OK);
        aps_state_info(reader, &info);
        assert_int_equal(info.refresh, refresh);
        aps_state_close(reader);
    }
    aps_state_close(server);
}

static void hostile_sizes_are_refused(void **state)
{
    static const uint64_t sizes[] = {
        0, 1, 512, 1025, 2048, (uint64_t)1 << 28, (uint64_t)1 << 29, (uint64_t)1 << 60, UINT64_MAX};

    (void)state;
    aps_state_close(open_entries(1024));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        poke(offsetof(struct layout_head, cells), &sizes[i], 8);
        assert_int_equal(try_attach(file), APS_ERR_CORRUPT);
    }
}

static void children_count_in_their_own_stripe(void **state)
{
    struct aps_state *opened = open_entries(1024);
    int status = 0;
    pid_t pid;

    (void)state;
    if ((pid = fork()) == 0) {
        aps_state_child(opened);
        aps_metrics_add(opened, APS_METRIC_ALLOWED, 5);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    aps_metrics_add(opened, APS_METRIC_ALLOWED, 7);
    assert_int_equal(aps_metrics_sum(opened, APS_METRIC_ALLOWED), 12);
    assert_int_equal(opened->counters[(uint64_t)pid % 16 * 256 + APS_METRIC_ALLOWED],
                     pid % 16 == 0 ? 12 : 5);
}

#define T(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(entries_are_bounded_and_rounded_up),
        T(a_new_file_is_private_and_all_on_disk),
        T(what_is_there_is_used_again),
        T(another_size_is_a_new_file_and_old_children_keep_theirs),
        T(a_damaged_head_is_replaced),
        T(a_file_without_the_magic_is_set_aside),
        T(unsafe_files_are_refused),
        T(a_reboot_drops_the_cells_only),
        T(each_boot_has_a_seed_of_its_own),
        T(counters_of_another_version_are_dropped),
        T(a_full_disk_is_an_error_and_leaves_nothing),
        T(a_state_in_memory_is_a_whole_one),
        T(a_half_made_file_is_made_anew),
        T(servers_that_start_together_share_the_file),
        T(a_reader_copies_and_outlives_what_happens_to_the_file),
        T(the_server_says_how_late_it_may_be),
        T(hostile_sizes_are_refused),
        T(children_count_in_their_own_stripe),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
