/* cmd_key.c - API keys: their life and their limits. */
#include <apr_strings.h>
#include <stdlib.h>

#include "apisec/num.h"
#include "ctl.h"

static struct aps_str ref(const struct ctl *c)
{
    return aps_str(c->call.arg[0]);
}

static bool is_dry_run(const struct ctl *c)
{
    return c->call.values[CTL_OPT_DRY_RUN] != NULL;
}

/* ---- A record as it is printed ---- */

/* What `show` says; a key whose life is over works no more than a revoked one. */
static const char *status_of(const struct ctl *c, const struct aps_key *key)
{
    return key->status == APS_KEY_ACTIVE && key->expires_at <= c->now
               ? "expired"
               : aps_key_status_name(key->status);
}

static void show_nets(struct ctl *c, const struct aps_key *key)
{
    struct aps_str *texts = apr_pcalloc(c->pool, (key->nnets + 1) * sizeof *texts);
    char text[APS_NET_TEXT_MAX];

    for (size_t i = 0; i < key->nnets; i++)
        texts[i] = aps_str(apr_pstrdup(c->pool, aps_net_print(&key->nets[i], text)));
    ctl_output_list(c->out, "cidrs", texts, key->nnets);
}

static void show_limit(struct ctl *c, const struct aps_key_limit *limit)
{
    char text[APS_NUM_RATE_MAX];

    ctl_output_str(c->out, "limit",
                   aps_str(limit->rate.count != 0 ? aps_num_print_rate(limit->rate, text) : NULL));
}

/* When the secret before the newest one ends; 0 where none is in force. */
static aps_nsec old_until(const struct ctl *c, const struct aps_key *key)
{
    const struct aps_key_secret *old = &key->secret[1];

    return key->status == APS_KEY_ACTIVE && old->version != 0 && old->closes_at > c->now
               ? old->closes_at
               : 0;
}

/* A row; with the text of a fresh key where c->fresh holds one. */
static void show_key(struct ctl *c, const struct aps_key *key)
{
    ctl_output_row(c->out);
    ctl_output_str(c->out, "id", key->id);
    ctl_output_str(c->out, "name", key->name);
    if (c->fresh.n > 0)
        ctl_output_secret(c->out, "key", &c->fresh);
    ctl_output_str(c->out, "owner", key->owner);
    ctl_output_str(c->out, "status", aps_str(status_of(c, key)));
    ctl_output_time(c->out, "created_at", key->created_at);
    ctl_output_time(c->out, "not_before", key->not_before);
    ctl_output_time(c->out, "expires_at", key->expires_at);
    ctl_output_time(c->out, "revoked_at", key->revoked_at);
    ctl_output_str(c->out, "revoke_reason", key->revoke_reason);
    ctl_output_list(c->out, "roles", key->roles, key->nroles);
    ctl_output_list(c->out, "scopes", key->scopes, key->nscopes);
    show_nets(c, key);
    ctl_output_list(c->out, "hosts", key->hosts, key->nhosts);
    show_limit(c, &key->limit);
    ctl_output_u64(c->out, "kv", key->secret[0].version);
    ctl_output_time(c->out, "old_valid_until", old_until(c, key));
    if (is_dry_run(c))
        ctl_output_bool(c->out, "dry_run", true);
    ctl_output_end(c->out);
}

static enum aps_err show_stored(struct ctl *c, struct aps_str name)
{
    struct aps_key key;
    enum aps_err err = aps_store_key_get(c->store, name, c->pool, &key, &c->diag);

    if (err == APS_OK)
        show_key(c, &key);
    return err;
}

/* ---- Options -> fields ---- */

/* One list of a key: how a word of it is read, and what it is called. */
struct list_kind {
    enum ctl_opt opt;
    const char *what;
    bool clears; /* `none` empties it */
    /* The word in the form in which two that mean the same are equal. */
    enum aps_err (*canon)(apr_pool_t *pool, struct aps_str word, struct aps_str *out,
                          struct aps_diag *diag);
};

static enum aps_err canon_plain(apr_pool_t *pool, struct aps_str word, struct aps_str *out,
                                struct aps_diag *diag)
{
    (void)pool;
    (void)diag;
    *out = word;
    return APS_OK;
}

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

static const struct list_kind roles_kind = {CTL_OPT_ROLE, "role", false, canon_plain};
static const struct list_kind scopes_kind = {CTL_OPT_SCOPE, "scope", true, canon_plain};
static const struct list_kind nets_kind = {CTL_OPT_CIDR, "network", true, canon_net};
static const struct list_kind hosts_kind = {CTL_OPT_HOST, "host", true, canon_host};

/* A list that is being edited. */
struct list {
    apr_array_header_t *items; /* of struct aps_str */
};

static int find_item(const struct list *list, struct aps_str item)
{
    for (int i = 0; i < list->items->nelts; i++)
        if (aps_str_eq(APR_ARRAY_IDX(list->items, i, struct aps_str), item))
            return i;
    return -1;
}

static enum aps_err remove_item(struct ctl *c, const struct list_kind *kind, struct list *list,
                                struct aps_str item)
{
    int i = find_item(list, item);

