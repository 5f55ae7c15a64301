/* xsds.c - XML schemas, found by store and name, and compiled anew when their text has changed.
 *
 * Two locks: whoever compiles holds one, so that each text is compiled once, and lets those wait
 * who would have to compile as well; the list has the other, which nobody holds for long.  A schema
 * that was replaced goes when the last request that has it ends. */
#include "xsds.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include "apisec/digest.h"

struct kept {
    struct kept *next;
    apr_pool_t *pool; /* its own: all of it lives there */
    uint64_t store;
    const char *name;
    uint64_t generation;         /* in which the text was looked at last */
    uint8_t sum[APS_DIGEST_LEN]; /* of the text */
    const struct aps_xsd *xsd;
    unsigned users; /* requests that have it, and one while it is listed */
};

static struct {
    apr_pool_t *pool;           /* NULL: it could not be made, and there are no schemas */
    apr_thread_mutex_t *lock;   /* of the list, of users, and of pools below `pool` */
    apr_thread_mutex_t *making; /* taken before `lock` */
    struct kept *first;
} all;

void mod_xsds_child_init(apr_pool_t *pchild)
{
    all.first = NULL;
    all.pool = NULL;
    if (apr_pool_create(&all.pool, pchild) == APR_SUCCESS &&
        (apr_thread_mutex_create(&all.lock, APR_THREAD_MUTEX_DEFAULT, all.pool) != APR_SUCCESS ||
         apr_thread_mutex_create(&all.making, APR_THREAD_MUTEX_DEFAULT, all.pool) != APR_SUCCESS))
        all.pool = NULL;
}

/* Under the lock. */
static void leave(struct kept *kept)
{
    if (--kept->users == 0)
        apr_pool_destroy(kept->pool);
}

static apr_status_t request_ends(void *data)
{
    apr_thread_mutex_lock(all.lock);
    leave(data);
    apr_thread_mutex_unlock(all.lock);
    return APR_SUCCESS;
}

static enum aps_err digest_of(const struct aps_xsd_source *sources, uint32_t n,
                              uint8_t out[APS_DIGEST_LEN])
{
    struct aps_digest_run *run = NULL;
    enum aps_err err = aps_digest_begin(&run);
    if (err != APS_OK)
        return err;
    for (uint32_t i = 0; i < n; i++) {
        aps_digest_add(run, sources[i].name.p, sources[i].name.n);
        aps_digest_add(run, "", 1);
        aps_digest_add(run, sources[i].text.p, sources[i].text.n);
        aps_digest_add(run, "", 1);
    }
    return aps_digest_end(run, out);
}

/* ---- The list ---- */

/* Under the lock. */
static struct kept **find(uint64_t store, const char *name)
{
    struct kept **at = &all.first;
    while (*at != NULL && ((*at)->store != store || strcmp((*at)->name, name) != 0))
        at = &(*at)->next;
    return at;
}

/* The listed one, for a request, where its text was looked at in this generation; NULL: there is
 * none. */
static struct kept *use(const struct kept *like)
{
    apr_thread_mutex_lock(all.lock);
    struct kept *kept = *find(like->store, like->name);
    if (kept != NULL && kept->generation != like->generation)
        kept = NULL;
    if (kept != NULL)
        kept->users++;
    apr_thread_mutex_unlock(all.lock);
    return kept;
}

/* The same where its text is still the store's. */
static struct kept *use_again(const struct kept *like)
{
    apr_thread_mutex_lock(all.lock);
    struct kept *kept = *find(like->store, like->name);
    if (kept != NULL && memcmp(kept->sum, like->sum, APS_DIGEST_LEN) != 0)
        kept = NULL;
    if (kept != NULL) {
        kept->generation = like->generation;
        kept->users++;
    }
    apr_thread_mutex_unlock(all.lock);
    return kept;
}

/* In the place of another one of its name; for a request, and for the list. */
static void publish(struct kept *made)
{
    apr_thread_mutex_lock(all.lock);
    struct kept **at = find(made->store, made->name), *old = *at;
    made->users = 2;
    made->next = old != NULL ? old->next : NULL;
    *at = made;
    if (old != NULL)
        leave(old);
    apr_thread_mutex_unlock(all.lock);
}

/* ---- With `making` held ---- */

static apr_pool_t *pool_new(void)
{
    apr_thread_mutex_lock(all.lock);
    apr_pool_t *pool = mod_process_pool(all.pool);
    apr_thread_mutex_unlock(all.lock);
    return pool;
}

static void pool_end(apr_pool_t *pool)
{
    apr_thread_mutex_lock(all.lock);
    apr_pool_destroy(pool);
    apr_thread_mutex_unlock(all.lock);
}

static enum aps_err compile(const struct kept *like, const struct aps_xsd_source *sources,
                            uint32_t n, struct kept **out, struct aps_diag *diag)
{
    apr_pool_t *pool = pool_new();
    if (pool == NULL)
        return APS_ERR_NOMEM;
    struct kept *kept = apr_pmemdup(pool, like, sizeof *like);
    kept->pool = pool;
    kept->name = apr_pstrdup(pool, like->name);
    enum aps_err err = aps_xsd_compile(sources, n, pool, &kept->xsd, diag);
    if (err == APS_OK)
        *out = kept;
    else
        pool_end(pool);
    return err;
}

/* The listed one where its text is still the store's, else a new one in its place. */
static enum aps_err refresh(struct mod_req *m, struct kept *like, struct kept **out,
                            struct aps_diag *diag)
{
    const struct aps_xsd_source *sources = NULL;
    struct kept *made = NULL;
    uint32_t n = 0;
    enum aps_err err = aps_snapshot_xsd(aps_view_snapshot(m->view), aps_str(like->name),
                                        m->first->pool, &sources, &n, diag);
    if (err == APS_OK)
        err = digest_of(sources, n, like->sum);
    if (err != APS_OK)
        return err;
    if ((*out = use_again(like)) != NULL)
        return APS_OK;
    if ((err = compile(like, sources, n, &made, diag)) != APS_OK)
        return err;
    publish(made);
    *out = made;
    return APS_OK;
}

/* ---- */

enum aps_err mod_xsds_get(struct mod_req *m, const char *name, const struct aps_xsd **out,
                          struct aps_diag *diag)
{
    if (all.pool == NULL)
        return APS_ERR_NOMEM;
    const struct aps_snapshot *snap = aps_view_snapshot(m->view);
    struct kept like = {.store = aps_snapshot_store_tag(snap),
                        .name = name,
                        .generation = aps_snapshot_generation(snap)};
    enum aps_err err = APS_OK;
    struct kept *kept = use(&like);
    if (kept == NULL) {
        apr_thread_mutex_lock(all.making);
        if ((kept = use(&like)) == NULL) /* nobody has made it meanwhile */
            err = refresh(m, &like, &kept, diag);
        apr_thread_mutex_unlock(all.making);
    }
    if (err != APS_OK)
        return err;
    apr_pool_cleanup_register(m->first->pool, kept, request_ends, apr_pool_cleanup_null);
    *out = kept->xsd;
    return APS_OK;
}
