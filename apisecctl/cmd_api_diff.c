/* cmd_api_diff.c - what another description or schema would change, and what of it breaks clients.
 */
#include "apidiff.h"
#include "bundle.h"
#include "ctl.h"

/* Both are whole: one was imported, and the other could be. */
static enum aps_err read_both(struct ctl *c, struct aps_store_api_bundle *was,
                              struct aps_store_api_bundle *is)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_KIND);
    struct aps_store_api_made made;
    struct ctl_bundle other;
    enum aps_err err;

    err = aps_store_api_bundle(c->store, aps_str(c->call.arg[0]), c->pool, was, &c->diag);
    if (err != APS_OK)
        return err;
    if (was->kind == APS_STORE_API_XSD ||
        (text != NULL && aps_store_api_kind(aps_str(text)) != was->kind)) {
        aps_err_explain(&c->diag,
                        "\"%s\" is %s: only two descriptions or two JSON schemas can be "
                        "compared",
                        c->call.arg[0], aps_store_api_kind_name(was->kind));
        return APS_ERR_CONFLICT;
    }
    if ((err = ctl_bundle_read(c->pool, c->call.arg[1], was->kind, &other, &c->diag)) != APS_OK ||
        (err = aps_store_api_compile(&other.of, c->pool, &made, &c->diag)) != APS_OK)
        return err;
    *is = other.of;
    return APS_OK;
}

struct rows {
    struct ctl_out *out;
    uint64_t breaking;
};

static void show(void *arg, const struct ctl_apidiff_row *row)
{
    struct rows *r = arg;

    ctl_output_row(r->out);
    ctl_output_str(r->out, "change", aps_str(row->change));
    ctl_output_str(r->out, "operation", aps_str(row->operation));
    ctl_output_str(r->out, "where", aps_str(row->where));
    ctl_output_bool(r->out, "breaks", row->breaks);
    ctl_output_end(r->out);
    r->breaking += row->breaks;
}

enum aps_err ctl_api_diff(struct ctl *c)
{
    struct rows r = {.out = c->out};
    struct aps_store_api_bundle was, is;
    enum aps_err err = read_both(c, &was, &is);

    if (err != APS_OK)
        return err;
    ctl_output_row(c->out);
    ctl_output_str(c->out, "name", aps_str(c->call.arg[0]));
    ctl_output_str(c->out, "file", aps_str(c->call.arg[1]));
    ctl_output_table(c->out, "changes", "change operation where breaks");
    err = ctl_apidiff(c->pool, &was, &is, show, &r, &c->diag);
    ctl_output_end(c->out);
    ctl_output_u64(c->out, "breaking", r.breaking);
    ctl_output_end(c->out);
    if (err != APS_OK)
        return err;
    return r.breaking == 0 ? APS_OK : APS_ERR_CHECK;
}