    if (i < 0) {
        aps_err_explain(&c->diag, "key \"%s\" has no %s \"%.*s\" to take away", c->call.arg[0],
                        kind->what, APS_STR_ARG(item));
        return APS_ERR_NOT_FOUND;
    }
    APR_ARRAY_IDX(list->items, i, struct aps_str) =
        APR_ARRAY_IDX(list->items, list->items->nelts - 1, struct aps_str);
    list->items->nelts--;
    return APS_OK;
}

/* '+', '-', or 0 for a plain word. */
static char sign_of(struct aps_str word)
{
    return word.n > 0 && (word.p[0] == '+' || word.p[0] == '-') ? word.p[0] : '\0';
}

static enum aps_err edit_word(struct ctl *c, const struct list_kind *kind, struct list *list,
                              struct aps_str word)
{
    const char *name = ctl_command_options[kind->opt].name;
    char sign = sign_of(word);
    struct aps_str item;
    enum aps_err err;

    if (sign != '\0') {
        word.p++;
        word.n--;
    }
    if (word.n == 0) {
        aps_err_explain(&c->diag, "%s: an empty word: want names with commas between", name);
        return APS_ERR_FORMAT;
    }
    if ((err = kind->canon(c->pool, word, &item, &c->diag)) != APS_OK)
        return err;
    if (sign == '-')
        return remove_item(c, kind, list, item);
    if (find_item(list, item) < 0)
        APR_ARRAY_PUSH(list->items, struct aps_str) = item;
    return APS_OK;
}

/* The option's words: each value may hold several with commas between. */
static apr_array_header_t *words_of(struct ctl *c, enum ctl_opt opt)
{
    apr_array_header_t *words = apr_array_make(c->pool, 8, sizeof(struct aps_str));
    const apr_array_header_t *values = c->call.values[opt];

    for (int i = 0; i < values->nelts; i++) {
        struct aps_str rest = aps_str(APR_ARRAY_IDX(values, i, const char *));
        struct aps_str word = {0};

        do {
            aps_str_next(&rest, ',', &word);
            APR_ARRAY_PUSH(words, struct aps_str) = word;
        } while (rest.n > 0);
    }
    return words;
}

static int compare_str(const void *a, const void *b)
{
    const struct aps_str *x = a;
    const struct aps_str *y = b;
    int order = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

    return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

/* Plain words make the list new, +word and -word change `old`. */
static enum aps_err edit_list(struct ctl *c, const struct list_kind *kind,
                              const struct aps_str *old, size_t nold, const struct aps_str **out,
                              size_t *out_n)
{
    struct list list = {apr_array_make(c->pool, 8, sizeof(struct aps_str))};
    apr_array_header_t *words = words_of(c, kind->opt);
    bool edits = sign_of(APR_ARRAY_IDX(words, 0, struct aps_str)) != '\0';
    bool clears = kind->clears && words->nelts == 1 &&
                  aps_str_eq(APR_ARRAY_IDX(words, 0, struct aps_str), APS_STR_LIT("none"));
    enum aps_err err = APS_OK;

    for (size_t i = 0; edits && i < nold; i++)
        APR_ARRAY_PUSH(list.items, struct aps_str) = old[i];
    for (int i = 0; !clears && i < words->nelts && err == APS_OK; i++) {
        struct aps_str word = APR_ARRAY_IDX(words, i, struct aps_str);

        if (edits && c->call.command->run == ctl_key_create) {
            aps_err_explain(&c->diag, "%s \"%.*s\": a new key has nothing to add to or take from",
                            ctl_command_options[kind->opt].name, APS_STR_ARG(word));
            return APS_ERR_FORMAT;
        }
        if ((sign_of(word) != '\0') != edits) {
            aps_err_explain(&c->diag,
                            "%s: want either +WORD and -WORD, or plain words for the whole list",
                            ctl_command_options[kind->opt].name);
            return APS_ERR_FORMAT;
        }
        err = edit_word(c, kind, &list, word);
    }
    if (err != APS_OK)
        return err;
    qsort(list.items->elts, (size_t)list.items->nelts, sizeof(struct aps_str), compare_str);
    *out = (const struct aps_str *)(const void *)list.items->elts;
    *out_n = (size_t)list.items->nelts;
    return APS_OK;
}

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
    if ((err = edit_list(c, &nets_kind, before, old->nnets, &after, &n)) != APS_OK)
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
        err = edit_list(c, &roles_kind, old->roles, old->nroles, &ch->to.roles, &ch->to.nroles);
    }
    if (err == APS_OK && values[CTL_OPT_SCOPE] != NULL) {
        ch->set |= APS_KEY_F_SCOPES;
        err =
            edit_list(c, &scopes_kind, old->scopes, old->nscopes, &ch->to.scopes, &ch->to.nscopes);
    }
    if (err == APS_OK && values[CTL_OPT_HOST] != NULL) {
        ch->set |= APS_KEY_F_HOSTS;
        err = edit_list(c, &hosts_kind, old->hosts, old->nhosts, &ch->to.hosts, &ch->to.nhosts);
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
    text = value_or_none(c, CTL_OPT_OWNER, &none);
    if (text != NULL) {
        if (text[0] == '\0') {
            aps_err_explain(&c->diag, "--owner is empty: want a name, or none for nobody");
            return APS_ERR_FORMAT;
        }
        ch->set |= APS_KEY_F_OWNER;
        ch->to.owner = none ? (struct aps_str){0} : aps_str(text);
    }
    text = value_or_none(c, CTL_OPT_LIMIT, &none);
    if (text != NULL) {
        ch->set |= APS_KEY_F_LIMIT;
        if (!none)
            err = aps_num_parse_rate(aps_str(text), &ch->to.limit.rate, &c->diag);
        ch->to.limit.burst = ch->to.limit.rate.count;
    }
    return err;
}

