/* change.c - the options of `key create` and `key set` -> fields of a key. */
#include "change.h"

#include <apr_strings.h>
#include <stdlib.h>

#include "apisec/num.h"
#include "edit.h"
#include "limitlist.h"

static enum aps_err canon_host(apr_pool_t *pool, struct aps_str word, struct aps_str *out,
                               struct aps_diag *diag)
{
    char *lower = apr_pstrmemdup(pool, word.p, word.n);

    (void)diag;
    for (size_t i = 0; i < word.n; i++)
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] - 'A' + 'a');
    *out = (struct aps_str){lower, word.n};
    return APS_OK;
}

static enum aps_err canon_net(apr_pool_t *pool, struct aps_str word, struct aps_str *out,
                              struct aps_diag *diag)
{
    char text[APS_NET_TEXT_MAX];
    struct aps_net net;
    enum aps_err err = aps_net_parse(word, &net, diag);

    if (err == APS_OK)
        *out = aps_str(apr_pstrdup(pool, aps_net_print(&net, text)));
    return err;
}

static enum aps_err edit_list(struct ctl *c, struct ctl_edit kind, const struct aps_str *old,
                              size_t nold, const struct aps_str **out, size_t *out_n)
{
    kind.noun = "key";
    kind.is_new = c->call.command->run == ctl_key_create;
    return ctl_edit(c, &kind, old, nold, out, out_n);
}

static const struct ctl_edit roles_kind = {.opt = CTL_OPT_ROLE, .what = "role"};
static const struct ctl_edit scopes_kind = {.opt = CTL_OPT_SCOPE, .what = "scope", .clears = true};
static const struct ctl_edit nets_kind = {
    .opt = CTL_OPT_CIDR, .what = "network", .clears = true, .canon = canon_net};
static const struct ctl_edit hosts_kind = {
    .opt = CTL_OPT_HOST, .what = "host", .clears = true, .canon = canon_host};

static enum aps_err edit_nets(struct ctl *c, const struct aps_key *old, struct aps_key *to)
{
    struct aps_str *before = apr_pcalloc(c->pool, (old->nnets + 1) * sizeof *before);
    const struct aps_str *after;
    char text[APS_NET_TEXT_MAX];
    struct aps_net *nets;
    enum aps_err err;
    size_t n;

    for (size_t i = 0; i < old->nnets; i++)
        before[i] = aps_str(apr_pstrdup(c->pool, aps_net_print(&old->nets[i], text)));
    if ((err = edit_list(c, nets_kind, before, old->nnets, &after, &n)) != APS_OK)
        return err;
    nets = apr_pcalloc(c->pool, (n + 1) * sizeof *nets);
    for (size_t i = 0; i < n && err == APS_OK; i++)
        err = aps_net_parse(after[i], &nets[i], &c->diag);
    to->nets = nets;
    to->nnets = n;
    return err;
}

static enum aps_err read_lists(struct ctl *c, const struct aps_key *old, struct aps_key_change *ch)
{
    apr_array_header_t *const *values = c->call.values;
    enum aps_err err = APS_OK;

    if (values[CTL_OPT_ROLE] != NULL) {
        ch->set |= APS_KEY_F_ROLES;
        err = edit_list(c, roles_kind, old->roles, old->nroles, &ch->to.roles, &ch->to.nroles);
    }
    if (err == APS_OK && values[CTL_OPT_SCOPE] != NULL) {
        ch->set |= APS_KEY_F_SCOPES;
        err = edit_list(c, scopes_kind, old->scopes, old->nscopes, &ch->to.scopes, &ch->to.nscopes);
    }
    if (err == APS_OK && values[CTL_OPT_HOST] != NULL) {
        ch->set |= APS_KEY_F_HOSTS;
        err = edit_list(c, hosts_kind, old->hosts, old->nhosts, &ch->to.hosts, &ch->to.nhosts);
    }
    if (err == APS_OK && values[CTL_OPT_CIDR] != NULL) {
        ch->set |= APS_KEY_F_NETS;
        err = edit_nets(c, old, &ch->to);
    }
    return err;
}

/* The option's value, or NULL; *out_none tells that it is `none`. */
static const char *value_or_none(struct ctl *c, enum ctl_opt opt, bool *out_none)
{
    const char *value = ctl_command_value(&c->call, opt);

    *out_none = value != NULL && strcmp(value, "none") == 0;
    return value;
}

static enum aps_err read_times(struct ctl *c, struct aps_key_change *ch)
{
    const char *expires = ctl_command_value(&c->call, CTL_OPT_EXPIRES);
    enum aps_err err = APS_OK;
    const char *text;
    bool none;

