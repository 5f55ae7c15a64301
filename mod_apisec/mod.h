/* mod.h - what the files of the module share: configuration, stores, and the context of a request.
 *
 * Glue translates; the core decides.  A request travels through the files in this order:
 * request.c (context, on-demand decision), stage_inspect.c, stage_auth.c, stage_policy.c,
 * stage_limit.c, answer.c, stage_trace.c.
 * Threads: configuration and stores are read-only once children run; a context belongs to the
 * thread that serves its request. */
#ifndef MOD_APISEC_MOD_H
#define MOD_APISEC_MOD_H

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_request.h"
#include "http_protocol.h"
#include "ap_expr.h"
#include "mod_auth.h"

#include "apisec/answers.h"
#include "apisec/audit.h"
#include "apisec/authn.h"
#include "apisec/bearer.h"
#include "apisec/coding.h"
#include "apisec/credential.h"
#include "apisec/directory.h"
#include "apisec/failures.h"
#include "apisec/httpsig.h"
#include "apisec/lastuse.h"
#include "apisec/limit.h"
#include "apisec/metrics.h"
#include "apisec/net.h"
#include "apisec/num.h"
#include "apisec/ownlimit.h"
#include "apisec/random.h"
#include "apisec/rate.h"
#include "apisec/reason.h"
#include "apisec/role.h"
#include "apisec/state.h"
#include "apisec/subject.h"

extern module AP_MODULE_DECLARE_DATA apisec_module;
APLOG_USE_MODULE(apisec);

/* module.c: the hooks of requests, for a configuration with an engine On or DetectOnly. */
void mod_module_hook(apr_pool_t *pconf);

/* ---- Configuration ---- */

enum mod_engine { MOD_ENGINE_UNSET, MOD_ENGINE_OFF, MOD_ENGINE_DETECT, MOD_ENGINE_ON };
enum mod_tls { MOD_TLS_UNSET, MOD_TLS_ON, MOD_TLS_OFF, MOD_TLS_PROXY };
enum mod_certificate {
    MOD_CERTIFICATE_UNSET,
    MOD_CERTIFICATE_OFF,
    MOD_CERTIFICATE_PINNED,
    MOD_CERTIFICATE_PKI
};
enum mod_floor { MOD_FLOOR_UNSET, MOD_FLOOR_OFF, MOD_FLOOR_WARN, MOD_FLOOR_STRICT };
enum mod_flag { MOD_FLAG_UNSET, MOD_FLAG_OFF, MOD_FLAG_ON };
enum mod_address {
    MOD_ADDRESS_UNSET,
    MOD_ADDRESS_FULL,
    MOD_ADDRESS_TRUNCATED,
    MOD_ADDRESS_PSEUDONYM
};

/* One requirement: a word and its arguments, any of which suffices (all scopes must be there). */
enum mod_require_kind {
    MOD_REQUIRE_PUBLIC,
    MOD_REQUIRE_KEY,
    MOD_REQUIRE_USER,
    MOD_REQUIRE_ACCESS,
    MOD_REQUIRE_ROLE,
    MOD_REQUIRE_SCOPE,
    MOD_REQUIRE_PERMISSION,
};

struct mod_require {
    enum mod_require_kind kind;
    size_t n;
    const struct aps_str *arg;
};

/* Deliveries that a section takes. */
struct mod_webhook {
    struct aps_str name; /* in the store */
    int repeat;          /* status that answers what was delivered before */
};

/* The lines of one section; merging shares the pointer. */
struct mod_requires {
    bool is_public;                    /* nobody is asked for a name */
    bool wants_access;                 /* api-access is among them */
    apr_array_header_t *list;          /* of struct mod_require */
    const struct mod_webhook *webhook; /* in place of all that; NULL: none */
};

/* The limits of a section, of which its outer ones are a part.  Limits are told apart by pointer.
 */
struct mod_limits {
    size_t n;
    const struct aps_limit *const *v;
    bool by_ip;    /* some count addresses, whoever calls */
    bool dry_run;  /* some only watch */
    size_t meters; /* at most so many are charged for one request, */
    size_t roles;  /* and so many more for each role of the caller */
    /* RateLimit-Policy where all of them are charged; NULL: it is to be made of what is. */
    const char *policy;
};

#define MOD_PLAN_NONE "none"

/* What a request costs of every limit that says nothing of it. */
struct mod_cost {
    struct aps_limit_cost cost;
    const ap_expr_info_t *expr; /* in its place; NULL: none */
};

enum mod_fields {
    MOD_FIELDS_UNSET,
    MOD_FIELDS_DRAFT = 1 << 0,
    MOD_FIELDS_LEGACY = 1 << 1,
    MOD_FIELDS_NONE = 1 << 2,
};

/* Of more meters those with the least left are shown. */
#define MOD_FIELDS_SHOWN_MAX 8

#define MOD_SOURCES_MAX 6
#define MOD_LIMITS_MAX 8 /* of one section, without its outer ones */
/* Cells that a request can be charged to by all limits of its sections. */
#define MOD_LIMIT_CELLS_MAX 128
_Static_assert(MOD_LIMIT_CELLS_MAX + APS_PLANBOOK_HELD_MAX * APS_LIMIT_METERS_MAX < APS_RATE_MAX,
               "beside them the caller's plan and the key's own limit are charged");

/* Where a section looks for the credential, and what a challenge names. */
struct mod_sources {
    size_t n;
    struct aps_credential_source v[MOD_SOURCES_MAX];
    bool bearer, basic;
    const char *field; /* the last header:NAME, or NULL */
};

#define MOD_REQUIRE_ARGS_MAX 64

/* Ranges of a section; `outer` is the enclosing section's, or NULL. */
struct mod_deny {
    struct aps_netset *set;
    const struct mod_deny *outer;
};

#define MOD_MAX_NO_BODY INT64_MAX /* no cap on bodies */

/* Bytes, and a count of fields; 0: unset. */
struct mod_max {
    uint32_t target, fields, field;
    uint32_t held;
    int64_t body;
};

/* How requests are to be signed. */
struct mod_signature {
    bool off;
    bool hmac; /* by secrets alone */
    struct aps_httpsig_policy policy;
    const char *ask; /* Accept-Signature; NULL: nothing */
};

