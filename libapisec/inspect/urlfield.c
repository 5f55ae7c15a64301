/* urlfield.c - pointers and rules -> one schema; parameters -> one value of it.
 *
 * Of the k-th field, step i is the definition "k.i": what it says of a member or an item is the
 * definition of the next step, and the last one is the string with its rules. */
#include "apisec/urlfield.h"

#include <apr_strings.h>

#include "apisec/json.h"
#include "apisec/num.h"
#include "apisec/schema_compile.h"
#include "apisec/urlrule.h"
#include "schema_build.h"

static enum aps_err refuse(enum aps_err err, struct aps_str pointer, const char *why,
                           struct aps_diag *diag)
{
    aps_err_explain(diag, "field \"%.*s\": %s", APS_STR_SHOW(pointer), why);
    return err;
}

/* ---- writing */

/* The writer takes names as they are; this one is written as a string first. */
static void put_name(struct aps_json *out, struct aps_str name)
{
    struct aps_json w;
    struct aps_str text;

    aps_json_init_pool(&w, out->pool, 0);
    aps_json_str(&w, name);
    text = aps_json_text(&w);
    if (text.n >= 2)
        aps_json_name_n(out, text.p + 1, text.n - 2);
}

static void put_ref(struct aps_json *out, uint32_t field, uint32_t step)
{
    aps_json_object(out);
    aps_json_name_n(out, "$ref", 4);
    aps_json_str(out, aps_str(apr_psprintf(out->pool, "#/$defs/%u.%u", field, step)));
    aps_json_end(out);
}

static void put_named_ref(struct aps_json *out, const char *keyword, uint32_t field, uint32_t step)
{
    aps_json_name_n(out, keyword, strlen(keyword));
    put_ref(out, field, step);
}

/* The item of this index alone. */
static void put_item(struct aps_json *out, uint64_t index, uint32_t field, uint32_t step)
{
    aps_json_name_n(out, "prefixItems", 11);
    aps_json_array(out);
    for (uint64_t i = 0; i < index; i++)
        aps_json_bool(out, true);
    put_ref(out, field, step);
    aps_json_end(out);
}

/* ---- pointers */

/* RFC 6901 4: digits without a leading zero. */
static bool is_index(struct aps_str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] < '0' || name.p[i] > '9')
            return false;
    return name.n == 1 || (name.n > 1 && name.p[0] != '0');
}

/* What the definition of a step says, which leads to the next one. */
static enum aps_err put_step(struct aps_json *out, struct aps_str pointer, struct aps_str raw,
                             uint32_t field, uint32_t next, struct aps_diag *diag)
{
    struct aps_str name;
    uint64_t index = 0;

    if (!aps_schema_find_token(out->pool, raw, &name))
        return refuse(APS_ERR_FORMAT, pointer, "behind ~ want 0 or 1", diag);
    if (aps_str_eq(raw, APS_STR_LIT("*"))) {
        put_named_ref(out, "additionalProperties", field, next);
        put_named_ref(out, "items", field, next);
        return APS_OK;
    }
    aps_json_name_n(out, "properties", 10);
    aps_json_object(out);
    put_name(out, name);
    put_ref(out, field, next);
    aps_json_end(out);
    if (!is_index(name))
        return APS_OK;
    if (aps_num_parse(name, 0, APS_URLFIELD_INDEX_MAX, &index, NULL) != APS_OK)
        return refuse(APS_ERR_RANGE, pointer, "want no index above 9999", diag);
    put_item(out, index, field, next);
    return APS_OK;
}

static enum aps_err put_rules(struct aps_json *out, const struct aps_urlfield *field,
                              struct aps_diag *diag)
{
    struct aps_urlrule rule;
    enum aps_err err;

    if (field->rules_n == 0 || field->rules_n > APS_URLFIELD_RULES_MAX)
        return refuse(APS_ERR_RANGE, field->pointer, "want 1 to 64 rules", diag);
    aps_json_name_n(out, "type", 4);
    aps_json_str(out, APS_STR_LIT("string"));
    aps_json_name_n(out, "x-apisec-url", 12);
    aps_json_array(out);
    for (uint32_t i = 0; i < field->rules_n; i++) {
        if ((err = aps_urlrule_parse(field->rules[i], &rule, diag)) != APS_OK)
            return err;
        aps_json_str(out, field->rules[i]);
    }
    aps_json_end(out);
    return APS_OK;
}

/* All definitions of one field. */
static enum aps_err put_field(struct aps_json *out, const struct aps_urlfield *field, uint32_t k,
                              struct aps_diag *diag)
{
    struct aps_str rest = field->pointer;
    enum aps_err err = APS_OK;

