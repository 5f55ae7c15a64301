/* import_row.c - a line of an import file -> the fields of a key.
 *
 * The core checks the values; here they get their types. */
#include "import_row.h"

#include <apr_strings.h>

#include "apisec/num.h"

struct reading {
    const struct ctl_import_row *row;
    aps_nsec now;
    apr_pool_t *pool;
    struct aps_key_change *to;
    struct aps_import_key *key;
    struct aps_diag *diag;
};

static struct aps_str value_of(const struct reading *r, enum ctl_import_field field)
{
    return r->row->nwords[field] != 0 ? r->row->words[field][0] : (struct aps_str){0};
}

static bool is_none(struct aps_str text)
{
    return aps_str_eq(text, APS_STR_LIT("none"));
}

/* A list as it is. */
static void take(struct reading *r, enum ctl_import_field field, const struct aps_str **out,
                 size_t *out_n)
{
    *out = r->row->words[field];
    *out_n = r->row->nwords[field];
}

static enum aps_err read_name(struct reading *r)
{
    r->to->to.name = value_of(r, CTL_IMPORT_NAME);
    if (r->to->to.name.n != 0)
        return APS_OK;
    aps_err_explain(r->diag, "is missing: every key has a name");
    return APS_ERR_FORMAT;
}

static enum aps_err read_key(struct reading *r)
{
    r->key->text = value_of(r, CTL_IMPORT_KEY);
    if ((r->key->text.n != 0) != (r->row->nwords[CTL_IMPORT_SHA256] != 0))
        return APS_OK;
    aps_err_explain(r->diag, "want either key or sha256");
    return APS_ERR_FORMAT;
}

static enum aps_err read_sha256(struct reading *r)
{
    struct aps_str text = value_of(r, CTL_IMPORT_SHA256);
    uint8_t *digest = apr_palloc(r->pool, APS_DIGEST_LEN);
    bool good = text.n == 2 * (size_t)APS_DIGEST_LEN;

    for (size_t i = 0; good && i < APS_DIGEST_LEN; i++) {
        int high = aps_num_hex(text.p[2 * i]), low = aps_num_hex(text.p[2 * i + 1]);

        good = high >= 0 && low >= 0;
        digest[i] = (uint8_t)(good ? high << 4 | low : 0);
    }
    if (!good) {
        aps_err_explain(r->diag, "a text of %zu bytes: want 64 hexadecimal digits", text.n);
        return APS_ERR_FORMAT;
    }
    r->key->digest = digest;
    return APS_OK;
}

static enum aps_err read_roles(struct reading *r)
{
    r->to->set |= APS_KEY_F_ROLES;
    take(r, CTL_IMPORT_ROLES, &r->to->to.roles, &r->to->to.nroles);
    if (r->to->to.nroles != 0 || aps_str_eq(value_of(r, CTL_IMPORT_DECOY), APS_STR_LIT("true")))
        return APS_OK;
    aps_err_explain(r->diag, "is missing: a key that is no decoy has at least one role");
    return APS_ERR_FORMAT;
}

static enum aps_err read_owner(struct reading *r)
{
    r->to->set |= APS_KEY_F_OWNER;
    r->to->to.owner = value_of(r, CTL_IMPORT_OWNER);
    if (is_none(r->to->to.owner))
        r->to->to.owner = (struct aps_str){0};
    return APS_OK;
}

static enum aps_err read_org(struct reading *r)
{
    r->to->set |= APS_KEY_F_ORG;
    r->to->to.org = value_of(r, CTL_IMPORT_ORG);
    if (is_none(r->to->to.org))
        r->to->to.org = (struct aps_str){0};
    return APS_OK;
}

static enum aps_err read_scopes(struct reading *r)
{
    r->to->set |= APS_KEY_F_SCOPES;
    take(r, CTL_IMPORT_SCOPES, &r->to->to.scopes, &r->to->to.nscopes);
    return APS_OK;
}

static enum aps_err read_expires(struct reading *r)
{
    r->to->set |= APS_KEY_F_EXPIRES;
    return aps_num_parse_time(value_of(r, CTL_IMPORT_EXPIRES), r->now, &r->to->to.expires_at,
                              r->diag);
}

static enum aps_err read_not_before(struct reading *r)
{
    struct aps_str text = value_of(r, CTL_IMPORT_NOT_BEFORE);

    if (is_none(text))
        return APS_OK;
    r->to->set |= APS_KEY_F_NOT_BEFORE;
    return aps_num_parse_time(text, r->now, &r->to->to.not_before, r->diag);
}

static enum aps_err read_limit(struct reading *r)
{
    struct aps_str text = value_of(r, CTL_IMPORT_LIMIT);
    enum aps_err err;

