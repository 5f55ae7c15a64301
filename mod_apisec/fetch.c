/* The keys of issuers, fetched by one child for all.
 *
 * mod_watchdog calls one of the children at a time; when that one dies, another one.  What it has
 * fetched lies in ApiSecCache, from where all children read it.  Who meets a key that he does not
 * know leaves a mark in the shared table; a second cell there is the time between two fetches of
 * one issuer, for the whole server and whoever fetches (JWT-18).
 *
 * A second thread makes each system call of a child dearer, which under prefork would have none
 * else.  So there mod_watchdog is asked only if a store had such issuers at the start; until the
 * next one, children that meet the tokens of one look after it themselves. */
#include "mod.h"

#include <apr_optional.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ap_mpm.h"
#include "mod_watchdog.h"
#include "unixd.h"

#include "apisec/discover.h"
#include "apisec/once.h"

#define WATCHDOG "_apisec_"
#define INTERVAL (200 * 1000) /* usec; mod_watchdog looks ten times in a second */
#define FOLDER_MODE 0700

static const char *const missing =
    "the keys of its issuers have to be fetched, and mod_watchdog is not loaded: LoadModule "
    "watchdog_module lets one child fetch them";

static atomic_bool stop;   /* this child ends */
static bool is_called;     /* by mod_watchdog, one of the children at a time */
static atomic_bool looks;  /* this child looks after them itself */
static apr_pool_t *thread; /* of this child; its end is that of its own thread */

/* ---- At start ---- */

static bool is_fetched(const struct aps_issuer *issuer)
{
    return issuer->source == APS_ISSUER_URL || issuer->source == APS_ISSUER_DISCOVER;
}

bool mod_fetch_is_wanted(const struct aps_snapshot *snap)
{
    size_t n = 0;
    const struct aps_issuer *issuers = aps_snapshot_issuers(snap, &n);
    for (size_t i = 0; i < n; i++)
        if (is_fetched(&issuers[i]))
            return true;
    return false;
}

const char *mod_fetch_fault(const struct mod_store *store)
{
    return store->fetches && ap_find_linked_module("mod_watchdog.c") == NULL ? missing : NULL;
}

/* A folder that the children's account has for itself. */
static bool is_own(const char *path, uid_t owner)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == owner &&
           (st.st_mode & 077) == 0;
}

static const char *make_folder(apr_pool_t *pconf, server_rec *s, const char *path)
{
    uid_t owner = geteuid() == 0 ? ap_unixd_config.user_id : geteuid();
    bool made = mkdir(path, FOLDER_MODE) == 0;
    if (made && geteuid() == 0 && lchown(path, owner, ap_unixd_config.group_id) != 0) {
        (void)rmdir(path); /* it is empty */
        made = false;
    }
    if ((made || errno == EEXIST) && is_own(path, owner))
        return path;
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                 "APISEC0032: ApiSecCache %s: %s; no keys of issuers can be fetched", path,
                 made || errno == EEXIST
                     ? apr_psprintf(pconf,
                                    "not a folder of uid %lu alone: chown %lu and chmod 700 it",
                                    (unsigned long)owner, (unsigned long)owner)
                     : apr_psprintf(pconf, "cannot make it: %s", strerror(errno)));
    return NULL;
}

/* Whether children have threads in any case, or need one. */
static bool is_worth_a_thread(void)
{
    int threaded = 0;
    if (ap_mpm_query(AP_MPMQ_IS_THREADED, &threaded) == APR_SUCCESS &&
        threaded != AP_MPMQ_NOT_SUPPORTED)
        return true;
    for (int i = 0; i < mod_process.stores->nelts; i++)
        if (APR_ARRAY_IDX(mod_process.stores, i, struct mod_store *)->fetches)
            return true;
    return false;
}

static ap_watchdog_callback_fn_t watch;

void mod_fetch_post_config(apr_pool_t *pconf, server_rec *s, const char *state_path)
{
    const struct mod_server *sc = ap_get_module_config(s->module_config, &apisec_module);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *add =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    ap_watchdog_t *dog = NULL;
    for (int i = 0; i < mod_process.stores->nelts; i++) {
        const struct mod_store *store = APR_ARRAY_IDX(mod_process.stores, i, struct mod_store *);
        if (mod_fetch_fault(store) != NULL)
            ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                         "APISEC0033: store %s: %s; their tokens are "
                         "refused",
                         store->dir, mod_fetch_fault(store));
    }
    if (get == NULL || add == NULL)
        return;
    mod_process.cache =
        make_folder(pconf, s,
                    sc->cache != NULL ? sc->cache
                                      : apr_pstrcat(pconf, ap_make_dirstr_parent(pconf, state_path),
                                                    "cache", NULL));
    is_called = is_worth_a_thread();
    if (mod_process.cache == NULL || !is_called)
        return;
    apr_status_t rv = get(&dog, WATCHDOG, 0, 1, pconf);
    if (rv == APR_SUCCESS)
        rv = add(dog, INTERVAL, s, watch);
    if (rv != APR_SUCCESS && rv != APR_EEXIST)
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     "APISEC0033: mod_watchdog does not call us; no keys of issuers are fetched");
}

