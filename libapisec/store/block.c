/* block.c - what was compiled of an API: a file of pub/api, in memory of its own. */
#include "block.h"

#include <apr_escape.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

struct aps_block {
    atomic_size_t refs;
    pid_t pid;
    enum aps_store_api_kind kind;
    uint8_t digest[APS_DIGEST_LEN];
    apr_pool_t *pool;
    void *bytes; /* NULL: not yet; whole pages, read only */
    size_t size;
    const struct aps_api *api; /* by kind: one of these, or none */
    const struct aps_schema_image *schema;
};

enum aps_err aps_block_path(const char *store, const uint8_t digest[APS_DIGEST_LEN],
                            char out[APS_FILE_PATH_MAX], struct aps_diag *diag)
{
    char name[sizeof "pub/api/" + 2 * APS_DIGEST_LEN] = "pub/api/";

    (void)apr_escape_hex(name + strlen(name), digest, APS_DIGEST_LEN, 0, NULL); /* cannot fail */
    return aps_file_join(store, name, out, diag);
}

/* ---- reading ---- */

static enum aps_err fault(struct aps_diag *diag, const char *path, const char *what)
{
    char text[128];
    aps_err_explain(diag, "%s: cannot %s: %s", path, what, strerror_r(errno, text, sizeof text));
    return APS_ERR_IO;
}

static enum aps_err check_size(const char *path, const struct stat *st, uint64_t want,
                               struct aps_diag *diag)
{
    if (st->st_size > 0 && (uint64_t)st->st_size == want)
        return APS_OK;
    aps_err_explain(diag, "%s has %lld bytes, the published copy says %llu", path,
                    (long long)st->st_size, (unsigned long long)want);
    return APS_ERR_CORRUPT;
}

/* All of it, and nothing behind it. */
static enum aps_err fill(const struct aps_block *b, int fd, const char *path, struct aps_diag *diag)
{
    char *at = b->bytes, more;
    size_t done = 0;
    ssize_t n = 1;

    while (done < b->size && n != 0) {
        n = read(fd, at + done, b->size - done);
        if (n < 0 && errno != EINTR)
            return fault(diag, path, "read it");
        done += n > 0 ? (size_t)n : 0;
    }
    if (n != 0 && read(fd, &more, 1) == 0)
        return APS_OK;
    aps_err_explain(diag, "%s was changed while it was read", path);
    return APS_ERR_BUSY;
}

/* A copy: a file that is mapped and cut short where it lies ends each process that looks at it. */
static enum aps_err copy(struct aps_block *b, int fd, const char *path, struct aps_diag *diag)
{
    void *at = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    enum aps_err err;

    if (at == MAP_FAILED)
        return APS_ERR_NOMEM;
    b->bytes = at;
    if ((err = fill(b, fd, path, diag)) == APS_OK && mprotect(at, b->size, PROT_READ) != 0)
        err = fault(diag, path, "keep it from changes");
    return err;
}

/* The file that was found, and no other one that has taken its name meanwhile. */
static enum aps_err read_file(struct aps_block *b, const char *path, const struct stat *found,
                              struct aps_diag *diag)
{
    struct stat st;
    enum aps_err err = APS_OK;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return fault(diag, path, "open it");
    if (fstat(fd, &st) != 0) {
        err = fault(diag, path, "look at it");
    } else if (st.st_dev != found->st_dev || st.st_ino != found->st_ino) {
        aps_err_explain(diag, "%s was replaced while it was opened", path);
        err = APS_ERR_BUSY;
    } else if ((err = check_size(path, &st, b->size, diag)) == APS_OK) {
        err = copy(b, fd, path, diag);
    }
    (void)close(fd); /* read only: nothing to lose */
    return err;
}

static enum aps_err check_digest(const struct aps_block *b, const char *path, struct aps_diag *diag)
{
    uint8_t seen[APS_DIGEST_LEN];
    enum aps_err err = aps_digest_sum(aps_block_bytes(b), seen);

    if (err != APS_OK || aps_secret_equal(seen, b->digest, sizeof seen))
        return err;
    aps_err_explain(diag, "%s was changed after it was published: its digest is another one", path);
    return APS_ERR_CORRUPT;
}

/* ---- what is in it ---- */

static enum aps_err open_block(struct aps_block *b, struct aps_diag *diag)
{
    switch (b->kind) {
    case APS_STORE_API_OPENAPI:
        return aps_api_open(b->pool, aps_block_bytes(b), &b->api, diag);
    case APS_STORE_API_SCHEMA:
        return aps_schema_image_open(b->pool, aps_block_bytes(b), &b->schema, diag);
    case APS_STORE_API_XSD:
        return APS_OK; /* whoever judges by it compiles the text */
    case APS_STORE_API_NONE:
        break;
    }
    return APS_ERR_CORRUPT;
}

static enum aps_err load(struct aps_block *b, const char *store, uid_t owner, struct aps_diag *diag)
{
    const struct aps_file_want want = {.owner = owner, .forbid = APS_FILE_SHARED};
    char path[APS_FILE_PATH_MAX], found[APS_FILE_PATH_MAX];
    struct stat st;
    enum aps_err err;

    if ((err = aps_block_path(store, b->digest, path, diag)) != APS_OK ||
        (err = aps_file_find(path, &want, found, &st, diag)) != APS_OK ||
        (err = check_size(found, &st, b->size, diag)) != APS_OK ||
        (err = read_file(b, found, &st, diag)) != APS_OK ||
        (err = check_digest(b, found, diag)) != APS_OK)
        return err;
    return open_block(b, diag);
}

enum aps_err aps_block_open(const char *store, uid_t owner, const struct aps_store_api *api,
                            struct aps_block **out, struct aps_diag *diag)
{
    struct aps_block *b = calloc(1, sizeof *b);
    enum aps_err err = APS_ERR_NOMEM;

    if (b == NULL)
        return err;
    atomic_init(&b->refs, 1);
    b->pid = getpid();
    b->kind = api->kind;
    b->size = (size_t)api->size;
    memcpy(b->digest, api->digest, sizeof b->digest);
    if ((b->pool = aps_store_pool()) != NULL && (err = load(b, store, owner, diag)) == APS_OK) {
        *out = b;
        return APS_OK;
    }
    aps_block_release(b);
    return err;
}

struct aps_block *aps_block_keep(struct aps_block *block)
{
    if (block->pid != getpid())
        return NULL;
    atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
    return block;
}

void aps_block_release(struct aps_block *block)
{
    /* The last one sees all that others did to it. */
    if (block == NULL || atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (block->pool != NULL)
        apr_pool_destroy(block->pool); /* what looks into the bytes goes first */
    if (block->bytes != NULL)
        (void)munmap(block->bytes, block->size); /* it is what was mapped */
    free(block);
}

bool aps_block_is(const struct aps_block *block, const struct aps_store_api *api)
{
    return block->kind == api->kind && block->size == api->size &&
           aps_secret_equal(block->digest, api->digest, sizeof block->digest);
}

const struct aps_api *aps_block_api(const struct aps_block *block)
{
    return block->api;
}

const struct aps_schema_image *aps_block_schema(const struct aps_block *block)
{
    return block->schema;
}

struct aps_str aps_block_bytes(const struct aps_block *block)
{
    return (struct aps_str){block->bytes, block->size};
}
