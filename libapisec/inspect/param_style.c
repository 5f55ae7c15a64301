/* param_style.c - the styles of OpenAPI (3.0.4 4.7.12, 3.1.1 4.8.12) and RFC 6570.
 *
 * A text is cut at the delimiters of its style before it is decoded.  Each of scalar, list and
 * object that the schema leaves open gives one reading of it. */
#include "param_impl.h"

#include "apisec/num.h"

#define SCALARS                                                                                    \
    (1u << APS_JSON_NULL | 1u << APS_JSON_FALSE | 1u << APS_JSON_TRUE | 1u << APS_JSON_NUMBER |    \
     1u << APS_JSON_STRING)
#define ARRAY (1u << APS_JSON_ARRAY)
#define OBJECT (1u << APS_JSON_OBJECT)

static const struct aps_str none = {NULL, 0};

/* What lies between values; 0: nothing does. */
enum sep { SEP_NONE, SEP_COMMA, SEP_DOT, SEP_SEMICOLON, SEP_SPACE, SEP_PIPE };

/* ---- cutting */

static bool is_header(const struct styled *s)
{
    return s->param->in == APS_API_HEADER;
}

/* How long the delimiter at `p` is, or 0.  Blanks and bars may not stand in a URI as they are, so
 * they are found encoded too where texts are (3.1.1, "Undefined Values and Type Coercion", notes on
 * delimiters). */
static size_t sep_at(const struct styled *s, enum sep sep, const char *p, size_t n)
{
    const bool encoded = s->decoder->percent;

    if (sep == SEP_COMMA || sep == SEP_DOT || sep == SEP_SEMICOLON)
        return *p == (sep == SEP_COMMA ? ',' : sep == SEP_DOT ? '.' : ';');
    if (sep == SEP_SPACE && (*p == ' ' || (*p == '+' && encoded)))
        return 1;
    if (sep == SEP_PIPE && *p == '|')
        return 1;
    if (!encoded || n < 3)
        return 0;
    if (sep == SEP_SPACE)
        return memcmp(p, "%20", 3) == 0 ? 3 : 0;
    return sep == SEP_PIPE && memcmp(p, "%7", 2) == 0 && (p[2] | 0x20) == 'c' ? 3 : 0;
}

/* The piece up to the next delimiter; false behind the last.  *io_rest.p is NULL at the end. */
static bool next_piece(const struct styled *s, struct aps_str *io_rest, enum sep sep,
                       struct aps_str *out)
{
    size_t i = 0, n = 0;

    if (io_rest->p == NULL)
        return false;
    while (i < io_rest->n && (n = sep_at(s, sep, io_rest->p + i, io_rest->n - i)) == 0)
        i++;
    *out = (struct aps_str){io_rest->p, i};
    if (is_header(s))
        *out = aps_str_trim(*out);
    *io_rest = i < io_rest->n ? (struct aps_str){io_rest->p + i + n, io_rest->n - i - n} : none;
    return true;
}

/* A text of no bytes that is there all the same. */
static struct aps_str there(struct aps_str s)
{
    return s.p != NULL ? s : APS_STR_LIT("");
}

/* ---- values */

/* A decoded text as a value; NULL and a fault if it cannot be. */
static struct untyped *add_text(struct styled *s, struct untyped *holder, struct aps_str name,
                                struct aps_str raw)
{
    struct aps_str text;
    const enum pairs_fault fault = aps_pairs_decode(s->decoder, raw, &text);
    struct untyped *v = NULL;

    if (fault == PAIRS_OK)
        v = aps_untyped_add(s->decoder->pool, holder, UNTYPED_TEXT, name, text);
    if (v == NULL && s->fault == PAIRS_OK)
        s->fault = fault != PAIRS_OK ? fault : PAIRS_NOMEM;
    return v;
}

static struct untyped *add_holder(struct styled *s, enum untyped_kind kind)
{
    struct untyped *v = aps_untyped_add(s->decoder->pool, NULL, kind, none, none);

    if (v == NULL)
        s->fault = PAIRS_NOMEM;
    return v;
}

static void keep(struct styled *s, struct untyped *v)
{
    if (v != NULL && s->fault == PAIRS_OK && s->readings_n < STYLE_READINGS)
        s->readings[s->readings_n++] = v;
}

static void add_items(struct styled *s, struct untyped *list, struct aps_str text, enum sep sep)
{
    struct aps_str rest = there(text), piece;

    while (next_piece(s, &rest, sep, &piece))
        if (add_text(s, list, none, piece) == NULL)
            return;
}

static bool decode_name(struct styled *s, struct aps_str *io_name)
{
    const enum pairs_fault fault = aps_pairs_decode(s->decoder, *io_name, io_name);

    if (fault != PAIRS_OK && s->fault == PAIRS_OK)
        s->fault = fault;
    return fault == PAIRS_OK;
}

