/* identity.c - a key's record -> who calls, copied into one block. */
#include "identity.h"

#include "apisec/ownlimit.h"

/* Where the next bytes of the tail go: arrays first, then texts, so that all are aligned. */
_Static_assert(offsetof(struct aps_identity, key) == 0, "what follows it is cleared");

struct tail {
    char *p;
};

static void *take(struct tail *t, size_t n)
{
    void *p = t->p;

    t->p += n;
    return p;
}

/* A NUL-ended copy. */
static struct aps_str copy(struct tail *t, struct aps_str s)
{
    char *p = take(t, s.n + 1);

    if (s.n != 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (struct aps_str){p, s.n};
}

static void copy_list(struct tail *t, struct aps_str *to, const struct aps_str *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = copy(t, from[i]);
}

/* The names with single spaces between, NUL-ended. */
static const char *join(struct tail *t, const struct aps_str *names, size_t n)
{
    char *text = t->p, *p = text;

    for (size_t i = 0; i < n; i++) {
        if (i != 0)
            *p++ = ' ';
        memcpy(p, names[i].p, names[i].n);
        p += names[i].n;
    }
    *p++ = '\0';
    t->p = p;
    return text;
}

static struct aps_bearer *copy_bearer(struct tail *t, const struct aps_bearer *from)
{
    struct aps_bearer *to = take(t, sizeof *to);
    struct aps_str *amr = take(t, from->claims.amr.n * sizeof *amr);

    *to = *from;
    to->claims.amr.items = amr;
    return to;
}

/* A text that is missing stays so. */
static struct aps_str copy_known(struct tail *t, struct aps_str s)
{
    return s.p != NULL ? copy(t, s) : s;
}

/* Its texts, behind all that wants to be aligned. */
static void copy_bearer_texts(struct tail *t, const struct aps_bearer *from, struct aps_bearer *to)
{
    struct aps_claims *c = &to->claims;

    to->issuer = copy_known(t, from->issuer);
    c->iss = copy_known(t, from->claims.iss);
    c->sub = copy_known(t, from->claims.sub);
    c->client_id = copy_known(t, from->claims.client_id);
    c->jti = copy_known(t, from->claims.jti);
    c->acr = copy_known(t, from->claims.acr);
    copy_list(t, c->amr.items, from->claims.amr.items, from->claims.amr.n);
    c->roles = c->scopes = (struct aps_claimrule_list){NULL, 0}; /* the identity has them */
}

static size_t list_size(const struct aps_str *list, size_t n)
{
    size_t sum = n * sizeof *list;

    for (size_t i = 0; i < n; i++)
        sum += list[i].n + 1;
    return sum;
}

static size_t bearer_size(const struct aps_bearer *b)
{
    const struct aps_claims *c = &b->claims;

    return sizeof *b + list_size(c->amr.items, c->amr.n) + b->issuer.n + c->iss.n + c->sub.n +
           c->client_id.n + c->jti.n + c->acr.n + 6;
}

static const struct aps_limit *const *copy_limits(struct tail *t,
                                                  const struct aps_limit *const *from, size_t n)
{
    const struct aps_limit **to = take(t, n * sizeof *to);

    if (n != 0)
        memcpy(to, from, n * sizeof *to);
    return to;
}

size_t aps_identity_tail(const struct aps_key *key, const struct aps_identity_held *held,
                         struct aps_str told)
{
    size_t roles = list_size(key->roles, key->nroles); /* their names are there twice: joined */

    return roles + roles + 1 + key->nroles * sizeof(const struct aps_role *) +
           list_size(key->scopes, key->nscopes) + list_size(key->hosts, key->nhosts) +
           (held->noverrides + held->nlimits) * sizeof(const struct aps_limit *) +
           key->nnets * sizeof(struct aps_net) + key->id.n + 1 + key->owner.n + 1 + key->org.n + 1 +
           key->plan.n + 1 + key->revoke_reason.n + 1 + told.n + 1 +
           (held->bearer != NULL ? bearer_size(held->bearer) : 0);
}

static enum aps_err find_roles(const struct aps_key *key, const struct aps_role **roles,
                               struct aps_snapshot *snap)
{
    const struct aps_rolebook *book = aps_snapshot_roles(snap);

