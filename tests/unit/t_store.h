/* t_store.h - a store in a folder of its own, for the tests of the store.
 *
 * Each test program that includes it gets its own functions; all of them assert. */
#ifndef T_STORE_H
#define T_STORE_H

#include "t.h"

#include <apr_general.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apisec/master.h"
#include "apisec/snapshot.h"
#include "apisec/store.h"

#define T_NOW (1767225600 * APS_SEC) /* 2026-01-01 */

struct t_store {
    char top[64];  /* removed at the end */
    char dir[128]; /* the store */
    struct aps_secret master;
    struct aps_diag diag;
    apr_pool_t *pool;
};

static const struct aps_store_actor t_actor = {
    .uid = 1000,
    .login = "ada",
    .sudo = "",
    .tty = "/dev/pts/3",
    .host = "build.example",
    .command = "test run",
};

/* `err` is what was wanted; else the test fails and the sentence is printed. */
#define t_want(want, call, diag)                                                                   \
    do {                                                                                           \
        enum aps_err t_err = (call);                                                               \
        if (t_err != (want))                                                                       \
            print_error("%s: %s: %s\n", #call, aps_err_name(t_err), (diag)->text);                 \
        assert_int_equal(t_err, (want));                                                           \
    } while (0)

static inline int t_remove(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

/* Run `call` in a child of its own; its exit status as waitpid tells it. */
static inline int t_child(int (*call)(void *arg), void *arg)
{
    int status = -1;
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(call(arg));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static inline void t_top(struct t_store *t)
{
    *t = (struct t_store){0};
    assert_int_equal(apr_initialize(), APR_SUCCESS);
    assert_int_equal(apr_pool_create(&t->pool, NULL), APR_SUCCESS);
    (void)snprintf(t->top, sizeof t->top, "/tmp/apisec-unit-XXXXXX");
    assert_non_null(mkdtemp(t->top));
    (void)snprintf(t->dir, sizeof t->dir, "%s/store", t->top);
}

static inline enum aps_err t_try_init(struct t_store *t)
{
    struct aps_store_init init = {
        .dir = t->dir, .group = getegid(), .prefix = "test", .now = T_NOW, .actor = &t_actor};
    return aps_store_init(&init, &t->diag);
}

static inline char *t_path(struct t_store *t, const char *name)
{
    char *path = apr_palloc(t->pool, 512);
    (void)snprintf(path, 512, "%s/%s", t->dir, name);
    return path;
}

static inline void t_load_master(struct t_store *t)
{
    char source[256];
    (void)snprintf(source, sizeof source, "file:%s/master.key", t->dir);
    t_want(APS_OK, aps_master_load(source, &t->master, &t->diag), &t->diag);
}

static inline void t_init(struct t_store *t)
{
    t_top(t);
    t_want(APS_OK, t_try_init(t), &t->diag);
    t_load_master(t);
}

static inline void t_end(struct t_store *t)
{
    aps_secret_wipe(&t->master);
    (void)nftw(t->top, t_remove, 8, FTW_DEPTH | FTW_PHYS);
    apr_pool_destroy(t->pool);
    apr_terminate();
}

static inline enum aps_err t_try_open(struct t_store *t, enum aps_store_mode mode, aps_nsec now,
                                      struct aps_store **out)
{
    struct aps_store_open how = {
        .dir = t->dir, .master = &t->master, .mode = mode, .now = now, .actor = &t_actor};
    return aps_store_open(&how, out, &t->diag);
}

static inline struct aps_store *t_open(struct t_store *t, aps_nsec now)
{
    struct aps_store *st = NULL;
    t_want(APS_OK, t_try_open(t, APS_STORE_WRITE, now, &st), &t->diag);
    return st;
}

static inline void t_commit(struct t_store *t, struct aps_store *st)
{
    t_want(APS_OK, aps_store_commit(st, &t->diag), &t->diag);
    aps_store_close(st);
}

static inline enum aps_err t_try_snapshot(struct t_store *t, struct aps_snapshot **out)
{
    struct aps_snapshot_options o = {.store = t->dir, .master = &t->master, .owner = geteuid()};
    return aps_snapshot_open(&o, out, &t->diag);
}

static inline struct aps_snapshot *t_snapshot(struct t_store *t)
{
    struct aps_snapshot *snap = NULL;
    t_want(APS_OK, t_try_snapshot(t, &snap), &t->diag);
    return snap;
}

/* Every version of a secret, oldest first. */
static inline const struct aps_snapshot_secret *
t_secret(struct t_store *t, struct aps_snapshot *snap, struct aps_str name, size_t *out_n)
{
    const struct aps_snapshot_secret *list = NULL;
    t_want(APS_OK, aps_snapshot_secret(snap, name, t->pool, &list, out_n, &t->diag), &t->diag);
    return list;
}

/* A key with this name and, if `role` is not NULL, role.  *out_text is the caller's. */
static inline struct aps_key t_create(struct t_store *t, struct aps_store *st, const char *name,
                                      const char *role, struct aps_secret *out_text)
{
    struct aps_str roles[] = {aps_str(role)};
    struct aps_key_change c = {
        .set = APS_KEY_F_NAME | APS_KEY_F_ROLES,
        .to = {.name = aps_str(name), .roles = roles, .nroles = role != NULL ? 1 : 0}};
    struct aps_key key = {0};
    t_want(APS_OK, aps_store_key_create(st, &c, t->pool, &key, out_text, &t->diag), &t->diag);
    return key;
}

/* A whole file, NUL-ended, in the pool. */
static inline struct aps_str t_read(struct t_store *t, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    char *b = apr_palloc(t->pool, (apr_size_t)st.st_size + 1);
    assert_int_equal(read(fd, b, (size_t)st.st_size), st.st_size);
    b[st.st_size] = '\0';
    (void)close(fd);
    return (struct aps_str){b, (size_t)st.st_size};
}

static inline void t_write(const char *path, const void *p, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), (ssize_t)n);
    assert_int_equal(close(fd), 0);
}

#endif
