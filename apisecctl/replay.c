/* replay.c - the audit log, judged anew.
 *
 * What a line does not tell cannot be judged: the section's requirements, limits, the credential
 * itself.  Such lines are neither the same nor different, and the note says why. */
#include "replay.h"

#include <apr_strings.h>

#include "apisec/audit.h"
#include "apisec/random.h"
#include "lines.h"
#include "logline.h"
#include "progress.h"
#include "trial.h"

#define LINE_MAX_BYTES 65536 /* a line of the log has at most APS_AUDIT_LINE_MAX */
#define LINES_MAX 250000     /* all of them are held until they are shown */

_Static_assert(LINE_MAX_BYTES > APS_AUDIT_LINE_MAX, "every line of the log can be read");

enum sameness { SAME, DIFFERENT, NOT_JUDGED, BAD, SAMENESS_COUNT };

struct replay {
    struct ctl *c;
    struct ctl_described described; /* the section that is an API */
    bool open;                      /* it asks for nobody itself */
    apr_pool_t *pool;               /* of one line */
    struct aps_jsonread reader;
    uint64_t number; /* of the line, from 1 */
    uint64_t count[SAMENESS_COUNT];
};

/* One line and what came of it. */
struct outcome {
    struct ctl_logline line;
    enum sameness same;
    enum aps_reason now;
    const char *note;
};

/* ---- One line ---- */

static bool is_reason(const struct ctl_logline *line, enum aps_reason reason)
{
    return aps_str_eq(line->reason, aps_str(aps_reason_token(reason)));
}

static bool is_one_of(const struct ctl_logline *line, const enum aps_reason *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_reason(line, list[i]))
            return true;
    return false;
}

#define IS_ONE_OF(line, list) is_one_of(line, list, sizeof(list) / sizeof *(list))

/* What a description says of more than a line tells: of the query, of fields, of content. */
static bool is_of_content(const struct ctl_logline *line)
{
    static const enum aps_reason all[] = {APS_REASON_API_PARAMETER, APS_REASON_API_TYPE,
                                          APS_REASON_API_TYPE_REPEATED, APS_REASON_API_BODY,
                                          APS_REASON_API_BODY_SIZE};

    return IS_ONE_OF(line, all);
}

/* The log has the path decoded, unless it is ambiguous: as it would have been sent. */
static struct aps_str target_of(const struct replay *r, const struct ctl_logline *line)
{
    char *to = apr_palloc(r->pool, 3 * line->path.n + 1);
    struct aps_str target = {to, 0};

    if (is_reason(line, APS_REASON_PATH_AMBIGUOUS))
        return line->path;
    for (size_t i = 0; i < line->path.n; i++) {
        if (line->path.p[i] != '%' && line->path.p[i] != '?') {
            *to++ = line->path.p[i];
            continue;
        }
        memcpy(to, line->path.p[i] == '%' ? "%25" : "%3F", 3);
        to += 3;
    }
    target.n = (size_t)(to - target.p);
    return target;
}

/* Whether the line is of the section that is an API. */
static bool is_described(const struct replay *r, const struct ctl_logline *line)
{
    struct aps_str path;

    if (r->described.name.n == 0 || is_reason(line, APS_REASON_PATH_AMBIGUOUS))
        return false;
    path = target_of(r, line);
    return aps_api_below(&path, r->described.at);
}

static bool is_open(const struct replay *r, const struct ctl_logline *line)
{
    return r->open && is_described(r, line);
}

