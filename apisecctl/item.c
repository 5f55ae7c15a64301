/* item.c - kinds of things and their members: named, read from a document, compared. */
#include "item.h"

#include <apr_strings.h>

enum type { TEXT, LIST, NUMBER, FLAG, OBJECT, OBJECTS };

enum looser { NEVER, ONLY_TOLD, ANY, MORE, LESS, OPEN, LATER, EARLIER };

static const char *const words[CTL_ITEM_KINDS] = {
#define K(name, word) word,
#define F(kind, name, member, type, looser)
#include "items.def"
#undef K
#undef F
};

static const struct {
    enum ctl_item_kind kind;
    const char *member;
    enum type type;
    enum looser looser;
} fields[CTL_ITEM_FIELDS] = {
#define K(name, word)
#define F(kind, name, member, type, looser) {CTL_ITEM_##kind, member, type, looser},
#include "items.def"
#undef K
#undef F
};

/* ---- names ---- */

const char *ctl_item_word(enum ctl_item_kind kind)
{
    return words[kind];
}

bool ctl_item_kind_named(struct aps_str word, enum ctl_item_kind *out)
{
    for (int i = 0; i < CTL_ITEM_KINDS; i++)
        if (aps_str_eq(word, aps_str(words[i]))) {
            *out = (enum ctl_item_kind)i;
            return true;
        }
    return false;
}

const char *ctl_item_words(apr_pool_t *pool)
{
    const char *all = words[0];

    for (int i = 1; i < CTL_ITEM_KINDS; i++)
        all = apr_pstrcat(pool, all, ", ", words[i], NULL);
    return all;
}

const char *ctl_item_member(enum ctl_item_field field)
{
    return fields[field].member;
}

/* ---- reading ---- */

static bool is_list_of(const struct aps_jsonread_node *v, enum aps_jsonread_kind kind)
{
    if (aps_jsonread_kind(v) != APS_JSON_ARRAY)
        return false;
    for (const struct aps_jsonread_node *item = aps_jsonread_first(v); item < aps_jsonread_end(v);
         item = aps_jsonread_next(item))
        if (aps_jsonread_kind(item) != kind)
            return false;
    return true;
}

static bool has_type(const struct aps_jsonread_node *v, enum type type)
{
    const enum aps_jsonread_kind kind = aps_jsonread_kind(v);

    switch (type) {
    case TEXT:
        return kind == APS_JSON_STRING;
    case LIST:
        return is_list_of(v, APS_JSON_STRING);
    case NUMBER:
        return kind == APS_JSON_NUMBER;
    case FLAG:
        return kind == APS_JSON_TRUE || kind == APS_JSON_FALSE;
    case OBJECT:
        return kind == APS_JSON_OBJECT;
    case OBJECTS:
        return is_list_of(v, APS_JSON_OBJECT);
    default:
        return false;
    }
}

/* The field of the kind with this member, or CTL_ITEM_FIELDS. */
static enum ctl_item_field field_named(enum ctl_item_kind kind, struct aps_str member)
{
    int i = 0;

    while (i < CTL_ITEM_FIELDS &&
           (fields[i].kind != kind || !aps_str_eq(member, aps_str(fields[i].member))))
        i++;
    return (enum ctl_item_field)i;
}

static const char *known_members(apr_pool_t *pool, enum ctl_item_kind kind)
{
    const char *all = "";

    for (int i = 0; i < CTL_ITEM_FIELDS; i++)
        if (fields[i].kind == kind)
            all = apr_pstrcat(pool, all, *all != '\0' ? ", " : "", fields[i].member, NULL);
    return all;
}

static enum aps_err bad_member(struct ctl *c, const struct ctl_item *item, struct aps_str member,
                               const char *want)
{
    aps_err_explain(&c->diag, "%s \"%.*s\": the member \"%.*s\": want %s", words[item->kind],
                    APS_STR_SHOW(item->name), APS_STR_SHOW(member), want);
    return APS_ERR_FORMAT;
}