/* Which pages may read the answers of a section. */
struct mod_cors {
    bool none; /* no page of another origin; nothing is looked at */
    bool any;  /* whatever origin; never with credentials */
    bool credentials;
    size_t n;
    const struct aps_str *origins;
    const char *methods, *max_age;
    const char *headers, *exposed; /* names beside the module's own, with ", " before each */
};

#define MOD_UPSTREAM_MAX 8 /* lines of one section */
#define MOD_GIFT_MAX 8000  /* bytes of one credential, which a header field can carry */

/* A credential for a handler or backend: the secret, between two texts. */
struct mod_gift {
    struct aps_str secret; /* its name in the store */
    struct aps_str before, behind;
    const char *field;    /* NULL: it is a variable */
    const char *variable; /* of that name, or what httpd makes of the field for programs */
};

/* What a section's lines give; none is to end what would be inherited. */
struct mod_upstream {
    size_t n;
    struct mod_gift v[MOD_UPSTREAM_MAX];
};

enum mod_export {
    MOD_EXPORT_SET = 1 << 0, /* the directive was used */
    MOD_EXPORT_KEY_ID = 1 << 1,
    MOD_EXPORT_USER = 1 << 2,
    MOD_EXPORT_ROLES = 1 << 3,
    MOD_EXPORT_SCOPES = 1 << 4,
    MOD_EXPORT_KV = 1 << 5,
};

/* Some issuers of the store, by name. */
struct mod_issuers {
    size_t n; /* 0: none of them */
    const struct aps_str *v;
};

/* An API as its clients know it (RFC 9728): of the section that says so. */
struct mod_resource {
    struct aps_str id;
    const char *metadata; /* URL of its document; from `path` on the path that it is served by */
    const char *path;
    size_t nscopes;
    const struct aps_str *scopes;
    const struct mod_dir *dir;
};

/* How fresh and strong a login has to be (RFC 9470). */
struct mod_step_up {
    struct aps_claims_login login; /* zero: nothing is asked */
    struct aps_str acr_values;     /* .p NULL: none */
};

/* Whether proofs of a key are taken (RFC 9449). */
struct mod_dpop {
    bool on, required, nonce;
};

/* What a section wants of tokens; pointers alone, so that two can be compared; NULL: unset. */
struct mod_token {
    const struct mod_issuers *issuers;   /* NULL: all of the store */
    const struct mod_resource *resource; /* NULL: it has no name */
    const struct mod_step_up *step_up;
    const struct mod_dpop *dpop; /* NULL: off */
};

/* Protocols that may be asked for in place of HTTP. */
struct mod_upgrade {
    size_t n;
    const struct aps_str *v;
};

/* Names that a server answers to. */
struct mod_hosts {
    bool any, server_names; /* whatever name; ServerName and ServerAlias */
    size_t n;
    const struct aps_str *v; /* `*.` before one: all below it */
};

/* In mod_dir's relax, beside bits of enum aps_path_relax: the directive was used. */
#define MOD_RELAX_SET (1u << 31)

/* A section.  Small, since httpd merges it for each request: shared parts are pointers. */
struct mod_dir {
    enum mod_engine engine;
    enum mod_tls tls;
    enum mod_flag pass_credential;
    enum mod_certificate certificate;
    unsigned exports;              /* bits of enum mod_export */
    unsigned relax;                /* of paths */
    bool touched;                  /* some directive of ours stands in the section */
    struct mod_requires *requires; /* NULL: unset, which means api-access */
    const struct mod_deny *deny;
    const struct mod_sources *sources;
    const struct mod_limits *limits;
    const struct mod_cost *cost;   /* NULL: each request costs 1 */
    const struct mod_token *token; /* NULL: nothing is set */
    const char *plan; /* of callers who bring none along; NULL: unset, MOD_PLAN_NONE: none */
    unsigned fields;  /* bits of enum mod_fields */
    const struct mod_max *max;
    const struct mod_cors *cors;           /* NULL: unset */
    const struct mod_signature *signature; /* NULL: unset */
    const struct mod_upstream *upstream;   /* NULL: unset */
    const struct mod_api *api;             /* NULL: unset (api.h) */
    const struct mod_responses *responses; /* NULL: unset (responses.h) */
    const struct mod_content *content;     /* NULL: nothing is asked of it (content.h) */
    const struct mod_upgrade *upgrade;     /* NULL: unset, which allows none */
    enum mod_flag stream;
    const char *path;  /* of this section, as httpd gives it; NULL for a server's own */
    const char *where; /* path of the innermost section with a directive of ours */
};

struct mod_store;
struct mod_hsts;
struct mod_content;
struct mod_judged;
struct mod_sanitizing;

struct mod_api;
struct mod_responses;
struct mod_api_use;

struct mod_server {
    const char *store_dir, *master, *passphrase; /* NULL: unset */
    const struct aps_limit *fail;                /* NULL: unset */
    enum mod_address address;
    struct mod_store *store;       /* found at post_config; NULL: none */
    const char *origin;            /* as clients call it; NULL: https and its name */
    apr_array_header_t *resources; /* of const struct mod_resource *; NULL: none */
    const struct mod_hsts *hsts;   /* NULL: unset */
    const struct mod_hosts *hosts; /* NULL: unset, which is any */
    enum mod_floor floor;          /* of TLS */
    enum mod_engine engine;        /* the strictest of its sections (tree.c) */
    bool proxied;                  /* some section believes a trusted proxy's scheme */
    /* Of the main server only. */
    const char *state_path;
    const char *cache; /* folder of fetched keys; NULL: beside the state */
    uint64_t table;
    bool has_uses;
    uint64_t uses;
    aps_nsec refresh;
    bool has_waiters;
    uint32_t waiters, waiters_percent; /* one of them, the other is 0 */
};

/* config.c */
void *mod_config_dir_create(apr_pool_t *pool, char *where);
void *mod_config_dir_merge(apr_pool_t *pool, void *base, void *add);
void *mod_config_server_create(apr_pool_t *pool, server_rec *s);
void *mod_config_server_merge(apr_pool_t *pool, void *base, void *add);
const struct mod_requires *mod_config_requires(const struct mod_dir *dir);
const struct mod_sources *mod_config_sources(const struct mod_dir *dir);
/* A field's name, without `_`, which programs read as `-`. */
bool mod_config_is_field(const char *name);
struct mod_max mod_config_max_of(const struct mod_dir *dir);
uint64_t mod_config_table_of(const struct mod_server *sc);
uint64_t mod_config_uses_of(const struct mod_server *sc);
aps_nsec mod_config_refresh_of(const struct mod_server *sc);
/* Scheme and authority of the server as clients know them: "https://api.example.org". */
const char *mod_config_origin(const request_rec *r);
/* How many requests may wait at once where there are so many workers. */
uint32_t mod_config_waiters_of(const struct mod_server *sc, uint32_t workers);

