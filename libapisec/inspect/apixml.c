/* apixml.c - elements and attributes become members, items and texts, by a table of names. */
#include <apr_strings.h>

#include "apixml_table.h"
#include "apisec/buf.h"
#include "untyped.h"

#define MEMBERS_MAX 1000u /* of one element: each is looked for among those before */
#define XSI "http://www.w3.org/2001/XMLSchema-instance"

struct frame {
    const struct apixml_shape *shape; /* NULL: nothing is said of it */
    struct untyped *value;
    struct aps_str local, uri; /* of the element */
    size_t text_from;          /* where its text begins in the buffer */
    uint32_t members;
    uint32_t level; /* lists and members around it, and itself */
    bool nil;
};

struct reading {
    apr_pool_t *pool;
    const struct aps_apixml *table;
    struct untyped *root;
    struct frame *frames;
    uint32_t depth;
    struct aps_buf text; /* of all open elements */
    const char *fault;   /* NULL: none */
};

static bool refuse(struct reading *r, const char *fault)
{
    if (r->fault == NULL)
        r->fault = fault;
    return false;
}

static const struct apixml_shape *shape_at(const struct reading *r, uint32_t i)
{
    return i != APIXML_NONE ? &r->table->shapes[i] : NULL;
}

static bool is_blank(struct aps_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (strchr(" \t\r\n", text.p[i]) == NULL)
            return false;
    return true;
}

/* Beyond the blanks between its children, what is made of members has no text. */
static bool is_pure(const struct reading *r, const struct frame *f)
{
    return is_blank((struct aps_str){r->text.p + f->text_from, r->text.n - f->text_from});
}

/* A text that turns out to have members. */
static bool make_map(struct reading *r, struct frame *f)
{
    if (f->value->kind == UNTYPED_TEXT)
        f->value->kind = UNTYPED_MAP;
    if (f->value->kind == UNTYPED_MAP && f->level > UNTYPED_DEPTH)
        return refuse(r, "elements that lie less deep");
    return is_pure(r, f) || refuse(r, "no text between elements");
}

/* ---- names */

static bool is_named(const struct apixml_member *m, struct aps_str uri, struct aps_str around)
{
    if (m->named_uri)
        return aps_str_eq(m->uri, uri);
    return uri.n == 0 || (!m->attribute && aps_str_eq(uri, around));
}

static const struct apixml_member *find(const struct frame *f, const struct aps_xml_name *name,
                                        bool attribute)
{
    const struct apixml_member *m =
        f->shape != NULL && name->local.n > 0
            ? apr_hash_get(f->shape->by_local, name->local.p, (apr_ssize_t)name->local.n)
            : NULL;

    while (m != NULL && (m->attribute != attribute || !is_named(m, name->uri, f->uri)))
        m = m->next;
    return m;
}

/* The name of a member that the table does not have: never that of one which it has under another
 * name or namespace. */
static struct aps_str foreign(const struct reading *r, const struct frame *f,
                              const struct aps_xml_name *name)
{
    bool taken = name->uri.n > 0 && !aps_str_eq(name->uri, f->uri);

    for (uint32_t i = 0; f->shape != NULL && i < f->shape->members_n && !taken; i++)
        taken = aps_str_eq(f->shape->members[i].property, name->local);
    if (!taken)
        return aps_str_copy(r->pool, name->local);
    return aps_str(
        apr_psprintf(r->pool, "{%.*s}%.*s", APS_STR_ARG(name->uri), APS_STR_ARG(name->local)));
}

/* ---- values */

/* A new member; of a name that is there already both are items of a list. */
static struct untyped *add_member(struct reading *r, struct frame *f, struct aps_str name)
{
    struct untyped *there, *first;

    if (++f->members > MEMBERS_MAX) {
        (void)refuse(r, "fewer members"); /* false, as NULL is */
        return NULL;
    }
    there = aps_untyped_get(f->value, name);
    if (there == NULL)
        return aps_untyped_add(r->pool, f->value, UNTYPED_TEXT, name, (struct aps_str){"", 0});
    if (there->kind != UNTYPED_LIST) {
        first = apr_pmemdup(r->pool, there, sizeof *there);
        first->next = NULL;
        there->kind = UNTYPED_LIST;
        there->first = there->last = first;
    }
    return aps_untyped_add(r->pool, there, UNTYPED_TEXT, name, (struct aps_str){"", 0});
}

