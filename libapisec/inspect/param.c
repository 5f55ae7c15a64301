/* param.c - which texts of a request are whose, and the verdict on them. */
#include "param_impl.h"

#include "apisec/variable.h"

/* One request. */
struct run {
    struct aps_param_reader *r;
    const struct aps_schema_image *image;
    const struct aps_api_operation *operation;
    const struct aps_param_request *request;
    const struct aps_param_options *options;
    struct aps_failures *failures;
    struct decoder plain;  /* headers */
    struct decoder escape; /* paths, cookies */
    struct decoder form;   /* queries */
    struct pairs query, cookies;
    bool good;
};

static const enum aps_failures_in places[] = {
    [APS_API_PATH] = APS_FAILURES_PATH,
    [APS_API_QUERY] = APS_FAILURES_QUERY,
    [APS_API_HEADER] = APS_FAILURES_HEADER,
    [APS_API_COOKIE] = APS_FAILURES_COOKIE,
};

struct aps_param_reader *aps_param_reader_new(apr_pool_t *pool, struct aps_schema_judge *judge,
                                              const unsigned char key[APS_SIPHASH_KEY_LEN])
{
    struct aps_param_reader *r = apr_pcalloc(pool, sizeof *r);

    if (r != NULL)
        aps_untyped_init(&r->untyped, pool, judge, key);
    return r;
}

const struct aps_param_field *aps_param_field(const struct aps_param_request *request,
                                              struct aps_str name, uint32_t *io_at)
{
    while (*io_at < request->fields_n) {
        const struct aps_param_field *field = &request->fields[(*io_at)++];

        if (aps_str_eq_nocase(field->name, name))
            return field;
    }
    return NULL;
}

static void fail(struct run *run, enum aps_failures_in in, struct aps_str name, const char *keyword,
                 const char *expected, struct aps_str value)
{
    aps_failures_add(run->failures, &(struct aps_failures_place){.in = in, .name = name}, keyword,
                     expected, value);
    run->good = false;
}

/* ---- one parameter */

static const char *style_wants(const struct aps_api_param *p)
{
    switch (p->style) {
    case APS_API_LABEL:
        return ". and then a value, a list or an object of the schema";
    case APS_API_MATRIX:
        return ";, the name and then a value, a list or an object of the schema";
    case APS_API_DEEP:
        return "name[member]=value, each member once";
    default:
        return "a value, a list or an object of the schema, as the style writes it";
    }
}

/* A text that is JSON; one that is none is a string (docs/parameters.md). */
static void read_json(struct run *run, struct styled *s)
{
    struct untyped *v = s->readings[0];
    struct aps_jsonread *reader = &run->r->untyped.reader;

    if (aps_jsonread(reader, v->text, run->r->untyped.json) == APS_JSONREAD_OK)
        v->kind = UNTYPED_JSON;
}

static void judge_readings(struct run *run, const struct styled *s)
{
    const struct aps_failures_place place = {.in = places[s->param->in], .name = s->param->name};
    enum aps_schema_verdict verdict = APS_SCHEMA_UNDECIDED;

    if (s->param->schema == APS_API_NO_SCHEMA)
        return;
    for (uint32_t i = 0; i < s->readings_n; i++)
        if (aps_untyped_judge(&run->r->untyped, s->param->schema, s->readings[i]) ==
            APS_SCHEMA_VALID)
            return;
    verdict = aps_untyped_judge(&run->r->untyped, s->param->schema, s->readings[0]);
    aps_untyped_list(&run->r->untyped, run->failures, &place, verdict);
    run->good = false;
}

/* RFC 3986 2.2, but for what the styles use; a '+' is a blank and a '%' begins an escape. */
static bool has_reserved(const struct styled *s)
{
    static const char reserved[] = ":/?#[]@!$'()*;";

    for (uint32_t i = 0; i < s->texts_n && s->texts != NULL; i++)
        for (size_t k = 0; k < s->texts[i].n; k++)
            if (memchr(reserved, s->texts[i].p[k], sizeof reserved - 1) != NULL)
                return true;
    return false;
}