/* directives.c */
extern const command_rec mod_directives_commands[];

/* limit.c: words of ApiSecLimit, ApiSecFailLimit and ApiSecCost.  NULL and *out, or what is wrong
 * with them; both live in the pool. */
const char *mod_limit_parse(cmd_parms *cmd, int argc, char *const argv[],
                            const struct aps_limit **out);
/* `rate` NULL: the default.  Never refused then. */
const char *mod_limit_parse_fail(apr_pool_t *pool, const char *rate, const struct aps_limit **out);
const char *mod_limit_parse_cost(cmd_parms *cmd, int argc, char *const argv[],
                                 const struct mod_cost **out);
/* The path of a <Location> that is neither a pattern nor a section in one; else NULL. */
const char *mod_limit_plain_location(const cmd_parms *cmd);
/* Before the configuration is read. */
int mod_limit_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);
/* When it was read: NULL, or which of its limits a request could meet together are too many. */
const char *mod_limit_check(apr_pool_t *pool, const server_rec *main_server);
/* List all of them in the state; before children are made. */
void mod_limit_register(apr_pool_t *pool);
/* The row of a limit of the configuration; none before it is registered. */
struct aps_directory_row mod_limit_row(const struct aps_limit *limit);
/* Whether it counts addresses, whoever calls: looked at before anybody is asked for a name, and
 * charged also where nobody is let in. */
bool mod_limit_is_by_address(const struct aps_limit *limit);
/* A list of one; lives in `pool`. */
const struct mod_limits *mod_limit_list(apr_pool_t *pool, const struct aps_limit *limit);
/* The limits of two sections; an inner one replaces an outer one of its name.  Lives in `pool`. */
const struct mod_limits *mod_limit_join(apr_pool_t *pool, const struct mod_limits *outer,
                                        const struct mod_limits *inner);

/* cors.c: words of ApiSecCors.  NULL and *out, or what is wrong with them; lives in the pool. */
const char *mod_cors_parse(cmd_parms *cmd, int argc, char *const argv[],
                           const struct mod_cors **out);

/* webhook.c: words of ApiSecWebhook.  NULL and *out, or what is wrong with them; lives in the pool.
 */
const char *mod_webhook_parse(cmd_parms *cmd, int argc, char *const argv[],
                              const struct mod_webhook **out);

/* signature.c: words of ApiSecSignature, as above. */
const char *mod_signature_parse(cmd_parms *cmd, int argc, char *const argv[],
                                const struct mod_signature **out);

/* upstream.c: words of ApiSecUpstreamSecret, after what earlier lines of the section say; as above.
 */
const char *mod_upstream_parse(cmd_parms *cmd, int argc, char *const argv[],
                               const struct mod_upstream *outer, const struct mod_upstream **out);
int mod_upstream_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);
/* NULL, or which line would have such a credential written into a log. */
const char *mod_upstream_check_tree(apr_pool_t *pool);
/* Whether there is a line at all. */
bool mod_upstream_is_used(void);
struct mod_store;
/* Whether the store has what the lines of its servers name; what it has not is logged. */
bool mod_upstream_check(const struct mod_store *store, struct aps_snapshot *snap, int level);
/* What is wrong with the secret, and the command that mends it. */
const char *mod_upstream_say(apr_pool_t *pool, const char *store, const struct mod_gift *gift,
                             enum aps_reason reason);

/* path.c: words of ApiSecPath.  NULL and *out, bits of enum aps_path_relax and MOD_RELAX_SET, or
 * what is wrong with them, in the pool. */
const char *mod_path_parse(cmd_parms *cmd, int argc, char *const argv[], unsigned *out);
/* NULL, or which of the lines from `line` on asks for what its server does not let through. */
const char *mod_path_check(apr_pool_t *pool, server_rec *main_server, const ap_directive_t *line);

/* upgrade.c: words of ApiSecUpgrade, as above. */
const char *mod_upgrade_parse(cmd_parms *cmd, int argc, char *const argv[],
                              const struct mod_upgrade **out);
/* Whether all protocols of an Upgrade field are allowed, or left alone (h2c). */
bool mod_upgrade_is_allowed(const char *field, const struct mod_upgrade *allow);
/* Take those out of the request that are left alone. */
void mod_upgrade_clean(request_rec *r, const char *field);

/* wire.c: words of ApiSecHosts, as above. */
const char *mod_wire_parse(cmd_parms *cmd, int argc, char *const argv[],
                           const struct mod_hosts **out);
void mod_wire_hook(void);
void mod_wire_register(void);
/* NULL, or which server reads requests as nobody should. */
const char *mod_wire_check(apr_pool_t *pool, server_rec *main_server);
/* Once, when a request was read: MESSAGE_AMBIGUOUS, HOST_MISMATCH, HOST_UNKNOWN or ALLOW. */
enum aps_reason mod_wire(request_rec *r);
/* Whether all lines of its head together are no longer: then no value of a field is, also of one
 * that httpd has joined of several.  False where the lines are not known. */
bool mod_wire_is_within(const request_rec *first, size_t bytes);

/* stream.c: ApiSecStream.  Whether content is passed on as it comes: who has to hold it asks first,
 * and adds itself to mod_stream_fault. */
static inline bool mod_stream_is_on(const struct mod_dir *dir)
{
    return dir->stream == MOD_FLAG_ON;
}
/* The directive by which a section with all that it inherits holds content all the same; NULL:
 * none. */
const char *mod_stream_fault(const struct mod_dir *dir);
/* NULL, or where that is so. */
const char *mod_stream_check(apr_pool_t *pool, server_rec *main_server);
/* Before a handler of such a section runs. */
void mod_stream_begin(request_rec *r);

