/* edit.c - an option that names a list: plain words make it new, +WORD and -WORD change it. */
#include "edit.h"

/* A list that is being edited. */
struct list {
    apr_array_header_t *items; /* of struct aps_str */
};

static int find_item(const struct list *list, struct aps_str item)
{
    for (int i = 0; i < list->items->nelts; i++)
        if (aps_str_eq(APR_ARRAY_IDX(list->items, i, struct aps_str), item))
            return i;
    return -1;
}

static enum aps_err remove_item(struct ctl *c, const struct ctl_edit *kind, struct list *list,
                                struct aps_str item)
{
    int i = find_item(list, item);

    if (i < 0) {
        aps_err_explain(
            &c->diag, "%s \"%s\" has no %s \"%.*s\" to take away; see apisecctl %s show %s",
            kind->noun, c->call.arg[0], kind->what, APS_STR_SHOW(item), kind->noun, c->call.arg[0]);
        return APS_ERR_NOT_FOUND;
    }
    for (int k = i + 1; k < list->items->nelts; k++)
        APR_ARRAY_IDX(list->items, k - 1, struct aps_str) =
            APR_ARRAY_IDX(list->items, k, struct aps_str);
    list->items->nelts--;
    return APS_OK;
}

/* '+', '-', or 0 for a plain word. */
static char sign_of(struct aps_str word)
{
    return word.n > 0 && (word.p[0] == '+' || word.p[0] == '-') ? word.p[0] : '\0';
}

static enum aps_err edit_word(struct ctl *c, const struct ctl_edit *kind, struct list *list,
                              struct aps_str word)
{
    const char *name = ctl_command_options[kind->opt].name;
    char sign = sign_of(word);
    struct aps_str item;
    enum aps_err err;

    if (sign != '\0') {
        word.p++;
        word.n--;
    }
    if (word.n == 0) {
        aps_err_explain(&c->diag, "%s: an empty word: want %s; see apisecctl help %s", name,
                        kind->whole ? "something" : "names with commas between", c->call.name);
        return APS_ERR_FORMAT;
    }
    item = word;
    if (kind->canon != NULL && (err = kind->canon(c->pool, word, &item, &c->diag)) != APS_OK)
        return err;
    if (sign == '-')
        return remove_item(c, kind, list, item);
    if (find_item(list, item) < 0)
        APR_ARRAY_PUSH(list->items, struct aps_str) = item;
    return APS_OK;
}

/* The option's words: each value is one, or holds several with commas between. */
static apr_array_header_t *words_of(struct ctl *c, const struct ctl_edit *kind)
{
    apr_array_header_t *words = apr_array_make(c->pool, 8, sizeof(struct aps_str));
    const apr_array_header_t *values = c->call.values[kind->opt];

    for (int i = 0; i < values->nelts; i++) {
        struct aps_str rest = aps_str(APR_ARRAY_IDX(values, i, const char *));
        struct aps_str word = {0};

        if (kind->whole) {
            APR_ARRAY_PUSH(words, struct aps_str) = rest;
            continue;
        }
        do {
            aps_str_next(&rest, ',', &word);
            APR_ARRAY_PUSH(words, struct aps_str) = word;
        } while (rest.n > 0);
    }
    return words;
}

enum aps_err ctl_edit(struct ctl *c, const struct ctl_edit *kind, const struct aps_str *old,
                      size_t nold, const struct aps_str **out, size_t *out_n)
{
    struct list list = {apr_array_make(c->pool, 8, sizeof(struct aps_str))};
    apr_array_header_t *words = words_of(c, kind);
    bool edits = sign_of(APR_ARRAY_IDX(words, 0, struct aps_str)) != '\0';
    bool clears = kind->clears && words->nelts == 1 &&
                  aps_str_eq(APR_ARRAY_IDX(words, 0, struct aps_str), APS_STR_LIT("none"));
    enum aps_err err = APS_OK;

    for (size_t i = 0; edits && i < nold; i++)
        APR_ARRAY_PUSH(list.items, struct aps_str) = old[i];
    for (int i = 0; !clears && i < words->nelts && err == APS_OK; i++) {
        struct aps_str word = APR_ARRAY_IDX(words, i, struct aps_str);

        if (edits && kind->is_new) {
            aps_err_explain(&c->diag, "%s \"%.*s\": a new %s has nothing to add to or take from",
                            ctl_command_options[kind->opt].name, APS_STR_SHOW(word), kind->noun);
            return APS_ERR_FORMAT;
        }
        if ((sign_of(word) != '\0') != edits) {
            aps_err_explain(&c->diag,
                            "%s: want either +WORD and -WORD, or plain words for the whole list",
                            ctl_command_options[kind->opt].name);
            return APS_ERR_FORMAT;
        }
        err = edit_word(c, kind, &list, word);
    }
    if (err != APS_OK)
        return err;
    *out = (struct aps_str *)(void *)list.items->elts;
    *out_n = (size_t)list.items->nelts;
    return APS_OK;
}
