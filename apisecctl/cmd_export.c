/* cmd_export.c - the configuration of a store as one document without secrets. */
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "item_print.h"
#include "pour.h"

/* What is written of a kind of which there may be a million. */
struct export
{
    struct ctl *c;
    size_t items; /* of this kind so far */
    size_t n;     /* bytes of `text` in use */
    char text[64 * 1024];
};

static enum aps_err flush(struct export *x)
{
    const int fault = ctl_pour(STDOUT_FILENO, x->text, x->n);

    x->n = 0;
    if (fault == 0)
        return APS_OK;
    aps_err_explain(&x->c->diag, "stdout cannot be written: %s; the document is not whole",
                    strerror(fault));
    return APS_ERR_IO;
}

static enum aps_err put(struct export *x, struct aps_str text)
{
    enum aps_err err = APS_OK;

    while (err == APS_OK && text.n > 0) {
        const size_t room = sizeof x->text - x->n;
        const size_t n = text.n < room ? text.n : room;

        memcpy(x->text + x->n, text.p, n);
        x->n += n;
        text.p += n;
        text.n -= n;
        if (x->n == sizeof x->text)
            err = flush(x);
    }
    return err;
}

static enum aps_err put_item(void *arg, struct aps_str name, struct aps_str text)
{
    struct export *x = arg;
    enum aps_err err = put(x, x->items++ == 0 ? APS_STR_LIT("\n") : APS_STR_LIT(",\n"));

    (void)name; /* it is in the text */
    return err == APS_OK ? put(x, text) : err;
}

static enum aps_err put_kind(struct export *x, enum ctl_item_kind kind)
{
    enum aps_err err;

    x->items = 0;
    if ((err = put(x, APS_STR_LIT(",\n\""))) != APS_OK ||
        (err = put(x, aps_str(ctl_item_word(kind)))) != APS_OK ||
        (err = put(x, APS_STR_LIT("\":["))) != APS_OK ||
        (err = ctl_item_print_each(x->c, kind, put_item, x)) != APS_OK)
        return err;
    return put(x, x->items == 0 ? APS_STR_LIT("]") : APS_STR_LIT("\n]"));
}

static enum aps_err read_only(struct ctl *c, bool wanted[CTL_ITEM_KINDS])
{
    const apr_array_header_t *words = c->call.values[CTL_OPT_ONLY];
    enum ctl_item_kind kind;

    memset(wanted, words == NULL, CTL_ITEM_KINDS * sizeof *wanted);
    for (int i = 0; words != NULL && i < words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);

        if (!ctl_item_kind_named(aps_str(word), &kind)) {
            aps_err_explain(&c->diag, "--only \"%s\": want %s", word, ctl_item_words(c->pool));
            return APS_ERR_FORMAT;
        }
        wanted[kind] = true;
    }
    return APS_OK;
}

/* A prefix is of letters and digits. */
static enum aps_err put_head(struct export *x)
{
    enum aps_err err;

    if ((err = put(x, APS_STR_LIT("{\"apisec_export\":1,\"prefix\":\""))) != APS_OK ||
        (err = put(x, aps_store_prefix(x->c->store))) != APS_OK)
        return err;
    return put(x, APS_STR_LIT("\""));
}

enum aps_err ctl_export(struct ctl *c)
{
    struct export *x = apr_pcalloc(c->pool, sizeof *x);
    bool wanted[CTL_ITEM_KINDS];
    enum aps_err err = read_only(c, wanted);

    x->c = c;
    if (err == APS_OK)
        err = put_head(x);
    for (int i = 0; err == APS_OK && i < CTL_ITEM_KINDS; i++)
        if (wanted[i])
            err = put_kind(x, (enum ctl_item_kind)i);
    if (err == APS_OK)
        err = put(x, APS_STR_LIT("}\n"));
    return err == APS_OK ? flush(x) : err;
}
