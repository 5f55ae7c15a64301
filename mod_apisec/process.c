/* Start and restart as root, and the start of each child: master keys, stores, the shared state. */
#include "judges.h"
#include "mod.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <unistd.h>

#include "ap_mpm.h"
#include "dump.h"
#include "finding.h"
#include "xsds.h"
#include "hsts.h"
#include "tree.h"
#include "http_main.h"

#include "apisec/generation.h"
#include "apisec/keyuse.h"
#include "apisec/master.h"
#include "apisec/random.h"
#include "apisec/seal.h"
#include "apisec/xml.h"

struct mod_process mod_process;

enum { EARLY_MAX = 16 }; /* stores that a child opens before its first request */

/* Whether the configuration asks for anything of ours; without it nothing is opened. */
static bool wanted;
static bool generous; /* for mod_process */

/* ---- Stores ---- */

static apr_status_t wipe_store(void *data)
{
    struct mod_store *store = data;
    aps_secret_wipe(&store->master);
    return APR_SUCCESS;
}

static void describe(const struct mod_store *store, struct aps_reader_options *out)
{
    memset(out, 0, sizeof *out);
    out->snapshot.store = store->dir;
    out->snapshot.master = &store->master;
    out->snapshot.owner = mod_process.owner;
    if (store->known) {
        out->snapshot.store_id = store->id;
        out->snapshot.min_generation = store->generation;
    }
}

/* systemd names a folder there; the keys themselves are never in the environment (SEC-08). */
static enum aps_err unlock(struct mod_store *store, struct aps_diag *diag)
{
    const struct aps_master_from from = {.source = store->master_source,
                                         .passphrase = store->passphrase_source,
                                         .credentials = getenv("CREDENTIALS_DIRECTORY"),
                                         .again = true};
    return aps_master_load_from(&from, &store->master, diag);
}

/* Read the key and look at the published copy.  A fault is kept: children try again, and what
 * was mended meanwhile works without a restart, but for the master key, which only root reads. */
static void probe(apr_pool_t *pconf, struct mod_store *store)
{
    struct aps_diag diag = {{0}};
    struct aps_reader_options options;
    struct aps_snapshot *snap = NULL;
    struct aps_snapshot_stamp stamp; /* where there is no store, its master key is no news */
    enum aps_err err = aps_snapshot_stamp(store->dir, &stamp, &diag);
    enum aps_err unlocked = unlock(store, err == APS_OK ? &diag : NULL);
    if (err == APS_OK)
        err = unlocked;
    if (err == APS_OK) {
        describe(store, &options);
        err = aps_snapshot_open(&options.snapshot, &snap, &diag);
    }
    if (err == APS_OK) {
        store->known = true;
        memcpy(store->id, aps_snapshot_store_id(snap), sizeof store->id);
        store->tag = aps_snapshot_store_tag(snap);
        store->generation = aps_snapshot_generation(snap);
        store->fetches = mod_fetch_is_wanted(snap);
    }
    aps_snapshot_close(snap);
    store->fault = err != APS_OK ? apr_pstrdup(pconf, aps_err_say(err, &diag))
                                 : mod_reach_fault(pconf, store->dir);
}

static bool is_same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static struct mod_store *intern(apr_pool_t *pconf, const struct mod_server *sc)
{
    const char *dir = sc->store_dir;
    const char *master =
        sc->master != NULL ? sc->master : apr_pstrcat(pconf, "file:", dir, "/master.key", NULL);
    for (int i = 0; i < mod_process.stores->nelts; i++) {
        struct mod_store *known = APR_ARRAY_IDX(mod_process.stores, i, struct mod_store *);
        if (strcmp(known->dir, dir) == 0 && strcmp(known->master_source, master) == 0 &&
            is_same(known->passphrase_source, sc->passphrase))
            return known;
    }
    struct mod_store *store = apr_pcalloc(pconf, sizeof *store);
    store->dir = dir;
    store->master_source = master;
    store->passphrase_source = sc->passphrase;
    apr_pool_cleanup_register(pconf, store, wipe_store, apr_pool_cleanup_null);
    probe(pconf, store);
    APR_ARRAY_PUSH(mod_process.stores, struct mod_store *) = store;
    return store;
}

/* Give each server its store and its failure limit. */
static void bind_servers(apr_pool_t *pconf, server_rec *s)
{
    const struct aps_limit *fail = NULL;
    (void)mod_limit_parse_fail(pconf, NULL, &fail); /* the default is none that could be refused */
    mod_process.stores = apr_array_make(pconf, 4, sizeof(struct mod_store *));
    mod_process.owner = geteuid();
    for (; s != NULL; s = s->next) {
        struct mod_server *sc = ap_get_module_config(s->module_config, &apisec_module);
        if (sc->fail == NULL)
            sc->fail = fail;
        if (sc->store_dir != NULL)
            sc->store = intern(pconf, sc);
    }
}