/* The verdicts that come from what a line tells. */
static bool can_be_judged(const struct replay *r, const struct ctl_logline *line)
{
    static const enum aps_reason all[] = {
        APS_REASON_ALLOW,          APS_REASON_METHOD_UNKNOWN,     APS_REASON_METHOD_REFUSED,
        APS_REASON_PATH_AMBIGUOUS, APS_REASON_KEY_UNKNOWN,        APS_REASON_KEY_REVOKED,
        APS_REASON_KEY_EXPIRED,    APS_REASON_KEY_NOT_YET,        APS_REASON_KEY_ROTATED,
        APS_REASON_KEY_DECOY,      APS_REASON_KEY_NETWORK,        APS_REASON_KEY_HOST,
        APS_REASON_ROLE_UNKNOWN,   APS_REASON_PLAN_UNKNOWN,       APS_REASON_GRANT_MISSING,
        APS_REASON_GRANT_DENIED,   APS_REASON_METHOD_NOT_GRANTED,
    };
    static const enum aps_reason api[] = {APS_REASON_API_PATH, APS_REASON_API_METHOD,
                                          APS_REASON_API_SECURITY, APS_REASON_SCOPE_MISSING,
                                          APS_REASON_ROLE_MISSING};
    static const enum aps_reason open[] = {APS_REASON_PUBLIC, APS_REASON_CREDENTIAL_MISSING};

    return IS_ONE_OF(line, all) || (is_described(r, line) && IS_ONE_OF(line, api)) ||
           (is_open(r, line) && IS_ONE_OF(line, open));
}

/* Whether the verdict was made before anybody was asked for a name. */
static bool needs_no_caller(const struct ctl_logline *line)
{
    return is_reason(line, APS_REASON_METHOD_UNKNOWN) ||
           is_reason(line, APS_REASON_METHOD_REFUSED) || is_reason(line, APS_REASON_PATH_AMBIGUOUS);
}

/* No role has the name that stands for those that were left out. */
static bool ends_cut(struct replay *r, const struct aps_jsonread_node *list)
{
    const struct aps_jsonread_node *v = aps_jsonread_first(list);
    struct aps_str last = {0};

    for (; v < aps_jsonread_end(list); v = aps_jsonread_next(v))
        last = aps_jsonread_str(&r->reader, v);
    return aps_str_eq(last, APS_STR_LIT("..."));
}

/* The rule that failed is in the line; what it was asked of is not. */
static const char *say_content(struct replay *r, const struct ctl_logline *line)
{
    struct aps_str path = target_of(r, line);
    struct aps_api_match match;

    if (is_described(r, line) && aps_api_below(&path, r->described.at) &&
        aps_api_find(r->described.api, aps_method_parse(line->method), path, &match) ==
            APS_API_FOUND)
        return apr_psprintf(r->pool,
                            "by %s: the line has neither query nor content to judge it anew",
                            ctl_described_operation(r->pool, match.operation));
    return "by a description: the line has neither query nor content to judge it anew";
}

/* Why the line cannot be judged, or NULL. */
static const char *obstacle(struct replay *r, const struct ctl_logline *line)
{
    if (is_of_content(line))
        return say_content(r, line);
    if (!can_be_judged(r, line))
        return apr_psprintf(r->pool, "%.*s is not judged here: the line does not tell enough",
                            APS_STR_ARG(line->reason));
    if (ctl_logline_is_cut(line->path))
        return "the path was cut in the line";
    if (ctl_logline_is_cut(line->key))
        return "the key's id was cut in the line";
    if (needs_no_caller(line))
        return NULL;
    if (line->path.n == 0 || line->path.p[0] != '/')
        return "the target is no path";
    if (line->key.n == 0 && line->roles == NULL && !is_open(r, line))
        return "the line names neither key nor roles";
    if (line->key.n == 0 && line->roles != NULL && ends_cut(r, line->roles))
        return "the roles were cut in the line";
    if (is_reason(line, APS_REASON_KEY_NETWORK) && ctl_logline_hides_address(line))
        return "the address in the line is not the whole one";
    return NULL;
}

static enum aps_err add_roles(struct replay *r, struct ctl_trial *t, struct outcome *o)
{
    const struct aps_jsonread_node *list = o->line.roles;
    enum aps_err err = APS_OK;

    for (const struct aps_jsonread_node *v = aps_jsonread_first(list);
         v < aps_jsonread_end(list) && err == APS_OK; v = aps_jsonread_next(v))
        err = ctl_trial_role(t, aps_jsonread_str(&r->reader, v), NULL);
    if (err == APS_ERR_NOT_FOUND)
        o->now = APS_REASON_ROLE_UNKNOWN;
    return err;
}

/* The secret that the line says was proved, or NULL where the store no longer knows it. */
static const struct aps_key_secret *proved(const struct aps_key *key, uint64_t version)
{
    if (version == 0)
        return &key->secret[0];
    for (size_t i = 0; i < 2; i++)
        if (key->secret[i].version == version)
            return &key->secret[i];
    return NULL;
}

