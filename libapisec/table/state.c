/* state.c - the state file: made, used again, replaced, and read with suspicion. */
#include "apisec/state.h"

#include <apr_general.h>
#include <apr_siphash.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

/* Another server may make or replace the file while this one looks at it. */
#define OPEN_TRIES 8

#define OPEN_FLAGS (O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

bool layout_read_at(int fd, void *buf, size_t n, uint64_t at)
{
    char *p = buf;

    while (n > 0) {
        ssize_t got = pread(fd, p, n, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
        at += (uint64_t)got;
    }
    return true;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        (void)close(fd); /* nothing was written that could still fail */
}

/* Tells what each counter means, so that a version with other counters starts them anew. */
static uint32_t metrics_hash(void)
{
    static const unsigned char key[APR_SIPHASH_KSIZE] = "apisec metric 1";
    static const char names[] =
#define M(name, openmetrics, help) #name " "
#include "apisec/metrics.def"
#undef M
#define R(name, status, token, event, severity, text) #name " "
#include "apisec/reasons.def"
#undef R
        ;

    return (uint32_t)apr_siphash24(names, sizeof names, key);
}

/* The kernel's boot id; all zero if it cannot be read. */
static void read_boot_id(uint8_t out[16])
{
    char text[36];
    int fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
    unsigned nibbles = 0;

    memset(out, 0, 16);
    if (fd >= 0 && read(fd, text, sizeof text) == (ssize_t)sizeof text) {
        for (size_t i = 0; i < sizeof text && nibbles < 32; i++) {
            static const char digits[] = "0123456789abcdef";
            const char *digit = memchr(digits, text[i], 16);

            if (digit == NULL)
                continue; /* the dashes of the id */
            out[nibbles / 2] = (uint8_t)(out[nibbles / 2] << 4 | (digit - digits));
            nibbles++;
        }
    }
    close_fd(fd);
}

static uint64_t round_up(uint64_t entries)
{
    uint64_t cells = APS_STATE_ENTRIES_MIN;

    while (cells < entries)
        cells *= 2;
    return cells;
}

/* The head that a file of this version with so many cells has, but for what is its own. */
static struct layout_head head_for(uint64_t cells)
{
    struct layout_head head = {
        .version = LAYOUT_VERSION,
        .head_bytes = sizeof head,
        .file_bytes = layout_bytes(cells),
        .cells = cells,
        .rows = layout_rows(cells),
        .overflow = (uint32_t)LAYOUT_OVERFLOW,
        .stripes = (uint32_t)LAYOUT_STRIPES,
        .counters = (uint32_t)LAYOUT_COUNTERS,
    };

    memcpy(head.magic, LAYOUT_MAGIC, sizeof head.magic);
    return head;
}

static bool has_magic(const struct layout_head *head)
{
    return memcmp(head->magic, LAYOUT_MAGIC, sizeof head->magic) == 0;
}

/* Whether all sizes are those of this version for `cells`. */
static bool fits(const struct layout_head *head, uint64_t cells)
{
    struct layout_head want = head_for(cells);

    return has_magic(head) && memcmp(head, &want, offsetof(struct layout_head, metrics)) == 0;
}

/* Others who may write the folder could put a file of theirs in our way. */
static enum aps_err check_folder(apr_pool_t *pool, const char *path, struct aps_diag *diag)
{
    const char *slash = strrchr(path, '/');
    const char *folder = ".";
    struct stat st;

    if (slash != NULL)
        folder = slash == path ? "/" : apr_pstrmemdup(pool, path, (apr_size_t)(slash - path));
    if (stat(folder, &st) != 0) {
        aps_err_explain(diag, "state file %s: the folder %s cannot be used: %s", path, folder,
                        strerror(errno));
        return APS_ERR_IO;
    }
    if (!S_ISDIR(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) ||
        ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (st.st_mode & S_ISVTX) == 0)) {
        aps_err_explain(diag,
                        "state file %s: the folder %s must belong to root or to the account that "
                        "starts the server, and nobody else may write it",
                        path, folder);
        return APS_ERR_UNSAFE;
    }
    return APS_OK;
}

