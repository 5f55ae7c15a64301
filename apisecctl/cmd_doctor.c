/* cmd_doctor.c - doctor: what is wrong with a store and what reads it, and what mends it. */
#include "ctl.h"
#include "doctor.h"
#include "doctor_copy.h"
#include "doctor_file.h"
#include "doctor_host.h"
#include "doctor_httpd.h"
#include "doctor_key.h"
#include "doctor_state.h"
#include "doctor_store.h"
#include "doctor_trust.h"

/* In an order in which each check knows what it needs of those before it. */
static enum aps_err look(struct ctl_doctor *d)
{
    enum aps_err err;

    if (ctl_doctor_file(d)) {
        ctl_doctor_store_master(d);
        ctl_doctor_copy(d);
        ctl_doctor_store(d);
        if (d->c->store != NULL)
            ctl_doctor_copy_compare(d);
    }
    ctl_doctor_state(d);
    if ((err = ctl_doctor_key(d)) != APS_OK)
        return err;
    if (d->c->store != NULL)
        ctl_doctor_trust(d);
    ctl_doctor_host(d);
    return APS_OK;
}

enum aps_err ctl_doctor(struct ctl *c)
{
    const char *user = ctl_command_value(&c->call, CTL_OPT_USER);
    enum ctl_doctor_severity worst = CTL_DOCTOR_OK;
    struct ctl_doctor d;
    enum aps_err err;

    ctl_doctor_init(&d, c);
    ctl_doctor_copy_account(&d);
    ctl_doctor_httpd(&d);
    if (user != NULL && (err = ctl_doctor_copy_account_named(&d, user, NULL)) != APS_OK)
        return err;
    if ((err = look(&d)) != APS_OK)
        return err;
    ctl_doctor_print(&d, &worst);
    return worst >= CTL_DOCTOR_WARNING ? APS_ERR_CHECK : APS_OK;
}
