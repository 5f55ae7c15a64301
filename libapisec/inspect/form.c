/* form.c - application/x-www-form-urlencoded (WHATWG URL 5.1). */
#include "form_impl.h"

#include "apisec/mediatype.h"
#include "apisec/variable.h"

#define OBJECT (1u << APS_JSON_OBJECT)
#define ARRAY (1u << APS_JSON_ARRAY)
#define STRING (1u << APS_JSON_STRING)

/* ---- shared with form_multipart.c */

bool aps_form_start(struct form_run *run, struct aps_param_reader *r, apr_pool_t *pool,
                    const struct aps_form *form, struct aps_failures *failures)
{
    *run =
        (struct form_run){.r = r, .pool = pool, .form = form, .failures = failures, .good = true};
    aps_untyped_use(&r->untyped, form->image);
    run->shape = aps_schema_shape_entry(form->image, form->media->schema);
    run->root = aps_untyped_add(pool, NULL, UNTYPED_MAP, (struct aps_str){NULL, 0},
                                (struct aps_str){NULL, 0});
    return run->root != NULL;
}

void aps_form_fail(struct form_run *run, struct aps_str name, const char *keyword,
                   const char *expected, struct aps_str value)
{
    aps_failures_add(run->failures,
                     &(struct aps_failures_place){.in = APS_FAILURES_BODY, .name = name}, keyword,
                     expected, value);
    run->good = false;
}

struct form_property aps_form_property(const struct form_run *run, struct aps_str name)
{
    const struct aps_api_media *media = run->form->media;
    const struct aps_schema_shape_step way[] = {{.name = name}, {.item = true}};
    struct form_property p = {.encoding = NULL};

    for (uint32_t i = 0; i < media->encodings_n; i++)
        if (aps_str_eq(media->encodings[i].property, name))
            p.encoding = &media->encodings[i];
    p.known = aps_schema_shape_member(run->form->image, run->shape, name, &p.shape) ||
              run->shape == APS_SCHEMA_SHAPE_ANY;
    p.types = aps_schema_shape_types_at(run->form->image, run->shape, way, 1);
    p.item_types = aps_schema_shape_types_at(run->form->image, run->shape, way, 2);
    if ((p.types & (OBJECT | ARRAY | STRING)) == (OBJECT | ARRAY | STRING))
        p.types &= ~(OBJECT | ARRAY) | aps_schema_shape_holders(run->form->image, p.shape);
    if (p.types == 0) /* no value is good: the schema says by which keyword */
        p.types = STRING;
    return p;
}

/* More is said of it than of any other member. */
static bool is_named(const struct form_run *run, struct aps_str name)
{
    uint32_t shape, other;

    return run->shape != APS_SCHEMA_SHAPE_ANY &&
           aps_schema_shape_member(run->form->image, run->shape, name, &shape) &&
           (!aps_schema_shape_member(run->form->image, run->shape, APS_STR_LIT("\1"), &other) ||
            shape != other);
}

bool aps_form_is_other_name(const struct form_run *run, struct aps_str name)
{
    char *buf = apr_palloc(run->pool, name.n + 1);
    struct aps_variable variable;

    if (buf == NULL)
        return true;
    aps_variable_read(name, buf, &variable);
    return !aps_str_eq(variable.base, name) && is_named(run, variable.base) && !is_named(run, name);
}

bool aps_form_is_json(unsigned types)
{
    return types != 0 && (types & ~(OBJECT | 1u << APS_JSON_NULL)) == 0;
}

void aps_form_read_json(struct form_run *run, struct untyped *v)
{
    if (v->kind == UNTYPED_TEXT &&
        aps_jsonread(&run->r->untyped.reader, v->text, run->r->untyped.json) == APS_JSONREAD_OK)
        v->kind = UNTYPED_JSON;
}

bool aps_form_finish(struct form_run *run)
{
    static const struct aps_failures_place place = {.in = APS_FAILURES_BODY};
    const uint32_t schema = run->form->media->schema;
    enum aps_schema_verdict verdict;

    if (!run->good || schema == APS_API_NO_SCHEMA)
        return run->good;
    verdict = aps_untyped_judge(&run->r->untyped, schema, run->root);
    if (verdict == APS_SCHEMA_VALID)
        return true;
    aps_untyped_list(&run->r->untyped, run->failures, &place, verdict);
    return false;
}

/* ---- pairs */

/* The property's value out of the pairs of its name; the schema chooses between a list and a
 * scalar. */
static struct untyped *choose(const struct styled *s)
{
    const bool list = s->readings_n > 1 && s->texts_n > 1;

    if (s->readings_n == 0)
        return NULL;
    return s->readings[list && s->readings[0]->kind == UNTYPED_TEXT ? 1 : 0];
}