/* require.c: words of ApiSecRequire and of Require api-*. */
/* NULL and *out, or what is wrong with the words, in `pool`.  Lives in `pool`. */
const char *mod_require_parse(apr_pool_t *pool, int argc, char *const argv[],
                              struct mod_require *out);
void mod_require_register(apr_pool_t *pool);

/* check_tls.c: what mod_ssl has to be told so that client certificates can be who calls.  NULL, or
 * a sentence; what is only unwise is warned of. */
const char *mod_check_tls(apr_pool_t *pool, server_rec *main_server, bool *out_generous);

/* check.c: what only the whole configuration shows.  NULL and *out, or a sentence. */
struct mod_check_found {
    bool engine;   /* some section has it On or DetectOnly */
    bool generous; /* as in mod_process */
};
const char *mod_check_tree(apr_pool_t *pool, server_rec *main_server, struct mod_check_found *out);
/* A line of the tree has this name. */
bool mod_check_is(const ap_directive_t *d, const char *name);
/* Lines of ApiSecPlan are noted as they are read; under -t each is judged by what the store of its
 * server has now. */
int mod_check_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);
void mod_check_note_plan(const cmd_parms *cmd, const char *name);
struct mod_store;
void mod_check_plans(apr_pool_t *pool, const struct mod_store *store,
                     const struct aps_planbook *book);

/* check_names.c: lines that name a description or a schema are noted as they are read; at start and
 * under -t each is judged by what the store of its server has now, and so are the plans that a
 * description binds. */
enum mod_check_names_kind { MOD_CHECK_NAMES_API, MOD_CHECK_NAMES_JSON, MOD_CHECK_NAMES_XML };
void mod_check_names_begin(apr_pool_t *pconf);
void mod_check_names_note(const cmd_parms *cmd, enum mod_check_names_kind kind, const char *name);
bool mod_check_names_is_used(void);
void mod_check_names(apr_pool_t *pool, const struct mod_store *store,
                     const struct aps_snapshot *snap);

/* The local targets of ErrorDocument in the server's configuration, as keys; .htaccess has no part
 * in it.  Lives in `pool`. */
apr_hash_t *mod_check_documents(apr_pool_t *pool);

/* ---- Process ---- */

/* One store that at least one server uses.  Servers with the same folder and key share it. */
struct mod_store {
    const char *dir, *master_source, *passphrase_source; /* the last may be NULL */
    struct aps_secret master;                            /* empty: the key could not be read */
    const char *fault;              /* why the store could not be used at start, or NULL */
    bool fetches;                   /* some issuer's keys have to be fetched: at start, or since */
    struct aps_reader *reader;      /* of this child */
    bool listed;                    /* the generation that it serves has a row */
    struct aps_keyring *ring;       /* of this child: keys that were fetched (keys.c) */
    struct aps_mac *cache;          /* under which they lie */
    struct aps_keyring_place place; /* where they do */
    uint8_t place_id[APS_DIGEST_LEN];
    struct aps_answers *answers; /* of this child: about opaque tokens; NULL: out of memory */
    /* Of the copy that was good at start: a child that has seen none yet takes no other store's and
     * no older one. */
    bool known;
    uint8_t id[APS_SNAPSHOT_ID_LEN];
    uint64_t tag; /* aps_snapshot_store_tag of it; 0: not known */
    uint64_t generation;
    /* This child cannot load what another one has seen: of this generation and older ones its
     * sections answer 503; 0: none. */
    uint64_t behind;
};

/* What all requests of a process share. */
struct mod_process {
    struct aps_state *state;    /* NULL: the shared state cannot be used, which refuses */
    apr_array_header_t *stores; /* of struct mod_store * */
    apr_hash_t *documents;      /* mod_check_documents(); NULL: the engine is nowhere */
    uint64_t boot;
    uint32_t pid;
    struct aps_str audit; /* aps_audit_process() of the two */
    uint64_t id_seed;     /* of request ids, random for each child */
    bool has_cache;       /* mod_cache is loaded */
    bool has_ssl;         /* and mod_ssl */
    bool generous;        /* which may let in a certificate that nobody has verified */
    const char *cache;    /* folder of fetched keys; NULL: none can be kept */
    aps_nsec refresh;
    uint32_t waiters; /* requests that may wait for their turn at once, in all processes */
    uid_t owner;      /* the account that starts httpd */
    unsigned char hash_key[APS_SIPHASH_KEY_LEN]; /* of this child's readers */
};
extern struct mod_process mod_process;

int mod_process_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
int mod_process_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
void mod_process_child_init(apr_pool_t *pchild, server_rec *s);
/* A pool for one thread at a time, with memory of its own, which goes back to the system with it;
 * NULL: out of memory.  Nobody else makes or ends a pool below `parent` meanwhile. */
apr_pool_t *mod_process_pool(apr_pool_t *parent);
/* The state file, as configured or by default. */
const char *mod_process_state_path(server_rec *main_server);

/* keys.c: keys of issuers that were fetched, made ready by the first who asks; NULL: none can be
 * kept.  And their end. */
struct aps_keyring *mod_keys_ring(server_rec *s, struct mod_store *store,
                                  const struct aps_snapshot *snap);
void mod_keys_close(struct mod_store *store);

/* fetch.c: the keys of issuers, fetched by one child for all. */
/* Whether some issuer of the store has keys that are fetched. */
bool mod_fetch_is_wanted(const struct aps_snapshot *snap);
/* NULL, or what keeps the keys of this store's issuers from being fetched. */
const char *mod_fetch_fault(const struct mod_store *store);
/* At start, as root: the folder, and the watch.  What is wrong is told. */
void mod_fetch_post_config(apr_pool_t *pconf, server_rec *s, const char *state_path);
void mod_fetch_child(apr_pool_t *pchild);
void mod_fetch_stopping(apr_pool_t *pchild, int graceful);

/* reach.c */
/* What keeps httpd's children from reading the copy of the store `dir`, and what mends it; NULL if
 * nothing does, or if they are the account that asks. */
const char *mod_reach_fault(apr_pool_t *pool, const char *dir);

/* ---- A request ---- */

