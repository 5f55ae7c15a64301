/* role.c - a set of roles, and what each of them has in the end, its own and inherited. */
#include <apr_strings.h>
#include <stdlib.h>

#include "role_impl.h"

struct aps_rolebook *aps_rolebook_new(apr_pool_t *pool)
{
    struct aps_rolebook *book = apr_pcalloc(pool, sizeof *book);

    book->pool = pool;
    book->by_name = apr_hash_make(pool);
    return book;
}

/* The role of this name, made if nobody spoke of it before. */
static struct aps_role *mention(struct aps_rolebook *book, struct aps_str name)
{
    struct aps_role *role = apr_hash_get(book->by_name, name.p, (apr_ssize_t)name.n);

    if (role != NULL)
        return role;
    role = apr_pcalloc(book->pool, sizeof *role);
    role->name = aps_str_copy(book->pool, name);
    role->own = apr_array_make(book->pool, 4, sizeof(struct role_entry));
    role->parents = apr_array_make(book->pool, 1, sizeof(struct aps_role *));
    apr_hash_set(book->by_name, role->name.p, (apr_ssize_t)name.n, role);
    return role;
}

void aps_rolebook_add(struct aps_rolebook *book, struct aps_str name)
{
    mention(book, name)->added = true;
}

enum aps_err aps_rolebook_grant(struct aps_rolebook *book, struct aps_str role, struct aps_str text,
                                bool deny, struct aps_diag *diag)
{
    struct aps_role *to = mention(book, role);
    struct role_entry entry = {{0}, to};
    enum aps_err err = aps_grant_parse(book->pool, text, deny, &entry.grant, diag);

    if (err == APS_OK)
        APR_ARRAY_PUSH(to->own, struct role_entry) = entry;
    return err;
}

void aps_rolebook_inherit(struct aps_rolebook *book, struct aps_str role, struct aps_str parent)
{
    APR_ARRAY_PUSH(mention(book, role)->parents, struct aps_role *) = mention(book, parent);
}

/* Denials first, then by text; of equal ones the role's own comes first, then by origin. */
struct ranked {
    struct role_entry entry;
    bool own;
};

static int rank(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    int d;

    if (a->entry.grant.deny != b->entry.grant.deny)
        return a->entry.grant.deny ? -1 : 1;
    if ((d = aps_str_compare(a->entry.grant.text, b->entry.grant.text)) != 0)
        return d;
    if (a->own != b->own)
        return a->own ? -1 : 1;
    return aps_str_compare(a->entry.origin->name, b->entry.origin->name);
}

static bool is_same(const struct aps_grant *a, const struct aps_grant *b)
{
    return a->deny == b->deny && aps_str_eq(a->text, b->text);
}

/* What the role and its parents have, in no order; the parents are flattened already. */
static struct ranked *gather(const struct aps_role *role, apr_pool_t *scratch, size_t *out_n)
{
    size_t n = (size_t)role->own->nelts;
    struct ranked *all, *p;

    for (int i = 0; i < role->parents->nelts; i++)
        n += APR_ARRAY_IDX(role->parents, i, struct aps_role *)->ngrants;
    p = all = apr_pcalloc(scratch, (n + 1) * sizeof *all);
    for (int i = 0; i < role->own->nelts; i++)
        *p++ = (struct ranked){APR_ARRAY_IDX(role->own, i, struct role_entry), true};
    for (int i = 0; i < role->parents->nelts; i++) {
        const struct aps_role *parent = APR_ARRAY_IDX(role->parents, i, struct aps_role *);

        for (size_t k = 0; k < parent->ngrants; k++)
            *p++ = (struct ranked){{parent->grants[k], parent->origins[k]}, false};
    }
    *out_n = n;
    return all;
}

static void flatten(struct aps_rolebook *book, struct aps_role *role, apr_pool_t *scratch)
{
    size_t n;
    struct ranked *all = gather(role, scratch, &n);

    qsort(all, n, sizeof *all, rank);
    role->grants = apr_pcalloc(book->pool, (n + 1) * sizeof *role->grants);
    role->origins = apr_pcalloc(book->pool, (n + 1) * sizeof(const struct aps_role *));
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && is_same(&all[i].entry.grant, &all[i - 1].entry.grant))
            continue;
        role->grants[role->ngrants] = all[i].entry.grant;
        role->origins[role->ngrants++] = all[i].entry.origin;
        role->ndenials += all[i].entry.grant.deny ? 1 : 0;
    }
}

/* The stack from `again` on is the cycle: "a > b > a". */
static enum aps_err explain_cycle(apr_array_header_t *stack, const struct aps_role *again,
                                  struct aps_diag *diag)
{
    const char *names = "";
    bool in = false;

    for (int i = 0; i < stack->nelts; i++) {
        const struct aps_role *role = APR_ARRAY_IDX(stack, i, struct aps_role *);

        in = in || role == again;
        if (in)
            names = apr_psprintf(stack->pool, "%s%.*s > ", names, APS_STR_ARG(role->name));
    }
    aps_err_explain(diag, "roles inherit in a cycle: %s%.*s", names, APS_STR_ARG(again->name));
    return APS_ERR_CORRUPT;
}

/* Flatten `first` and all that it inherits from, parents before children.  The stack is our own,
 * so that a long line of parents cannot exhaust the thread's. */
static enum aps_err walk(struct aps_rolebook *book, struct aps_role *first, apr_pool_t *scratch,
                         struct aps_diag *diag)
{
    apr_array_header_t *stack = apr_array_make(scratch, 16, sizeof(struct aps_role *));

