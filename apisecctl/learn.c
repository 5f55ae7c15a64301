/* learn.c - requests that were served -> what the API seems to be.
 *
 * A tree of segments, at most CTL_LEARN_DEPTH deep, so that walking it by recursion is bounded. */
#include "learn.h"

#include <apr_hash.h>
#include <apr_strings.h>

#include "learn_impl.h"

#define SELDOM 3 /* requests; an id is seldom asked for, a word of the API often */

struct ctl_learn {
    apr_pool_t *pool;
    struct ctl_learn_node *root;
    uint32_t nodes;
    bool settled; /* nothing was taken since the tree was looked through */
};

static struct ctl_learn_node *node_new(struct ctl_learn *learn, struct aps_str text)
{
    struct ctl_learn_node *node = apr_pcalloc(learn->pool, sizeof *node);

    node->text = aps_str_copy(learn->pool, text);
    learn->nodes++;
    return node;
}

struct ctl_learn *ctl_learn_new(apr_pool_t *pool)
{
    struct ctl_learn *learn = apr_pcalloc(pool, sizeof *learn);

    learn->pool = pool;
    learn->root = node_new(learn, APS_STR_LIT(""));
    return learn;
}

/* ---- one place's segments become a parameter ---- */

static void fold(struct ctl_learn *learn, struct ctl_learn_node *node);

static void add_status(struct ctl_learn_operation *op, uint32_t status)
{
    for (unsigned i = 0; i < op->statuses_n; i++)
        if (op->statuses[i] == status)
            return;
    if (op->statuses_n < CTL_LEARN_STATUSES)
        op->statuses[op->statuses_n++] = (uint16_t)status;
}

static void add_operation(struct ctl_learn_operation *to, const struct ctl_learn_operation *from)
{
    to->served += from->served;
    to->with_caller += from->with_caller;
    for (unsigned i = 0; i < from->statuses_n; i++)
        add_status(to, from->statuses[i]);
}

/* `from` is in no tree afterwards. */
static void merge(struct ctl_learn *learn, struct ctl_learn_node *to, struct ctl_learn_node *from)
{
    to->served += from->served;
    for (unsigned i = 0; i < CTL_LEARN_METHODS; i++)
        add_operation(&to->operations[i], &from->operations[i]);
    if (from->parameter != NULL && to->parameter != NULL) {
        to->parameter->kind = ctl_learn_kind_join(to->parameter->kind, from->parameter->kind);
        merge(learn, to->parameter, from->parameter);
    } else if (from->parameter != NULL) {
        to->parameter = from->parameter;
    }
    if (from->words == NULL)
        return;
    if (to->words == NULL) {
        to->words = from->words;
        return;
    }
    for (apr_hash_index_t *at = apr_hash_first(NULL, from->words); at != NULL;
         at = apr_hash_next(at)) {
        struct ctl_learn_node *word = apr_hash_this_val(at);
        struct ctl_learn_node *twin =
            apr_hash_get(to->words, word->text.p, (apr_ssize_t)word->text.n);

        if (twin != NULL)
            merge(learn, twin, word);
        else
            apr_hash_set(to->words, word->text.p, (apr_ssize_t)word->text.n, word);
    }
    if (apr_hash_count(to->words) > CTL_LEARN_CHILDREN)
        fold(learn, to);
}

static struct ctl_learn_node *parameter_of(struct ctl_learn *learn, struct ctl_learn_node *node,
                                           enum ctl_learn_kind kind)
{
    if (node->parameter == NULL) {
        node->parameter = node_new(learn, APS_STR_LIT(""));
        node->parameter->kind = kind;
    } else {
        node->parameter->kind = ctl_learn_kind_join(node->parameter->kind, kind);
    }
    return node->parameter;
}

static void fold(struct ctl_learn *learn, struct ctl_learn_node *node)
{
    struct ctl_learn_node *parameter = parameter_of(learn, node, CTL_LEARN_TEXT);
    apr_hash_t *words = node->words;

    node->words = NULL;
    for (apr_hash_index_t *at = apr_hash_first(NULL, words); at != NULL; at = apr_hash_next(at))
        merge(learn, parameter, apr_hash_this_val(at));
}

