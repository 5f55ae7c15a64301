/* state.c - the shared state: a file that a server maps and a reader copies with suspicion. */
#include "apisec/state.h"

#include <apr_general.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout.h"
#include "slots_impl.h"
#include "state_file.h"
#include "state_memory.h"

static apr_status_t cleanup(void *data)
{
    struct aps_state *state = data;

    if (state->map != NULL)
        (void)munmap(state->map, state->info.bytes); /* it was mapped with this size */
    if (state->fd >= 0)
        (void)close(state->fd); /* it was only read */
    aps_slots_row_close(&state->slots);
    state->map = NULL;
    state->fd = -1;
    return APR_SUCCESS;
}

/* Sizes come from `cells` and `uses` alone; `base` holds the file up to the cells, or all of it. */
static struct aps_state *state_at(apr_pool_t *pool, uint8_t *base, uint64_t cells, uint64_t uses)
{
    struct aps_state *state = apr_pcalloc(pool, sizeof *state);

    state->pool = pool;
    state->fd = -1;
    state->head = (struct layout_head *)(void *)base;
    state->overflow = (struct layout_pair *)(void *)(base + LAYOUT_AT_OVERFLOW);
    state->counters = (uint64_t *)(void *)(base + LAYOUT_AT_COUNTERS);
    state->stripe = state->counters;
    state->rows = (struct layout_row *)(void *)(base + LAYOUT_AT_ROWS);
    state->row_count = layout_rows(cells);
    state->set_mask = cells / LAYOUT_WAYS - 1;
    state->uses = aps_layout_uses(state->head, cells, uses);
    state->slots.count = layout_slots(cells);
    state->slots.at = layout_at_slots(cells, uses);
    state->leases.count = layout_leases(cells);
    state->leases.at = layout_at_leases(cells, uses);
    state->directory.at = layout_at_directory(cells, uses);
    state->info.bytes = layout_bytes(cells, uses);
    state->info.entries = cells;
    state->info.uses = uses;
    state->info.rows = state->row_count;
    state->info.slots = state->slots.count;
    state->info.leases = state->leases.count;
    state->info.boot = layout_load(&state->head->starts);
    state->info.created = state->head->created;
    state->info.refresh = (aps_nsec)layout_load((const uint64_t *)&state->head->refresh);
    /* The file's random key, and a salt that is another one after each boot of the machine
     * (LIM-14): nobody learns for good which callers meet in a set. */
    memcpy(state->hash_key, state->head->hash_key, sizeof state->hash_key);
    state->salt = state->head->salt;
    return state;
}

static void map_slots(struct aps_state *state, uint8_t *base)
{
    state->slots.head = (struct layout_slots_head *)(void *)(base + state->slots.at);
    state->slots.rows = (struct layout_slot *)(void *)(state->slots.head + 1);
}

static void map_leases(struct aps_state *state, uint8_t *base)
{
    state->leases.head = (struct layout_leases_head *)(void *)(base + state->leases.at);
    state->leases.rows = (struct layout_lease *)(void *)(state->leases.head + 1);
    state->leases.page = (uint64_t)sysconf(_SC_PAGESIZE); /* every system has it */
}

static void map_directory(struct aps_state *state, uint8_t *base)
{
    struct layout_directory *d = &state->directory;

    d->rows = (struct layout_limit *)(void *)(base + d->at);
    d->asked = (uint64_t *)(void *)(d->rows + LAYOUT_LIMITS);
    d->stripe = d->asked;
}

/* All of it is at `map`. */
static struct aps_state *state_mapped(apr_pool_t *pool, uint8_t *map, uint64_t cells, uint64_t uses)
{
    struct aps_state *state = state_at(pool, map, cells, uses);

    state->map = map;
    apr_pool_cleanup_register(pool, state, cleanup, apr_pool_cleanup_null);
    state->cells = (struct layout_pair *)(void *)(map + layout_at_cells(cells));
    state->uses.rows = (struct layout_use *)(void *)(map + layout_at_uses(cells));
    map_slots(state, map);
    aps_slots_row_open(&state->slots);
    map_leases(state, map);
    map_directory(state, map);
    return state;
}

