/* cmd_secret.c - secrets that httpd gives to handlers and backends: in unseen, out for a reason. */
#include <apr_strings.h>

#include "apisec/num.h"
#include "ctl.h"
#include "ended.h"
#include "due.h"
#include "newsecret.h"
#include "overlap.h"

static struct aps_str ref(const struct ctl *c)
{
    return aps_str(c->call.arg[0]);
}

/* ---- As it is printed ---- */

/* What is known of one beside what was set. */
struct facts {
    const struct aps_store_secret *v;
    size_t n, live;
    aps_nsec newest; /* when the last value came; 0: there is none */
    aps_nsec old_at; /* when it gets too old; 0: never */
};

/* When a version ends, by its age as well; 0: never. */
static aps_nsec end_of(const struct aps_store_named *named, const struct aps_store_secret *v)
{
    const aps_nsec old_at = v->created_at + named->max_age;

    if (!named->refuse || named->max_age == 0)
        return v->until;
    return v->until == 0 || v->until > old_at ? old_at : v->until;
}

static bool is_live(const struct ctl *c, const struct aps_store_named *named,
                    const struct aps_store_secret *v)
{
    const aps_nsec end = end_of(named, v);

    return end == 0 || end > c->now;
}

static enum aps_err find_out(struct ctl *c, const struct aps_store_named *named, apr_pool_t *pool,
                             struct facts *out)
{
    struct facts f = {.n = 0};
    enum aps_err err = aps_store_secrets(c->store, named->name, pool, &f.v, &f.n, &c->diag);

    if (err != APS_OK)
        return err;
    for (size_t i = 0; i < f.n; i++)
        f.live += is_live(c, named, &f.v[i]) ? 1 : 0;
    if (f.n > 0)
        f.newest = f.v[f.n - 1].created_at;
    if (f.n > 0 && named->max_age != 0)
        f.old_at = f.newest + named->max_age;
    *out = f;
    return APS_OK;
}

/* In the largest unit that it has one of. */
static const char *age_of(const struct ctl *c, aps_nsec since, char text[APS_NUM_DURATION_MAX])
{
    static const aps_nsec units[] = {APS_DAY, APS_HOUR, APS_MINUTE, APS_SEC};
    const aps_nsec age = c->now > since ? c->now - since : 0;

    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (age >= units[i])
            return aps_num_print_duration(age - age % units[i], text);
    return "0s";
}

static const char *due_of(const struct ctl *c, const struct aps_store_named *named,
                          const struct facts *f)
{
    if (f->old_at == 0)
        return NULL;
    if (c->now >= f->old_at)
        return named->refuse ? "refused" : "overdue";
    return c->now >= f->old_at - named->warn ? "soon" : "later";
}

/* `webhook/pay` is the secret of webhook pay. */
static void show_name(struct ctl *c, struct aps_str name)
{
    const char *slash = memchr(name.p, '/', name.n);
    const size_t n = slash != NULL ? (size_t)(slash - name.p) : 0;
    const struct aps_str rest = {name.p + n + 1, slash != NULL ? name.n - n - 1 : 0};

    ctl_output_str(c->out, "name", slash != NULL ? rest : name);
    ctl_output_str(c->out, "of", (struct aps_str){name.p, n});
}

static void show_facts(struct ctl *c, const struct aps_store_named *named, const struct facts *f)
{
    const struct aps_store_age age = {named->max_age, named->warn};
    char text[APS_NUM_DURATION_MAX];

    ctl_due_show_role(c, &age);
    ctl_output_str(c->out, "on_expiry",
                   aps_str(named->max_age == 0 ? NULL
                           : named->refuse     ? "refuse"
                                               : "warn"));
    ctl_output_str(c->out, "age", aps_str(f->n > 0 ? age_of(c, f->newest, text) : NULL));
    ctl_output_time(c->out, "due_at", f->old_at);
    ctl_output_str(c->out, "due", aps_str(due_of(c, named, f)));
    ctl_output_time(c->out, "created_at", named->created_at);
}