/* name,value,name,value: false if a name has no value. */
static bool add_flat(struct styled *s, struct untyped *map, struct aps_str text, enum sep sep)
{
    struct aps_str rest = there(text), name, value;

    while (next_piece(s, &rest, sep, &name)) {
        if (!next_piece(s, &rest, sep, &value))
            return false;
        if (!decode_name(s, &name) || add_text(s, map, name, value) == NULL)
            return false;
    }
    return true;
}

/* name=value and a delimiter and so on: false without a '='. */
static bool add_named(struct styled *s, struct untyped *map, struct aps_str text, enum sep sep)
{
    struct aps_str rest = there(text), piece, name;
    const char *equals;

    while (next_piece(s, &rest, sep, &piece)) {
        if ((equals = memchr(piece.p, '=', piece.n)) == NULL)
            return false;
        name = (struct aps_str){piece.p, (size_t)(equals - piece.p)};
        piece = (struct aps_str){equals + 1, piece.n - name.n - 1};
        if (!decode_name(s, &name) || add_text(s, map, name, piece) == NULL)
            return false;
    }
    return true;
}

/* ---- one text, or several of them: path and header, and what a query does not explode */

static void read_list(struct styled *s, enum sep sep)
{
    struct untyped *list = add_holder(s, UNTYPED_LIST);

    for (uint32_t i = 0; list != NULL && i < s->texts_n; i++)
        add_items(s, list, s->texts[i], sep);
    keep(s, list);
}

static void read_map(struct styled *s, enum sep sep, bool named)
{
    struct untyped *map = add_holder(s, UNTYPED_MAP);

    for (uint32_t i = 0; map != NULL && i < s->texts_n; i++)
        if (!(named ? add_named(s, map, s->texts[i], sep) : add_flat(s, map, s->texts[i], sep)))
            return;
    keep(s, map);
}

static void read_scalar(struct styled *s)
{
    if (s->texts_n == 1)
        keep(s, add_text(s, NULL, none, is_header(s) ? aps_str_trim(s->texts[0]) : s->texts[0]));
}

/* Scalars first: they are what most parameters are. */
static void read_texts(struct styled *s, enum sep sep, bool named)
{
    if ((s->types & SCALARS) != 0)
        read_scalar(s);
    if ((s->types & ARRAY) != 0)
        read_list(s, sep);
    if ((s->types & OBJECT) != 0)
        read_map(s, sep, named);
}

/* .a,b or, with explode and in the table of OpenAPI up to 3.0.3 and 3.1.0, .a.b */
static void read_label(struct styled *s)
{
    const bool explode = s->param->explode;
    struct aps_str text = s->texts[0];

    if (text.n == 0 || text.p[0] != '.')
        return;
    text = (struct aps_str){text.p + 1, text.n - 1};
    s->texts = &text;
    read_texts(s, explode ? SEP_DOT : SEP_COMMA, explode);
    if (!explode && (s->types & ARRAY) != 0)
        read_list(s, SEP_DOT);
    if (!explode && (s->types & OBJECT) != 0)
        read_map(s, SEP_DOT, false);
    s->texts = NULL;
}

/* The value behind "name=", or an empty one behind "name"; false if another name stands there. */
static bool matrix_value(struct styled *s, struct aps_str piece, struct aps_str *out)
{
    const char *equals = memchr(piece.p, '=', piece.n);
    struct aps_str name = {piece.p, equals != NULL ? (size_t)(equals - piece.p) : piece.n};

    *out = equals != NULL ? (struct aps_str){equals + 1, piece.n - name.n - 1} : APS_STR_LIT("");
    return aps_pairs_decode(s->decoder, name, &name) == PAIRS_OK &&
           aps_str_eq(name, s->param->name);
}

/* ;name=a;name=b */
static void read_matrix_list(struct styled *s, struct aps_str text)
{
    struct untyped *list = add_holder(s, UNTYPED_LIST);
    struct aps_str rest = there(text), piece, value;

    while (list != NULL && next_piece(s, &rest, SEP_SEMICOLON, &piece))
        if (!matrix_value(s, piece, &value) || add_text(s, list, none, value) == NULL)
            return;
    keep(s, list);
}

static void read_matrix(struct styled *s)
{
    struct aps_str text = s->texts[0], value;

    if (text.n == 0 || text.p[0] != ';')
        return;
    text = (struct aps_str){text.p + 1, text.n - 1};
    if (matrix_value(s, text, &value)) {
        s->texts = &value;
        if ((s->types & SCALARS) != 0 && memchr(value.p, ';', value.n) == NULL)
            read_scalar(s);
        if ((s->types & ARRAY) != 0 && !s->param->explode)
            read_list(s, SEP_COMMA);
        if ((s->types & OBJECT) != 0 && !s->param->explode)
            read_map(s, SEP_COMMA, false);
    }
    if ((s->types & ARRAY) != 0 && s->param->explode)
        read_matrix_list(s, text);
    if ((s->types & OBJECT) != 0 && s->param->explode) {
        s->texts = &text;
        read_map(s, SEP_SEMICOLON, true);
    }
    s->texts = NULL;
}