/* Whether the kernel was started anew since, or nobody can tell; its id now. */
static bool is_rebooted(const struct layout_head *head, uint8_t boot_id[16])
{
    static const uint8_t unknown[16] = {0};

    aps_layout_boot_id(boot_id);
    return memcmp(boot_id, unknown, 16) == 0 || memcmp(boot_id, head->boot_id, 16) != 0;
}

struct aps_state *aps_state_map(apr_pool_t *pool, int fd, uint64_t cells, uint64_t uses)
{
    void *map = mmap(NULL, layout_bytes(cells, uses), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return map != MAP_FAILED ? state_mapped(pool, map, cells, uses) : NULL;
}

/* Counters of a version with other counters would be misread. */
static void drop_other_counters(struct aps_state *state)
{
    if (state->head->metrics == aps_layout_metrics())
        return;
    memset(state->counters, 0, LAYOUT_STRIPES * LAYOUT_COUNTERS * sizeof *state->counters);
    state->head->metrics = aps_layout_metrics();
}

/* A power of two from `min`, itself one, on. */
static uint64_t round_up(uint64_t n, uint64_t min)
{
    uint64_t power = min;

    while (power < n)
        power *= 2;
    return power;
}

static enum aps_err check_size(const struct aps_state_size *size, struct aps_diag *diag)
{
    if (size->entries < APS_STATE_ENTRIES_MIN || size->entries > APS_STATE_ENTRIES_MAX) {
        aps_err_explain(
            diag, "a table of %llu entries: want %llu to %llu", (unsigned long long)size->entries,
            (unsigned long long)APS_STATE_ENTRIES_MIN, (unsigned long long)APS_STATE_ENTRIES_MAX);
        return APS_ERR_RANGE;
    }
    if (size->uses != 0 && (size->uses < APS_STATE_USES_MIN || size->uses > APS_STATE_USES_MAX)) {
        aps_err_explain(diag, "%llu last uses: want 0 for none, or %llu to %llu",
                        (unsigned long long)size->uses, (unsigned long long)APS_STATE_USES_MIN,
                        (unsigned long long)APS_STATE_USES_MAX);
        return APS_ERR_RANGE;
    }
    return APS_OK;
}

enum aps_err aps_state_open(apr_pool_t *pool, const char *path, const struct aps_state_size *size,
                            aps_nsec wall, struct aps_state **out, struct aps_diag *diag)
{
    struct aps_state_file want = {.pool = pool, .path = path, .wall = wall};
    struct aps_state_found found = {.fd = -1};
    struct aps_state *state;
    enum aps_err err;

    if ((err = check_size(size, diag)) != APS_OK)
        return err;
    want.cells = round_up(size->entries, APS_STATE_ENTRIES_MIN);
    want.uses = size->uses != 0 ? round_up(size->uses, APS_STATE_USES_MIN) : 0;
    if ((err = aps_state_file_open(&want, &found, diag)) != APS_OK)
        return err;
    if ((state = aps_state_map(pool, found.fd, want.cells, want.uses)) == NULL)
        err = aps_state_file_fail(path, "cannot be mapped", diag);
    (void)close(found.fd); /* the mapping stays; nothing was written through it */
    if (err != APS_OK)
        return err;
    state->info.origin = found.origin;
    state->info.carried = found.carried.cells;
    state->info.lost = found.carried.lost;
    drop_other_counters(state);
    state->head->check = aps_layout_check(state->head); /* it may be of before it was kept */
    state->info.boot = __atomic_add_fetch(&state->head->starts, 1, __ATOMIC_RELAXED);
    *out = state;
    return APS_OK;
}

enum aps_err aps_state_with_head(apr_pool_t *pool, const struct layout_head *head,
                                 struct aps_state **out)
{
    uint64_t bytes = layout_bytes(head->cells, head->uses);
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (map == MAP_FAILED)
        return APS_ERR_NOMEM;
    memcpy(map, head, sizeof *head);
    *out = state_mapped(pool, map, head->cells, head->uses);
    (*out)->info.origin = APS_STATE_MEMORY;
    return APS_OK;
}

enum aps_err aps_state_memory(apr_pool_t *pool, const struct aps_state_size *size,
                              struct aps_state **out, struct aps_diag *diag)
{
    uint64_t cells, uses;
    struct layout_head head;
    enum aps_err err;