    if (is_none(text))
        return APS_OK;
    r->to->set |= APS_KEY_F_LIMIT;
    err = aps_num_parse_rate(text, &r->to->to.limit.rate, r->diag);
    r->to->to.limit.burst = r->to->to.limit.rate.count;
    return err;
}

static enum aps_err read_plan(struct reading *r)
{
    r->to->set |= APS_KEY_F_PLAN;
    r->to->to.plan = value_of(r, CTL_IMPORT_PLAN);
    if (is_none(r->to->to.plan))
        r->to->to.plan = (struct aps_str){0};
    return APS_OK;
}

static enum aps_err read_cidrs(struct reading *r)
{
    size_t n = r->row->nwords[CTL_IMPORT_CIDRS];
    struct aps_net *nets = apr_pcalloc(r->pool, (n + 1) * sizeof *nets);
    enum aps_err err = APS_OK;

    r->to->set |= APS_KEY_F_NETS;
    for (size_t i = 0; i < n && err == APS_OK; i++)
        err = aps_net_parse(r->row->words[CTL_IMPORT_CIDRS][i], &nets[i], r->diag);
    r->to->to.nets = nets;
    r->to->to.nnets = n;
    return err;
}

static enum aps_err read_hosts(struct reading *r)
{
    size_t n = r->row->nwords[CTL_IMPORT_HOSTS];
    struct aps_str *hosts = apr_palloc(r->pool, (n + 1) * sizeof *hosts);

    for (size_t i = 0; i < n; i++) {
        struct aps_str word = r->row->words[CTL_IMPORT_HOSTS][i];
        char *lower = apr_pstrmemdup(r->pool, word.p, word.n);

        for (size_t k = 0; k < word.n; k++)
            if (lower[k] >= 'A' && lower[k] <= 'Z')
                lower[k] = (char)(lower[k] - 'A' + 'a');
        hosts[i] = (struct aps_str){lower, word.n};
    }
    r->to->set |= APS_KEY_F_HOSTS;
    r->to->to.hosts = hosts;
    r->to->to.nhosts = n;
    return APS_OK;
}

static enum aps_err read_decoy(struct reading *r)
{
    struct aps_str text = value_of(r, CTL_IMPORT_DECOY);

    r->to->to.decoy = aps_str_eq(text, APS_STR_LIT("true"));
    if (r->to->to.decoy || aps_str_eq(text, APS_STR_LIT("false")))
        return APS_OK;
    aps_err_explain(r->diag, "\"%.*s\": want true or false", APS_STR_SHOW(text));
    return APS_ERR_FORMAT;
}

static const struct {
    enum aps_err (*read)(struct reading *r);
    bool always; /* also where nothing is given */
} readers[CTL_IMPORT_COUNT] = {
    [CTL_IMPORT_NAME] = {read_name, true},
    [CTL_IMPORT_KEY] = {read_key, true},
    [CTL_IMPORT_SHA256] = {read_sha256, false},
    [CTL_IMPORT_ROLES] = {read_roles, true},
    [CTL_IMPORT_OWNER] = {read_owner, false},
    [CTL_IMPORT_ORG] = {read_org, false},
    [CTL_IMPORT_SCOPES] = {read_scopes, false},
    [CTL_IMPORT_EXPIRES] = {read_expires, false},
    [CTL_IMPORT_NOT_BEFORE] = {read_not_before, false},
    [CTL_IMPORT_LIMIT] = {read_limit, false},
    [CTL_IMPORT_PLAN] = {read_plan, false},
    [CTL_IMPORT_CIDRS] = {read_cidrs, false},
    [CTL_IMPORT_HOSTS] = {read_hosts, false},
    [CTL_IMPORT_DECOY] = {read_decoy, false},
};

bool ctl_import_row_read(const struct ctl_import_row *row, aps_nsec now, apr_pool_t *pool,
                         struct aps_key_change *out, struct aps_import_key *out_key,
                         ctl_import_row_fault_fn fault, void *arg)
{
    struct aps_diag diag;
    struct reading r = {row, now, pool, out, out_key, &diag};
    bool good = true;

    *out = (struct aps_key_change){.set = APS_KEY_F_NAME};
    *out_key = (struct aps_import_key){.line = row->line, .fields = out};
    for (int i = 0; i < CTL_IMPORT_COUNT; i++) {
        enum aps_err err;

        if (!readers[i].always && row->nwords[i] == 0)
            continue;
        diag.text[0] = '\0';
        if ((err = readers[i].read(&r)) == APS_OK)
            continue;
        fault(arg, (enum ctl_import_field)i, err, &diag);
        good = false;
    }
    return good;
}