void mod_fetch_stopping(apr_pool_t *pchild, int graceful)
{
    (void)pchild;
    (void)graceful;
    atomic_store(&stop, true);
}

/* ---- What is asked for ---- */

/* Of one definition of one issuer, or NULL: of the store.  `what` tells the mark from the time
 * between two fetches; `round` is 0 where it does not matter. */
static bool digest_of(const char *what, const struct aps_issuer *issuer, aps_nsec round,
                      unsigned char out[APS_ONCE_DIGEST_LEN])
{
    struct aps_digest_run *run = NULL;
    if (aps_digest_begin(&run) != APS_OK)
        return false;
    aps_digest_add(run, what, strlen(what) + 1);
    aps_digest_add(run, &round, sizeof round);
    if (issuer != NULL) {
        aps_digest_add(run, &issuer->edition, sizeof issuer->edition);
        aps_digest_add(run, issuer->name.p, issuer->name.n);
    }
    return aps_digest_end(run, out) == APS_OK;
}

/* A mark stands to the end of the next round of `life`, so that none ends before who fetches may
 * look again; whoever was first in a round has made it. */
static void mark(const char *what, const struct aps_issuer *issuer, uint64_t store, aps_nsec life,
                 struct aps_table_now now)
{
    unsigned char digest[APS_ONCE_DIGEST_LEN];
    aps_nsec round = now.wall / life;
    if (digest_of(what, issuer, round, digest))
        (void)aps_once(mod_process.state, APS_ONCE_FETCH, store, digest, (round + 2) * life, now);
}

static bool is_marked(const char *what, const struct aps_issuer *issuer, uint64_t store,
                      aps_nsec life, struct aps_table_now now)
{
    unsigned char digest[APS_ONCE_DIGEST_LEN];
    aps_nsec round = now.wall / life;
    for (aps_nsec i = round; i >= round - 1; i--)
        if (digest_of(what, issuer, i, digest) &&
            aps_once_is_used(mod_process.state, APS_ONCE_FETCH, store, digest, now))
            return true;
    return false;
}

void mod_fetch_ask(struct mod_req *m, struct aps_str name)
{
    const struct aps_snapshot *snap = aps_view_snapshot(m->view);
    uint64_t store = aps_snapshot_store_tag(snap);
    size_t n = 0;
    const struct aps_issuer *issuers = aps_snapshot_issuers(snap, &n);
    for (size_t i = 0; i < n; i++)
        if (aps_str_eq(issuers[i].name, name) && is_fetched(&issuers[i])) {
            mark("asked", &issuers[i], store, issuers[i].life.min_interval, mod_req_now(m));
            mark("store", NULL, store, APS_MINUTE, mod_req_now(m));
        }
}

/* ---- The child that fetches ---- */

/* What it knows of one issuer. */
struct job {
    uint64_t edition;
    aps_nsec fetched, tried; /* wall; 0: never */
};

static struct job *job_of(const struct mod_store *store, const struct aps_issuer *issuer,
                          apr_pool_t *tick)
{
    static apr_pool_t *pool; /* as long as the process; one thread calls */
    static apr_hash_t *jobs;
    if (jobs == NULL) {
        if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS)
            return NULL;
        jobs = apr_hash_make(pool);
    }
    const char *key = apr_psprintf(tick, "%s %.*s", store->dir, APS_STR_ARG(issuer->name));
    struct job *job = apr_hash_get(jobs, key, APR_HASH_KEY_STRING);
    if (job == NULL) {
        job = apr_pcalloc(pool, sizeof *job);
        apr_hash_set(jobs, apr_pstrdup(pool, key), APR_HASH_KEY_STRING, job);
    }
    if (job->edition != issuer->edition)
        *job = (struct job){issuer->edition, aps_keyring_fetched(&store->place, issuer), 0};
    return job;
}

/* Whether it is time, for this child and for all of them. */
static bool is_due(const struct mod_store *store, struct job *job, const struct aps_issuer *issuer,
                   uint64_t tag, struct aps_table_now now)
{
    unsigned char digest[APS_ONCE_DIGEST_LEN];
    aps_nsec interval = issuer->life.min_interval;
    bool asked = is_marked("asked", issuer, tag, interval, now);
    if (!aps_jwks_due(&issuer->life, job->fetched, job->tried, asked, now.wall))
        return false;
    job->fetched = aps_keyring_fetched(&store->place, issuer); /* another child may have done it */
    return aps_jwks_due(&issuer->life, job->fetched, job->tried, asked, now.wall) &&
           digest_of("fetched", issuer, 0, digest) &&
           aps_once(mod_process.state, APS_ONCE_FETCH, tag, digest, now.wall + interval, now) !=
               APS_ONCE_USED;
}