static void read_json(struct form_run *run, const struct form_property *p, struct untyped *v)
{
    const bool said = p->encoding != NULL && p->encoding->types.n > 0 && !p->encoding->styled &&
                      aps_mediatype_is_json(p->encoding->types);

    if (p->encoding != NULL && p->encoding->styled)
        return;
    if (said || aps_form_is_json(p->types))
        aps_form_read_json(run, v);
    for (struct untyped *item = v->first; v->kind == UNTYPED_LIST && item != NULL;
         item = item->next)
        if (said || aps_form_is_json(p->item_types))
            aps_form_read_json(run, item);
}

void aps_form_take(struct form_run *run, struct decoder *decoder, struct pairs *pairs,
                   struct aps_str name, const struct form_property *p)
{
    const bool styled = p->encoding != NULL && p->encoding->styled;
    const struct aps_api_param param = {.name = name,
                                        .in = APS_API_QUERY,
                                        .style = styled ? p->encoding->style : APS_API_FORM,
                                        .explode = styled ? p->encoding->explode : true};
    struct styled s = {.param = &param,
                       .shape = p->shape,
                       .types = p->types,
                       .decoder = decoder,
                       .pairs = pairs,
                       .image = run->form->image};
    struct untyped *v;

    if (!styled && (s.types & OBJECT) != 0) /* as JSON, in a text */
        s.types = (s.types & ~OBJECT) | STRING;
    if (s.types == 0) /* the schema takes none, and tells so of a text */
        s.types = STRING;
    aps_param_style(&s);
    if (!s.found)
        return;
    if (s.fault != PAIRS_OK) {
        aps_form_fail(run, name, "encoding", aps_pairs_want(s.fault), s.first_text);
    } else if ((v = choose(&s)) == NULL) {
        aps_form_fail(run, name, s.repeated ? "repeated" : "style",
                      s.repeated ? "one value" : "a value as the style of its encoding writes it",
                      s.first_text);
    } else {
        v->name = name;
        read_json(run, p, v);
        aps_untyped_put(run->root, v);
    }
}

/* Properties whose style gives their pairs other names than their own. */
static void take_styled(struct form_run *run, struct decoder *decoder, struct pairs *pairs)
{
    const struct aps_api_media *media = run->form->media;

    for (uint32_t i = 0; i < media->encodings_n; i++) {
        const struct aps_api_encoding *e = &media->encodings[i];
        const struct form_property p = aps_form_property(run, e->property);

        if (e->styled && (e->style == APS_API_DEEP || (e->explode && (p.types & OBJECT) != 0)))
            aps_form_take(run, decoder, pairs, e->property, &p);
    }
}

static void take_rest(struct form_run *run, struct decoder *decoder, struct pairs *pairs)
{
    for (uint32_t i = 0; i < pairs->n; i++) {
        struct pair *pair = &pairs->list[i];
        struct form_property p;

        if (pair->taken)
            continue;
        p = aps_form_property(run, pair->name);
        if (pair->fault != PAIRS_OK) {
            pair->taken = true;
            aps_form_fail(run, pair->name, "encoding", aps_pairs_want(pair->fault), pair->raw);
        } else if ((!p.known && run->form->undeclared) || aps_form_is_other_name(run, pair->name)) {
            pair->taken = true;
            aps_form_fail(run, pair->name, "undeclared", "a field of the form", pair->raw);
        } else {
            aps_form_take(run, decoder, pairs, pair->name, &p);
            if (!pair->taken) /* its style has it under other names */
                aps_form_fail(run, pair->name, "style",
                              "a value as the style of its encoding writes it", pair->raw);
        }
    }
}

bool aps_form_judge(struct aps_param_reader *r, apr_pool_t *pool, const struct aps_form *form,
                    struct aps_str body, struct aps_failures *failures, bool *out_doubled)
{
    struct decoder decoder = {.pool = pool, .percent = true, .plus = true};
    struct form_run run;
    struct pairs pairs;

    if (!aps_form_start(&run, r, pool, form, failures))
        return false;
    if (!aps_pairs_read(&decoder, body, '&', false, APS_PARAM_PAIRS_MAX, &pairs)) {
        aps_form_fail(&run, (struct aps_str){NULL, 0}, "count", "no more than 1000 fields",
                      (struct aps_str){NULL, 0});
        return false;
    }
    if (!aps_pairs_link(&pairs, pool, r->untyped.reader.key))
        return false;
    take_styled(&run, &decoder, &pairs);
    take_rest(&run, &decoder, &pairs);
    if (decoder.doubled)
        *out_doubled = true;
    return aps_form_finish(&run);
}