/* One more item of the member's array. */
static struct untyped *add_item(struct reading *r, struct frame *f, const struct apixml_member *m)
{
    struct untyped *list = aps_untyped_get(f->value, m->property);

    if (list == NULL)
        list =
            aps_untyped_add(r->pool, f->value, UNTYPED_LIST, m->property, (struct aps_str){"", 0});
    return list == NULL || list->kind != UNTYPED_LIST
               ? add_member(r, f, m->property)
               : aps_untyped_add(r->pool, list, UNTYPED_TEXT, m->property, (struct aps_str){"", 0});
}

/* ---- where an element belongs: its value, shape and level in `child` */

static bool place_item(struct reading *r, struct frame *f, const struct aps_xml_name *name,
                       struct frame *child)
{
    struct aps_str inner = f->shape->inner;

    if (inner.n == 0 && r->depth > 1)
        inner = f->local;
    if ((inner.n > 0 && !aps_str_eq(inner, name->local)) ||
        (f->shape->inner_uri.n > 0 ? !aps_str_eq(f->shape->inner_uri, name->uri)
                                   : name->uri.n > 0 && !aps_str_eq(name->uri, f->uri)))
        return refuse(r, "elements with the name of an item alone");
    if (!is_pure(r, f))
        return refuse(r, "no text between elements");
    child->shape = shape_at(r, f->shape->item);
    child->level = f->level + 1;
    child->value =
        aps_untyped_add(r->pool, f->value, UNTYPED_TEXT, f->value->name, (struct aps_str){"", 0});
    return true;
}

static bool place_member(struct reading *r, struct frame *f, const struct aps_xml_name *name,
                         struct frame *child)
{
    const struct apixml_member *m;

    if (!make_map(r, f))
        return false;
    m = find(f, name, false);
    child->shape = m != NULL ? shape_at(r, m->shape) : NULL;
    child->level = f->level + 1 + (m == NULL || m->items);
    if (m != NULL && m->items)
        child->value = add_item(r, f, m);
    else
        child->value = add_member(r, f, m != NULL ? m->property : foreign(r, f, name));
    return child->value != NULL;
}

static bool place_root(struct reading *r, const struct aps_xml_name *name, struct frame *child)
{
    const struct apixml_shape *s = &r->table->shapes[0];

    if ((s->name.n > 0 && !aps_str_eq(s->name, name->local)) ||
        (s->uri.n > 0 && !aps_str_eq(s->uri, name->uri)))
        return refuse(r, "the outermost element that the schema names");
    child->shape = s;
    child->level = 1;
    child->value = r->root = aps_untyped_add(r->pool, NULL, UNTYPED_TEXT, (struct aps_str){"", 0},
                                             (struct aps_str){"", 0});
    return true;
}

/* ---- what the reader gives */

static bool take_attribute(struct reading *r, struct frame *f, const struct aps_xml_attribute *a)
{
    const struct apixml_member *m;
    struct untyped *value;

    if (aps_str_eq(a->name.uri, APS_STR_LIT(XSI))) {
        if (aps_str_eq(a->name.local, APS_STR_LIT("nil")))
            f->nil =
                aps_str_eq(a->value, APS_STR_LIT("true")) || aps_str_eq(a->value, APS_STR_LIT("1"));
        return true;
    }
    if (f->value->kind == UNTYPED_LIST)
        return refuse(r, "no attributes of an array");
    if (!make_map(r, f))
        return false;
    m = find(f, &a->name, true);
    value = add_member(r, f, m != NULL ? m->property : foreign(r, f, &a->name));
    if (value == NULL)
        return false;
    value->text = aps_str_copy(r->pool, a->value);
    return true;
}