static void judge_found(struct run *run, struct styled *s)
{
    const enum aps_failures_in in = places[s->param->in];
    const struct aps_str name = s->param->name;

    if (s->fault != PAIRS_OK)
        fail(run, in, name, "encoding", aps_pairs_want(s->fault), s->first_text);
    else if (s->repeated)
        fail(run, in, name, "repeated", "one value", s->first_text);
    else if (s->empty && s->param->empty)
        return;
    else if (run->options->reserved && in == APS_FAILURES_QUERY && !s->param->reserved &&
             has_reserved(s))
        fail(run, in, name, "reserved", "reserved characters percent-encoded", s->first_text);
    else if (s->readings_n == 0 && s->texts_n + (s->first_text.p != NULL) > 0)
        fail(run, in, name, "style", style_wants(s->param), s->first_text);
    else if (s->readings_n > 0)
        judge_readings(run, s);
}

static void judge_param(struct run *run, struct styled *s)
{
    const struct aps_api_param *p = s->param;

    s->image = run->image;
    s->operation = run->operation;
    s->shape = aps_schema_shape_entry(run->image, p->schema);
    s->types =
        p->json ? 1u << APS_JSON_STRING : aps_param_style_types(run->image, s->shape, p->style);
    aps_param_style(s);
    if (!s->found) {
        if (p->required)
            fail(run, places[p->in], p->name, "required", "a value", (struct aps_str){NULL, 0});
        return;
    }
    if (p->json && s->readings_n == 1)
        read_json(run, s);
    judge_found(run, s);
}

/* ---- where its texts are */

static void judge_path(struct run *run, const struct aps_api_param *p, uint32_t i)
{
    struct styled s = {.param = p, .decoder = &run->escape};

    if (i < run->request->captures_n) {
        s.texts = &run->request->captures[i];
        s.texts_n = 1;
    }
    judge_param(run, &s);
}

static void judge_header(struct run *run, const struct aps_api_param *p)
{
    struct styled s = {.param = p, .decoder = &run->plain};
    const struct aps_param_field *field;
    struct aps_str *texts;
    uint32_t n = 0, at = 0;

    while (aps_param_field(run->request, p->name, &at) != NULL)
        n++;
    if ((texts = apr_palloc(run->plain.pool, (n + 1) * sizeof *texts)) == NULL) {
        run->good = false;
        return;
    }
    for (at = 0; (field = aps_param_field(run->request, p->name, &at)) != NULL;)
        texts[s.texts_n++] = field->value;
    s.texts = texts;
    judge_param(run, &s);
}

/* ---- pairs */

static void link_pairs(struct run *run, struct pairs *pairs)
{
    if (!aps_pairs_link(pairs, run->form.pool, run->r->untyped.reader.key))
        run->good = false;
}

static void read_query(struct run *run)
{
    if (!aps_pairs_read(&run->form, run->request->query, '&', false, APS_PARAM_PAIRS_MAX,
                        &run->query))
        fail(run, APS_FAILURES_QUERY, (struct aps_str){NULL, 0}, "count",
             "no more than 1000 parameters", (struct aps_str){NULL, 0});
    link_pairs(run, &run->query);
}

/* Whether the operation has parameters there. */
static bool has_params(const struct aps_api_operation *o, enum aps_api_in in)
{
    for (uint32_t i = 0; i < o->params_n; i++)
        if (o->params[i].in == in)
            return true;
    return false;
}

/* Cookies that nobody declares belong to others, who may write them as they like. */
static void read_cookies(struct run *run)
{
    const struct aps_param_field *field;
    struct decoder trial = run->escape;
    struct aps_str text = {NULL, 0};
    uint32_t at = 0;

    while ((field = aps_param_field(run->request, APS_STR_LIT("cookie"), &at)) != NULL) {
        if (text.p != NULL) /* RFC 6265 5.4: there is one */
            fail(run, APS_FAILURES_HEADER, field->name, "repeated", "one field", field->value);
        text = field->value;
    }
    if (!aps_pairs_read(&trial, text, ';', true, APS_PARAM_PAIRS_MAX, &run->cookies))
        fail(run, APS_FAILURES_COOKIE, (struct aps_str){NULL, 0}, "count",
             "no more than 1000 cookies", (struct aps_str){NULL, 0});
    link_pairs(run, &run->cookies);
}