    for (size_t i = 0; i < key->nroles; i++)
        if ((roles[i] = aps_rolebook_find(book, key->roles[i])) == NULL)
            return APS_ERR_NOT_FOUND;
    return APS_OK;
}

enum aps_err aps_identity_init(struct aps_identity *who, char *tail, const struct aps_key *key,
                               const struct aps_identity_held *held, size_t which,
                               struct aps_str told, struct aps_snapshot *snap)
{
    struct tail t = {tail};
    struct aps_str *roles, *scopes, *hosts;
    struct aps_bearer *bearer = NULL;
    struct aps_net *nets;
    enum aps_err err;

    who->key = *key;
    memset((char *)who + sizeof who->key, 0, sizeof *who - sizeof who->key);
    who->key.name = (struct aps_str){NULL, 0}; /* of no use to a request */
    for (size_t i = 0; i < 2; i++)
        memset(who->key.secret[i].mac, 0, sizeof who->key.secret[i].mac);
    who->secret = &who->key.secret[which];
    who->noted = &who->noted_word; /* an identity never moves */
    who->words = who->words_kept;
    who->roles = take(&t, key->nroles * sizeof(const struct aps_role *));
    who->key.roles = roles = take(&t, key->nroles * sizeof *roles);
    who->key.scopes = scopes = take(&t, key->nscopes * sizeof *scopes);
    who->key.hosts = hosts = take(&t, key->nhosts * sizeof *hosts);
    who->plan = held->plan;
    who->noverrides = held->noverrides;
    who->overrides = copy_limits(&t, held->overrides, held->noverrides);
    who->nlimits = held->nlimits;
    who->limits = copy_limits(&t, held->limits, held->nlimits);
    if (held->bearer != NULL)
        who->bearer = bearer = copy_bearer(&t, held->bearer);
    who->key.noverrides = 0;
    who->key.overrides = NULL;
    who->key.nets = nets = take(&t, key->nnets * sizeof *nets);
    if (key->nnets != 0)
        memcpy(nets, key->nets, key->nnets * sizeof *nets);
    copy_list(&t, roles, key->roles, key->nroles);
    copy_list(&t, scopes, key->scopes, key->nscopes);
    copy_list(&t, hosts, key->hosts, key->nhosts);
    who->roles_text = join(&t, key->roles, key->nroles);
    who->key.id = copy(&t, key->id);
    who->key.owner = copy(&t, key->owner);
    who->key.org = copy(&t, key->org);
    who->key.plan = copy(&t, key->plan);
    who->key.revoke_reason = copy(&t, key->revoke_reason);
    who->told = copy(&t, told);
    if (bearer != NULL)
        copy_bearer_texts(&t, held->bearer, bearer);
    who->user = aps_key_user(&who->key);
    who->user_text = who->user.p;
    who->id_text = who->key.id.p;
    if ((err = find_roles(key, who->roles, snap)) != APS_OK)
        return err;
    return aps_ownlimit_init(&who->key, aps_snapshot_store_tag(snap), &who->limit, NULL);
}

size_t aps_identity_limits(const struct aps_identity *who, const struct aps_plan *section,
                           const struct aps_limit *room[APS_PLANBOOK_HELD_MAX],
                           const struct aps_limit *const **out)
{
    *out = who->limits;
    if (who->plan != NULL || section == NULL)
        return who->nlimits;
    *out = section->limits;
    if (who->noverrides == 0)
        return section->n;
    *out = room;
    return aps_planbook_lay(section, who->overrides, who->noverrides, room);
}