static bool asks_for_us(server_rec *s, bool engine)
{
    bool asks = engine;
    for (; s != NULL && !asks; s = s->next) {
        const struct mod_server *sc = ap_get_module_config(s->module_config, &apisec_module);
        asks = sc->store_dir != NULL || sc->state_path != NULL;
    }
    return asks;
}

/* ---- The shared state ---- */

const char *mod_process_state_path(server_rec *main_server)
{
    const struct mod_server *sc = ap_get_module_config(main_server->module_config, &apisec_module);
    return sc->state_path != NULL ? sc->state_path : APS_DEFAULT_STATE;
}

/* What became of the counts of a file that has given way to another one. */
static void tell_carried(server_rec *s)
{
    struct aps_state_info info;
    aps_state_info(mod_process.state, &info);
    if (info.origin == APS_STATE_CARRIED)
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     "APISEC0029: the state file %s is a new one of another size, in which "
                     "%" APR_UINT64_T_FMT " counts of callers go on",
                     mod_process_state_path(s), (apr_uint64_t)info.carried);
    if (info.origin == APS_STATE_REPLACED)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "APISEC0029: the state file %s was damaged, or of another version: a new one "
                     "has taken its place, in which limits and quotas begin anew",
                     mod_process_state_path(s));
    if (info.origin == APS_STATE_FOREIGN)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "APISEC0029: what was at %s is no state file: it is kept as %s.bad, and "
                     "limits and quotas begin anew in a new one",
                     mod_process_state_path(s), mod_process_state_path(s));
    if (info.lost != 0)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "APISEC0029: %" APR_UINT64_T_FMT " counts of callers found no place in the "
                     "state file %s and begin anew: raise ApiSecTable",
                     (apr_uint64_t)info.lost, mod_process_state_path(s));
}

/* Which master keys this server holds until its next restart: what lies under no other of them must
 * not be published. */
static void note_keys(void)
{
    aps_generation_drop_own(mod_process.state); /* those that it held before */
    for (int i = 0; i < mod_process.stores->nelts; i++) {
        const struct mod_store *store = APR_ARRAY_IDX(mod_process.stores, i, struct mod_store *);
        uint8_t id[APS_KEYUSE_ID_LEN];
        if (store->master.n != 0 && aps_seal_id(&store->master, id) == APS_OK)
            aps_keyuse_server(mod_process.state, store->tag, id);
    }
}

static void open_state(apr_pool_t *pconf, server_rec *s)
{
    const struct mod_server *sc = ap_get_module_config(s->module_config, &apisec_module);
    struct aps_diag diag = {{0}};
    mod_process.state = NULL;
    struct aps_state_size size = {mod_config_table_of(sc), mod_config_uses_of(sc)};
    enum aps_err err = aps_state_open(pconf, mod_process_state_path(s), &size, aps_clock_wall(),
                                      &mod_process.state, &diag);
    if (err != APS_OK) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     "APISEC0021: %s; protected sections answer 503 until httpd is restarted",
                     aps_err_say(err, &diag));
        return;
    }
    tell_carried(s);
    mod_process.boot = aps_state_boot(mod_process.state);
    aps_state_set_refresh(mod_process.state, mod_process.refresh);
    note_keys();
}

/* What lines say of the store; false if it lacks what a handler is to be given.  `level`: of what
 * is logged then; `plans` of sections are judged under -t alone. */
static bool check_lines(apr_pool_t *pool, const struct mod_store *store, int level, bool plans)
{
    struct aps_reader_options options;
    struct aps_snapshot *snap = NULL;
    bool good = true;
    if (!plans && !mod_upstream_is_used() && !mod_check_names_is_used())
        return true;
    describe(store, &options);
    if (aps_snapshot_open(&options.snapshot, &snap, NULL) == APS_OK) { /* else it was told */
        if (plans)
            mod_check_plans(pool, store, aps_snapshot_plans(snap));
        mod_check_names(pool, store, snap);
        good = mod_upstream_check(store, snap, level);
    }
    aps_snapshot_close(snap);
    return good;
}