static bool on_open(void *self, const struct aps_xml_element *e)
{
    struct reading *r = self;
    struct frame child = {.local = e->name.local, .uri = e->name.uri, .text_from = r->text.n};
    struct frame *f = &r->frames[r->depth];
    bool placed;

    if (r->depth == 0)
        placed = place_root(r, &e->name, &child);
    else if (f[-1].value->kind == UNTYPED_LIST)
        placed = place_item(r, f - 1, &e->name, &child);
    else
        placed = place_member(r, f - 1, &e->name, &child);
    if (!placed || child.value == NULL)
        return false;
    if (child.shape != NULL && child.shape->kind != 's')
        child.value->kind = child.shape->kind == 'o' ? UNTYPED_MAP : UNTYPED_LIST;
    *f = child;
    r->depth++;
    if (f->value->kind != UNTYPED_TEXT && f->level > UNTYPED_DEPTH)
        return refuse(r, "elements that lie less deep");
    for (uint32_t i = 0; i < e->attributes_n; i++)
        if (!take_attribute(r, f, &e->attributes[i]))
            return false;
    return true;
}

static bool on_text(void *self, struct aps_str text, bool cdata)
{
    struct reading *r = self;
    const struct frame *f = &r->frames[r->depth - 1];

    (void)cdata; /* it is text like any other */
    if (f->value->kind != UNTYPED_TEXT)
        return is_blank(text) || refuse(r, "no text between elements");
    aps_buf_add(&r->text, text);
    return !r->text.full || refuse(r, "less text");
}

static bool on_close(void *self, const struct aps_xml_name *name)
{
    struct reading *r = self;
    struct frame *f = &r->frames[--r->depth];
    const struct aps_str text = {r->text.p + f->text_from, r->text.n - f->text_from};

    (void)name; /* that of the frame */
    if (f->nil && f->value->first == NULL && text.n == 0) {
        f->value->kind = UNTYPED_JSON;
        f->value->text = APS_STR_LIT("null");
    } else if (f->value->kind == UNTYPED_TEXT && text.n > 0) {
        f->value->text = aps_str_copy(r->pool, text);
    }
    aps_buf_cut(&r->text, f->text_from);
    return true;
}

/* ---- the whole */

static bool judge_value(const struct aps_apixml_judge *j, struct reading *r,
                        const struct aps_schema_image *image, uint32_t entry,
                        struct aps_failures *failures)
{
    const struct aps_failures_place place = {.in = APS_FAILURES_BODY};
    struct untyped_judge u;
    enum aps_schema_verdict verdict;

    aps_untyped_init(&u, r->pool, j->judge, j->key);
    aps_untyped_use(&u, image);
    verdict = aps_untyped_judge(&u, entry, r->root);
    if (verdict == APS_SCHEMA_VALID)
        return true;
    aps_untyped_list(&u, failures, &place, verdict);
    return false;
}

static bool refuse_text(struct aps_failures *failures, const char *expected)
{
    const struct aps_failures_place place = {.in = APS_FAILURES_BODY};

    aps_failures_add(failures, &place, "xml", expected, (struct aps_str){NULL, 0});
    return false;
}

bool aps_apixml_judge(const struct aps_apixml_judge *j, apr_pool_t *pool,
                      const struct aps_apixml *table, const struct aps_schema_image *image,
                      uint32_t entry, struct aps_str body, struct aps_failures *failures)
{
    struct reading r = {.pool = pool, .table = table};
    const struct aps_xml_sink sink = {on_open, on_text, on_close, &r};
    enum aps_xml_fault fault;

    aps_buf_init(&r.text, pool, j->xml->bytes_max);
    r.frames = apr_palloc(pool, ((size_t)j->xml->depth_max + 1) * sizeof *r.frames);
    fault = r.frames != NULL ? aps_xml(pool, body, j->xml, &sink, NULL) : APS_XML_NOMEM;
    if (fault == APS_XML_OK)
        return judge_value(j, &r, image, entry, failures);
    return refuse_text(failures, fault == APS_XML_STOPPED && r.fault != NULL
                                     ? r.fault
                                     : aps_xml_fault_text(fault));
}

bool aps_apixml_body(void *judge, apr_pool_t *pool, const struct aps_api *api,
                     const struct aps_api_media *media, struct aps_str body,
                     struct aps_failures *failures)
{
    const struct aps_apixml_judge *j = judge;
    const struct aps_apixml *table = aps_api_xml_table(api, media);
    enum aps_xml_fault fault;

    if (table != NULL && media->schema != APS_API_NO_SCHEMA)
        return aps_apixml_judge(j, pool, table, aps_api_schemas(api), media->schema, body,
                                failures);
    fault = aps_xml(pool, body, j->xml, NULL, NULL);
    return fault == APS_XML_OK || refuse_text(failures, aps_xml_fault_text(fault));
}