static enum aps_err check_file(const char *path, const struct stat *st, struct aps_diag *diag)
{
    const char *wrong = NULL;

    if (!S_ISREG(st->st_mode))
        wrong = "it is not a regular file";
    else if (st->st_uid != geteuid())
        wrong = "it belongs to another account than the one that starts the server";
    else if ((st->st_mode & 07777) != 0600)
        wrong = "its mode is not 0600";
    else if (st->st_nlink != 1)
        wrong = "it has a second name";
    if (wrong == NULL)
        return APS_OK;
    aps_err_explain(diag, "state file %s: %s; remove it or name another path", path, wrong);
    return APS_ERR_UNSAFE;
}

static enum aps_err say_io(const char *path, const char *what, struct aps_diag *diag)
{
    aps_err_explain(diag, "state file %s: %s: %s", path, what, strerror(errno));
    return APS_ERR_IO;
}

/* Every byte gets its place on disk: a full disk is an error now, not a signal in a child. */
static enum aps_err reserve(const char *path, int fd, uint64_t bytes, struct aps_diag *diag)
{
    int failure = posix_fallocate(fd, 0, (off_t)bytes);

    if (failure == 0)
        return APS_OK;
    aps_err_explain(diag, "state file %s: %llu bytes cannot be reserved: %s", path,
                    (unsigned long long)bytes, strerror(failure));
    return APS_ERR_IO;
}

/* Fill a new file that nobody else sees yet. */
static enum aps_err fill(const char *path, int fd, uint64_t cells, uint64_t starts, aps_nsec wall,
                         struct aps_diag *diag)
{
    struct layout_head head = head_for(cells);
    enum aps_err err;

    head.metrics = metrics_hash();
    head.created = wall;
    head.starts = starts;
    read_boot_id(head.boot_id);
    if (apr_generate_random_bytes(head.hash_key, sizeof head.hash_key) != APR_SUCCESS) {
        aps_err_explain(diag, "state file %s: no random numbers", path);
        return APS_ERR_FAILED;
    }
    if ((err = reserve(path, fd, head.file_bytes, diag)) != APS_OK)
        return err;
    if (fchmod(fd, 0600) != 0 || pwrite(fd, &head, sizeof head, 0) != (ssize_t)sizeof head ||
        fsync(fd) != 0)
        return say_io(path, "cannot be written", diag);
    return APS_OK;
}

/* Give the new file its name; with `replace` in the place of the old one, whose mappings live on.
 * Where something else has the name by now, *out_lost is set. */
static enum aps_err install(const char *path, const char *temp, bool replace, bool *out_lost,
                            struct aps_diag *diag)
{
    *out_lost = false;
    if (!replace) {
        if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
            return APS_OK;
        if (errno == EEXIST) {
            *out_lost = true;
            return APS_OK;
        }
        if (errno != EINVAL && errno != ENOSYS)
            return say_io(path, "cannot be named", diag);
        /* A file system without this flag. */
    }
    return rename(temp, path) == 0 ? APS_OK : say_io(path, "cannot be named", diag);
}

/* Make a file beside `path` and move it there.  *out_fd is -1 if another server was faster. */
static enum aps_err make(apr_pool_t *pool, const char *path, uint64_t cells, uint64_t starts,
                         aps_nsec wall, bool replace, int *out_fd, struct aps_diag *diag)
{
    const char *temp = apr_psprintf(pool, "%s.new-%ld", path, (long)getpid());
    enum aps_err err = APS_OK;
    bool lost = true;
    int fd = -1;

    (void)unlink(temp); /* what a server with the same number left when it was killed */
    if ((fd = open(temp, O_RDWR | O_CREAT | O_EXCL | OPEN_FLAGS, 0600)) < 0)
        return say_io(path, "cannot be made", diag);
    if ((err = fill(path, fd, cells, starts, wall, diag)) != APS_OK)
        goto out;
    if ((err = install(path, temp, replace, &lost, diag)) != APS_OK)
        goto out;
    if (!lost) {
        *out_fd = fd;
        return APS_OK;
    }
    *out_fd = -1;
out:
    (void)unlink(temp);
    close_fd(fd);
    return err;
}

