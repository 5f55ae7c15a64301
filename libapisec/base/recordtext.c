/* recordtext.c - members of a JSON object, written and read. */
#include "apisec/recordtext.h"

#include "apisec/jsonnum.h"

void aps_recordtext_put(struct aps_json *w, const char *name, struct aps_str value)
{
    if (value.p == NULL)
        return;
    aps_json_name_n(w, name, strlen(name));
    aps_json_str(w, value);
}

void aps_recordtext_put_list(struct aps_json *w, const char *name, const struct aps_str *list,
                             size_t n)
{
    if (n == 0)
        return;
    aps_json_name_n(w, name, strlen(name));
    aps_json_array(w);
    for (size_t i = 0; i < n; i++)
        aps_json_str(w, list[i]);
    aps_json_end(w);
}

void aps_recordtext_put_flag(struct aps_json *w, const char *name, bool value)
{
    if (!value)
        return;
    aps_json_name_n(w, name, strlen(name));
    aps_json_bool(w, true);
}

void aps_recordtext_put_secs(struct aps_json *w, const char *name, aps_nsec value)
{
    if (value == 0)
        return;
    aps_json_name_n(w, name, strlen(name));
    aps_json_u64(w, (uint64_t)(value / APS_SEC));
}

void aps_recordtext_fail(struct aps_recordtext *t)
{
    t->bad = true;
}

void aps_recordtext_enter(struct aps_recordtext *t, const struct aps_jsonread_node *object)
{
    t->object = NULL;
    t->left = 0;
    if (object == NULL || aps_jsonread_kind(object) != APS_JSON_OBJECT) {
        t->bad = true;
        return;
    }
    t->object = object;
    t->left = aps_jsonread_count(object);
}

void aps_recordtext_leave(struct aps_recordtext *t)
{
    t->bad = t->bad || t->left != 0;
}

void aps_recordtext_begin(struct aps_recordtext *t, struct aps_str record, apr_pool_t *pool)
{
    /* The text is our own, under the store's protection: nobody outside chose its names. */
    static const unsigned char key[APS_SIPHASH_KEY_LEN];

    *t = (struct aps_recordtext){.pool = pool};
    aps_jsonread_init(&t->r, pool, key);
    t->bad = aps_jsonread(&t->r, record, &aps_jsonread_strict) != APS_JSONREAD_OK;
    aps_recordtext_enter(t, aps_jsonread_root(&t->r));
}

enum aps_err aps_recordtext_end(struct aps_recordtext *t, const char *what, struct aps_diag *diag)
{
    aps_recordtext_leave(t);
    if (!t->bad)
        return APS_OK;
    aps_err_explain(diag,
                    "the stored definition of this %s is damaged, or of a newer program: it has a "
                    "member that is not known, or not of its type",
                    what);
    return APS_ERR_CORRUPT;
}

/* The member, counted; NULL if there is none or it is of another kind. */
static const struct aps_jsonread_node *take(struct aps_recordtext *t, const char *name,
                                            enum aps_jsonread_kind kind)
{
    const struct aps_jsonread_node *v = aps_jsonread_get(&t->r, t->object, aps_str(name));

    if (v == NULL)
        return NULL;
    t->left--;
    if (aps_jsonread_kind(v) == kind)
        return v;
    t->bad = true;
    return NULL;
}

void aps_recordtext_str(struct aps_recordtext *t, const char *name, struct aps_str *out)
{
    const struct aps_jsonread_node *v = take(t, name, APS_JSON_STRING);

    if (v != NULL)
        *out = aps_str_copy(t->pool, aps_jsonread_str(&t->r, v));
}

const struct aps_jsonread_node *aps_recordtext_array(struct aps_recordtext *t, const char *name)
{
    return take(t, name, APS_JSON_ARRAY);
}

void aps_recordtext_list(struct aps_recordtext *t, const char *name, const struct aps_str **out,
                         size_t *out_n)
{
    const struct aps_jsonread_node *list = aps_recordtext_array(t, name);
    struct aps_str *items;
    size_t n = 0;

    if (list == NULL)
        return;
    items = apr_pcalloc(t->pool, (aps_jsonread_count(list) + 1) * sizeof *items);
    for (const struct aps_jsonread_node *v = aps_jsonread_first(list); v < aps_jsonread_end(list);
         v = aps_jsonread_next(v)) {
        if (aps_jsonread_kind(v) != APS_JSON_STRING)
            t->bad = true;
        else
            items[n++] = aps_str_copy(t->pool, aps_jsonread_str(&t->r, v));
    }
    *out = items;
    *out_n = n;
}

void aps_recordtext_flag(struct aps_recordtext *t, const char *name, bool *out)
{
    if (take(t, name, APS_JSON_TRUE) != NULL)
        *out = true;
}

void aps_recordtext_secs(struct aps_recordtext *t, const char *name, aps_nsec *out)
{
    const struct aps_jsonread_node *v = take(t, name, APS_JSON_NUMBER);
    int64_t secs = 0;

    if (v == NULL)
        return;
    if (!aps_jsonnum_i64(aps_jsonread_str(&t->r, v), &secs) || secs < 0 ||
        secs > INT64_MAX / APS_SEC)
        t->bad = true;
    else
        *out = secs * APS_SEC;
}
