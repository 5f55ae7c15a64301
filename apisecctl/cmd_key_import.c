/* cmd_key_import.c - keys that were made elsewhere: a file of them, whole or not at all. */
#include <apr_strings.h>
#include <stdlib.h>

#include "apisec/secret.h"
#include "ctl.h"
#include "import_row.h"
#include "progress.h"

#define FAULTS_MAX 20

/* What is wrong with a line. */
struct fault {
    uint64_t line;
    const char *field; /* NULL: the line cannot be read */
    enum aps_err err;
    const char *why;
};

struct import {
    struct ctl *c;
    const char *name; /* of the file, as messages show it */
    struct ctl_import_source *source;
    struct ctl_import_row row;
    struct aps_import *store;
    apr_pool_t *row_pool;
    uint64_t lines; /* that were looked at */
    size_t nfaults;
    struct fault faults[FAULTS_MAX];
};

/* ---- Faults ---- */

static bool is_full(const struct import *imp)
{
    return imp->nfaults == FAULTS_MAX;
}

static void add_fault(struct import *imp, uint64_t line, const char *field, enum aps_err err,
                      const char *why)
{
    if (!is_full(imp))
        imp->faults[imp->nfaults++] =
            (struct fault){line, field, err, apr_pstrdup(imp->c->pool, why)};
}

/* A key's text that got into another column is not shown (CLI-02). */
static bool is_shy(const struct import *imp, const char *field)
{
    for (int i = 0; i < CTL_IMPORT_COUNT; i++)
        if (strcmp(field, ctl_import_source_name((enum ctl_import_field)i)) == 0 &&
            i != CTL_IMPORT_KEY && i != CTL_IMPORT_SHA256)
            for (size_t k = 0; k < imp->row.nwords[i]; k++)
                if (ctl_import_source_is_shy(imp->row.words[i][k]))
                    return true;
    return false;
}

static void add_field_fault(struct import *imp, const char *field, enum aps_err err,
                            const struct aps_diag *diag)
{
    add_fault(imp, imp->row.line, field, err,
              is_shy(imp, field) ? "a value like a key's text, which is not shown: is it in the "
                                   "right column?"
                                 : aps_err_say(err, diag));
}

static void on_row_fault(void *arg, enum ctl_import_field field, enum aps_err err,
                         const struct aps_diag *diag)
{
    add_field_fault(arg, ctl_import_source_name(field), err, diag);
}

static bool on_twin(void *arg, uint64_t line, const char *field, enum aps_err err, const char *why)
{
    struct import *imp = arg;

    add_fault(imp, line, field, err, why);
    return !is_full(imp);
}

static int by_line(const void *a, const void *b)
{
    const struct fault *x = a, *y = b;

    return x->line < y->line ? -1 : x->line > y->line;
}

/* The faults as lines below the message; the answer is the one with the lowest exit code: what is
 * wrong with the file comes before what is wrong with the store. */
static enum aps_err tell_faults(struct import *imp)
{
    struct ctl *c = imp->c;
    const char *note = "";
    enum aps_err answer = imp->faults[0].err;

    qsort(imp->faults, imp->nfaults, sizeof *imp->faults, by_line);
    for (size_t i = 0; i < imp->nfaults; i++) {
        const struct fault *f = &imp->faults[i];

        note = apr_psprintf(c->pool, "%s\n  line %" APR_UINT64_T_FMT "%s%s: %s", note, f->line,
                            f->field != NULL ? ", " : "", f->field != NULL ? f->field : "", f->why);
        if (aps_err_exit(f->err) < aps_err_exit(answer))
            answer = f->err;
    }
    aps_err_explain(&c->diag, "%s: %zu fault%s%s in %llu lines; nothing was imported", imp->name,
                    imp->nfaults, imp->nfaults == 1 ? "" : "s",
                    is_full(imp) ? ", then no more were looked for," : "",
                    (unsigned long long)imp->lines);
    c->note = note;
    return answer;
}

/* ---- Lines ---- */

static enum aps_err add_row(struct import *imp)
{
    struct aps_key_change change;
    struct aps_import_key key;
    struct aps_diag diag = {""};
    const char *field = NULL;
    enum aps_err err;

