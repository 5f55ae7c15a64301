/* use.c - when, by which rule and from where secrets were last used. */
#include "use.h"

#include <apr_strings.h>

#include "apisec/lastuse.h"
#include "apisec/num.h"

/* Versions of a secret that are asked for, newest first: each rotation gives the one before an end,
 * so what lies further back is long closed. */
#define VERSIONS_MAX 64

static bool is_asked(const struct ctl *c, enum ctl_opt opt)
{
    return c->call.values[opt] != NULL;
}

/* ---- the state file ---- */

static enum aps_err read_cutoff(struct ctl *c)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_UNUSED);
    aps_nsec ago;
    enum aps_err err;

    if (text == NULL)
        return APS_OK;
    if ((err = aps_num_parse_duration(aps_str(text), &ago, &c->diag)) == APS_OK)
        c->use.cutoff = ago < c->now ? c->now - ago : 0;
    return err;
}

/* What is asked cannot be told without it. */
static enum aps_err fail(struct ctl *c, enum aps_err err, const char *why)
{
    aps_err_explain(&c->diag,
                    "%s needs what httpd has noted: %s; name its state file (ApiSecState) by "
                    "--state or $APISEC_STATE",
                    is_asked(c, CTL_OPT_UNUSED) ? "--unused" : "--rotating", why);
    return err;
}

enum aps_err ctl_use_open(struct ctl *c)
{
    bool needed = is_asked(c, CTL_OPT_UNUSED) || is_asked(c, CTL_OPT_ROTATING);
    struct aps_state *state = NULL;
    struct aps_diag why = {0};
    enum aps_err err = read_cutoff(c);

    if (err != APS_OK)
        return err;
    err = aps_state_attach(c->pool, c->place.state, &state, &why);
    if (err != APS_OK)
        return needed ? fail(c, err, aps_err_say(err, &why)) : APS_OK;
    if (aps_lastuse_is_kept(state)) {
        c->use.state = state;
        return APS_OK;
    }
    aps_state_close(state);
    if (!needed)
        return APS_OK;
    return fail(c, APS_ERR_CONFLICT,
                apr_psprintf(c->pool,
                             "%s keeps no last uses, since ApiSecLastUse is 0 (give it a number "
                             "and restart httpd)",
                             c->place.state));
}

enum aps_err ctl_use_check_kept(struct ctl *c)
{
    struct aps_state *state = NULL;
    bool kept = true;

    if (aps_state_attach(c->pool, c->place.state, &state, NULL) != APS_OK)
        return APS_OK; /* httpd may be elsewhere, or not started yet */
    kept = aps_lastuse_is_kept(state);
    aps_state_close(state);
    if (kept)
        return APS_OK;
    aps_err_explain(&c->diag,
                    "--until-used: httpd would not note the first use, since its ApiSecLastUse is "
                    "0 (state file %s): give it a number and restart httpd, or rotate by --overlap",
                    c->place.state);
    return APS_ERR_CONFLICT;
}

static enum aps_lastuse_found look(const struct ctl *c, const struct aps_key *key, uint32_t kv,
                                   struct aps_lastuse *out)
{
    const uint8_t *store;
    uint64_t tag;

    memset(out, 0, sizeof *out);
    if (c->use.state == NULL || kv == 0)
        return APS_LASTUSE_UNKNOWN;
    store = c->store != NULL ? aps_store_id(c->store) : aps_snapshot_store_id(c->copy);
    tag = aps_lastuse_tag(c->use.state, store, key->id, kv);
    return aps_lastuse_get(c->use.state, tag, c->now, out);
}

/* ---- the old secret ---- */

aps_nsec ctl_use_old_until(const struct ctl *c, const struct aps_key *key)
{
    const struct aps_key_secret *old = &key->secret[1];
    struct aps_lastuse newer = {.first = 0};
    aps_nsec ends;

    if (key->status != APS_KEY_ACTIVE || old->version == 0 || key->expires_at <= c->now)
        return 0;
    if (old->grace != 0)
        (void)look(c, key, key->secret[0].version, &newer); /* unknown: no first use */
    ends = aps_key_older_ends(old, newer.first);
    return ends > c->now ? ends : 0;
}