static enum aps_err read_member(struct ctl *c, struct ctl_item *item,
                                const struct aps_jsonread_node *m)
{
    static const char *const want[] = {[TEXT] = "a string",    [LIST] = "an array of strings",
                                       [NUMBER] = "a number",  [FLAG] = "true or false",
                                       [OBJECT] = "an object", [OBJECTS] = "an array of objects"};
    const struct aps_str member = aps_jsonread_str(item->doc, m);
    const enum ctl_item_field field = field_named(item->kind, member);

    if (field == CTL_ITEM_FIELDS)
        return bad_member(c, item, member,
                          apr_psprintf(c->pool, "some of %s", known_members(c->pool, item->kind)));
    if (aps_jsonread_kind(m + 1) == APS_JSON_NULL)
        return APS_OK;
    if (!has_type(m + 1, fields[field].type))
        return bad_member(c, item, member, want[fields[field].type]);
    item->value[field] = m + 1;
    return APS_OK;
}

/* The first field of a kind is what its things are called. */
static enum ctl_item_field name_field(enum ctl_item_kind kind)
{
    int i = 0;

    while (fields[i].kind != kind)
        i++;
    return (enum ctl_item_field)i;
}

enum aps_err ctl_item_read(struct ctl *c, enum ctl_item_kind kind, const struct aps_jsonread *doc,
                           const struct aps_jsonread_node *object, struct ctl_item *out)
{
    const struct aps_jsonread_node *name = NULL;
    struct ctl_item item = {.kind = kind, .doc = doc};
    enum aps_err err = APS_OK;

    if (aps_jsonread_kind(object) == APS_JSON_OBJECT)
        name = aps_jsonread_get(doc, object, aps_str(fields[name_field(kind)].member));
    if (name == NULL || aps_jsonread_kind(name) != APS_JSON_STRING) {
        aps_err_explain(&c->diag, "%s: want objects, each with the member \"%s\"", words[kind],
                        fields[name_field(kind)].member);
        return APS_ERR_FORMAT;
    }
    item.name = aps_jsonread_str(doc, name);
    for (const struct aps_jsonread_node *m = aps_jsonread_first(object);
         err == APS_OK && m < aps_jsonread_end(object); m = aps_jsonread_next(m + 1))
        err = read_member(c, &item, m);
    if (err == APS_OK)
        *out = item;
    return err;
}

struct aps_str ctl_item_text(const struct ctl_item *item, enum ctl_item_field field)
{
    return item->value[field] != NULL ? aps_jsonread_str(item->doc, item->value[field])
                                      : (struct aps_str){NULL, 0};
}

struct aps_str ctl_item_raw(const struct ctl_item *item, enum ctl_item_field field)
{
    return item->value[field] != NULL ? aps_jsonread_raw(item->doc, item->value[field])
                                      : (struct aps_str){NULL, 0};
}

bool ctl_item_flag(const struct ctl_item *item, enum ctl_item_field field)
{
    return item->value[field] != NULL && aps_jsonread_kind(item->value[field]) == APS_JSON_TRUE;
}

const struct aps_str *ctl_item_list(struct ctl *c, const struct ctl_item *item,
                                    enum ctl_item_field field, size_t *out_n)
{
    const struct aps_jsonread_node *v = item->value[field];
    struct aps_str *list =
        apr_palloc(c->pool, ((v != NULL ? aps_jsonread_count(v) : 0) + 1) * sizeof *list);
    size_t n = 0;

    if (v != NULL)
        for (const struct aps_jsonread_node *one = aps_jsonread_first(v); one < aps_jsonread_end(v);
             one = aps_jsonread_next(one))
            list[n++] = aps_jsonread_str(item->doc, one);
    *out_n = n;
    return list;
}

/* ---- comparing ---- */

enum aps_err ctl_item_parse(struct ctl *c, enum ctl_item_kind kind, struct aps_str text,
                            struct ctl_item *out)
{
    /* The text is this program's. */
    static const unsigned char key[APS_SIPHASH_KEY_LEN];
    struct aps_jsonread *doc = apr_pcalloc(c->pool, sizeof *doc);

    *out = (struct ctl_item){.kind = kind, .doc = doc};
    if (text.n == 0)
        return APS_OK;
    aps_jsonread_init(doc, c->pool, key);
    if (aps_jsonread(doc, text, &aps_jsonread_plain) != APS_JSONREAD_OK)
        return APS_ERR_CORRUPT;
    return ctl_item_read(c, kind, doc, aps_jsonread_root(doc), out);
}