/* What a section asks for; two sections that ask for the same share a decision. */
struct mod_policy {
    enum mod_engine engine;
    enum mod_tls tls;
    const struct mod_requires *requires;
    const struct mod_deny *deny;
    const struct mod_sources *sources;
    const struct mod_limits *limits;
    const struct mod_cost *cost;
    const char *plan;                      /* NULL: none */
    const struct mod_cors *cors;           /* NULL: none */
    const struct mod_signature *signature; /* NULL: none */
    enum mod_certificate certificate;      /* UNSET: none */
    unsigned relax;                        /* of paths */
    const struct mod_api *api;             /* NULL: none */
    const struct mod_upgrade *upgrade;
    struct mod_token token;
};

struct mod_decision {
    struct mod_policy policy;
    enum aps_reason reason;
    bool part; /* made for a subrequest, and not yet for what is served */
    struct mod_decision *next;
};

/* What was charged, and what is left of it, for the RateLimit fields. */
struct mod_charge {
    const struct aps_limit *limit;       /* NULL: the key's own */
    const struct aps_limit_meter *meter; /* of the limit */
    struct aps_rate_left left;
    uint32_t cost; /* of the request so far, with what an earlier section charged */
    bool spent;    /* false: it, or another of the same request, had nothing left */
};

/* A limit of mode=dry-run that was charged. */
struct mod_watch {
    const struct aps_limit *limit;
    bool refused;
    struct mod_watch *next;
};

/* A delivery to a webhook. */
struct mod_delivery {
    const struct mod_webhook *webhook; /* that was judged; NULL: none yet */
    enum aps_reason reason;
    bool kept; /* it is this request's, and no other is let through */
    uint8_t once[APS_DIGEST_LEN];
};

/* A signature that holds. */
struct mod_signed {
    const struct mod_signature *want; /* what it was judged by; NULL: nobody asked for one */
    bool has_body;
    struct aps_str keyid, nonce;
    aps_nsec created;                        /* wall */
    enum aps_reason content;                 /* UNDECIDED until the content was compared */
    struct aps_str spent_keyid, spent_nonce; /* by this request, under whatever section */
};

struct mod_body;
struct mod_given;

#define MOD_ID_MAX 64 /* bytes of a request id */

struct mod_wire;
struct mod_names;

/* What a connection keeps from one request to the next; NULL: nothing yet. */
struct mod_conn {
    struct mod_wire *wire;   /* wire.c */
    struct mod_names *names; /* bill.c */
};

/* One context per transaction, found through r->prev and r->main. */
struct mod_req {
    request_rec *first; /* the request that the client made */
    const struct mod_server *server;
    struct mod_decision *decisions;
    const struct mod_dir *dir;   /* the section of the latest decision */
    const struct mod_cors *cors; /* of the first one that has some; NULL: none yet */

    /* The verdict that the log shows: the first refusal of a main request, else the latest. */
    enum aps_reason reason;
    enum aps_decision decision;
    request_rec *refused; /* the request that is answered with our refusal, under On */
    /* The administrator's ErrorDocument for it; NULL: none yet. */
    const request_rec *document;
    /* A subrequest or a provider refused; the verdict, if httpd's answer comes to the same. */
    enum aps_reason pending;

    /* What the request says. */
    bool path_read;
    bool fields_judged;       /* caps hold */
    const apr_table_t *clean; /* the fields that control fields are out of; NULL: none yet */
    enum aps_method method;
    struct aps_str method_text;
    struct aps_str path;    /* as decided; empty where it is ambiguous */
    const char *path_fault; /* what is ambiguous about it */
    unsigned relaxed;       /* bits of enum aps_path_relax without which it would be */
    const char *upgrade;    /* the field, as it came; NULL: none */
    const char *target;     /* of the request line as it came; NULL: it is the request's */
    struct aps_addr addr;

    /* Who. */
    const struct mod_sources *sources; /* where the credential was looked for; NULL: not yet */
    enum aps_reason credential_reason;
    unsigned carried;          /* bits of the sources that the request has a field for */
    struct aps_str credential; /* the key's or token's text */
    enum aps_credential_kind credential_kind;
    const char *proof;           /* value of the DPoP field, where proofs are taken */
    bool by_nonce;               /* its proof had a nonce of this server */
    bool credential_keep;        /* Authorization stays until fixups, for AuthType Basic */
    enum aps_reason auth;        /* UNDECIDED until somebody asks for a name */
    const request_rec *unproved; /* whose Require line met a credential that is bad */
    enum aps_reason unproved_why;
    struct aps_view *view;
    const struct aps_identity *who; /* set also where the place is refused */
    struct aps_str key_id;          /* of a key that the request names, also where it is refused */
    const request_rec *told;        /* whose handler was last told the request's id */
    bool told_who;                  /* and who calls */
    const request_rec *plain;       /* httpd's own handler of files answers it */

    /* The content, and what depends on it. */
    struct mod_body *body;             /* NULL: nobody has asked for it */
    struct mod_judged *judged;         /* by what it was judged; NULL: by nothing yet */
    struct mod_sanitizing *sanitizing; /* by what it was changed; NULL: by nothing yet */
    struct aps_str sanitized;          /* what of it was, for the log; empty: nothing */
    const struct mod_content *content; /* that has refused it */
    struct aps_str fault;              /* what is wrong with it, for the log; empty: nothing */
    struct aps_failures *failures;     /* for the client; NULL: none */
    struct mod_delivery delivery;
    struct mod_signed signature;
    enum mod_certificate certificate; /* how it was judged; UNSET: nobody asked for one */
    struct mod_given *given;          /* credentials that handlers have at present; NULL: none */
    struct aps_str secret_due;        /* a secret that is told to come to its age; or empty */
    struct aps_str webhook;           /* that the section takes deliveries of; empty: none */

    /* What and how much. */
    struct aps_access access;
    struct mod_api_use *apis; /* descriptions that were asked; NULL: none */
    struct aps_str route;
    size_t ncharges;
    struct mod_charge *charge;
    const struct mod_limits
        *limits;               /* whose meters these are, in their order; NULL: of others too */
    int refused_charge;        /* index into `charge`, or -1 */
    bool by_role;              /* some meter was charged for several roles, or again */
    struct mod_watch *watched; /* NULL: none */
    aps_nsec turn;             /* monotonic: before it no handler runs; 0: at once */
    struct mod_slots *slots;   /* of requests under way (inflight.c) */
    struct aps_slot waiter[2]; /* that it may wait: the server's and the virtual host's */
    bool waits;                /* they are held */
    uint64_t waited;           /* ms */
    aps_nsec wait;             /* until what was refused by a limit would pass; 0: unknown */
    aps_nsec monotonic;        /* read once */
    size_t id_len;             /* of the request id; 0 until it is asked for */
    char id[MOD_ID_MAX + 1];   /* NUL-ended */

