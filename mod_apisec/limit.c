/* The words of ApiSecLimit, ApiSecFailLimit and ApiSecCost -> limits, ready to be charged. */
#include "mod.h"

#include <apr_strings.h>

#define FAIL_DEFAULT "60/m"
#define EXPR "expr="

/* ---- All of the configuration ---- */

/* A limit, and for which requests of a server it may hold. */
struct made {
    const server_rec *server;
    const char *path;    /* a plain <Location>: what begins with it; NULL: any */
    const char *section; /* as it is written; NULL: the server itself */
    const struct aps_limit *limit;
    struct listed *listed;
};

/* Where a limit of the configuration is listed. */
struct listed {
    struct aps_limit limit;
    struct aps_directory_row row;
};

static apr_array_header_t *all_made; /* of struct made; of the configuration that is being read */

int mod_limit_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    all_made = apr_array_make(pconf, 16, sizeof(struct made));
    return OK;
}

const char *mod_limit_plain_location(const cmd_parms *cmd)
{
    const ap_directive_t *section = cmd->directive->parent;
    return section != NULL && ap_cstr_casecmp(section->directive, "<Location") == 0 &&
                   cmd->path != NULL && cmd->path[0] == '/' && !ap_is_matchexp(cmd->path)
               ? cmd->path
               : NULL;
}

/* The most cells that a request can be charged to by all meters of a limit. */
static size_t cells_of(const struct aps_limit *limit)
{
    return limit->n * ((limit->by & APS_LIMIT_BY_ROLE) != 0 ? APS_KEY_ROLES_MAX : 1);
}

/* Whether a request may meet both: one of the two is for any, or lies within the other. */
static bool may_meet(const struct made *inner, const struct made *outer)
{
    return inner->path == NULL || outer->path == NULL ||
           strncmp(inner->path, outer->path, strlen(outer->path)) == 0;
}

/* Cells of all limits that a request of `s` within the section of `inner` may meet.  Of equal names
 * one replaces the others: the widest counts. */
static size_t cells_within(apr_pool_t *pool, const server_rec *main_server, const server_rec *s,
                           const struct made *inner)
{
    apr_hash_t *widest = apr_hash_make(pool);
    size_t sum = 0;
    for (int i = 0; i < all_made->nelts; i++) {
        const struct made *made = &APR_ARRAY_IDX(all_made, i, struct made);
        if ((made->server != s && made->server != main_server) || !may_meet(inner, made))
            continue;
        const struct aps_limit *same =
            apr_hash_get(widest, made->limit->name.p, (apr_ssize_t)made->limit->name.n);
        size_t cells = cells_of(made->limit), before = same != NULL ? cells_of(same) : 0;
        if (cells <= before)
            continue;
        sum += cells - before;
        apr_hash_set(widest, made->limit->name.p, (apr_ssize_t)made->limit->name.n, made->limit);
    }
    return sum;
}

static const char *check_within(apr_pool_t *pool, const server_rec *main_server,
                                const server_rec *s, const struct made *inner)
{
    size_t n = cells_within(pool, main_server, s, inner);
    if (n <= MOD_LIMIT_CELLS_MAX)
        return NULL;
    return apr_psprintf(pool,
                        "the limits of %s and of the sections around it could be charged to "
                        "%" APR_SIZE_T_FMT " cells for one request: want at most %d, where each "
                        "rate, quota and inflight takes one, and %d by role",
                        inner->path != NULL ? inner->path : "the server", n, MOD_LIMIT_CELLS_MAX,
                        APS_KEY_ROLES_MAX);
}

const char *mod_limit_check(apr_pool_t *pool, const server_rec *main_server)
{
    const char *fault = NULL;
    for (int i = 0; i < all_made->nelts && fault == NULL; i++) {
        const struct made *made = &APR_ARRAY_IDX(all_made, i, struct made);
        if (made->server != main_server) {
            fault = check_within(pool, main_server, made->server, made);
            continue;
        }
        /* Its sections hold in every virtual host as well. */
        for (const server_rec *s = main_server; s != NULL && fault == NULL; s = s->next)
            fault = check_within(pool, main_server, s, made);
    }
    return fault;
}

void mod_limit_register(apr_pool_t *pool)
{
    for (int i = 0; i < all_made->nelts; i++) {
        const struct made *made = &APR_ARRAY_IDX(all_made, i, struct made);
        made->listed->row = mod_directory_register(pool, made->server, made->section, made->limit);
    }
}

struct aps_directory_row mod_limit_row(const struct aps_limit *limit)
{
    return ((const struct listed *)limit)->row; /* its first member */
}

/* ---- Words ---- */

static struct aps_str join_words(apr_pool_t *pool, int argc, char *const argv[])
{
    const char *text = "";
    for (int i = 0; i < argc; i++)
        text = apr_pstrcat(pool, text, i > 0 ? " " : "", argv[i], NULL);
    return aps_str(text);
}

/* Equal definitions share their cells, in every process and over every restart.  Stores are told
 * apart by the callers' bytes. */
const char *mod_limit_parse(cmd_parms *cmd, int argc, char *const argv[],
                            const struct aps_limit **out)
{
    struct aps_diag diag = {{0}};
    struct listed *listed = apr_pcalloc(cmd->pool, sizeof *listed);
    struct aps_limit *limit = &listed->limit;
    enum aps_err err = aps_limit_parse(cmd->pool, join_words(cmd->pool, argc, argv), limit, &diag);
    if (err == APS_OK)
        err = aps_limit_bind(cmd->pool, limit, 0, &diag);
    if (err != APS_OK)
        return apr_pstrdup(cmd->pool, aps_err_say(err, &diag));
    APR_ARRAY_PUSH(all_made, struct made) =
        (struct made){cmd->server, mod_limit_plain_location(cmd), cmd->path, limit, listed};
    mod_cost_note_limit(cmd, limit);
    *out = limit;
    return NULL;
}