    first->mark = ROLE_ENTERED;
    APR_ARRAY_PUSH(stack, struct aps_role *) = first;
    while (stack->nelts > 0) {
        struct aps_role *role = APR_ARRAY_IDX(stack, stack->nelts - 1, struct aps_role *);
        struct aps_role *parent;

        if (role->next_parent == role->parents->nelts) {
            flatten(book, role, scratch);
            role->mark = ROLE_DONE;
            (void)apr_array_pop(stack); /* it is `role` */
            continue;
        }
        parent = APR_ARRAY_IDX(role->parents, role->next_parent++, struct aps_role *);
        if (!parent->added) {
            aps_err_explain(diag, "role \"%.*s\" inherits from \"%.*s\", which is not there",
                            APS_STR_ARG(role->name), APS_STR_ARG(parent->name));
            return APS_ERR_CORRUPT;
        }
        if (parent->mark == ROLE_ENTERED)
            return explain_cycle(stack, parent, diag);
        if (parent->mark == ROLE_NEW) {
            parent->mark = ROLE_ENTERED;
            APR_ARRAY_PUSH(stack, struct aps_role *) = parent;
        }
    }
    return APS_OK;
}

static int by_name(const void *left, const void *right)
{
    return aps_str_compare((*(struct aps_role *const *)left)->name,
                           (*(struct aps_role *const *)right)->name);
}

/* The roles by name, so that nothing depends on the order of entry. */
static void list_roles(struct aps_rolebook *book, apr_pool_t *scratch)
{
    size_t n = 0;

    book->roles =
        apr_pcalloc(book->pool, (apr_hash_count(book->by_name) + 1u) * sizeof *book->roles);
    for (apr_hash_index_t *i = apr_hash_first(scratch, book->by_name); i != NULL;
         i = apr_hash_next(i))
        book->roles[n++] = apr_hash_this_val(i);
    qsort(book->roles, n, sizeof *book->roles, by_name);
    book->nroles = n;
}

static int by_text(const void *left, const void *right)
{
    return aps_str_compare(aps_pattern_text(*(const struct aps_pattern *const *)left),
                           aps_pattern_text(*(const struct aps_pattern *const *)right));
}

/* Every pattern once, whatever number of roles has it. */
static void list_patterns(struct aps_rolebook *book)
{
    size_t n = 0, kept = 0;

    for (size_t i = 0; i < book->nroles; i++)
        n += (size_t)book->roles[i]->own->nelts;
    book->patterns = apr_pcalloc(book->pool, (n + 1) * sizeof(const struct aps_pattern *));
    n = 0;
    for (size_t i = 0; i < book->nroles; i++) {
        const apr_array_header_t *own = book->roles[i]->own;

        for (int k = 0; k < own->nelts; k++)
            if (APR_ARRAY_IDX(own, k, struct role_entry).grant.pattern != NULL)
                book->patterns[n++] = APR_ARRAY_IDX(own, k, struct role_entry).grant.pattern;
    }
    qsort(book->patterns, n, sizeof book->patterns[0], by_text);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || by_text(&book->patterns[kept - 1], &book->patterns[i]) != 0)
            book->patterns[kept++] = book->patterns[i];
    book->npatterns = kept;
}

enum aps_err aps_rolebook_seal(struct aps_rolebook *book, struct aps_diag *diag)
{
    apr_pool_t *scratch = NULL;
    enum aps_err err = APS_ERR_NOMEM;

    if (apr_pool_create(&scratch, book->pool) != APR_SUCCESS)
        goto out;
    list_roles(book, scratch);
    for (size_t i = 0; i < book->nroles; i++) {
        struct aps_role *role = book->roles[i];

        if (!role->added && (role->own->nelts > 0 || role->parents->nelts > 0)) {
            aps_err_explain(diag, "role \"%.*s\" has grants or parents and is not there",
                            APS_STR_ARG(role->name));
            err = APS_ERR_CORRUPT;
            goto out;
        }
        if (role->mark == ROLE_NEW && (err = walk(book, role, scratch, diag)) != APS_OK)
            goto out;
    }
    list_patterns(book);
    book->sealed = true;
    err = APS_OK;
out:
    if (scratch != NULL)
        apr_pool_destroy(scratch);
    return err;
}

const struct aps_role *aps_rolebook_find(const struct aps_rolebook *book, struct aps_str name)
{
    const struct aps_role *role;

    if (!book->sealed || name.n == 0)
        return NULL;
    role = apr_hash_get(book->by_name, name.p, (apr_ssize_t)name.n);
    return role != NULL && role->added ? role : NULL;
}

size_t aps_rolebook_count(const struct aps_rolebook *book)
{
    return book->sealed ? book->nroles : 0;
}

const struct aps_role *aps_rolebook_at(const struct aps_rolebook *book, size_t i)
{
    return i < aps_rolebook_count(book) ? book->roles[i] : NULL;
}

struct aps_str aps_role_name(const struct aps_role *role)
{
    return role->name;
}

const struct aps_grant *aps_role_grants(const struct aps_role *role, size_t *out_n)
{
    *out_n = role->ngrants;
    return role->grants;
}

struct aps_str aps_role_grant_origin(const struct aps_role *role, size_t i)
{
    return i < role->ngrants ? role->origins[i]->name : (struct aps_str){NULL, 0};
}