    if (rest.n != 0 && rest.p[0] != '/')
        return refuse(APS_ERR_FORMAT, rest, "want a pointer such as /items/*/callback", diag);
    for (uint32_t i = 0;; i++) {
        const bool last = rest.n == 0;
        size_t n = 1;

        if (!last && i == APS_URLFIELD_STEPS_MAX)
            return refuse(APS_ERR_RANGE, field->pointer, "more than 16 steps", diag);
        while (n < rest.n && rest.p[n] != '/')
            n++;
        put_name(out, aps_str(apr_psprintf(out->pool, "%u.%u", k, i)));
        aps_json_object(out);
        err = last ? put_rules(out, field, diag)
                   : put_step(out, field->pointer, (struct aps_str){rest.p + 1, n - 1}, k, i + 1,
                              diag);
        aps_json_end(out);
        if (err != APS_OK || last)
            return err;
        rest = (struct aps_str){rest.p + n, rest.n - n};
    }
}

/* ---- all of them */

static enum aps_err write_schema(struct aps_json *out, const struct aps_urlfield *fields,
                                 uint32_t n, struct aps_diag *diag)
{
    enum aps_err err = APS_OK;

    aps_json_object(out);
    aps_json_name_n(out, "allOf", 5);
    aps_json_array(out);
    for (uint32_t k = 0; k < n; k++)
        put_ref(out, k, 0);
    aps_json_end(out);
    aps_json_name_n(out, "$defs", 5);
    aps_json_object(out);
    for (uint32_t k = 0; k < n && err == APS_OK; k++)
        err = put_field(out, &fields[k], k, diag);
    aps_json_end(out);
    aps_json_end(out);
    return err == APS_OK && out->full ? APS_ERR_NOMEM : err;
}

enum aps_err aps_urlfield_compile(const struct aps_urlfield *fields, uint32_t n, apr_pool_t *pool,
                                  const struct aps_schema_image **out, struct aps_diag *diag)
{
    struct aps_schema_source source = {.uri = {NULL, 0}};
    const struct aps_schema_compile what = {
        .sources = &source, .sources_n = 1, .dialect = APS_SCHEMA_2020_12};
    struct aps_str block = {NULL, 0};
    struct aps_json w;
    enum aps_err err;

    if (n == 0 || n > APS_URLFIELD_MAX) {
        aps_err_explain(diag, "%u fields: want 1 to %d", n, APS_URLFIELD_MAX);
        return APS_ERR_RANGE;
    }
    aps_json_init_pool(&w, pool, 0);
    if ((err = write_schema(&w, fields, n, diag)) != APS_OK)
        return err;
    source.text = aps_json_text(&w);
    if ((err = aps_schema_compile(&what, pool, &block, NULL, diag)) != APS_OK)
        return err;
    return aps_schema_image_open(pool, block, out, diag);
}

enum aps_jsonread_fault aps_urlfield_object(const struct aps_urlfield_value *values, size_t n,
                                            struct aps_jsonread *reader)
{
    static const struct aps_jsonread_options flat = {.bytes_max = UINT32_MAX,
                                                     .depth_max = 1,
                                                     .nodes_max = UINT32_MAX,
                                                     .string_max = UINT32_MAX,
                                                     .members_max = APS_JSONREAD_HELD_MAX,
                                                     .duplicates = true,
                                                     .nul = true};
    struct aps_json w;

    aps_json_init_pool(&w, reader->pool, 0);
    aps_json_object(&w);
    for (size_t i = 0; i < n; i++) {
        put_name(&w, values[i].name);
        if (values[i].value.p != NULL)
            aps_json_str(&w, values[i].value);
        else
            aps_json_null(&w);
    }
    aps_json_end(&w);
    return w.full ? APS_JSONREAD_NOMEM : aps_jsonread(reader, aps_json_text(&w), &flat);
}

bool aps_urlfield_semicolons(struct aps_str text, apr_pool_t *pool, struct aps_str *out)
{
    struct aps_str pairs, rest, piece;
    char *room, *to;

    *out = (struct aps_str){"", 0};
    if (text.n == 0 || memchr(text.p, ';', text.n) == NULL)
        return true;
    if ((room = to = apr_palloc(pool, text.n + 1)) == NULL)
        return false;
    for (rest = text; aps_str_next(&rest, '&', &pairs);)
        while (aps_str_next(&pairs, ';', &piece)) {
            if (piece.n == 0 || piece.p[0] == '=')
                continue;
            if (to != room)
                *to++ = '&';
            memcpy(to, piece.p, piece.n);
            to += piece.n;
        }
    *out = (struct aps_str){room, (size_t)(to - room)};
    return true;
}
