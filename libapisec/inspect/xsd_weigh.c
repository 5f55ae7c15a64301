/* xsd_weigh.c - how much libxml2 would unfold of a schema, before it does.
 *
 * Groups, attribute groups, base types and substitution groups are unfolded wherever they are
 * referred to: ten groups that each refer twice to the next make a thousand elements of one.
 * Definitions are told apart by kind and local name, so that those of one name in several
 * namespaces count together: a little too much, and never too little. */
#include <apr_strings.h>
#include <apr_tables.h>

#include "xml_lib.h"
#include "xsd_impl.h"

#define PASSES_MAX 1000u

/* How much stands somewhere: libxml2 takes time for the square of all, and for the cube of what may
 * be left out. */
struct sum {
    uint64_t all;   /* elements, attributes, references */
    uint64_t loose; /* elements that may be left out */
};

struct def {
    struct sum own;
    struct sum weight; /* with all that is unfolded */
    struct sum next;   /* the same, in the pass that is under way */
    uint32_t limit;
};

struct edge {
    struct def *from, *to;
    bool unfolds; /* `to` is unfolded into `from`; else `from` has the type `to` */
};

struct weigh {
    apr_pool_t *pool;
    apr_pool_t *pattern; /* for one */
    apr_hash_t *defs;
    apr_array_header_t *edges;
    struct xsd_limits *out;
    bool too_long; /* a pattern */
};

bool aps_xsd_weigh_is(const xmlNode *node, const char *name)
{
    return node != NULL && node->type == XML_ELEMENT_NODE && node->ns != NULL &&
           strcmp((const char *)node->ns->href, XSD_NAMESPACE) == 0 &&
           strcmp((const char *)node->name, name) == 0;
}

const char *aps_xsd_weigh_attribute(apr_pool_t *pool, const xmlNode *node, const char *name)
{
    xmlChar *value = xmlGetNoNsProp((xmlNodePtr)node, xml_text(name));
    const char *copy = value != NULL ? apr_pstrdup(pool, (const char *)value) : NULL;

    xmlFree(value);
    return copy;
}

xmlNode *aps_xsd_weigh_next(xmlNode *node)
{
    if (node->type == XML_ELEMENT_NODE && node->children != NULL)
        return node->children;
    while (node != NULL && node->next == NULL)
        node = node->type == XML_DOCUMENT_NODE ? NULL : node->parent;
    return node != NULL ? node->next : NULL;
}

/* ---- definitions */

static struct def *def_of(struct weigh *w, char kind, const char *name)
{
    const char *colon = strrchr(name, ':');
    const char *key = apr_psprintf(w->pool, "%c:%s", kind, colon != NULL ? colon + 1 : name);
    struct def *def = apr_hash_get(w->defs, key, APR_HASH_KEY_STRING);

    if (def == NULL) {
        def = apr_pcalloc(w->pool, sizeof *def);
        def->limit = UINT32_MAX;
        apr_hash_set(w->defs, key, APR_HASH_KEY_STRING, def);
    }
    return def;
}

static void put_edge(struct weigh *w, struct def *from, struct def *to, bool unfolds)
{
    struct edge *e = apr_array_push(w->edges);

    *e = (struct edge){from, to, unfolds};
}

static char kind_of(const xmlNode *node)
{
    static const struct {
        const char *name;
        char kind;
    } kinds[] = {{"group", 'g'},      {"attributeGroup", 'a'}, {"complexType", 't'},
                 {"simpleType", 't'}, {"element", 'E'},        {"attribute", 'A'}};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (aps_xsd_weigh_is(node, kinds[i].name))
            return kinds[i].kind;
    return '\0';
}

/* The definition that a node stands in: the nearest one with a name. */
static struct def *holder_of(struct weigh *w, const xmlNode *node, const xmlNode **out_node)
{
    const char *name;
    char kind;

    for (const xmlNode *up = node->parent; up != NULL && up->type == XML_ELEMENT_NODE;
         up = up->parent) {
        if ((kind = kind_of(up)) == '\0' ||
            (name = aps_xsd_weigh_attribute(w->pool, up, "name")) == NULL)
            continue;
        *out_node = up;
        return def_of(w, kind, name);
    }
    *out_node = NULL;
    return def_of(w, 'S', "");
}

/* Whether a definition of xs:redefine refers to the one that it is made of. */
static bool is_redefined(const struct weigh *w, const xmlNode *holder, const char *name)
{
    const char *own, *colon = strrchr(name, ':');

    if (holder == NULL || !aps_xsd_weigh_is(holder->parent, "redefine"))
        return false;
    own = aps_xsd_weigh_attribute(w->pool, holder, "name");
    return own != NULL && strcmp(own, colon != NULL ? colon + 1 : name) == 0;
}

