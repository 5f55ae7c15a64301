/* cmd_key_list.c - the keys, or some of them, a page at a time.
 *
 * A list may be longer than what is to be held in memory, and than a writer may be kept waiting. So
 * it is read page by page, and where there is more than one page each is written before the next is
 * read.  A list that fits in one page is printed as a whole or not at all. */
#include <apr_strings.h>
#include <unistd.h>

#include "apisec/num.h"
#include "ctl.h"
#include "due.h"
#include "use.h"

enum { PAGE = 4096, MAX = 1000000 };

static const struct {
    const char *name;
    enum aps_store_key_state state;
} states[] = {
    {"active", APS_STORE_KEY_ACTIVE},
    {"revoked", APS_STORE_KEY_REVOKED},
    {"expired", APS_STORE_KEY_EXPIRED},
};

static enum aps_err read_state(struct ctl *c, enum aps_store_key_state *out)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_STATUS);

    if (text == NULL)
        return APS_OK;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(text, states[i].name) == 0) {
            *out = states[i].state;
            return APS_OK;
        }
    aps_err_explain(&c->diag, "--status \"%s\": want active, revoked or expired", text);
    return APS_ERR_FORMAT;
}

/* A role that is not there is a slip: no key could have it. */
static enum aps_err read_role(struct ctl *c, struct aps_str *out)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_ROLE);
    const struct aps_str *parents;
    size_t n;

    if (text == NULL)
        return APS_OK;
    *out = aps_str(text);
    return aps_store_role_parents(c->store, *out, c->pool, &parents, &n, &c->diag);
}

/* As one of a plan is. */
static enum aps_err read_plan(struct ctl *c, struct aps_str *out)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_PLAN);
    struct aps_store_plan plan;

    if (text == NULL)
        return APS_OK;
    *out = aps_str(text);
    return aps_store_plan_get(c->store, *out, c->pool, &plan, &c->diag);
}

/* Letters of names and stars. */
static enum aps_err read_name(struct ctl *c, struct aps_str *out)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_NAME);

    if (text == NULL)
        return APS_OK;
    *out = aps_str(text);
    if (out->n > 0 && strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz._-*") == out->n)
        return APS_OK;
    aps_err_explain(&c->diag,
                    "--name \"%s\": want letters, digits and . _ - of a name, with * for any "
                    "characters",
                    text);
    return APS_ERR_FORMAT;
}

static enum aps_err read_pepper(struct ctl *c, uint32_t *out)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_PEPPER);
    struct aps_diag why = {""};
    uint64_t version = 0;

    if (text == NULL)
        return APS_OK;
    if (aps_num_parse(aps_str(text), 1, UINT32_MAX, &version, &why) != APS_OK) {
        aps_err_explain(&c->diag, "--pepper \"%s\": want a version of apisecctl pepper list", text);
        return APS_ERR_FORMAT;
    }
    *out = (uint32_t)version;
    return APS_OK;
}

static enum aps_err read_max(struct ctl *c, uint64_t *out)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_MAX);
    struct aps_diag why = {""};

    if (text == NULL || aps_num_parse(aps_str(text), 1, MAX, out, &why) == APS_OK)
        return APS_OK;
    aps_err_explain(&c->diag, "--max \"%s\": want 1 to %d", text, MAX);
    return APS_ERR_RANGE;
}

struct list {
    struct ctl *c;
    struct aps_store_key_filter filter;
    uint64_t left;  /* of --max */
    uint64_t shown; /* since the last flush */
    char last[256]; /* the last name that was read; names have 64 bytes at most */
    bool more;      /* keys pass the store's filter that come after it */
};

static enum aps_err read_filter(struct list *l)
{
    struct ctl *c = l->c;
    enum aps_err err;

    l->filter.after = aps_str(ctl_command_value(&c->call, CTL_OPT_AFTER));
    l->filter.owner = aps_str(ctl_command_value(&c->call, CTL_OPT_OWNER));
    l->filter.org = aps_str(ctl_command_value(&c->call, CTL_OPT_ORG));
    l->left = UINT64_MAX;
    if ((err = read_state(c, &l->filter.state)) != APS_OK ||
        (err = read_name(c, &l->filter.name)) != APS_OK ||
        (err = read_plan(c, &l->filter.plan)) != APS_OK ||
        (err = read_pepper(c, &l->filter.pepper)) != APS_OK ||
        (err = read_max(c, &l->left)) != APS_OK)
        return err;
    return read_role(c, &l->filter.role);
}

static enum aps_err show_each(void *arg, const struct aps_key *key)
{
    struct list *l = arg;

    (void)apr_snprintf(l->last, sizeof l->last, "%.*s", APS_STR_ARG(key->name));
    if (!ctl_use_is_wanted(l->c, key) || !ctl_due_is_wanted(l->c, key))
        return APS_OK;
    ctl_key_print(l->c, key);
    l->left--;
    l->shown++;
    return APS_OK;
}

static enum aps_err show_page(struct list *l)
{
    l->filter.max = l->left < PAGE ? l->left : PAGE;
    return aps_store_key_page(l->c->store, &l->filter, show_each, l, &l->more, &l->c->diag);
}

static enum aps_err show_pages(struct list *l)
{
    enum aps_err err = show_page(l);

    while (err == APS_OK && l->more && l->left > 0) {
        l->filter.after = aps_str_copy(l->c->pool, aps_str(l->last));
        if (l->shown > 0)
            err = ctl_output_flush(l->c->out, STDOUT_FILENO, &l->c->diag);
        l->shown = 0;
        if (err == APS_OK)
            err = show_page(l);
    }
    return err;
}

/* What people see: of keys that something is asked about, what makes the answer. */
static const char *columns_of(struct ctl *c)
{
    static const struct {
        enum ctl_opt opt;
        const char *columns;
    } asked[] = {
        {CTL_OPT_UNUSED, " created_at last_used_at unused known_since"},
        {CTL_OPT_ROTATING,
         " old_valid_until old_ends_after_first_use old_last_used_at old_last_route "
         "old_last_address"},
        {CTL_OPT_DUE, " roles due_at due"},
    };
    const char *columns = "id name owner";
    bool plain = true;

    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        if (c->call.values[asked[i].opt] == NULL)
            continue;
        columns = apr_pstrcat(c->pool, columns, asked[i].columns, NULL);
        plain = false;
    }
    return plain ? "id name owner status decoy roles limit expires_at" : columns;
}

enum aps_err ctl_key_list(struct ctl *c)
{
    struct list l = {.c = c};
    bool paged = ctl_command_value(&c->call, CTL_OPT_MAX) != NULL;
    bool is_object = paged && ctl_output_is_json(c->out);
    enum aps_err err;

    if ((err = read_filter(&l)) != APS_OK || (err = ctl_key_open(c)) != APS_OK)
        return err;
    if (is_object)
        ctl_output_row(c->out);
    ctl_output_table(c->out, is_object ? "keys" : NULL, columns_of(c));
    err = show_pages(&l);
    ctl_output_end(c->out);
    if (is_object) {
        ctl_output_str(c->out, "next", aps_str(l.more ? l.last : NULL));
        ctl_output_end(c->out);
    } else if (paged && l.more) {
        ctl_output_tail(c->out, "\nmore follow: --after %s goes on\n", l.last);
    }
    return err;
}