/* ---- pairs */

/* Whether a parameter of the same place has this name for its own. */
static bool is_declared(const struct styled *s, struct aps_str name)
{
    const struct aps_api_operation *o = s->operation;

    for (uint32_t i = 0; o != NULL && i < o->params_n; i++)
        if (o->params[i].in == s->param->in && aps_str_eq(o->params[i].name, name))
            return true;
    return false;
}

/* The members of an exploded object are pairs that its schema knows and no parameter has. */
static void read_members(struct styled *s)
{
    struct untyped *map = add_holder(s, UNTYPED_MAP);
    uint32_t shape;

    for (uint32_t i = 0; map != NULL && i < s->pairs->n; i++) {
        struct pair *p = &s->pairs->list[i];

        if (p->fault != PAIRS_OK || p->taken || is_declared(s, p->name) ||
            !aps_schema_shape_member(s->image, s->shape, p->name, &shape))
            continue;
        if (add_text(s, map, p->name, p->value) == NULL)
            return;
        p->taken = s->found = true;
    }
    if (map != NULL && map->first != NULL)
        keep(s, map);
}

/* Next [name] of a deep object; false at the end or if none stands there. */
static bool next_bracket(struct aps_str *io_rest, struct aps_str *out)
{
    const char *end;

    if (io_rest->n < 2 || io_rest->p[0] != '[' ||
        (end = memchr(io_rest->p, ']', io_rest->n)) == NULL)
        return false;
    *out = (struct aps_str){io_rest->p + 1, (size_t)(end - io_rest->p) - 1};
    *io_rest = (struct aps_str){end + 1, io_rest->n - out->n - 2};
    return true;
}

/* The number of an item, as it is written between brackets; UINT32_MAX if it is none. */
static uint32_t index_of(struct aps_str name)
{
    uint32_t i = 0;

    if (name.n == 0 || name.n > 4 || (name.n > 1 && name.p[0] == '0'))
        return UINT32_MAX;
    for (size_t k = 0; k < name.n; k++) {
        if (name.p[k] < '0' || name.p[k] > '9')
            return UINT32_MAX;
        i = 10 * i + (uint32_t)(name.p[k] - '0');
    }
    return i;
}

/* What stands in `holder` under this name: *out_v is NULL where nothing does yet.  In a list [] is
 * a new item, and items come in order.  False: the name has no place there. */
static bool find_deep(const struct untyped *holder, struct aps_str name,
                      struct aps_schema_shape_step *out_step, struct untyped **out_v)
{
    const bool list = holder->kind == UNTYPED_LIST;
    const uint32_t want = list && name.n > 0 ? index_of(name) : UINT32_MAX;
    struct untyped *v = holder->first;
    uint32_t i = 0;

    if (!list) {
        *out_step = (struct aps_schema_shape_step){.name = name};
        *out_v = aps_untyped_get(holder, name);
        return name.n > 0;
    }
    for (; v != NULL && i != want; i++)
        v = v->next;
    *out_step = (struct aps_schema_shape_step){.item = true, .i = i};
    *out_v = v;
    return name.n == 0 || i == want;
}

/* What the brackets that follow go into: a list where the schema takes one and they are a number
 * or empty. */
static enum untyped_kind kind_of(struct aps_str brackets, unsigned types)
{
    struct aps_str name;

    if ((types & ARRAY) == 0 || !next_bracket(&brackets, &name))
        return UNTYPED_MAP;
    return name.n == 0 || index_of(name) != UINT32_MAX ? UNTYPED_LIST : UNTYPED_MAP;
}

/* The text itself, behind its last bracket: an item where the schema takes nothing but lists. */
static bool put_last(struct styled *s, struct untyped *holder, struct untyped *v,
                     struct aps_str name, unsigned types, struct aps_str raw)
{
    if ((types & (ARRAY | SCALARS)) != ARRAY)
        return v == NULL && add_text(s, holder, name, raw) != NULL;
    if (v == NULL)
        v = aps_untyped_add(s->decoder->pool, holder, UNTYPED_LIST, name, none);
    return v != NULL && v->kind == UNTYPED_LIST && add_text(s, v, none, raw) != NULL;
}