    bool finished;  /* counted */
    uint64_t n, us; /* number and age of the audit line; 0 until somebody logs it */
    const char *line;
};

/* process.c */
/* m->view, which is the view in force when it is first asked for, held until the transaction ends;
 * NULL when there is none.  Logs and counts what happened to the published copy. */
struct aps_view *mod_process_view(struct mod_req *m);
/* The view in force of a child's store, with a reference; NULL: none. */
struct aps_view *mod_process_acquire(server_rec *s, struct mod_store *store);

/* request.c */
struct mod_req *mod_req_make(request_rec *r);
struct mod_req *mod_req_find(const request_rec *r); /* NULL if no stage has made it */
/* The context of `r`, made if it is not there. */
static inline struct mod_req *mod_req_get(request_rec *r)
{
    struct mod_req *m = ap_get_module_config(r->request_config, &apisec_module);
    return m != NULL ? m : mod_req_make(r);
}
/* Of a connection, made when it is first asked for. */
struct mod_conn *mod_req_conn(conn_rec *c);
/* Take a header field out of the request, as its handler will see it. */
void mod_req_unset_field(request_rec *r, struct mod_req *m, const char *field);
const char *mod_req_id(struct mod_req *m);
aps_nsec mod_req_monotonic(struct mod_req *m);
static inline struct aps_table_now mod_req_now(struct mod_req *m)
{
    return (struct aps_table_now){mod_req_monotonic(m),
                                  (aps_nsec)m->first->request_time * APS_USEC};
}
/* Whether `r` is a page that httpd answers an error with, or a part of one. */
bool mod_req_is_error_page(const request_rec *r);
/* The verdict of the log, if nothing was refused before. */
void mod_req_verdict(struct mod_req *m, enum mod_engine engine, enum aps_reason reason);
/* Decide what the present section asks for, unless it was decided.  ENGINE_OFF under Off. */
enum aps_reason mod_req_decide(request_rec *r, struct mod_req *m);
int mod_req_post_read(request_rec *r);
int mod_req_pre_translate(request_rec *r);
int mod_req_header_parser(request_rec *r);
int mod_req_check_authn(request_rec *r);
int mod_req_fixups(request_rec *r);
int mod_req_fixups_served(request_rec *r);
/* The answer to a Require line. */
authz_status mod_req_provide(request_rec *r, const struct mod_require *req);

/* The target of the request line, as it came. */
static inline const char *mod_req_target(const struct mod_req *m)
{
    return m->target != NULL ? m->target : m->first->unparsed_uri;
}

/* path.c: m->path of a path that may be relaxed as the section says; under On what httpd makes of
 * the request from now on is of that path.  False: it is ambiguous. */
bool mod_path_read(struct mod_req *m, struct aps_str raw, const struct mod_dir *dir);

/* The stages: each gives ALLOW or the reason to refuse. */
enum aps_reason mod_stage_inspect(request_rec *r, struct mod_req *m, const struct mod_dir *dir);
/* Take the control fields out of the fields of `r`: a subrequest has a copy, made before or after
 * others were cleaned. */
enum aps_reason mod_stage_inspect_clean(request_rec *r, struct mod_req *m);
/* No field of `r` is dropped on the way to a backend because the client's Connection names it: what
 * was judged is what is forwarded.  Options of the connection itself stay (RFC 9110 7.6.1). */
void mod_stage_inspect_bind_fields(request_rec *r);
/* The path of the target as it was received, or a target that has none. */
struct aps_str mod_stage_inspect_raw(const struct mod_req *m);
/* `dir`: the section that the path leads to before anything of it is decoded, whose relaxations
 * hold; NULL: it was not known. */
enum aps_reason mod_stage_inspect_path(struct mod_req *m, const struct mod_dir *dir);
enum aps_reason mod_stage_inspect_address(struct mod_req *m, const struct mod_deny *deny);
enum aps_reason mod_stage_auth_tls(struct mod_req *m, enum mod_tls tls);
/* Whether the client came by TLS; `proxied`: the scheme that a trusted proxy tells counts too. */
bool mod_stage_auth_is_https(const request_rec *first, bool proxied);
/* Find the credential, once, and take it out of the request. */
void mod_stage_auth_take(request_rec *r, struct mod_req *m, const struct mod_dir *dir,
                         const struct mod_sources *sources);
/* Take the fields that may carry a credential out of the request, so that no handler and no log
 * format can show them (KEY-10). */
void mod_stage_auth_out(request_rec *r, struct mod_req *m, const struct mod_dir *dir,
                        const struct mod_sources *sources);
void mod_stage_auth_strip(request_rec *r, struct mod_req *m);
/* Once for each transaction; and what the present section, m->dir, wants of a token. */
enum aps_reason mod_stage_auth(struct mod_req *m);

/* proof.c: that who shows a token has the key that it is bound to. */
/* Whether proofs are taken in the section. */
bool mod_proof_is_on(const struct mod_dir *dir);
/* Once for each transaction: ALLOW, or why the token is refused; `diag` says more. */
enum aps_reason mod_proof(struct mod_req *m, const struct aps_bearer *bearer,
                          struct aps_diag *diag);
/* A nonce for the next proof, where the section asks for one; lives in the request's pool. */
const char *mod_proof_nonce(const struct mod_req *m);
/* The algorithms of proofs. */
const enum aps_alg *mod_proof_algs(size_t *out_n);

/* certificate.c */
/* SHA-256 of the certificate that this TLS connection was made with (RFC 8705 3.1); false: none. */
bool mod_certificate_digest(const struct mod_req *m, uint8_t out[APS_DIGEST_LEN]);
/* Who calls by it, in m->who with ALLOW alone; or why not. */
enum aps_reason mod_certificate(struct mod_req *m, enum mod_certificate mode);

/* resource.c */
/* For a configuration that has a resource; httpd sorts its hooks when it has read all of it. */
void mod_resource_hook(apr_pool_t *pconf);

/* A token wants a key that is not here: ask whoever fetches to look, once in an interval. */
void mod_fetch_ask(struct mod_req *m, struct aps_str issuer);
/* A token came in a store with such issuers: where nobody was told to look after their keys, this
 * child does. */
