/* textbody.c - a text as one value. */
#include "textbody.h"

#include "param_impl.h"

bool aps_textbody(struct aps_param_reader *r, apr_pool_t *pool,
                  const struct aps_schema_image *image, uint32_t schema, struct aps_str body,
                  struct aps_failures *failures)
{
    static const struct aps_failures_place place = {.in = APS_FAILURES_BODY};
    const struct aps_str none = {NULL, 0};
    struct decoder plain = {.pool = pool};
    enum aps_schema_verdict verdict;
    struct aps_str text = none;
    const enum pairs_fault fault = aps_pairs_decode(&plain, body, &text);
    struct untyped *value;

    if (fault != PAIRS_OK) {
        aps_failures_add(failures, &place, "encoding", aps_pairs_want(fault), none);
        return false;
    }
    if ((value = aps_untyped_add(pool, NULL, UNTYPED_TEXT, none, text)) == NULL)
        return false;
    aps_untyped_use(&r->untyped, image);
    verdict = aps_untyped_judge(&r->untyped, schema, value);
    if (verdict == APS_SCHEMA_VALID)
        return true;
    aps_untyped_list(&r->untyped, failures, &place, verdict);
    return false;
}