/* Without the magic it may be anybody's file: it keeps its content under another name. */
static enum aps_err set_aside(apr_pool_t *pool, const char *path, struct aps_diag *diag)
{
    const char *aside = apr_pstrcat(pool, path, ".bad", NULL);

    return rename(path, aside) == 0 ? APS_OK : say_io(path, "cannot be renamed", diag);
}

/* One try to get a file that fits: *out_fd is -1 where it has to be tried again. */
static enum aps_err find_or_make(apr_pool_t *pool, const char *path, uint64_t cells, aps_nsec wall,
                                 int *out_fd, enum aps_state_origin *out_origin,
                                 struct aps_diag *diag)
{
    struct layout_head head;
    enum aps_err err = APS_OK;
    struct stat st;
    int fd = open(path, O_RDWR | OPEN_FLAGS);

    if (fd < 0 && errno == ENOENT) {
        *out_origin = APS_STATE_CREATED;
        return make(pool, path, cells, 0, wall, false, out_fd, diag);
    }
    if (fd < 0 && errno == ELOOP) {
        aps_err_explain(diag, "state file %s: it is a symbolic link", path);
        return APS_ERR_UNSAFE;
    }
    if (fd < 0)
        return say_io(path, "cannot be opened", diag);
    if (fstat(fd, &st) != 0) {
        err = say_io(path, "cannot be examined", diag);
        goto out;
    }
    if ((err = check_file(path, &st, diag)) != APS_OK)
        goto out;
    memset(&head, 0, sizeof head);
    if (!layout_read_at(fd, &head, sizeof head, 0) || !has_magic(&head)) {
        *out_origin = APS_STATE_REPLACED;
        if ((err = set_aside(pool, path, diag)) == APS_OK)
            err = make(pool, path, cells, 0, wall, false, out_fd, diag);
    } else if (!fits(&head, cells) || (uint64_t)st.st_size != layout_bytes(cells)) {
        *out_origin = APS_STATE_REPLACED;
        err = make(pool, path, cells, head.starts, wall, true, out_fd, diag);
    } else if ((err = reserve(path, fd, layout_bytes(cells), diag)) == APS_OK) {
        *out_origin = APS_STATE_KEPT;
        *out_fd = fd;
        return APS_OK;
    }
out:
    close_fd(fd);
    return err;
}

static apr_status_t cleanup(void *data)
{
    struct aps_state *state = data;

    if (state->map != NULL)
        (void)munmap(state->map, state->info.bytes); /* it was mapped with this size */
    close_fd(state->fd);
    state->map = NULL;
    state->fd = -1;
    return APR_SUCCESS;
}

/* The file's random key, another one after each boot of the machine (LIM-14): nobody learns for
 * good which callers meet in a set. */
static void seed(struct aps_state *state)
{
    uint64_t boot[2];

    memcpy(boot, state->head->boot_id, sizeof boot);
    memcpy(state->hash_key, state->head->hash_key, sizeof state->hash_key);
    state->hash_key[0] ^= boot[0];
    state->hash_key[1] ^= boot[1];
}

/* Sizes come from `cells` alone; `base` holds the file up to the cells, or all of it. */
static struct aps_state *state_at(apr_pool_t *pool, uint8_t *base, uint64_t cells)
{
    struct aps_state *state = apr_pcalloc(pool, sizeof *state);