static void show_versions(struct ctl *c, const struct aps_store_named *named, const struct facts *f)
{
    ctl_output_table(c->out, "versions", "version created_at until");
    for (size_t i = 0; i < f->n; i++) {
        if (!is_live(c, named, &f->v[i]))
            continue;
        ctl_output_row(c->out);
        ctl_output_u64(c->out, "version", f->v[i].version);
        ctl_output_time(c->out, "created_at", f->v[i].created_at);
        ctl_output_time(c->out, "until", end_of(named, &f->v[i]));
        ctl_output_end(c->out);
    }
    ctl_output_end(c->out);
}

/* The document; with the value where c->fresh holds one. */
static enum aps_err show_stored(struct ctl *c)
{
    struct aps_store_named named;
    struct facts f;
    enum aps_err err;

    if ((err = aps_store_named_get(c->store, ref(c), c->pool, &named, &c->diag)) != APS_OK ||
        (err = find_out(c, &named, c->pool, &f)) != APS_OK)
        return err;
    ctl_output_row(c->out);
    ctl_output_str(c->out, "name", named.name);
    if (c->fresh.n > 0)
        ctl_output_secret(c->out, "value", &c->fresh);
    show_facts(c, &named, &f);
    if (ctl_command_is_dry_run(&c->call))
        ctl_output_bool(c->out, "dry_run", true);
    show_versions(c, &named, &f);
    ctl_output_end(c->out);
    return APS_OK;
}

/* ---- Set and rotate ---- */

static enum aps_err read_expiry(struct ctl *c, bool *out_refuse)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_ON_EXPIRY);

    if (text == NULL)
        return APS_OK;
    *out_refuse = strcmp(text, "refuse") == 0;
    if (*out_refuse || strcmp(text, "warn") == 0)
        return APS_OK;
    aps_err_explain(&c->diag, "--on-expiry \"%s\": want warn or refuse", text);
    return APS_ERR_FORMAT;
}

/* What was set of one that is there stays, but for what is given. */
static enum aps_err read_age(struct ctl *c, struct aps_store_named *to)
{
    struct aps_diag missing = {{0}}; /* what is not there is made */
    enum aps_err err = aps_store_named_get(c->store, ref(c), c->pool, to, &missing);

    if (err != APS_OK && err != APS_ERR_NOT_FOUND) {
        aps_err_explain(&c->diag, "%s", aps_err_say(err, &missing));
        return err;
    }
    to->name = ref(c);
    if (c->call.values[CTL_OPT_MAX_AGE] != NULL) {
        if ((err = ctl_due_read(c, CTL_OPT_MAX_AGE, &to->max_age)) != APS_OK)
            return err;
        if (to->max_age == 0)
            to->warn = 0, to->refuse = false;
    }
    if (c->call.values[CTL_OPT_WARN] != NULL &&
        (err = ctl_due_read(c, CTL_OPT_WARN, &to->warn)) != APS_OK)
        return err;
    return read_expiry(c, &to->refuse);
}

/* A value that is not stored is of no use to anybody. */
static void note_fresh(struct ctl *c)
{
    if (ctl_command_is_dry_run(&c->call))
        aps_secret_wipe(&c->fresh);
    if (c->fresh.n == 0)
        return;
    c->fresh_of = apr_psprintf(c->pool, "secret %s", c->call.arg[0]);
    c->fresh_again =
        apr_psprintf(c->pool, "secret rotate %s --generate --overlap 0", c->call.arg[0]);
}

enum aps_err ctl_secret_set(struct ctl *c)
{
    struct aps_store_named to = {.max_age = 0};
    struct aps_secret hold = {0};
    struct aps_str value;
    enum aps_err err = read_age(c, &to);

    if (err != APS_OK)
        return err;
    if ((err = ctl_newsecret(c, CTL_NEWSECRET_VALUE, &hold, &value)) == APS_OK)
        err = aps_store_named_set(c->store, &to, value, &c->diag);
    aps_secret_wipe(&hold);
    if (err != APS_OK)
        return err;
    note_fresh(c);
    return show_stored(c);
}

enum aps_err ctl_secret_rotate(struct ctl *c)
{
    struct aps_store_named named;
    struct aps_secret hold = {0};
    struct aps_str value;
    aps_nsec overlap;
    enum aps_err err;

