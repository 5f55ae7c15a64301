/* access.c - may a caller with these roles do this?
 *
 * Denials of all roles come before any grant.  The book as a whole is looked at only where the
 * answer is no, or where rewriting led to another path. */
#include "role_impl.h"

/* The first of n entries that covers the method and the path. */
static const struct aps_grant *cover(const struct aps_grant *g, size_t n, unsigned method,
                                     struct aps_str path)
{
    for (const struct aps_grant *end = g + n; g < end; g++)
        if ((g->methods & method) != 0 && aps_pattern_matches(g->pattern, path))
            return g;
    return NULL;
}

/* The methods that n entries cover on the path. */
static unsigned methods_on(const struct aps_grant *g, size_t n, struct aps_str path)
{
    unsigned set = 0;

    for (const struct aps_grant *end = g + n; g < end; g++)
        if ((g->methods & ~set) != 0 && aps_pattern_matches(g->pattern, path))
            set |= g->methods;
    return set;
}

/* The methods that some role may use on the path: its grants less its denials. */
static unsigned methods_of_any(const struct aps_rolebook *book, struct aps_str path)
{
    unsigned set = 0;

    for (size_t i = 0; i < book->nroles && set != APS_METHOD_ALL; i++) {
        const struct aps_role *role = book->roles[i];
        size_t nd = role->ndenials;
        unsigned granted = methods_on(role->grants + nd, role->ngrants - nd, path);

        if ((granted & ~set) != 0)
            set |= granted & ~methods_on(role->grants, nd, path);
    }
    return set;
}

struct aps_access aps_access_path(const struct aps_rolebook *book,
                                  const struct aps_role *const *roles, size_t nroles,
                                  enum aps_method method, struct aps_str path)
{
    struct aps_access a = {APS_REASON_GRANT_MISSING, NULL, NULL, 0};

    for (size_t i = 0; i < nroles; i++) {
        a.grant = cover(roles[i]->grants, roles[i]->ndenials, method, path);
        if (a.grant != NULL) {
            a.role = roles[i];
            a.reason = APS_REASON_GRANT_DENIED;
            return a;
        }
    }
    for (size_t i = 0; i < nroles && a.grant == NULL; i++) {
        size_t nd = roles[i]->ndenials;

        a.role = roles[i];
        a.grant = cover(roles[i]->grants + nd, roles[i]->ngrants - nd, method, path);
    }
    if (a.grant == NULL) {
        unsigned any = methods_of_any(book, path);

        a.role = NULL;
        if (any != 0 && (any & method) == 0) {
            a.reason = APS_REASON_METHOD_NOT_GRANTED;
            a.allow = any;
        }
        return a;
    }
    a.reason = APS_REASON_ALLOW;
    return a;
}

/* `*` of a denial also answers to a question for all: who is denied one has not all of them. */
static bool is_part(const struct aps_grant *g, struct aps_str part, struct aps_str asked)
{
    static const struct aps_str any = {"*", 1};

    return aps_str_eq(part, any) || aps_str_eq(part, asked) || (g->deny && aps_str_eq(asked, any));
}

static const struct aps_grant *cover_permission(const struct aps_grant *g, size_t n,
                                                struct aps_str resource, struct aps_str action)
{
    for (const struct aps_grant *end = g + n; g < end; g++)
        if (g->methods == 0 && is_part(g, g->resource, resource) && is_part(g, g->action, action))
            return g;
    return NULL;
}

struct aps_access aps_access_permission(const struct aps_role *const *roles, size_t nroles,
                                        struct aps_str permission)
{
    struct aps_access a = {APS_REASON_PERMISSION_MISSING, NULL, NULL, 0};
    const char *colon = permission.n != 0 ? memchr(permission.p, ':', permission.n) : NULL;
    struct aps_str resource, action;

    if (colon == NULL)
        return a;
    resource = (struct aps_str){permission.p, (size_t)(colon - permission.p)};
    action = (struct aps_str){colon + 1, permission.n - resource.n - 1};
    if (resource.n == 0 || action.n == 0)
        return a;
    for (size_t i = 0; i < nroles; i++) {
        a.grant = cover_permission(roles[i]->grants, roles[i]->ndenials, resource, action);
        if (a.grant != NULL) {
            a.role = roles[i];
            a.reason = APS_REASON_GRANT_DENIED;
            return a;
        }
    }
    for (size_t i = 0; i < nroles && a.grant == NULL; i++) {
        size_t nd = roles[i]->ndenials;

        a.role = roles[i];
        a.grant = cover_permission(roles[i]->grants + nd, roles[i]->ngrants - nd, resource, action);
    }
    if (a.grant == NULL) {
        a.role = NULL;
        return a;
    }
    a.reason = APS_REASON_ALLOW;
    return a;
}

/* Whether some entry of the book covers `served` and not `asked`. */
static bool is_other_rule(const struct aps_rolebook *book, struct aps_str asked,
                          struct aps_str served)
{
    for (size_t i = 0; i < book->npatterns; i++)
        if (aps_pattern_matches(book->patterns[i], served) &&
            !aps_pattern_matches(book->patterns[i], asked))
            return true;
    return false;
}

enum aps_reason aps_access_served(const struct aps_rolebook *book,
                                  const struct aps_role *const *roles, size_t nroles,
                                  enum aps_method method, struct aps_str asked,
                                  struct aps_str served)
{
    if (!book->sealed)
        return APS_REASON_PATH_CHANGED;
    if (!aps_str_eq(asked, served) && is_other_rule(book, asked, served) &&
        aps_access_path(book, roles, nroles, method, served).reason != APS_REASON_ALLOW)
        return APS_REASON_PATH_CHANGED;
    return APS_REASON_ALLOW;
}