/* An attribute that names one definition, or several. */
static void refer(struct weigh *w, const xmlNode *node, const char *attribute, struct def *from,
                  char kind, bool unfolds)
{
    const char *value = aps_xsd_weigh_attribute(w->pool, node, attribute);
    char *rest = value != NULL ? apr_pstrdup(w->pool, value) : NULL, *state = NULL;

    for (char *name = rest != NULL ? apr_strtok(rest, " \t\r\n", &state) : NULL; name != NULL;
         name = apr_strtok(NULL, " \t\r\n", &state)) {
        from->own.all += unfolds;
        put_edge(w, from, def_of(w, kind, name), unfolds);
    }
}

/* ---- what each element of a schema says */

static void see_element(struct weigh *w, const xmlNode *node, struct def *holder)
{
    const char *name = aps_xsd_weigh_attribute(w->pool, node, "name");
    const char *head = aps_xsd_weigh_attribute(w->pool, node, "substitutionGroup");
    const char *least = aps_xsd_weigh_attribute(w->pool, node, "minOccurs");
    struct def *own;

    holder->own.all++;
    holder->own.loose += least != NULL && strspn(least, " \t\r\n0") == strlen(least);
    if (name == NULL) {
        refer(w, node, "ref", holder, 's', true);
        return;
    }
    own = def_of(w, 'E', name);
    refer(w, node, "type", own, 't', false);
    if (head != NULL) {
        def_of(w, 's', head)->own.all++;
        put_edge(w, def_of(w, 's', head), def_of(w, 's', name), true);
        put_edge(w, own, def_of(w, 'E', head), false);
    }
}

static void see_attribute(struct weigh *w, const xmlNode *node, struct def *holder)
{
    const char *name = aps_xsd_weigh_attribute(w->pool, node, "name");

    holder->own.all++;
    if (name != NULL)
        refer(w, node, "type", def_of(w, 'A', name), 't', false);
}

static void see_pattern(struct weigh *w, const xmlNode *node, struct def *holder)
{
    const char *value = aps_xsd_weigh_attribute(w->pool, node, "value");
    uint32_t limit;

    apr_pool_clear(w->pattern);
    limit = aps_xsd_pattern_limit(w->pattern, aps_str(value != NULL ? value : ""));

    w->too_long = w->too_long || limit == 0;
    holder->limit = limit < holder->limit ? limit : holder->limit;
}

static void see_base(struct weigh *w, const xmlNode *node, struct def *holder,
                     const xmlNode *holder_node)
{
    const char *base = aps_xsd_weigh_attribute(w->pool, node, "base");

    if (base != NULL && !is_redefined(w, holder_node, base)) {
        refer(w, node, "base", holder, 't', false);
        if (aps_xsd_weigh_is(node, "extension"))
            refer(w, node, "base", holder, 't', true);
    }
}

static void see_group(struct weigh *w, const xmlNode *node, struct def *holder,
                      const xmlNode *holder_node, char kind)
{
    const char *ref = aps_xsd_weigh_attribute(w->pool, node, "ref");

    if (ref != NULL && !is_redefined(w, holder_node, ref))
        refer(w, node, "ref", holder, kind, true);
}

static void see(struct weigh *w, const xmlNode *node)
{
    const xmlNode *holder_node = NULL;
    struct def *holder = holder_of(w, node, &holder_node);

    if (aps_xsd_weigh_is(node, "element"))
        see_element(w, node, holder);
    else if (aps_xsd_weigh_is(node, "attribute"))
        see_attribute(w, node, holder);
    else if (aps_xsd_weigh_is(node, "any") || aps_xsd_weigh_is(node, "anyAttribute"))
        holder->own.all++;
    else if (aps_xsd_weigh_is(node, "group"))
        see_group(w, node, holder, holder_node, 'g');
    else if (aps_xsd_weigh_is(node, "attributeGroup"))
        see_group(w, node, holder, holder_node, 'a');
    else if (aps_xsd_weigh_is(node, "extension") || aps_xsd_weigh_is(node, "restriction"))
        see_base(w, node, holder, holder_node);
    else if (aps_xsd_weigh_is(node, "list"))
        refer(w, node, "itemType", holder, 't', false);
    else if (aps_xsd_weigh_is(node, "union"))
        refer(w, node, "memberTypes", holder, 't', false);
    else if (aps_xsd_weigh_is(node, "pattern"))
        see_pattern(w, node, holder);
    else if (aps_xsd_weigh_is(node, "key") || aps_xsd_weigh_is(node, "keyref") ||
             aps_xsd_weigh_is(node, "unique"))
        w->out->identity = true;
}

/* ---- sums along the references */

static bool lower_limits(const struct weigh *w)
{
    bool changed = false;

    for (int i = 0; i < w->edges->nelts; i++) {
        const struct edge *e = &APR_ARRAY_IDX(w->edges, i, struct edge);

        if (e->to->limit < e->from->limit) {
            e->from->limit = e->to->limit;
            changed = true;
        }
    }
    return changed;
}