    if ((err = check_size(size, diag)) != APS_OK)
        return err;
    cells = round_up(size->entries, APS_STATE_ENTRIES_MIN);
    uses = size->uses != 0 ? round_up(size->uses, APS_STATE_USES_MIN) : 0;
    head = aps_layout_head(cells, uses);
    head.metrics = aps_layout_metrics();
    if (apr_generate_random_bytes(head.hash_key, sizeof head.hash_key) != APR_SUCCESS ||
        apr_generate_random_bytes(head.use_key, sizeof head.use_key) != APR_SUCCESS ||
        apr_generate_random_bytes((unsigned char *)&head.salt, sizeof head.salt) != APR_SUCCESS) {
        aps_err_explain(diag, "no random numbers");
        return APS_ERR_FAILED;
    }
    return aps_state_with_head(pool, &head, out);
}

enum aps_err aps_state_check(apr_pool_t *pool, const char *path, struct aps_diag *diag)
{
    return aps_state_file_check(pool, path, diag);
}

/* Whether a reader can use a file with this head. */
static enum aps_err check_head(const char *path, const struct layout_head *head, uint64_t bytes,
                               struct aps_diag *diag)
{
    if (!aps_layout_has_magic(head)) {
        aps_err_explain(diag, "%s is not a state file", path);
        return APS_ERR_CORRUPT;
    }
    if (head->version != LAYOUT_VERSION || head->metrics != aps_layout_metrics()) {
        aps_err_explain(diag, "state file %s: it was written by another version of mod_apisec",
                        path);
        return APS_ERR_NEWER;
    }
    if (!aps_layout_is_sound(head, bytes)) {
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
    size_t bytes = (size_t)layout_at_cells(head->cells);
    uint8_t boot_id[16];
    uint8_t *base = apr_palloc(pool, bytes + LAYOUT_PAGE);

    base += (LAYOUT_PAGE - (uintptr_t)base % LAYOUT_PAGE) % LAYOUT_PAGE;
    if (!aps_layout_read_at(fd, base, bytes, 0)) {
        aps_err_explain(diag, "state file %s: it ends before byte %zu", path, bytes);
        return APS_ERR_CORRUPT;
    }
    *out = state_at(pool, base, head->cells, head->uses);
    (*out)->uses.fd = fd;
    (*out)->info.origin = APS_STATE_ATTACHED;
    (*out)->info.is_stale = is_rebooted(head, boot_id);
    return APS_OK;
}

enum aps_err aps_state_attach(apr_pool_t *pool, const char *path, struct aps_state **out,
                              struct aps_diag *diag)
{
    struct layout_head head;
    enum aps_err err = APS_OK;
    struct aps_state *state = NULL;
    struct stat st;
    int fd = open(path, O_RDONLY | APS_STATE_FILE_FLAGS);

    if (fd < 0) {
        if (errno == ENOENT) {
            aps_err_explain(diag, "there is no state file %s: has the server been started?", path);
            return APS_ERR_NOT_FOUND;
        }
        if (errno == ELOOP) {
            aps_err_explain(diag, "state file %s: it is a symbolic link", path);
            return APS_ERR_UNSAFE;
        }
        return aps_state_file_fail(path, "cannot be opened", diag);
    }
    if (fstat(fd, &st) != 0) {
        err = aps_state_file_fail(path, "cannot be examined", diag);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        aps_err_explain(diag, "state file %s: it is not a regular file", path);
        err = APS_ERR_UNSAFE;
        goto out;
    }
    memset(&head, 0, sizeof head);
    if (!aps_layout_read_at(fd, &head, sizeof head, 0))
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
    (void)close(fd); /* it was only read */
    return err;
}

void aps_state_child(struct aps_state *state)
{
    uint64_t stripe = (uint64_t)getpid() % LAYOUT_STRIPES;

    state->stripe = state->counters + stripe * LAYOUT_COUNTERS;
    state->directory.stripe = state->directory.asked + stripe * LAYOUT_LIMITS;
    aps_slots_row_child(&state->slots);
}

void aps_state_set_refresh(struct aps_state *state, aps_nsec refresh)
{
    __atomic_store_n(&state->head->refresh, refresh, __ATOMIC_RELAXED);
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