    state->pool = pool;
    state->fd = -1;
    state->head = (struct layout_head *)(void *)base;
    state->overflow = (uint64_t *)(void *)(base + LAYOUT_AT_OVERFLOW);
    state->counters = (uint64_t *)(void *)(base + LAYOUT_AT_COUNTERS);
    state->stripe = state->counters;
    state->rows = (struct layout_row *)(void *)(base + LAYOUT_AT_ROWS);
    state->row_count = layout_rows(cells);
    state->set_mask = cells / LAYOUT_WAYS - 1;
    state->info.bytes = layout_bytes(cells);
    state->info.entries = cells;
    state->info.rows = state->row_count;
    state->info.boot = layout_load(&state->head->starts);
    state->info.created = state->head->created;
    seed(state);
    return state;
}

/* Drop what hangs on the monotonic clock; the boot id goes last, so that a crash repeats it. */
static void drop_if_rebooted(struct aps_state *state)
{
    static const uint8_t unknown[16] = {0};
    uint8_t boot_id[16];

    read_boot_id(boot_id);
    if (memcmp(boot_id, unknown, sizeof boot_id) != 0 &&
        memcmp(boot_id, state->head->boot_id, sizeof boot_id) == 0)
        return;
    memset(state->cells, 0, state->info.entries * sizeof *state->cells);
    memset(state->overflow, 0, LAYOUT_OVERFLOW * sizeof *state->overflow);
    memset(state->rows, 0, state->row_count * sizeof *state->rows);
    __sync_synchronize();
    memcpy(state->head->boot_id, boot_id, sizeof boot_id);
    if (state->info.origin == APS_STATE_KEPT)
        state->info.origin = APS_STATE_REBOOTED;
}

/* Counters of a version with other counters would be misread. */
static void drop_other_counters(struct aps_state *state)
{
    if (state->head->metrics == metrics_hash())
        return;
    memset(state->counters, 0, LAYOUT_STRIPES * LAYOUT_COUNTERS * sizeof *state->counters);
    state->head->metrics = metrics_hash();
}

enum aps_err aps_state_open(apr_pool_t *pool, const char *path, uint64_t entries, aps_nsec wall,
                            struct aps_state **out, struct aps_diag *diag)
{
    enum aps_state_origin origin = APS_STATE_CREATED;
    struct aps_state *state;
    enum aps_err err = APS_OK;
    uint64_t cells;
    void *map;
    int fd = -1;

    if (entries < APS_STATE_ENTRIES_MIN || entries > APS_STATE_ENTRIES_MAX) {
        aps_err_explain(diag, "a table of %llu entries: want %llu to %llu",
                        (unsigned long long)entries, (unsigned long long)APS_STATE_ENTRIES_MIN,
                        (unsigned long long)APS_STATE_ENTRIES_MAX);
        return APS_ERR_RANGE;
    }
    cells = round_up(entries);
    if ((err = check_folder(pool, path, diag)) != APS_OK)
        return err;
    for (unsigned tries = 0; fd < 0 && tries < OPEN_TRIES; tries++)
        if ((err = find_or_make(pool, path, cells, wall, &fd, &origin, diag)) != APS_OK)
            return err;
    if (fd < 0) {
        aps_err_explain(diag, "state file %s: another server makes it again and again", path);
        return APS_ERR_IO;
    }
    map = mmap(NULL, layout_bytes(cells), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close_fd(fd);
    if (map == MAP_FAILED)
        return say_io(path, "cannot be mapped", diag);
    state = state_at(pool, map, cells);
    state->map = map;
    apr_pool_cleanup_register(pool, state, cleanup, apr_pool_cleanup_null);
    state->cells = (struct layout_pair *)(void *)((uint8_t *)map + layout_at_cells(cells));
    state->info.origin = origin;
    drop_if_rebooted(state);
    seed(state);
    drop_other_counters(state);
    state->info.boot = __atomic_add_fetch(&state->head->starts, 1, __ATOMIC_RELAXED);
    *out = state;
    return APS_OK;
}

/* Whether a reader can use a file with this head. */
static enum aps_err check_head(const char *path, const struct layout_head *head, uint64_t bytes,
                               struct aps_diag *diag)
{
    if (!has_magic(head)) {
        aps_err_explain(diag, "%s is not a state file", path);
        return APS_ERR_CORRUPT;
    }
    if (head->version != LAYOUT_VERSION || head->metrics != metrics_hash()) {
        aps_err_explain(diag, "state file %s: it was written by another version of mod_apisec",
                        path);
        return APS_ERR_NEWER;
    }
    if (head->cells < APS_STATE_ENTRIES_MIN || head->cells > APS_STATE_ENTRIES_MAX ||
        (head->cells & (head->cells - 1)) != 0 || !fits(head, head->cells) ||
        bytes != layout_bytes(head->cells)) {
        aps_err_explain(diag, "state file %s is damaged; a restart of the server replaces it",
                        path);
        return APS_ERR_CORRUPT;
    }
    return APS_OK;
}

/* Copy everything before the cells, after the head was checked. */
static enum aps_err copy(apr_pool_t *pool, const char *path, int fd, const struct layout_head *head,
                         struct aps_state **out, struct aps_diag *diag)
{
    uint64_t cells = head->cells;
    size_t bytes = (size_t)layout_at_cells(cells);
    uint8_t *base = apr_palloc(pool, bytes + LAYOUT_PAGE);