static uint64_t at_most(uint64_t n)
{
    return n < XSD_ALL_MAX ? n : (uint64_t)XSD_ALL_MAX + 1;
}

/* One level of references more. */
static bool raise_weights(struct weigh *w)
{
    apr_hash_index_t *i;
    struct def *d;
    void *value;
    bool changed = false;

    for (i = apr_hash_first(w->pool, w->defs); i != NULL; i = apr_hash_next(i)) {
        apr_hash_this(i, NULL, NULL, &value);
        d = value;
        d->next = d->own;
    }
    for (int k = 0; k < w->edges->nelts; k++) {
        const struct edge *e = &APR_ARRAY_IDX(w->edges, k, struct edge);

        if (!e->unfolds)
            continue;
        e->from->next.all = at_most(e->from->next.all + e->to->weight.all);
        e->from->next.loose = at_most(e->from->next.loose + e->to->weight.loose);
    }
    for (i = apr_hash_first(w->pool, w->defs); i != NULL; i = apr_hash_next(i)) {
        apr_hash_this(i, NULL, NULL, &value);
        d = value;
        changed = changed || d->next.all != d->weight.all || d->next.loose != d->weight.loose;
        d->weight = d->next;
    }
    return changed;
}

/* ---- the verdict */

static enum aps_err judge_sums(const struct weigh *w, struct aps_diag *diag)
{
    uint64_t all = 0, cubes = 0;

    for (apr_hash_index_t *i = apr_hash_first(w->pool, w->defs); i != NULL; i = apr_hash_next(i)) {
        const void *key;
        void *value;
        const struct sum *sum;

        apr_hash_this(i, &key, NULL, &value);
        sum = &((const struct def *)value)->weight;
        if (strchr("sS", *(const char *)key) != NULL)
            continue;
        all += sum->all;
        cubes += sum->loose * sum->loose * sum->loose;
        if (sum->all <= XSD_ONE_MAX && all <= XSD_ALL_MAX && sum->loose <= XSD_LOOSE_MAX &&
            cubes <= XSD_CUBES_MAX)
            continue;
        aps_err_explain(diag,
                        "the schema's definition \"%.100s\" has, with what it refers to, more than "
                        "%u elements and attributes or %u elements that may be left out; or all "
                        "have too many together",
                        (const char *)key + 2, XSD_ONE_MAX, XSD_LOOSE_MAX);
        return APS_ERR_RANGE;
    }
    return APS_OK;
}

static enum aps_err judge_weights(struct weigh *w, struct aps_diag *diag)
{
    unsigned passes = 0;

    while (raise_weights(w))
        if (++passes == PASSES_MAX) {
            aps_err_explain(diag,
                            "the schema's definitions refer to each other over more than %u "
                            "levels, or in a circle",
                            PASSES_MAX);
            return APS_ERR_RANGE;
        }
    return judge_sums(w, diag);
}

/* Elements and attributes whose values may not be of any length. */
static void keep_limits(struct weigh *w)
{
    while (lower_limits(w))
        continue;
    w->out->least = UINT32_MAX;
    w->out->of = apr_hash_make(w->pool);
    for (apr_hash_index_t *i = apr_hash_first(w->pool, w->defs); i != NULL; i = apr_hash_next(i)) {
        const void *key;
        void *value;
        struct def *d;

        apr_hash_this(i, &key, NULL, &value);
        d = value;
        if (d->limit == UINT32_MAX)
            continue;
        w->out->least = d->limit < w->out->least ? d->limit : w->out->least;
        if (strchr("EA", *(const char *)key) != NULL)
            apr_hash_set(w->out->of, key, APR_HASH_KEY_STRING, &d->limit);
    }
}

enum aps_err aps_xsd_weigh(xmlDocPtr *docs, uint32_t n, apr_pool_t *pool, struct xsd_limits *out,
                           struct aps_diag *diag)
{
    struct xsd_limits limits = {NULL, UINT32_MAX, false};
    struct weigh w = {.pool = pool, .out = &limits};
    enum aps_err err;

    if (apr_pool_create(&w.pattern, pool) != APR_SUCCESS)
        return APS_ERR_NOMEM;
    w.defs = apr_hash_make(pool);
    w.edges = apr_array_make(pool, 64, sizeof(struct edge));
    for (uint32_t i = 0; i < n; i++)
        for (const xmlNode *node = xmlDocGetRootElement(docs[i]); node != NULL;
             node = aps_xsd_weigh_next((xmlNodePtr)node))
            see(&w, node);
    apr_pool_destroy(w.pattern);
    if (w.too_long) {
        aps_err_explain(diag, "a pattern of the schema is longer than %u bytes", XSD_PATTERN_MAX);
        return APS_ERR_RANGE;
    }
    if ((err = judge_weights(&w, diag)) != APS_OK)
        return err;
    keep_limits(&w);
    *out = limits;
    return APS_OK;
}