    apr_pool_clear(imp->row_pool);
    if (!ctl_import_row_read(&imp->row, imp->c->now, imp->row_pool, &change, &key, on_row_fault,
                             imp))
        return APS_OK;
    err = aps_store_import_add(imp->store, &key, &field, &diag);
    if (err == APS_OK)
        return APS_OK;
    if (field == NULL) {
        imp->c->diag = diag;
        return err;
    }
    add_field_fault(imp, field, err, &diag);
    return APS_OK;
}

static enum aps_err add_rows(struct import *imp)
{
    struct ctl_progress progress;
    enum aps_err err = APS_OK;
    bool end = false, goes_on = true;

    ctl_progress_begin(&progress, "lines", 0);
    while (err == APS_OK && goes_on && !is_full(imp)) {
        struct aps_diag diag = {""};

        err = ctl_import_source_next(imp->source, &imp->row, &end, &goes_on, &diag);
        if (err == APS_OK && end)
            break;
        if (err == APS_OK) {
            err = add_row(imp);
        } else if (err == APS_ERR_FORMAT) {
            add_fault(imp, imp->row.line, NULL, err, aps_err_say(err, &diag));
            err = APS_OK;
        } else {
            imp->c->diag = diag;
        }
        imp->lines = imp->row.line;
        ctl_progress_step(&progress, 1);
    }
    ctl_progress_end(&progress);
    return err;
}

/* ---- The command ---- */

static void show(struct import *imp, const struct aps_import_count *count)
{
    struct ctl_out *out = imp->c->out;
    struct aps_str warning = aps_str(ctl_import_source_warning(imp->source));

    ctl_output_row(out);
    ctl_output_str(out, "file", aps_str(imp->name));
    ctl_output_u64(out, "imported", count->keys);
    ctl_output_u64(out, "digests", count->digests);
    ctl_output_u64(out, "decoys", count->decoys);
    ctl_output_list(out, "warnings", &warning, warning.n != 0 ? 1 : 0);
    if (ctl_command_is_dry_run(&imp->c->call))
        ctl_output_bool(out, "dry_run", true);
    ctl_output_end(out);
}

/* Keys that have the same name or text are looked for also where other faults were met, so that one
 * run tells all of them. */
static enum aps_err place(struct import *imp, struct aps_import_count *out)
{
    struct ctl *c = imp->c;
    uint8_t digest[APS_DIGEST_LEN];
    struct aps_import_source source = {.name = aps_str(imp->name), .digest = digest};
    enum aps_err err = APS_OK;

    if (!is_full(imp))
        err = aps_store_import_place(imp->store, on_twin, imp, &c->diag);
    if (err != APS_OK && err != APS_ERR_EXISTS)
        return err;
    if (imp->nfaults != 0)
        return tell_faults(imp);
    if ((err = ctl_import_source_digest(imp->source, digest)) != APS_OK)
        return err;
    return aps_store_import_end(imp->store, &source, out, &c->diag);
}

enum aps_err ctl_key_import(struct ctl *c)
{
    const char *path = c->call.arg[0], *slash = strrchr(path, '/');
    struct import *imp = apr_pcalloc(c->pool, sizeof *imp);
    struct aps_import_count count;
    enum ctl_import_format format;
    enum aps_err err;

    imp->c = c;
    imp->name = strcmp(path, "-") == 0 ? "stdin" : slash != NULL ? slash + 1 : path;
    if (apr_pool_create(&imp->row_pool, c->pool) != APR_SUCCESS)
        return APS_ERR_NOMEM;
    if ((err = ctl_import_source_format(path, ctl_command_value(&c->call, CTL_OPT_FORMAT), &format,
                                        &c->diag)) != APS_OK ||
        (err = ctl_import_source_open(c->pool, path, format, &imp->source, &c->diag)) != APS_OK)
        goto out;
    if ((err = aps_store_import_begin(c->store, &imp->store, &c->diag)) != APS_OK)
        goto out;
    if ((err = add_rows(imp)) != APS_OK || (err = place(imp, &count)) != APS_OK)
        goto out;
    show(imp, &count);
out:
    aps_store_import_free(imp->store);
    ctl_import_source_close(imp->source);
    return err;
}