/* Let the line's key, or its roles, ask.  NOT_FOUND: o->now says what today's answer is. */
static enum aps_err set_caller(struct replay *r, struct ctl_trial *t, struct outcome *o)
{
    enum aps_err err;

    t->nobody = t->open && o->line.roles == NULL && o->line.kv == 0; /* nothing was proved */
    if (t->nobody || needs_no_caller(&o->line))
        return APS_OK;
    if (o->line.key.n == 0)
        return add_roles(r, t, o);
    err = ctl_trial_key(t, o->line.key, NULL);
    if (err == APS_ERR_NOT_FOUND)
        o->now = APS_REASON_KEY_UNKNOWN;
    if (err != APS_OK)
        return err;
    t->secret = proved(&t->key, o->line.kv);
    if (t->secret != NULL)
        return APS_OK;
    o->now = APS_REASON_KEY_WRONG;
    return APS_ERR_NOT_FOUND;
}

/* Where the question stands.  The line has the name of the virtual host, which may be another one
 * than the client asked for. */
static void set_place(struct replay *r, struct ctl_trial *t, struct outcome *o)
{
    const struct ctl_logline *line = &o->line;

    if (!ctl_logline_hides_address(line))
        t->asked.address = aps_str_copy(r->pool, line->ip).p;
    else if (t->has_key && t->key.nnets > 0)
        o->note = "the address in the line is not the whole one: judged without the key's networks";
    if (line->host.n > 0 && !ctl_logline_is_cut(line->host))
        t->asked.host = aps_str_copy(r->pool, line->host).p;
}

static void compare(struct outcome *o)
{
    const struct ctl_logline *line = &o->line;
    bool host_now = o->now == APS_REASON_KEY_HOST;

    o->same = aps_str_eq(line->reason, aps_str(aps_reason_token(o->now))) ? SAME : DIFFERENT;
    if (o->same == DIFFERENT && (host_now || is_reason(line, APS_REASON_KEY_HOST))) {
        o->same = NOT_JUDGED;
        o->note = "the line has the virtual host's name, not the host that was asked for";
    }
}

/* Whether an older secret is let in that httpd may have ended by now. */
static bool hangs_on_first_use(const struct ctl_trial *t)
{
    return t->reason == APS_REASON_ALLOW && t->has_key && t->secret != &t->key.secret[0] &&
           t->secret->grace != 0;
}

static enum aps_err judge(struct replay *r, struct outcome *o)
{
    struct ctl_trial *t = apr_pcalloc(r->pool, sizeof *t);
    enum aps_err err;

    o->same = NOT_JUDGED;
    o->note = obstacle(r, &o->line);
    if (o->note != NULL)
        return APS_OK;
    t->pool = r->pool;
    t->copy = r->c->copy;
    t->now = r->c->now;
    t->asked.method = o->line.method;
    t->asked.target = target_of(r, &o->line);
    t->open = is_open(r, &o->line);
    if (is_described(r, &o->line))
        t->described = r->described;
    err = set_caller(r, t, o);
    if (err == APS_ERR_RANGE || err == APS_ERR_FORMAT) {
        o->note = "the line has more roles than a caller can have";
        return APS_OK;
    }
    if (err == APS_OK) {
        set_place(r, t, o);
        err = ctl_trial_judge(t, &r->c->diag);
        o->now = t->reason;
    } else if (err == APS_ERR_NOT_FOUND) {
        err = APS_OK; /* which is the answer */
    }
    if (err == APS_OK && hangs_on_first_use(t))
        o->note = "when the older secret ends hangs on the first use of the newer one";
    else if (err == APS_OK)
        compare(o);
    return err;
}

/* ---- The answer ---- */