static void fetch(server_rec *s, const struct mod_store *store, const struct aps_issuer *issuer,
                  struct job *job, apr_pool_t *pool)
{
    const struct aps_fetch_options options = {.stop = &stop};
    struct aps_str text = {NULL, 0};
    struct aps_jwks set;
    struct aps_diag diag = {{0}};
    enum aps_err err = aps_discover_keys(issuer, &options, pool, &set, &text, NULL, NULL, &diag);
    aps_nsec now = aps_clock_wall();
    if (err == APS_OK)
        err = aps_keyring_put(&store->place, issuer, text, now, &diag);
    if (err == APS_OK) {
        job->fetched = now;
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, s,
                     "APISEC0034: store %s: issuer %.*s: %" APR_SIZE_T_FMT " keys were fetched",
                     store->dir, APS_STR_ARG(issuer->name), (apr_size_t)set.usable);
    } else if (!atomic_load(&stop)) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s,
                     "APISEC0034: store %s: issuer %.*s: its keys cannot be fetched: %s; %s",
                     store->dir, APS_STR_ARG(issuer->name), aps_err_say(err, &diag),
                     job->fetched != 0 && aps_jwks_usable(&issuer->life, job->fetched, now)
                         ? "those that are known stay in use for a while"
                         : "its tokens are refused");
    }
}

static void attend(server_rec *s, const struct mod_store *store, const struct aps_snapshot *snap,
                   apr_pool_t *pool)
{
    struct aps_table_now now = {aps_clock_monotonic(), aps_clock_wall()};
    size_t n = 0;
    const struct aps_issuer *issuers = aps_snapshot_issuers(snap, &n);
    for (size_t i = 0; i < n && !atomic_load(&stop); i++) {
        struct job *job = is_fetched(&issuers[i]) ? job_of(store, &issuers[i], pool) : NULL;
        if (job == NULL || !is_due(store, job, &issuers[i], aps_snapshot_store_tag(snap), now))
            continue;
        job->tried = now.wall;
        fetch(s, store, &issuers[i], job, pool);
    }
}

/* Stores without such issuers are left alone, until a token wants a key of one. */
static bool is_watched(struct mod_store *store)
{
    struct aps_table_now now = {aps_clock_monotonic(), aps_clock_wall()};
    if (!store->fetches && store->tag != 0)
        store->fetches = is_marked("store", NULL, store->tag, APS_MINUTE, now);
    return store->fetches && store->reader != NULL;
}

static apr_status_t watch(int state, void *data, apr_pool_t *pool)
{
    if (state != AP_WATCHDOG_STATE_RUNNING || mod_process.state == NULL)
        return APR_SUCCESS;
    for (int i = 0; i < mod_process.stores->nelts && !atomic_load(&stop); i++) {
        struct mod_store *store = APR_ARRAY_IDX(mod_process.stores, i, struct mod_store *);
        struct aps_view *view = is_watched(store) ? mod_process_acquire(data, store) : NULL;
        if (view == NULL)
            continue; /* why it cannot be read is told by who serves it */
        if (mod_keys_ring(data, store, aps_view_snapshot(view)) != NULL)
            attend(data, store, aps_view_snapshot(view), pool);
        aps_view_release(view);
    }
    return APR_SUCCESS;
}

/* ---- A child that nobody calls ---- */

static void *APR_THREAD_FUNC look_after(apr_thread_t *self, void *data)
{
    apr_pool_t *pool = NULL;
    if (apr_pool_create(&pool, apr_thread_pool_get(self)) != APR_SUCCESS)
        return NULL;
    while (!atomic_load(&stop)) {
        (void)watch(AP_WATCHDOG_STATE_RUNNING, data, pool);
        apr_pool_clear(pool);
        apr_sleep(INTERVAL);
    }
    return NULL;
}

static apr_status_t wait_for_its_end(void *data)
{
    apr_status_t rv;
    atomic_store(&stop, true);
    return apr_thread_join(&rv, data);
}

/* The signals of a process of httpd are for its first thread. */
static apr_status_t begin(apr_thread_t **out, server_rec *s)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return APR_EGENERAL;
    apr_status_t rv = apr_thread_create(out, NULL, look_after, s, thread);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rv;
}

void mod_fetch_child(apr_pool_t *pchild)
{
    thread = pchild;
}

void mod_fetch_here(const struct mod_req *m)
{
    apr_thread_t *made = NULL;
    if (is_called || mod_process.cache == NULL || atomic_load(&looks) ||
        atomic_exchange(&looks, true))
        return;
    m->server->store->fetches = true;
    apr_status_t rv = begin(&made, m->first->server);
    if (rv == APR_SUCCESS)
        apr_pool_pre_cleanup_register(thread, made, wait_for_its_end);
    else
        ap_log_rerror(APLOG_MARK, APLOG_CRIT, rv, m->first,
                      "APISEC0033: no thread to fetch keys of issuers with");
}
