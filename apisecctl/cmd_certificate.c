/* cmd_certificate.c - client certificates, each an API key's. */
#include <apr_strings.h>

#include "apisec/certname.h"
#include "blob.h"
#include "ctl.h"
#include "ended.h"

#define PEM_MAX (16 * 1024)

static enum aps_err show(struct ctl *c, struct aps_str name, struct aps_str id, aps_nsec created_at)
{
    struct aps_key key;
    enum aps_err err = aps_store_key_get(c->store, id, c->pool, &key, &c->diag);

    if (err != APS_OK)
        return err;
    ctl_output_row(c->out);
    ctl_output_str(c->out, "certificate", name);
    ctl_output_str(c->out, "key", key.id);
    ctl_output_str(c->out, "key_name", key.name);
    ctl_output_time(c->out, "created_at", created_at);
    ctl_output_end(c->out);
    return APS_OK;
}

/* The pin of the certificate in a file. */
static enum aps_err read_file(struct ctl *c, const char *path, struct aps_str *out)
{
    struct aps_secret hold = {0};
    struct aps_str pem;
    char *pin = apr_palloc(c->pool, APS_CERTNAME_PIN_LEN);
    enum aps_err err = ctl_blob_read(path, false, "certificate", PEM_MAX, &hold, &pem, &c->diag);

    if (err == APS_OK)
        err = aps_certname_pem(pem, pin, &c->diag);
    aps_secret_wipe(&hold);
    if (err == APS_OK)
        *out = (struct aps_str){pin, APS_CERTNAME_PIN_LEN};
    return err;
}

/* One of the options says which certificate it is (command.c). */
static enum aps_err read_name(struct ctl *c, struct aps_str *out)
{
    static const struct {
        enum ctl_opt opt;
        const char *kind;
    } names[] = {
        {CTL_OPT_THUMBPRINT, "sha256:"},   {CTL_OPT_DN, "dn:"},
        {CTL_OPT_SAN_DNS, "san:dns:"},     {CTL_OPT_SAN_URI, "san:uri:"},
        {CTL_OPT_SAN_EMAIL, "san:email:"},
    };
    const char *file = ctl_command_value(&c->call, CTL_OPT_FILE);

    if (file != NULL)
        return read_file(c, file, out);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = ctl_command_value(&c->call, names[i].opt);

        if (value != NULL)
            *out = aps_str(apr_pstrcat(c->pool, names[i].kind, value, NULL));
    }
    return aps_certname_parse(c->pool, *out, out, &c->diag);
}

enum aps_err ctl_certificate_add(struct ctl *c)
{
    struct aps_str name = {NULL, 0};
    enum aps_err err = read_name(c, &name);

    if (err != APS_OK || (err = aps_store_certificate_add(c->store, aps_str(c->call.arg[0]), name,
                                                          &c->diag)) != APS_OK)
        return err;
    return show(c, name, aps_str(c->call.arg[0]), c->now);
}

static enum aps_err show_in_list(void *arg, struct aps_str name, struct aps_str key,
                                 aps_nsec created_at)
{
    return show(arg, name, key, created_at);
}

enum aps_err ctl_certificate_list(struct ctl *c)
{
    struct aps_key key = {.id = {NULL, 0}};
    enum aps_err err = APS_OK;

    if (c->call.nargs > 0)
        err = aps_store_key_get(c->store, aps_str(c->call.arg[0]), c->pool, &key, &c->diag);
    if (err != APS_OK)
        return err;
    ctl_output_table(c->out, NULL, "certificate key_name created_at");
    err = aps_store_certificate_each(c->store, key.id, show_in_list, c, &c->diag);
    ctl_output_end(c->out);
    return err;
}

enum aps_err ctl_certificate_delete(struct ctl *c)
{
    struct aps_str name;
    enum aps_err err = aps_certname_parse(c->pool, aps_str(c->call.arg[0]), &name, &c->diag);

    if (err == APS_OK)
        err = aps_store_certificate_delete(c->store, name, &c->diag);
    if (err == APS_OK)
        ctl_ended(c, "certificate", name, "deleted");
    return err;
}