static void show(struct replay *r, const struct outcome *o)
{
    struct ctl_out *out = r->c->out;
    bool judged = o->same == SAME || o->same == DIFFERENT;

    ctl_output_row(out);
    ctl_output_u64(out, "line", r->number);
    ctl_output_str(out, "method", o->line.method);
    ctl_output_str(out, "path", o->line.path);
    ctl_output_str(out, "key", o->line.key);
    ctl_output_str(out, "decision", o->line.decision);
    ctl_output_str(out, "reason", o->line.reason);
    ctl_output_str(out, "fault", o->line.fault);
    ctl_output_str(out, "now_decision",
                   aps_str(!judged                      ? NULL
                           : aps_reason_is_pass(o->now) ? "allow"
                                                        : "refuse"));
    ctl_output_str(out, "now_reason", aps_str(judged ? aps_reason_token(o->now) : NULL));
    if (judged)
        ctl_output_bool(out, "same", o->same == SAME);
    else
        ctl_output_null(out, "same");
    ctl_output_str(out, "note", aps_str(o->note));
    ctl_output_end(out);
    r->count[o->same]++;
}

static void show_bad(struct replay *r, const char *why)
{
    struct outcome o = {.same = BAD, .note = why};

    show(r, &o);
}

static enum aps_err take_line(struct replay *r, struct aps_str text)
{
    struct outcome o = {.now = APS_REASON_UNDECIDED};
    struct aps_diag why = {0};
    enum aps_err err = APS_OK;

    if (aps_str_trim(text).n == 0)
        return APS_OK;
    apr_pool_clear(r->pool);
    if (ctl_logline_read(&r->reader, text, &o.line, &why) != APS_OK)
        show_bad(r, why.text);
    else if ((err = judge(r, &o)) == APS_OK)
        show(r, &o);
    return err;
}

/* ---- The file ---- */

static enum aps_err read_all(struct replay *r, struct ctl_lines *lines, const char *path)
{
    struct ctl_progress progress;
    enum aps_err err = APS_OK;
    struct ctl_line line;

    ctl_progress_begin(&progress, "lines", 0);
    while (err == APS_OK && ctl_lines_next(lines, &line)) {
        r->number = line.number;
        if (line.number > LINES_MAX) {
            aps_err_explain(&r->c->diag, "%s has more than %d lines: give it in parts", path,
                            LINES_MAX);
            err = APS_ERR_RANGE;
        } else if (line.is_cut) {
            show_bad(r, "the line is longer than any of the log");
        } else {
            err = take_line(r, line.text);
        }
        ctl_progress_step(&progress, 1);
    }
    ctl_progress_end(&progress);
    return err != APS_OK ? err : ctl_lines_check(lines, &r->c->diag);
}

static enum aps_err init(struct replay *r, struct ctl *c)
{
    unsigned char key[APS_SIPHASH_KEY_LEN];
    enum aps_err err = aps_random_fill(key, sizeof key);

    if (err != APS_OK)
        return err;
    if (apr_pool_create(&r->pool, c->pool) != APR_SUCCESS)
        return APS_ERR_NOMEM;
    r->c = c;
    aps_jsonread_init(&r->reader, c->pool, key);
    return APS_OK;
}

static enum aps_err find_api(struct replay *r)
{
    return r->described.name.n == 0
               ? APS_OK
               : aps_snapshot_api(r->c->copy, r->described.name, &r->described.api, &r->c->diag);
}

enum aps_err ctl_replay(struct ctl *c, const char *path, const struct ctl_described *described,
                        bool open)
{
    struct replay r = {.described = *described, .open = open};
    struct ctl_lines *lines = NULL;
    enum aps_err err;

    r.described.unsent = true;
    if ((err = init(&r, c)) != APS_OK || (err = find_api(&r)) != APS_OK ||
        (err = ctl_lines_open(c->pool, path, LINE_MAX_BYTES, "a file of audit lines", &lines,
                              &c->diag)) != APS_OK)
        return err;
    ctl_output_row(c->out);
    ctl_output_table(c->out, "lines", "line method path key reason fault now_reason same note");
    err = read_all(&r, lines, path);
    ctl_output_end(c->out);
    ctl_output_u64(c->out, "same", r.count[SAME]);
    ctl_output_u64(c->out, "different", r.count[DIFFERENT]);
    ctl_output_u64(c->out, "not_judged", r.count[NOT_JUDGED]);
    ctl_output_u64(c->out, "bad", r.count[BAD]);
    ctl_output_end(c->out);
    if (err == APS_OK && r.count[DIFFERENT] + r.count[BAD] > 0)
        err = APS_ERR_CHECK;
    return err;
}