/* ---- one request ---- */

static struct ctl_learn_node *word_of(struct ctl_learn *learn, struct ctl_learn_node *node,
                                      struct aps_str text)
{
    struct ctl_learn_node *word =
        node->words != NULL ? apr_hash_get(node->words, text.p, (apr_ssize_t)text.n) : NULL;

    if (word != NULL)
        return word;
    if (node->words == NULL)
        node->words = apr_hash_make(learn->pool);
    word = node_new(learn, text);
    apr_hash_set(node->words, word->text.p, (apr_ssize_t)word->text.n, word);
    if (apr_hash_count(node->words) <= CTL_LEARN_CHILDREN)
        return word;
    fold(learn, node);
    return node->parameter;
}

static struct ctl_learn_node *step(struct ctl_learn *learn, struct ctl_learn_node *node,
                                   struct aps_str text)
{
    enum ctl_learn_kind kind = ctl_learn_kind_of(text);

    node->served++;
    return kind == CTL_LEARN_WORD ? word_of(learn, node, text) : parameter_of(learn, node, kind);
}

static bool has_room(const struct ctl_learn *learn, struct aps_str path)
{
    size_t segments = 0;

    for (size_t i = 0; i < path.n; i++)
        segments += path.p[i] == '/';
    return segments < CTL_LEARN_DEPTH && learn->nodes + segments <= CTL_LEARN_SEGMENTS;
}

enum ctl_learn_taken ctl_learn_take(struct ctl_learn *learn,
                                    const struct ctl_learn_request *request)
{
    struct aps_str rest = request->path, segment;
    struct ctl_learn_node *node = learn->root;
    struct ctl_learn_operation *op;

    if (request->status < 200 || request->status > 399)
        return CTL_LEARN_FAILED;
    if (rest.n == 0 || *rest.p != '/' || request->method == APS_METHOD_NONE ||
        !has_room(learn, rest))
        return CTL_LEARN_LEFT_OUT;
    rest = (struct aps_str){rest.p + 1, rest.n - 1};
    while (aps_str_next(&rest, '/', &segment))
        node = step(learn, node, segment);
    if (request->path.n > 1 && request->path.p[request->path.n - 1] == '/')
        node = word_of(learn, node, APS_STR_LIT(""));
    node->served++;
    op = &node->operations[__builtin_ctz(request->method)];
    op->served++;
    op->with_caller += request->has_caller;
    add_status(op, request->status);
    learn->settled = false;
    return CTL_LEARN_TAKEN;
}

/* ---- the whole tree ---- */

/* Ids that no form gives away: many in one place, most of them seldom asked for. */
static bool holds_ids(const struct ctl_learn_node *node)
{
    unsigned n = apr_hash_count(node->words), seldom = 0;

    if (n <= CTL_LEARN_NEIGHBOURS)
        return false;
    for (apr_hash_index_t *at = apr_hash_first(NULL, node->words); at != NULL;
         at = apr_hash_next(at)) {
        const struct ctl_learn_node *word = apr_hash_this_val(at);

        seldom += word->served <= SELDOM;
    }
    return seldom * 2 >= n;
}

static void settle(struct ctl_learn *learn, struct ctl_learn_node *node)
{
    if (node->words != NULL && holds_ids(node))
        fold(learn, node);
    if (node->parameter != NULL)
        settle(learn, node->parameter);
    if (node->words == NULL)
        return;
    for (apr_hash_index_t *at = apr_hash_first(learn->pool, node->words); at != NULL;
         at = apr_hash_next(at))
        settle(learn, apr_hash_this_val(at));
}

const struct ctl_learn_node *ctl_learn_root(struct ctl_learn *learn)
{
    if (!learn->settled)
        settle(learn, learn->root);
    learn->settled = true;
    return learn->root;
}

apr_pool_t *ctl_learn_pool(const struct ctl_learn *learn)
{
    return learn->pool;
}