void mod_fetch_here(const struct mod_req *m);

/* introspect.c: tokens that only their issuer can read (RFC 7662). */
/* For this child. */
void mod_introspect_child(apr_pool_t *pchild, server_rec *s, struct mod_store *store);
void mod_introspect_stopping(apr_pool_t *pchild, int graceful);
/* As aps_bearer, and ISSUER_DOWN, ANSWER, INACTIVE. */
enum aps_token mod_introspect(struct mod_req *m, struct aps_bearer_found *out,
                              struct aps_diag *diag);

/* stage_token.c: a token in place of a key. */
/* Whether tokens of the issuer with this name are taken in the section; NULL: in any. */
bool mod_stage_token_takes(const struct mod_dir *dir, struct aps_str name);
/* Who calls by it; m->who with ALLOW alone. */
enum aps_reason mod_stage_token(struct mod_req *m, enum aps_bearer_form form);
/* Whether it will do in the section m->dir. */
enum aps_reason mod_stage_token_here(struct mod_req *m);

/* use.c: when, by which rule and from where each secret was last used. */
#define MOD_USE_HOUR ((uint64_t)3600 * APR_USEC_PER_SEC)
/* The hour of the request, as identities note it. */
static inline uint32_t mod_use_hour(const struct mod_req *m)
{
    return (uint32_t)((uint64_t)m->first->request_time / MOD_USE_HOUR);
}
void mod_use_write(struct mod_req *m);
/* The caller's key was verified and is live, and what is decided is known.  Nearly always the hour
 * was noted before. */
static inline void mod_use_note(struct mod_req *m)
{
    if (m->who != NULL && __atomic_load_n(m->who->noted, __ATOMIC_RELAXED) != mod_use_hour(m))
        mod_use_write(m);
}
/* Of a caller with an older secret that ends some time after the first use of the newer one:
 * KEY_ROTATED once that has passed, else ALLOW. */
enum aps_reason mod_use_older(const struct mod_req *m);

enum aps_reason mod_stage_policy(struct mod_req *m, const struct mod_requires *requires);
enum aps_reason mod_stage_policy_one(struct mod_req *m, const struct mod_require *req);
/* `grants`: the section asks for api-access. */
enum aps_reason mod_stage_policy_served(request_rec *r, struct mod_req *m, bool grants);
enum aps_reason mod_stage_limit_address(struct mod_req *m, const struct mod_limits *limits,
                                        enum mod_engine engine);
/* `passes`: nothing else refuses the request, so that it may wait for its turn. */
enum aps_reason mod_stage_limit_caller(request_rec *r, struct mod_req *m,
                                       const struct mod_policy *policy, bool passes);
enum aps_reason mod_stage_limit_refused(request_rec *r, struct mod_req *m,
                                        const struct mod_policy *policy, enum aps_reason reason);
/* Charge a failed authentication to its source: AUTHN_RATE past the limit, or
 * DECOY_RATE, else `reason`. */
enum aps_reason mod_stage_limit_fail(struct mod_req *m, enum aps_reason reason);
/* The limit that refused, for the client and the log; empty where none did. */
struct aps_str mod_stage_limit_name(const struct mod_req *m, enum aps_reason reason);
/* What by=route charges and the log shows: the deciding grant's pattern, else the section's path.
 */
struct aps_str mod_stage_limit_route(const struct mod_req *m);

/* Names of limits of mode=dry-run that would have refused, with commas; NULL: none. */
const char *mod_stage_limit_would(const struct mod_req *m);

/* cost.c: costs of sections beside the limits that hold there, by their lines. */
int mod_cost_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);
void mod_cost_note(const cmd_parms *cmd, const struct mod_cost *cost);
void mod_cost_note_limit(const cmd_parms *cmd, const struct aps_limit *limit);
/* Warn of what can never pass; of a plan that the line `d` names, and of all others. */
void mod_cost_check(const server_rec *main_server);
void mod_cost_check_plan(const server_rec *s, const ap_directive_t *d, const struct aps_plan *plan);

/* directory.c: the rows of the state that list limits. */
struct aps_directory_row mod_directory_register(apr_pool_t *pool, const server_rec *s,
                                                const char *path, const struct aps_limit *limit);
/* How a row names a place of a server: "api.example.com:443 /v1"; `path` NULL: the server. */
const char *mod_directory_place(apr_pool_t *pool, const server_rec *s, const char *path);
/* List the limits of a plan that a caller is held to. */
void mod_directory_meet(const struct mod_req *m, const struct aps_plan *plan);
/* Count that one of a plan's limits was asked, which was met by this request; nothing for a limit
 * that is none of the plan's. */
void mod_directory_ask(const struct aps_plan *plan, const struct aps_limit *limit);
/* Count one of a plan's limit; a limit that is none of the plan's is not listed. */
void mod_directory_count(const struct mod_req *m, const struct aps_plan *plan,
                         const struct aps_limit *limit, enum aps_directory_count what);

/* inflight.c: slots come back when the answer is on its way; at the latest before it is logged. */
void mod_inflight_finish(struct mod_req *m);
void mod_inflight_register(void);

/* stage_wait.c: a place among those who wait at once; false where all are taken. */
bool mod_stage_wait_reserve(struct mod_req *m);
/* Keep it for a wait of so long; 0: give it back, unless an earlier limit asked for it. */
void mod_stage_wait_begin(struct mod_req *m, aps_nsec delay);
/* Until m->turn.  ALLOW, CLIENT_GONE, SERVER_STOPS or INTERNAL. */
enum aps_reason mod_stage_wait(request_rec *r, struct mod_req *m);

/* fields.c: what is left, in the fields that the section asks for. */
/* apr_table_setn; or apr_table_addn where the field cannot be there yet, which costs less. */
typedef void mod_set_fn(apr_table_t *headers, const char *name, const char *value);
void mod_fields_set(request_rec *r, apr_table_t *headers, const struct mod_req *m, mod_set_fn *set);
/* Those and Retry-After. */
void mod_fields_unset(apr_table_t *headers);

/* answer.c: what the client and the handler are told. */
/* Send the problem document of a refusal down the filters behind `f`; `bb` is empty. */
apr_status_t mod_answer_problem(ap_filter_t *f, apr_bucket_brigade *bb, struct mod_req *m,
                                enum aps_reason reason);