    if (expires != NULL) {
        ch->set |= APS_KEY_F_EXPIRES;
        err = aps_num_parse_time(aps_str(expires), c->now, &ch->to.expires_at, &c->diag);
    }
    text = value_or_none(c, CTL_OPT_NOT_BEFORE, &none);
    if (err == APS_OK && text != NULL) {
        ch->set |= APS_KEY_F_NOT_BEFORE;
        if (!none)
            err = aps_num_parse_time(aps_str(text), c->now, &ch->to.not_before, &c->diag);
    }
    return err;
}

/* A text that `none` takes away. */
static enum aps_err read_text(struct ctl *c, enum ctl_opt opt, unsigned bit,
                              struct aps_key_change *ch, struct aps_str *out)
{
    bool none;
    const char *text = value_or_none(c, opt, &none);

    if (text == NULL)
        return APS_OK;
    if (text[0] == '\0') {
        aps_err_explain(&c->diag, "%s is empty: want a name, or none",
                        ctl_command_options[opt].name);
        return APS_ERR_FORMAT;
    }
    ch->set |= bit;
    *out = none ? (struct aps_str){0} : aps_str(text);
    return APS_OK;
}

static enum aps_err read_scalars(struct ctl *c, struct aps_key_change *ch)
{
    const char *name = ctl_command_value(&c->call, CTL_OPT_NAME);
    enum aps_err err = APS_OK;
    const char *text;
    bool none;

    if (name != NULL) {
        ch->set |= APS_KEY_F_NAME;
        ch->to.name = aps_str(name);
    }
    if ((err = read_text(c, CTL_OPT_OWNER, APS_KEY_F_OWNER, ch, &ch->to.owner)) != APS_OK)
        return err;
    if ((err = read_text(c, CTL_OPT_ORG, APS_KEY_F_ORG, ch, &ch->to.org)) != APS_OK ||
        (err = read_text(c, CTL_OPT_PLAN, APS_KEY_F_PLAN, ch, &ch->to.plan)) != APS_OK)
        return err;
    text = value_or_none(c, CTL_OPT_LIMIT, &none);
    if (text != NULL) {
        ch->set |= APS_KEY_F_LIMIT;
        if (!none)
            err = aps_num_parse_rate(aps_str(text), &ch->to.limit.rate, &c->diag);
        ch->to.limit.burst = ch->to.limit.rate.count;
    }
    return err;
}

/* Which of the texts is of this name, or `n`. */
static size_t find_limit(const struct aps_str *texts, size_t n, struct aps_str name)
{
    size_t i = 0;

    while (i < n && !aps_str_eq(ctl_limitlist_name(texts[i]), name))
        i++;
    return i;
}

static enum aps_err drop_overrides(struct ctl *c, const struct ctl_limitlist *list,
                                   struct aps_str *texts, size_t *n)
{
    for (size_t i = 0; i < list->ndrop; i++) {
        size_t at = find_limit(texts, *n, list->drop[i]);

        if (at == *n) {
            aps_err_explain(&c->diag,
                            "key \"%s\" has no override \"%.*s\" to take away; see apisecctl key "
                            "show %s",
                            c->call.arg[0], APS_STR_ARG(list->drop[i]), c->call.arg[0]);
            return APS_ERR_NOT_FOUND;
        }
        texts[at] = texts[--*n];
    }
    return APS_OK;
}

/* Those of the key, less what is taken away, and each that is put in place of the one of its name.
 */
static enum aps_err read_overrides(struct ctl *c, const struct aps_key *old,
                                   struct aps_key_change *ch)
{
    bool is_new = c->call.command->run == ctl_key_create;
    struct ctl_limitlist list;
    struct aps_str *texts;
    size_t n = 0;
    enum aps_err err = ctl_limitlist_read(c, CTL_OPT_OVERRIDE, is_new, &list);

    if (err != APS_OK || c->call.values[CTL_OPT_OVERRIDE] == NULL)
        return err;
    texts = apr_pcalloc(c->pool, (old->noverrides + list.nput + 1) * sizeof *texts);
    for (size_t i = 0; !list.none && i < old->noverrides; i++)
        if (find_limit(list.put, list.nput, ctl_limitlist_name(old->overrides[i])) == list.nput)
            texts[n++] = old->overrides[i];
    if ((err = drop_overrides(c, &list, texts, &n)) != APS_OK)
        return err;
    /* One that is given twice the store tells. */
    for (size_t i = 0; i < list.nput; i++)
        texts[n++] = list.put[i];
    ch->set |= APS_KEY_F_OVERRIDES;
    ch->to.overrides = texts;
    ch->to.noverrides = n;
    return APS_OK;
}

enum aps_err ctl_change_read(struct ctl *c, const struct aps_key *old, struct aps_key_change *out)
{
    enum aps_err err;

    if ((err = read_scalars(c, out)) != APS_OK || (err = read_times(c, out)) != APS_OK ||
        (err = read_overrides(c, old, out)) != APS_OK)
        return err;
    return read_lists(c, old, out);
}