/* Every field that an option names; +word and -word change what `old` has. */
static enum aps_err read_change(struct ctl *c, const struct aps_key *old, struct aps_key_change *ch)
{
    enum aps_err err;

    if ((err = read_scalars(c, ch)) != APS_OK || (err = read_times(c, ch)) != APS_OK)
        return err;
    return read_lists(c, old, ch);
}

/* ---- The commands ---- */

enum aps_err ctl_key_create(struct ctl *c)
{
    struct aps_key_change change = {.set = APS_KEY_F_NAME, .to.name = ref(c)};
    struct aps_key none = {0};
    struct aps_key key;
    enum aps_err err;

    if ((err = read_change(c, &none, &change)) != APS_OK ||
        (err = aps_store_key_create(c->store, &change, c->pool, &key, &c->fresh, &c->diag)) !=
            APS_OK)
        return err;
    c->fresh_id = apr_pstrmemdup(c->pool, key.id.p, key.id.n);
    show_key(c, &key);
    return APS_OK;
}

enum aps_err ctl_key_set(struct ctl *c)
{
    struct aps_key_change change = {0};
    struct aps_key key;
    enum aps_err err;

    if ((err = aps_store_key_get(c->store, ref(c), c->pool, &key, &c->diag)) != APS_OK ||
        (err = read_change(c, &key, &change)) != APS_OK)
        return err;
    if (change.set == 0) {
        aps_err_explain(&c->diag, "nothing to set; usage: apisecctl %s", c->call.command->usage);
        return APS_ERR_USAGE;
    }
    if ((err = aps_store_key_set(c->store, key.id, &change, &c->diag)) != APS_OK)
        return err;
    return show_stored(c, key.id);
}

static enum aps_err show_each(void *arg, const struct aps_key *key)
{
    show_key(arg, key);
    return APS_OK;
}

enum aps_err ctl_key_list(struct ctl *c)
{
    enum aps_err err;

    ctl_output_table(c->out, NULL, "id name owner status roles limit expires_at");
    err = aps_store_key_each(c->store, show_each, c, &c->diag);
    ctl_output_end(c->out);
    return err;
}

enum aps_err ctl_key_show(struct ctl *c)
{
    return show_stored(c, ref(c));
}

/* "0" and "none": the old secret ends at once. */
static enum aps_err read_overlap(struct ctl *c, aps_nsec *out)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_OVERLAP);

    *out = APS_KEY_OVERLAP_DEFAULT;
    if (text == NULL)
        return APS_OK;
    *out = 0;
    if (strcmp(text, "0") == 0 || strcmp(text, "0s") == 0 || strcmp(text, "none") == 0)
        return APS_OK;
    return aps_num_parse_duration(aps_str(text), out, &c->diag);
}

enum aps_err ctl_key_rotate(struct ctl *c)
{
    struct aps_key key;
    aps_nsec overlap;
    enum aps_err err;

    if ((err = read_overlap(c, &overlap)) != APS_OK ||
        (err = aps_store_key_rotate(c->store, ref(c), overlap, c->pool, &key, &c->fresh,
                                    &c->diag)) != APS_OK)
        return err;
    if (is_dry_run(c))
        aps_secret_wipe(&c->fresh); /* a text that is not stored is of no use to anybody */
    else
        c->fresh_id = apr_pstrmemdup(c->pool, key.id.p, key.id.n);
    show_key(c, &key);
    return APS_OK;
}

enum aps_err ctl_key_revoke(struct ctl *c)
{
    const char *reason = ctl_command_value(&c->call, CTL_OPT_REASON);
    enum aps_err err = aps_store_key_revoke(c->store, ref(c), aps_str(reason), &c->diag);

    return err != APS_OK ? err : show_stored(c, ref(c));
}

enum aps_err ctl_key_delete(struct ctl *c)
{
    struct aps_key key;
    enum aps_err err;

    if ((err = aps_store_key_get(c->store, ref(c), c->pool, &key, &c->diag)) != APS_OK ||
        (err = aps_store_key_delete(c->store, key.id, &c->diag)) != APS_OK)
        return err;
    ctl_output_row(c->out);
    ctl_output_str(c->out, "id", key.id);
    ctl_output_str(c->out, "name", key.name);
    ctl_output_bool(c->out, is_dry_run(c) ? "dry_run" : "deleted", true);
    ctl_output_end(c->out);
    return APS_OK;
}