/* ---- keys that nobody uses ---- */

enum unused { USED, UNUSED, UNUSED_UNKNOWN };

/* A use within the hour of the cut-off counts. */
static enum unused judge_version(const struct ctl *c, const struct aps_key *key, uint32_t kv)
{
    struct aps_lastuse use;

    switch (look(c, key, kv, &use)) {
    case APS_LASTUSE_KNOWN:
        return use.last + APS_HOUR > c->use.cutoff ? USED : UNUSED;
    case APS_LASTUSE_NONE:
        return use.since > c->use.cutoff ? UNUSED_UNKNOWN : UNUSED;
    case APS_LASTUSE_UNKNOWN:
        break;
    }
    return UNUSED_UNKNOWN;
}

static enum unused judge_unused(const struct ctl *c, const struct aps_key *key)
{
    enum unused verdict = UNUSED;
    uint32_t newest = key->secret[0].version;

    if (key->status != APS_KEY_ACTIVE || key->expires_at <= c->now ||
        key->created_at > c->use.cutoff || key->decoy) /* bait is there to be unused */
        return USED;
    for (uint32_t i = 0; i < newest && i < VERSIONS_MAX; i++) {
        enum unused one = judge_version(c, key, newest - i);

        if (one == USED)
            return USED;
        if (one == UNUSED_UNKNOWN)
            verdict = UNUSED_UNKNOWN;
    }
    return verdict;
}

bool ctl_use_is_unused(const struct ctl *c, const struct aps_key *key)
{
    return judge_unused(c, key) == UNUSED;
}

bool ctl_use_is_wanted(const struct ctl *c, const struct aps_key *key)
{
    if (is_asked(c, CTL_OPT_UNUSED) && judge_unused(c, key) == USED)
        return false;
    return !is_asked(c, CTL_OPT_ROTATING) || ctl_use_old_until(c, key) != 0;
}

/* ---- fields ---- */

static void show_route(struct ctl *c, const char *name, const struct aps_lastuse *use)
{
    const char *text = NULL;

    if (use->has_what && use->route_n != 0)
        text = apr_pstrcat(c->pool, apr_pstrmemdup(c->pool, use->route, use->route_n),
                           use->is_cut ? "..." : "", NULL);
    ctl_output_str(c->out, name, aps_str(text));
}

static void show_net(struct ctl *c, const char *name, const struct aps_lastuse *use)
{
    char text[APS_NET_TEXT_MAX];

    ctl_output_str(c->out, name,
                   aps_str(use->has_what && use->has_net ? aps_net_print(&use->net, text) : NULL));
}

static void show_grace(struct ctl *c, const struct aps_key *key, bool is_open)
{
    char text[APS_NUM_DURATION_MAX];
    aps_nsec grace = is_open ? key->secret[1].grace : 0;

    ctl_output_str(c->out, "old_ends_after_first_use",
                   aps_str(grace != 0 ? aps_num_print_duration(grace, text) : NULL));
}

static void show_unused(struct ctl *c, const struct aps_key *key)
{
    struct aps_lastuse use;

    (void)look(c, key, key->secret[0].version, &use); /* `since` is what is asked */
    ctl_output_str(c->out, "unused",
                   judge_unused(c, key) == UNUSED ? APS_STR_LIT("yes") : APS_STR_LIT("unknown"));
    ctl_output_time(c->out, "known_since", use.since);
}

void ctl_use_show(struct ctl *c, const struct aps_key *key)
{
    aps_nsec until = ctl_use_old_until(c, key);
    struct aps_lastuse newest, old;

    (void)look(c, key, key->secret[0].version, &newest); /* unknown is shown as null */
    (void)look(c, key, until != 0 ? key->secret[1].version : 0, &old);
    ctl_output_time(c->out, "old_valid_until", until);
    show_grace(c, key, until != 0);
    ctl_output_time(c->out, "last_used_at", newest.last);
    show_route(c, "last_route", &newest);
    show_net(c, "last_address", &newest);
    ctl_output_time(c->out, "old_last_used_at", old.last);
    show_route(c, "old_last_route", &old);
    show_net(c, "old_last_address", &old);
    if (is_asked(c, CTL_OPT_UNUSED))
        show_unused(c, key);
}
