/* sf_print.c - the canonical form of structured field values: what holds bare items together. */
#include "sf_impl.h"

static bool is_true(const struct aps_sf *v)
{
    return v->kind == APS_SF_BOOLEAN && v->number != 0;
}

/* RFC 9651 4.1.1.3 */
static bool add_key(struct aps_buf *to, struct aps_str key, struct sf_in *why)
{
    bool fine = key.n != 0 && sf_is_key_first(key.p[0]);

    for (size_t i = 1; fine && i < key.n; i++)
        fine = sf_is_key(key.p[i]);
    if (!fine)
        return sf_bad(why, "a key: a lower-case letter or *, then these, digits, _, - and .");
    aps_buf_add(to, key);
    return true;
}

/* RFC 9651 4.1.1.2 */
static bool add_params(struct aps_buf *to, const struct aps_sf *v, struct sf_in *why)
{
    for (; v != NULL; v = v->next) {
        aps_buf_add_char(to, ';');
        if (!add_key(to, v->key, why))
            return false;
        if (is_true(v))
            continue;
        aps_buf_add_char(to, '=');
        if (!aps_sf_bare_print(v, to, why))
            return false;
    }
    return true;
}

/* RFC 9651 4.1.1.1 */
static bool add_inner(struct aps_buf *to, const struct aps_sf *v, struct sf_in *why)
{
    aps_buf_add_char(to, '(');
    for (; v != NULL; v = v->next) {
        if (!aps_sf_bare_print(v, to, why) || !add_params(to, v->params, why))
            return false;
        if (v->next != NULL)
            aps_buf_add_char(to, ' ');
    }
    aps_buf_add_char(to, ')');
    return true;
}

static bool add_value(struct aps_buf *to, const struct aps_sf *v, struct sf_in *why)
{
    const bool fine =
        v->kind == APS_SF_INNER ? add_inner(to, v->items, why) : aps_sf_bare_print(v, to, why);

    return fine && add_params(to, v->params, why);
}

/* RFC 9651 4.1.2: what is true has no value of its own. */
static bool add_named(struct aps_buf *to, const struct aps_sf *v, struct sf_in *why)
{
    if (!add_key(to, v->key, why))
        return false;
    if (is_true(v))
        return add_params(to, v->params, why);
    aps_buf_add_char(to, '=');
    return add_value(to, v, why);
}

/* RFC 9651 4.1.3 */
static bool add_one(struct aps_buf *to, const struct aps_sf *v, struct sf_in *why)
{
    if (v == NULL || v->kind == APS_SF_INNER)
        return sf_bad(why, "one item, not an inner list");
    return add_value(to, v, why);
}

/* RFC 9651 4.1.1 and 4.1.2 */
static bool add_members(struct aps_buf *to, const struct aps_sf *v, bool named, struct sf_in *why)
{
    for (; v != NULL; v = v->next) {
        if (!(named ? add_named(to, v, why) : add_value(to, v, why)))
            return false;
        if (v->next != NULL)
            aps_buf_add(to, APS_STR_LIT(", "));
    }
    return true;
}

/* The end of both printers: nothing half done stays. */
static enum aps_err finish(struct aps_buf *to, size_t before, bool fine, const struct sf_in *why,
                           struct aps_diag *diag)
{
    if (fine && !to->full)
        return APS_OK;
    aps_buf_cut(to, before);
    if (fine) {
        aps_err_explain(diag, "a structured field: want at most %zu bytes", to->max);
        return APS_ERR_NOMEM;
    }
    aps_err_explain(diag, "a structured field cannot say this: want %s", why->want);
    return why->err;
}

enum aps_err aps_sf_print(const struct aps_sf *first, enum aps_sf_type type, struct aps_buf *to,
                          struct aps_diag *diag)
{
    const size_t before = to->n;
    struct sf_in why = {.err = APS_OK};
    const bool fine = type == APS_SF_ITEM ? add_one(to, first, &why)
                                          : add_members(to, first, type == APS_SF_DICTIONARY, &why);

    return finish(to, before, fine, &why, diag);
}

enum aps_err aps_sf_print_value(const struct aps_sf *value, struct aps_buf *to,
                                struct aps_diag *diag)
{
    const size_t before = to->n;
    struct sf_in why = {.err = APS_OK};
    const bool fine = add_value(to, value, &why);

    return finish(to, before, fine, &why, diag);
}