static void judge_pairs(struct run *run, const struct aps_api_param *p)
{
    struct styled s = {.param = p,
                       .decoder = p->in == APS_API_QUERY ? &run->form : &run->escape,
                       .pairs = p->in == APS_API_QUERY ? &run->query : &run->cookies};

    judge_param(run, &s);
}

/* Whether a security scheme of the operation takes a key from this query parameter. */
static bool is_key(const struct aps_api_operation *o, struct aps_str name)
{
    for (uint32_t i = 0; i < o->security_n; i++)
        for (uint32_t k = 0; k < o->security[i].needs_n; k++)
            if (o->security[i].needs[k].kind == APS_API_KEY_QUERY &&
                aps_str_eq(o->security[i].needs[k].name, name))
                return true;
    return false;
}

/* Whether a program may take it for a parameter that was judged under another name. */
static bool is_other_name(const struct run *run, enum aps_api_in in, struct aps_str name)
{
    const struct aps_api_operation *o = run->operation;
    size_t longest = 0;
    char *buf;

    for (uint32_t i = 0; i < o->params_n; i++)
        if (o->params[i].in == in && o->params[i].name.n > longest)
            longest = o->params[i].name.n;
    if (longest == 0)
        return false;
    if ((buf = apr_palloc(run->form.pool, name.n + longest)) == NULL)
        return true;
    for (uint32_t i = 0; i < o->params_n; i++)
        if (o->params[i].in == in && aps_variable_is_other_name(name, o->params[i].name, buf))
            return true;
    return false;
}

static void fail_name(struct run *run, enum aps_failures_in in, struct aps_str name)
{
    fail(run, in, name, "undeclared", "no name that a program takes for a parameter's",
         (struct aps_str){NULL, 0});
}

/* What no parameter has taken; of cookies, others' are no fault. */
static void judge_rest(struct run *run)
{
    for (uint32_t i = 0; i < run->query.n; i++) {
        const struct pair *p = &run->query.list[i];

        if (p->taken)
            continue;
        if (p->fault != PAIRS_OK)
            fail(run, APS_FAILURES_QUERY, p->name, "encoding", aps_pairs_want(p->fault), p->raw);
        else if (run->options->undeclared && !is_key(run->operation, p->name))
            fail(run, APS_FAILURES_QUERY, p->name, "undeclared", "a parameter of the operation",
                 (struct aps_str){NULL, 0});
        else if (!run->options->undeclared && is_other_name(run, APS_API_QUERY, p->name))
            fail_name(run, APS_FAILURES_QUERY, p->name);
    }
    for (uint32_t i = 0; i < run->cookies.n; i++) {
        const struct pair *p = &run->cookies.list[i];

        if (!p->taken && is_other_name(run, APS_API_COOKIE, p->name))
            fail_name(run, APS_FAILURES_COOKIE, p->name);
    }
}

static void judge_all(struct run *run)
{
    const struct aps_api_operation *o = run->operation;
    uint32_t captures = 0;

    for (uint32_t i = 0; i < o->params_n; i++) {
        const struct aps_api_param *p = &o->params[i];

        if (p->in == APS_API_PATH)
            judge_path(run, p, captures++);
        else if (p->in == APS_API_HEADER)
            judge_header(run, p);
        else
            judge_pairs(run, p);
    }
}

bool aps_param_judge(struct aps_param_reader *r, apr_pool_t *pool,
                     const struct aps_schema_image *image,
                     const struct aps_api_operation *operation,
                     const struct aps_param_request *request,
                     const struct aps_param_options *options, struct aps_failures *failures,
                     bool *out_doubled)
{
    struct run run = {.r = r,
                      .image = image,
                      .operation = operation,
                      .request = request,
                      .options = options,
                      .failures = failures,
                      .plain = {.pool = pool},
                      .escape = {.pool = pool, .percent = true},
                      .form = {.pool = pool, .percent = true, .plus = true},
                      .good = true};

    aps_untyped_use(&r->untyped, image);
    read_query(&run);
    if (has_params(operation, APS_API_COOKIE))
        read_cookies(&run);
    judge_all(&run);
    judge_rest(&run);
    if (run.escape.doubled || run.form.doubled)
        *out_doubled = true;
    return run.good;
}