/* Put a text where [a][b] says.  False: it has no place, or another text has it. */
static bool put_deep(struct styled *s, struct untyped *holder, struct aps_str brackets,
                     struct aps_str raw)
{
    struct aps_schema_shape_step way[UNTYPED_DEPTH];
    enum untyped_kind kind;
    struct aps_str name;
    struct untyped *v;
    unsigned types;

    for (uint32_t depth = 0; depth + 2 < UNTYPED_DEPTH; depth++) {
        if (!next_bracket(&brackets, &name) || !find_deep(holder, name, &way[depth], &v))
            return false;
        types = aps_schema_shape_types_at(s->image, s->shape, way, depth + 1);
        if (brackets.n == 0)
            return put_last(s, holder, v, name, types, raw);
        kind = kind_of(brackets, types);
        if (v == NULL)
            v = aps_untyped_add(s->decoder->pool, holder, kind, name, none);
        if (v == NULL || v->kind != kind)
            return false;
        holder = v;
    }
    return false;
}

/* name[a]=1&name[b][c]=2 */
static void read_deep(struct styled *s)
{
    struct untyped *map = add_holder(s, UNTYPED_MAP);
    const struct aps_str name = s->param->name;
    bool good = map != NULL;

    for (uint32_t i = 0; map != NULL && i < s->pairs->n; i++) {
        struct pair *p = &s->pairs->list[i];

        if (p->fault != PAIRS_OK || p->taken || p->name.n <= name.n || p->name.p[name.n] != '[' ||
            !aps_str_starts(p->name, name))
            continue;
        p->taken = true;
        s->found = true;
        if (s->first_text.p == NULL)
            s->first_text = p->value;
        good = good &&
               put_deep(s, map, (struct aps_str){p->name.p + name.n, p->name.n - name.n}, p->value);
    }
    if (s->found && good)
        keep(s, map);
}

/* The values of the pairs that have the parameter's name. */
static bool collect(struct styled *s)
{
    struct pair *const first = aps_pairs_get(s->pairs, s->param->name);
    struct aps_str *texts;
    uint32_t n = 0;

    for (const struct pair *p = first; p != NULL; p = p->next)
        n += !p->taken;
    if (n == 0)
        return true;
    s->found = true;
    if ((s->texts = texts = apr_palloc(s->decoder->pool, n * sizeof *texts)) == NULL) {
        s->fault = PAIRS_NOMEM;
        return false;
    }
    for (struct pair *p = first; p != NULL; p = p->next) {
        if (p->taken)
            continue;
        texts[s->texts_n++] = p->value;
        p->taken = true;
        if (p->fault != PAIRS_OK)
            s->fault = p->fault;
    }
    return true;
}

static enum sep sep_of(enum aps_api_style style)
{
    return style == APS_API_SPACE ? SEP_SPACE : style == APS_API_PIPE ? SEP_PIPE : SEP_COMMA;
}

static void read_form(struct styled *s)
{
    const bool explode = s->param->explode;

    if (!collect(s))
        return;
    if (s->texts_n > 0 && (s->types & SCALARS) != 0)
        read_scalar(s);
    if (s->texts_n > 0 && (s->types & ARRAY) != 0 && (explode || s->texts_n == 1))
        read_list(s, explode ? SEP_NONE : sep_of(s->param->style));
    if ((s->types & OBJECT) != 0 && explode)
        read_members(s);
    if (s->texts_n == 1 && (s->types & OBJECT) != 0 && !explode)
        read_map(s, sep_of(s->param->style), false);
    s->repeated = s->texts_n > 1 && s->readings_n == 0;
}

static void read_pairs(struct styled *s)
{
    if (s->param->json || s->param->style != APS_API_DEEP)
        read_form(s);
    else
        read_deep(s);
}

/* ---- */

unsigned aps_param_style_types(const struct aps_schema_image *image, uint32_t shape,
                               enum aps_api_style style)
{
    const unsigned types = aps_schema_shape_types(image, shape);

    if (types != (SCALARS | ARRAY | OBJECT))
        return types;
    if (style == APS_API_DEEP)
        return OBJECT;
    return SCALARS | aps_schema_shape_holders(image, shape);
}

void aps_param_style(struct styled *s)
{
    if (s->pairs != NULL) {
        read_pairs(s);
    } else if (s->texts_n > 0) {
        s->found = true;
        s->repeated = s->texts_n > 1 && (s->types & (ARRAY | OBJECT)) == 0;
        s->first_text = s->texts[0];
        if (s->param->style == APS_API_LABEL)
            read_label(s);
        else if (s->param->style == APS_API_MATRIX)
            read_matrix(s);
        else
            read_texts(s, SEP_COMMA, s->param->explode);
    }
    if (s->first_text.p == NULL && s->texts_n > 0 && s->texts != NULL)
        s->first_text = s->texts[0];
    s->empty = s->texts_n == 1 && s->first_text.n == 0;
}