    if ((err = ctl_overlap_read(c, APS_KEY_OVERLAP_DEFAULT, &overlap)) != APS_OK ||
        (err = aps_store_named_get(c->store, ref(c), c->pool, &named, &c->diag)) != APS_OK)
        return err;
    if ((err = ctl_newsecret(c, CTL_NEWSECRET_VALUE, &hold, &value)) == APS_OK)
        err = aps_store_named_rotate(c->store, ref(c), value, overlap, &c->diag);
    aps_secret_wipe(&hold);
    if (err != APS_OK)
        return err;
    note_fresh(c);
    return show_stored(c);
}

/* ---- Show ---- */

enum { ESCAPED = 6 }; /* \u0000 */

/* The character at s.p as it stands between the quotes of JSON; people see those that would change
 * their terminal so, and no other.  Returns how many bytes of `out` that takes. */
static size_t escape(struct aps_str s, size_t n, uint32_t code, bool json, unsigned char *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;

    if (aps_str_is_control(code) && code <= 0xffff) {
        out[at++] = '\\';
        out[at++] = 'u';
        for (int shift = 12; shift >= 0; shift -= 4)
            out[at++] = (unsigned char)digits[code >> shift & 15];
        return at;
    }
    if (json && (code == '"' || code == '\\'))
        out[at++] = '\\';
    memcpy(out + at, s.p, n);
    return at + n;
}

static enum aps_err print_value(struct ctl *c, const struct aps_secret *value)
{
    struct aps_str rest = aps_secret_str(value);
    size_t n = 0;
    enum aps_err err = aps_secret_new(value->n * ESCAPED, &c->fresh);

    while (err == APS_OK && rest.n > 0) {
        uint32_t code = 0;
        const size_t one = aps_str_utf8_code(rest, &code);

        if (one == 0)
            return APS_ERR_CORRUPT; /* no other text is stored */
        n += escape(rest, one, code, ctl_output_is_json(c->out), c->fresh.b + n);
        rest.p += one;
        rest.n -= one;
    }
    c->fresh.n = n;
    return err;
}

static enum aps_err reveal(struct ctl *c)
{
    const char *reason = ctl_command_value(&c->call, CTL_OPT_REASON);
    struct aps_secret value = {0};
    enum aps_err err;

    if (reason == NULL) {
        aps_err_explain(&c->diag, "--reveal needs --reason TEXT: why, for the log of changes");
        return APS_ERR_USAGE;
    }
    err = aps_store_named_reveal(c->store, ref(c), aps_str(reason), &value, &c->diag);
    if (err == APS_OK)
        err = print_value(c, &value);
    aps_secret_wipe(&value);
    return err;
}

enum aps_err ctl_secret_show(struct ctl *c)
{
    enum aps_err err = APS_OK;

    if (c->call.values[CTL_OPT_REVEAL] != NULL)
        err = reveal(c);
    else if (c->call.values[CTL_OPT_REASON] != NULL) {
        aps_err_explain(&c->diag, "--reason is of --reveal: without that nothing is recorded");
        err = APS_ERR_USAGE;
    }
    return err == APS_OK ? show_stored(c) : err;
}

/* ---- List and delete ---- */

struct listing {
    struct ctl *c;
    apr_pool_t *pool; /* of one row */
};

static enum aps_err show_in_list(void *arg, const struct aps_store_named *named)
{
    struct listing *l = arg;
    struct ctl *c = l->c;
    struct facts f;
    enum aps_err err = find_out(c, named, l->pool, &f);

    if (err == APS_OK) {
        ctl_output_row(c->out);
        show_name(c, named->name);
        ctl_output_u64(c->out, "live", f.live);
        show_facts(c, named, &f);
        ctl_output_end(c->out);
    }
    apr_pool_clear(l->pool);
    return err;
}

enum aps_err ctl_secret_list(struct ctl *c)
{
    struct listing l = {c, NULL};
    enum aps_err err;

    if (apr_pool_create(&l.pool, c->pool) != APR_SUCCESS)
        return APS_ERR_NOMEM;
    ctl_output_table(c->out, NULL, "name of live age due max_age on_expiry");
    err = aps_store_named_each(c->store, show_in_list, &l, &c->diag);
    ctl_output_end(c->out);
    return err;
}

enum aps_err ctl_secret_delete(struct ctl *c)
{
    enum aps_err err = aps_store_named_delete(c->store, ref(c), &c->diag);

    if (err == APS_OK)
        ctl_ended(c, "name", ref(c), "deleted");
    return err;
}