    base += (LAYOUT_PAGE - (uintptr_t)base % LAYOUT_PAGE) % LAYOUT_PAGE;
    if (!layout_read_at(fd, base, bytes, 0)) {
        aps_err_explain(diag, "state file %s: it ends before byte %zu", path, bytes);
        return APS_ERR_CORRUPT;
    }
    *out = state_at(pool, base, cells);
    (*out)->info.origin = APS_STATE_ATTACHED;
    return APS_OK;
}

enum aps_err aps_state_attach(apr_pool_t *pool, const char *path, struct aps_state **out,
                              struct aps_diag *diag)
{
    struct layout_head head;
    enum aps_err err = APS_OK;
    struct aps_state *state = NULL;
    struct stat st;
    int fd = open(path, O_RDONLY | OPEN_FLAGS);

    if (fd < 0) {
        if (errno == ENOENT) {
            aps_err_explain(diag, "there is no state file %s: has the server been started?", path);
            return APS_ERR_NOT_FOUND;
        }
        if (errno == ELOOP) {
            aps_err_explain(diag, "state file %s: it is a symbolic link", path);
            return APS_ERR_UNSAFE;
        }
        return say_io(path, "cannot be opened", diag);
    }
    if (fstat(fd, &st) != 0) {
        err = say_io(path, "cannot be examined", diag);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        aps_err_explain(diag, "state file %s: it is not a regular file", path);
        err = APS_ERR_UNSAFE;
        goto out;
    }
    memset(&head, 0, sizeof head);
    if (!layout_read_at(fd, &head, sizeof head, 0))
        memset(&head, 0, sizeof head); /* too short: no magic */
    if ((err = check_head(path, &head, (uint64_t)st.st_size, diag)) != APS_OK)
        goto out;
    if ((err = copy(pool, path, fd, &head, &state, diag)) != APS_OK)
        goto out;
    state->fd = fd;
    apr_pool_cleanup_register(pool, state, cleanup, apr_pool_cleanup_null);
    *out = state;
    return APS_OK;
out:
    close_fd(fd);
    return err;
}

void aps_state_child(struct aps_state *state)
{
    state->stripe = state->counters + (uint64_t)getpid() % LAYOUT_STRIPES * LAYOUT_COUNTERS;
}

void aps_state_close(struct aps_state *state)
{
    if (state != NULL)
        (void)apr_pool_cleanup_run(state->pool, state, cleanup); /* it always succeeds */
}

void aps_state_info(const struct aps_state *state, struct aps_state_info *out)
{
    *out = state->info;
}

uint64_t aps_state_boot(const struct aps_state *state)
{
    return state->info.boot;
}