/* However they are written: an object is compared by who knows its meaning. */
static bool is_same_value(const struct ctl_item *a, const struct aps_jsonread_node *x,
                          const struct ctl_item *b, const struct aps_jsonread_node *y)
{
    const enum aps_jsonread_kind kind = aps_jsonread_kind(x);

    if (kind != aps_jsonread_kind(y))
        return false;
    if (kind == APS_JSON_STRING)
        return aps_str_eq(aps_jsonread_str(a->doc, x), aps_jsonread_str(b->doc, y));
    return aps_str_eq(aps_jsonread_raw(a->doc, x), aps_jsonread_raw(b->doc, y));
}

bool ctl_item_has_same(const struct ctl_item *a, const struct ctl_item *b,
                       enum ctl_item_field field)
{
    const struct aps_jsonread_node *x = a->value[field], *y = b->value[field];

    if (fields[field].type != LIST)
        return x == NULL || y == NULL ? x == y : is_same_value(a, x, b, y);
    if ((x != NULL ? aps_jsonread_count(x) : 0) != (y != NULL ? aps_jsonread_count(y) : 0))
        return false;
    if (x == NULL || y == NULL)
        return true; /* an empty list says nothing */
    for (const struct aps_jsonread_node *v = aps_jsonread_first(x), *w = aps_jsonread_first(y);
         v < aps_jsonread_end(x); v = aps_jsonread_next(v), w = aps_jsonread_next(w))
        if (!is_same_value(a, v, b, w))
            return false;
    return true;
}

bool ctl_item_is_same(const struct ctl_item *a, const struct ctl_item *b)
{
    for (int i = 0; i < CTL_ITEM_FIELDS; i++)
        if (fields[i].kind == a->kind && fields[i].looser != ONLY_TOLD &&
            !ctl_item_has_same(a, b, (enum ctl_item_field)i))
            return false;
    return true;
}

/* Whether `list` has a text that `of` has not. */
static bool has_more(const struct ctl_item *list, const struct ctl_item *of,
                     enum ctl_item_field field)
{
    const struct aps_jsonread_node *v = list->value[field], *others = of->value[field];

    if (v == NULL)
        return false;
    for (const struct aps_jsonread_node *one = aps_jsonread_first(v); one < aps_jsonread_end(v);
         one = aps_jsonread_next(one)) {
        bool found = false;

        if (others != NULL)
            for (const struct aps_jsonread_node *o = aps_jsonread_first(others);
                 !found && o < aps_jsonread_end(others); o = aps_jsonread_next(o))
                found = aps_str_eq(aps_jsonread_str(list->doc, one), aps_jsonread_str(of->doc, o));
        if (!found)
            return true;
    }
    return false;
}

/* Times are all written in one form, whose order is that of its bytes. */
static bool is_before(struct aps_str a, struct aps_str b)
{
    return aps_str_compare(a, b) < 0;
}

static bool is_looser(const struct ctl_item *was, const struct ctl_item *is,
                      enum ctl_item_field field)
{
    const struct aps_str before = ctl_item_text(was, field), after = ctl_item_text(is, field);

    switch (fields[field].looser) {
    case ANY:
        return true;
    case MORE:
        return has_more(is, was, field);
    case LESS:
        return has_more(was, is, field);
    case OPEN:
        return is->value[field] == NULL || (was->value[field] != NULL && has_more(is, was, field));
    case LATER:
        return after.n == 0 || (before.n != 0 && is_before(before, after));
    case EARLIER:
        return before.n != 0 && is_before(after, before);
    default:
        return false;
    }
}

enum aps_err ctl_item_compare(struct ctl *c, enum ctl_item_kind kind, struct aps_str before,
                              struct aps_str after, struct ctl_item_diff *out)
{
    struct ctl_item was, is;
    enum aps_err err = ctl_item_parse(c, kind, before, &was);

    if (err == APS_OK)
        err = ctl_item_parse(c, kind, after, &is);
    if (err != APS_OK)
        return err;
    out->fields = apr_array_make(c->pool, 4, sizeof(struct aps_str));
    out->looser = apr_array_make(c->pool, 4, sizeof(struct aps_str));
    for (int i = 0; i < CTL_ITEM_FIELDS; i++) {
        const enum ctl_item_field field = (enum ctl_item_field)i;

        if (fields[i].kind != kind || ctl_item_has_same(&was, &is, field))
            continue;
        APR_ARRAY_PUSH(out->fields, struct aps_str) = aps_str(fields[i].member);
        if (is_looser(&was, &is, field))
            APR_ARRAY_PUSH(out->looser, struct aps_str) = aps_str(fields[i].member);
    }
    return APS_OK;
}