/* For -t, which must not make the file. */
static const char *check_state(apr_pool_t *pool, server_rec *s)
{
    struct aps_diag diag = {{0}};
    apr_finfo_t info;
    const char *folder = ap_make_dirstr_parent(pool, mod_process_state_path(s));
    if (apr_stat(&info, folder, APR_FINFO_TYPE, pool) != APR_SUCCESS || info.filetype != APR_DIR)
        return apr_psprintf(pool,
                            "the shared state %s needs the folder %s: make it, or name another "
                            "file by ApiSecState",
                            mod_process_state_path(s), folder);
    enum aps_err err = aps_state_check(pool, mod_process_state_path(s), &diag);
    return err != APS_OK ? apr_pstrdup(pool, aps_err_say(err, &diag)) : NULL;
}

/* ---- Hooks ---- */

static void refuse(enum mod_finding_kind kind, server_rec *s, const char *reason)
{
    mod_finding_add(&(struct mod_finding){kind, MOD_SEVERITY_ERROR, s, NULL, reason, NULL});
}

static int check_config(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s)
{
    struct mod_check_found found = {.engine = false};
    mod_tree_note(ptemp, s);
    mod_hsts_bind(s);
    const char *fault = mod_check_tree(ptemp, s, &found);
    if (fault != NULL) {
        refuse(MOD_FINDING_CONFIGURATION, s, fault);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    wanted = asks_for_us(s, found.engine);
    generous = found.generous;
    if (!wanted || ap_state_query(AP_SQ_RUN_MODE) != AP_SQ_RM_CONFIG_TEST)
        return OK;

    /* Under -t a store that would answer 503 is a fault; a start goes on without it. */
    int status = OK;
    bind_servers(pconf, s);
    for (int i = 0; i < mod_process.stores->nelts; i++) {
        const struct mod_store *store = APR_ARRAY_IDX(mod_process.stores, i, struct mod_store *);
        const char *broken = store->fault != NULL ? store->fault : mod_fetch_fault(store);
        if (broken == NULL) {
            if (!check_lines(ptemp, store, APLOG_EMERG | APLOG_STARTUP, true))
                status = HTTP_INTERNAL_SERVER_ERROR;
            continue;
        }
        refuse(MOD_FINDING_STORE_UNUSABLE, s,
               apr_psprintf(ptemp, "store %s: %s", store->dir, broken));
        status = HTTP_INTERNAL_SERVER_ERROR;
    }
    if ((fault = check_state(ptemp, s)) != NULL) {
        refuse(MOD_FINDING_STATE_UNUSABLE, s, fault);
        status = HTTP_INTERNAL_SERVER_ERROR;
    }
    return status;
}

int mod_process_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    int status = check_config(pconf, ptemp, s);
    (void)plog;
    if (status != OK && mod_dump_is_wanted())
        mod_dump(ptemp, s);
    return status;
}

/* POS-17.  Descriptions may ask for XML later, when there are threads. */
static void begin_xml(apr_pool_t *ptemp, server_rec *s)
{
    const char *version = aps_xml_version(ptemp);
    aps_xml_start();
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, "APISEC0035: XML is read by %s",
                 version != NULL ? version : "nothing: this build has no reader of it");
}

/* A fault here would end a running server at its next graceful restart: log, and answer 503 for
 * what is broken. */
int mod_process_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    /* httpd reads its configuration twice at start. */
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return OK;
    memset(&mod_process, 0, sizeof mod_process);
    bind_servers(pconf, s);
    mod_process.refresh =
        mod_config_refresh_of(ap_get_module_config(s->module_config, &apisec_module));
    mod_process.has_cache = ap_find_linked_module("mod_cache.c") != NULL;
    mod_process.has_ssl = ap_find_linked_module("mod_ssl.c") != NULL;
    mod_process.generous = generous;
    if (!wanted)
        return OK;
    begin_xml(ptemp, s);
    mod_process.documents = mod_check_documents(pconf);
    for (int i = 0; i < mod_process.stores->nelts; i++) {
        const struct mod_store *store = APR_ARRAY_IDX(mod_process.stores, i, struct mod_store *);
        if (store->fault != NULL)
            ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                         "APISEC0020: store %s: %s; its sections answer 503", store->dir,
                         store->fault);
        else
            (void)check_lines(ptemp, store, APLOG_CRIT, false); /* its sections answer 503 */
    }
    open_state(pconf, s);
    mod_fetch_post_config(pconf, s, mod_process_state_path(s));
    if (mod_process.state != NULL)
        mod_limit_register(ptemp);
    if (ap_find_linked_module("mpm_itk.c") != NULL || ap_find_linked_module("mod_ruid2.c") != NULL)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "APISEC0023: under mpm-itk and mod_ruid2 a child changes its account and can "
                     "no longer open a published copy; use another MPM with suexec or FastCGI");
    return OK;
}