const char *mod_limit_parse_fail(apr_pool_t *pool, const char *rate, const struct aps_limit **out)
{
    struct aps_diag diag = {{0}};
    struct aps_limit *limit = apr_palloc(pool, sizeof *limit);
    const char *text =
        apr_pstrcat(pool, "authentication by=ip rate=", rate != NULL ? rate : FAIL_DEFAULT, NULL);
    enum aps_err err = aps_limit_parse(pool, aps_str(text), limit, &diag);
    /* No limit of a section shares its cells, whatever its name is. */
    if (err == APS_OK)
        err = aps_rate_init(
            &limit->meter[0].charge, aps_table_scope(APS_TABLE_FAIL, 0, limit->text),
            (struct aps_rate){limit->meter[0].count, limit->meter[0].period}, 0, &diag);
    *out = limit;
    return err != APS_OK ? apr_pstrdup(pool, aps_err_say(err, &diag)) : NULL;
}

static const char *parse_expr(cmd_parms *cmd, const char *text, struct mod_cost *cost)
{
    const char *fault = NULL;
    if (*text == '\0')
        return "\"" EXPR "\": want an expression that gives a number, in the syntax of <If>";
    cost->expr = ap_expr_parse_cmd(cmd, text, AP_EXPR_FLAG_STRING_RESULT, &fault, NULL);
    return fault != NULL ? apr_psprintf(cmd->pool, "\"%s\": %s", text, fault) : NULL;
}

const char *mod_limit_parse_cost(cmd_parms *cmd, int argc, char *const argv[],
                                 const struct mod_cost **out)
{
    struct aps_diag diag = {{0}};
    struct mod_cost *cost = apr_pcalloc(cmd->pool, sizeof *cost);
    cost->cost.base = 1;
    *out = cost;
    if (argc == 0)
        return "want N, METHOD,...:N, bytes/SIZE, or expr=EXPRESSION alone";
    if (argc == 1 && strncmp(argv[0], EXPR, sizeof EXPR - 1) == 0)
        return parse_expr(cmd, argv[0] + sizeof EXPR - 1, cost);
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], EXPR, sizeof EXPR - 1) == 0)
            return apr_psprintf(cmd->pool, "\"%s\": an expression stands alone", argv[i]);
        enum aps_err err = aps_limit_cost_parse(aps_str(argv[i]), &cost->cost, &diag);
        if (err != APS_OK)
            return apr_pstrdup(cmd->pool, aps_err_say(err, &diag));
    }
    return NULL;
}

bool mod_limit_is_by_address(const struct aps_limit *limit)
{
    return (limit->by & APS_LIMIT_BY_IP) != 0 && (limit->by & APS_LIMIT_BY_CALLER) == 0;
}

static void append(struct mod_limits *limits, const struct aps_limit **v,
                   const struct aps_limit *limit)
{
    v[limits->n++] = limit;
    limits->by_ip |= mod_limit_is_by_address(limit);
    limits->dry_run |= limit->dry_run;
    if ((limit->by & APS_LIMIT_BY_ROLE) != 0)
        limits->roles += limit->n;
    else
        limits->meters += limit->n;
}

/* What is charged for each role, or not at all, is known only when it was. */
static const char *policy_of(apr_pool_t *pool, const struct mod_limits *limits)
{
    size_t size = 1;
    if (limits->dry_run || limits->roles != 0 || limits->meters > MOD_FIELDS_SHOWN_MAX)
        return NULL;
    for (size_t i = 0; i < limits->n; i++)
        for (size_t k = 0; k < limits->v[i]->n; k++)
            size += limits->v[i]->meter[k].policy.n + 2;
    char *text = apr_palloc(pool, size), *p = text;
    for (size_t i = 0; i < limits->n; i++)
        for (size_t k = 0; k < limits->v[i]->n; k++) {
            struct aps_str policy = limits->v[i]->meter[k].policy;
            memcpy(p, ", ", 2);
            p = p == text ? p : p + 2;
            memcpy(p, policy.p, policy.n);
            p += policy.n;
        }
    *p = '\0';
    return text;
}

const struct mod_limits *mod_limit_list(apr_pool_t *pool, const struct aps_limit *limit)
{
    const struct aps_limit **v = apr_palloc(pool, sizeof *v);
    struct mod_limits *limits = apr_pcalloc(pool, sizeof *limits);
    limits->v = v;
    append(limits, v, limit);
    limits->policy = policy_of(pool, limits);
    return limits;
}

const struct mod_limits *mod_limit_join(apr_pool_t *pool, const struct mod_limits *outer,
                                        const struct mod_limits *inner)
{
    const struct aps_limit **v = apr_palloc(pool, (outer->n + inner->n) * sizeof *v);
    struct mod_limits *limits = apr_pcalloc(pool, sizeof *limits);
    limits->v = v;
    for (size_t i = 0; i < outer->n; i++) {
        bool replaced = false;
        for (size_t k = 0; k < inner->n && !replaced; k++)
            replaced = aps_str_eq(outer->v[i]->name, inner->v[k]->name);
        if (!replaced)
            append(limits, v, outer->v[i]);
    }
    for (size_t k = 0; k < inner->n; k++)
        append(limits, v, inner->v[k]);
    limits->policy = policy_of(pool, limits);
    return limits;
}
