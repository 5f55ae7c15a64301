/* failures.c - failures as JSON, written when they are found: what they speak of is gone later. */
#include "apisec/failures.h"

#define SHOWN_MAX 64  /* bytes of a value */
#define NAMED_MAX 128 /* bytes of a name */

static const char *const places[] = {
    [APS_FAILURES_PATH] = "path",     [APS_FAILURES_QUERY] = "query",
    [APS_FAILURES_HEADER] = "header", [APS_FAILURES_COOKIE] = "cookie",
    [APS_FAILURES_BODY] = "body",
};

void aps_failures_init(struct aps_failures *f, apr_pool_t *pool)
{
    aps_json_init_pool(&f->list, pool, 0);
    f->n = 0;
}

/* Begin an object; false: there is no room for one. */
static bool begin(struct aps_failures *f, const struct aps_failures_place *place)
{
    if (f->n == APS_FAILURES_MAX)
        return false;
    if (f->n++ == 0)
        aps_json_array(&f->list);
    aps_json_object(&f->list);
    aps_json_put_str(&f->list, "in", places[place->in]);
    if (place->name.n > 0) {
        aps_json_name(&f->list, "name");
        aps_json_str_max(&f->list, place->name, NAMED_MAX);
    }
    return true;
}

void aps_failures_add(struct aps_failures *f, const struct aps_failures_place *place,
                      const char *keyword, const char *expected, struct aps_str value)
{
    if (!begin(f, place))
        return;
    if (place->pointer.n > 0) {
        aps_json_name(&f->list, "pointer");
        aps_json_str_max(&f->list, place->pointer, NAMED_MAX);
    }
    aps_json_put_str(&f->list, "keyword", keyword);
    aps_json_put_str(&f->list, "expected", expected);
    if (value.p != NULL) {
        aps_json_name(&f->list, "value");
        aps_json_str_max(&f->list, value, SHOWN_MAX);
    }
    aps_json_end(&f->list);
}

void aps_failures_add_verdict(struct aps_failures *f, const struct aps_failures_place *place,
                              const struct aps_schema_judge *judge, enum aps_schema_verdict verdict)
{
    if (verdict != APS_SCHEMA_INVALID) {
        aps_failures_add(f, place, aps_schema_judge_name(verdict),
                         "a value that can be judged within the bounds", (struct aps_str){NULL, 0});
        return;
    }
    for (uint32_t i = 0; i < aps_schema_judge_failures(judge) && begin(f, place); i++) {
        aps_schema_judge_print_members(judge, i, &f->list);
        aps_json_end(&f->list);
    }
}

void aps_failures_add_xsd(struct aps_failures *f, const struct aps_xsd_check *check)
{
    for (uint32_t i = 0; i < aps_xsd_check_failures(check) && f->n < APS_FAILURES_MAX; i++) {
        if (f->n++ == 0)
            aps_json_array(&f->list);
        aps_xsd_check_print(check, i, &f->list);
    }
}

void aps_failures_add_json(struct aps_failures *f, const struct aps_failures_place *place,
                           const struct aps_jsonread *reader)
{
    struct aps_diag diag = {.text = ""};

    if (!begin(f, place))
        return;
    aps_jsonread_fault_explain(reader, &diag);
    aps_json_put_str(&f->list, "keyword", "json");
    aps_json_put_str(&f->list, "fault", aps_jsonread_fault_name(reader->fault));
    aps_json_put_str(&f->list, "expected", diag.text);
    aps_json_end(&f->list);
}

struct aps_str aps_failures_text(struct aps_failures *f)
{
    if (f->n == 0)
        return APS_STR_LIT("[]");
    if (f->list.depth > 0)
        aps_json_end(&f->list);
    return aps_json_text(&f->list);
}