int mod_answer_refuse(request_rec *r, struct mod_req *m, enum aps_reason reason);
void mod_answer_identity(request_rec *r, struct mod_req *m, const struct mod_dir *dir);
/* The same for a backend or program, in header fields. */
void mod_answer_backend(request_rec *r, struct mod_req *m, const struct mod_dir *dir);
void mod_answer_user(request_rec *r, const struct aps_identity *who);
void mod_answer_insert_filter(request_rec *r);
void mod_answer_insert_error_filter(request_rec *r);
void mod_answer_register(void);

/* cors.c */
/* ALLOW, CORS_PREFLIGHT: the server answers, or CORS_ORIGIN. */
enum aps_reason mod_cors(const struct mod_req *m, const struct mod_cors *cors);
/* The status that answers a preflight. */
int mod_cors_answer(request_rec *r, struct mod_req *m);
/* Have the answer's fields set when it goes out, whoever made it. */
void mod_cors_insert_filter(request_rec *r, struct mod_req *m);
void mod_cors_register(void);

/* body.c: the content as it was sent, before any content decoding, held until it was judged.
 *
 * From the gate in fixups on, which access control is before, a stage may ask for it; the handler
 * then reads the very bytes, or what they were decoded to, all of them, in whatever request of the
 * transaction it runs. */
/* Read all of it, once in a transaction: ALLOW, or BODY_HELD: more than `max` bytes, BODY_TOO_LARGE
 * (LimitRequestBody), BODY_SLOW, BODY_BROKEN, INTERNAL.  Where it is let through all the same, what
 * was not read follows what was. */
enum aps_reason mod_body_read(request_rec *r, struct mod_req *m, size_t max);
/* What was read, in one piece; .p is never NULL.  Borrowed until a handler reads, and empty from
 * then on. */
struct aps_str mod_body_sent(const struct mod_req *m);
/* The fields as the client sent them, whatever mod_body_settle has made of them since. */
const apr_table_t *mod_body_fields(const struct mod_req *m);
/* Decode what was read, once in a transaction; OK and *out, borrowed as above, or why not. */
enum aps_coding_fault mod_body_decode(struct mod_req *m, enum aps_coding coding,
                                      const struct aps_coding_caps *caps, struct aps_str *out);
/* Before it is settled: the handler gets this text in place of what was sent or decoded, which both
 * stay as they are for whoever judges.  A later one replaces it.  False: out of memory. */
bool mod_body_change(struct mod_req *m, struct aps_str text);
/* All of it was judged: the handler is told its length instead of its frames, and with `decoded`
 * it gets the decoded bytes, if there are any, and no field that is true only of the coded ones;
 * of what was changed, none that is true only of what came (NEG-23). */
void mod_body_settle(request_rec *r, struct mod_req *m, bool decoded);
/* A page of the server answers in place of the handler: it has no content, and nothing that was
 * sent reaches whoever makes it. */
void mod_body_drop(request_rec *r, struct mod_req *m);
void mod_body_insert_filter(request_rec *r, struct mod_req *m);
void mod_body_register(void);

/* secret.c */
/* All versions of a secret of the view in force, oldest first; 0: there is none, or it cannot be
 * opened, which then is in the error log.  Valid as long as the request. */
const struct aps_snapshot_secret *mod_secret(struct mod_req *m, struct aps_str name, size_t *out_n);
/* The secret of this name was used: where this version comes to its age, or has, the error log and
 * the audit line of the request tell it, once a day and server. */
void mod_secret_age(struct mod_req *m, struct aps_str name, const struct aps_snapshot_secret *v);
/* The newest of `n` versions, oldest first, that has not ended at `now` (wall); NULL: all have. */
const struct aps_snapshot_secret *mod_secret_in_force(const struct aps_snapshot_secret *list,
                                                      size_t n, aps_nsec now);
/* The value of that one, of the view in force; as mod_secret. */
const struct aps_secret *mod_secret_newest(struct mod_req *m, struct aps_str name);

/* webhook.c */
/* Without the content: is it a delivery?  ALLOW: it has to be judged by mod_webhook. */
enum aps_reason mod_webhook_begin(struct mod_req *m, const struct mod_webhook *webhook);
/* All of it, limits included; once in a transaction. */
enum aps_reason mod_webhook(request_rec *r, struct mod_req *m, const struct mod_policy *policy,
                            size_t max);
/* The status for a repeat.  DONE: it was answered. */
int mod_webhook_repeat(request_rec *r, struct mod_req *m);
/* The status of the answer is known: where the handler did not accept the delivery, its sender may
 * try again. */
void mod_webhook_answered(struct mod_req *m, int status);

/* signature.c */
/* Who signed the request, in m->who; ALLOW, or why not.  The content is still to be compared. */
enum aps_reason mod_signature(struct mod_req *m, const struct mod_signature *want);
/* After that, once in a transaction: the content's digest and the nonce. */
enum aps_reason mod_signature_content(request_rec *r, struct mod_req *m, enum mod_engine engine,
                                      size_t max);

/* stage_upstream.c */
/* For a configuration that gives a credential to some handler. */
void mod_stage_upstream_hook(apr_pool_t *pconf);
/* The version that holds at `now` (wall), borrowed from the snapshot or from `pool`; ALLOW, or why
 * there is none. */
enum aps_reason mod_stage_upstream_find(struct aps_snapshot *snap, const struct mod_gift *gift,
                                        apr_pool_t *pool, aps_nsec now,
                                        const struct aps_snapshot_secret **out);

/* hide.c */
/* Whether some part of the server may write traces of its requests. */
bool mod_hide_traces(void);
int mod_hide_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);
int mod_hide_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
/* For a finished request whose credential nobody looked for. */
void mod_hide_unread(request_rec *r);

/* stage_trace.c */
int mod_stage_trace_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);
int mod_stage_trace_finish(request_rec *r);
aps_identity_tell_fn mod_stage_trace_caller; /* the part of a line that says who calls */
int mod_stage_trace_vars(ap_expr_lookup_parms *parms);

/* status.c */
void mod_status_register(apr_pool_t *pool);

/* exposition.c: SetHandler apisec-status. */
void mod_exposition_register(void);

#endif