/* ---- The published copy in force ---- */

static apr_status_t release(void *view)
{
    aps_view_release(view);
    return APR_SUCCESS;
}

/* Whether another child decides by a newer generation than the copy that is left here: it may know
 * of a revocation that this one does not, and cannot learn of any more.  It may load that one after
 * this child has failed to, so each look that fails asks. */
static bool judge_behind(struct mod_store *store, const struct aps_view *view)
{
    const struct aps_snapshot *snap = view != NULL ? aps_view_snapshot(view) : NULL;
    bool behind =
        snap != NULL && aps_generation_is_passed(mod_process.state, aps_snapshot_store_tag(snap),
                                                 aps_snapshot_generation(snap));
    __atomic_store_n(&store->behind, behind ? aps_snapshot_generation(snap) : 0, __ATOMIC_RELEASE);
    return behind;
}

/* A number, so that what a slow thread still says of an older copy strikes no newer one. */
static bool is_behind(const struct mod_store *store, const struct aps_view *view)
{
    uint64_t behind = __atomic_load_n(&store->behind, __ATOMIC_ACQUIRE);
    return behind != 0 && aps_snapshot_generation(aps_view_snapshot(view)) <= behind;
}

static void report_failed(server_rec *s, struct mod_store *store, const struct aps_view *view,
                          const struct aps_diag *diag)
{
    const struct aps_snapshot *snap = view != NULL ? aps_view_snapshot(view) : NULL;
    bool behind = judge_behind(store, view);
    const char *then = behind ? "other children have seen a newer one, so that its sections "
                                "answer 503 here"
                       : snap != NULL ? "the last good copy stays in force"
                                      : "its sections answer 503";
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, "APISEC0026: store %s: %s; %s", store->dir,
                 diag->text, then);
    aps_metrics_add(mod_process.state, APS_METRIC_STORE_RELOAD_FAILED, 1);
    if (snap != NULL)
        aps_generation_hold(mod_process.state, aps_snapshot_store_tag(snap));
}

/* The failure itself was told when it was new. */
static void report_again(server_rec *s, struct mod_store *store, const struct aps_view *view)
{
    bool was_behind = view != NULL && is_behind(store, view);
    if (judge_behind(store, view) && !was_behind)
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s,
                     "APISEC0026: store %s: other children have seen a newer generation, which "
                     "still cannot be loaded here; its sections answer 503 here",
                     store->dir);
}

static void report(server_rec *s, struct mod_store *store, const struct aps_view *view,
                   enum aps_reader_event event, const struct aps_diag *diag)
{
    if (event == APS_READER_SAME)
        return;
    if (event == APS_READER_AGAIN) {
        report_again(s, store, view);
        return;
    }
    if (event == APS_READER_FAILED) {
        report_failed(s, store, view, diag);
        return;
    }
    const struct aps_snapshot *snap = aps_view_snapshot(view);
    uint64_t generation = aps_snapshot_generation(snap);
    __atomic_store_n(&store->behind, 0, __ATOMIC_RELEASE);
    aps_metrics_add(mod_process.state, APS_METRIC_STORE_RELOAD, 1);
    if (!__atomic_load_n(&store->listed, __ATOMIC_RELAXED))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "APISEC0027: this child's generation is not listed: no row is free");
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, s,
                 "APISEC0028: store %s: generation %" APR_UINT64_T_FMT " is in force", store->dir,
                 generation);
}

/* A child that opens a copy goes on with the one before meanwhile, for as long as that takes: it is
 * held back.  It says that it serves the new one when no thread gets the old one any more. */
static void list_generation(void *data, const struct aps_snapshot *serves, bool is_new)
{
    struct mod_store *store = data;
    uint64_t tag = aps_snapshot_store_tag(serves);
    if (!is_new)
        aps_generation_hold(mod_process.state, tag);
    else
        __atomic_store_n(
            &store->listed,
            aps_generation_set(mod_process.state, tag, aps_snapshot_generation(serves)),
            __ATOMIC_RELAXED);
}

struct aps_view *mod_process_view(struct mod_req *m)
{
    struct mod_store *store = m->server->store;
    struct aps_diag diag;
    enum aps_reader_event event = APS_READER_SAME;
    diag.text[0] = '\0';
    if (m->view != NULL || store == NULL || store->reader == NULL || mod_process.state == NULL)
        return m->view;
    struct aps_view *view = aps_reader_acquire(store->reader, mod_req_monotonic(m), &event, &diag);
    report(m->first->server, store, view, event, &diag);
    if (view != NULL && is_behind(store, view)) {
        aps_view_release(view);
        view = NULL;
    }
    m->view = view;
    /* A subrequest that asks ends sooner than what it learns is used. */
    if (m->view != NULL)
        apr_pool_cleanup_register(m->first->pool, m->view, release, apr_pool_cleanup_null);
    return m->view;
}

/* ---- Children ---- */

/* Workers of all children, as many as the configuration lets there be. */
static uint32_t count_workers(void)
{
    int daemons = 0, threads = 0;
    if (ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &daemons) != APR_SUCCESS || daemons < 1)
        return 0;
    if (ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads) != APR_SUCCESS || threads < 1)
        threads = 1; /* prefork */
    return (uint32_t)daemons * (uint32_t)threads;
}

struct aps_view *mod_process_acquire(server_rec *s, struct mod_store *store)
{
    struct aps_diag diag = {{0}};
    enum aps_reader_event event = APS_READER_SAME;
    struct aps_view *view = aps_reader_acquire(store->reader, aps_clock_monotonic(), &event, &diag);
    report(s, store, view, event, &diag);
    return view;
}

/* A child of a server with few stores opens them before its first request, so that it has a good
 * copy if the next one is damaged.  Of many stores it will ask for some, and memory for all of them
 * in each child would be wasted. */
static void open_early(server_rec *s, struct mod_store *store)
{
    struct aps_view *view = mod_process_acquire(s, store);
    if (view != NULL)
        aps_view_release(view);
}

apr_pool_t *mod_process_pool(apr_pool_t *parent)
{
    apr_allocator_t *allocator = NULL;
    apr_pool_t *pool = NULL;
    if (apr_allocator_create(&allocator) != APR_SUCCESS)
        return NULL;
    if (apr_pool_create_ex(&pool, parent, NULL, allocator) != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return NULL;
    }
    apr_allocator_owner_set(allocator, pool);
    return pool;
}

static apr_status_t leave(void *data)
{
    (void)data;
    if (mod_process.state != NULL)
        aps_generation_drop_own(mod_process.state);
    for (int i = 0; i < mod_process.stores->nelts; i++) {
        struct mod_store *store = APR_ARRAY_IDX(mod_process.stores, i, struct mod_store *);
        aps_reader_free(store->reader);
        store->reader = NULL;
        mod_keys_close(store);
    }
    return APR_SUCCESS;
}

/* Keys that strangers must not guess, or they could have entries of hash tables meet; without them
 * ids of requests are still told apart. */
static bool draw(void)
{
    bool random = aps_random_fill(&mod_process.id_seed, sizeof mod_process.id_seed) == APS_OK;
    if (!random)
        mod_process.id_seed = (uint64_t)aps_clock_wall() ^ (uint64_t)mod_process.pid << 40;
    return aps_random_fill(mod_process.hash_key, sizeof mod_process.hash_key) == APS_OK && random;
}

void mod_process_child_init(apr_pool_t *pchild, server_rec *s)
{
    mod_process.pid = (uint32_t)getpid();
    mod_process.audit = aps_audit_process(mod_process.boot, mod_process.pid,
                                          apr_palloc(pchild, APS_AUDIT_PROCESS_MAX));
    bool random = draw();
    if (!random)
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     "APISEC0024: no random numbers: this child refuses everything");
    if (mod_process.stores == NULL)
        return;
    if (mod_process.state != NULL) {
        aps_state_child(mod_process.state);
        aps_keyuse_child(mod_process.state);
    }
    if (!random)
        mod_process.state = NULL;
    mod_fetch_child(pchild);
    mod_judges_child_init(pchild);
    mod_xsds_child_init(pchild);
    mod_process.waiters = mod_config_waiters_of(
        ap_get_module_config(s->module_config, &apisec_module), count_workers());
    for (int i = 0; i < mod_process.stores->nelts; i++) {
        struct mod_store *store = APR_ARRAY_IDX(mod_process.stores, i, struct mod_store *);
        struct aps_reader_options options;
        if (store->master.n == 0)
            continue; /* only root can read the key: 503 until a restart */
        aps_secret_child(&store->master);
        describe(store, &options);
        options.refresh = mod_process.refresh;
        options.tell = mod_stage_trace_caller;
        options.change = list_generation;
        options.change_arg = store;
        mod_introspect_child(pchild, s, store);
        if (aps_reader_new(&options, &store->reader) != APS_OK)
            ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "APISEC0025: store %s: out of memory",
                         store->dir);
        else if (mod_process.stores->nelts <= EARLY_MAX && mod_process.state != NULL)
            open_early(s, store);
    }
    apr_pool_cleanup_register(pchild, NULL, leave, apr_pool_cleanup_null);
}
