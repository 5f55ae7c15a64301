/* group.c - the group of httpd's children, by name, by number, or as distributions have it. */
#include "group.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "apisec/num.h"

/* The group of httpd's children: of the first account there is that distributions run them as. */
static gid_t default_group(void)
{
    static const char *const accounts[] = {"www-data", "apache", "nobody"};

    if (geteuid() != 0)
        return getgid();
    for (size_t i = 0; i < sizeof accounts / sizeof *accounts; i++) {
        const struct passwd *account = getpwnam(accounts[i]);

        if (account != NULL)
            return account->pw_gid;
    }
    return getgid();
}

enum aps_err ctl_group_read(const char *text, gid_t *out, struct aps_diag *diag)
{
    const struct group *group;
    uint64_t number;

    if (text == NULL) {
        *out = default_group();
        return APS_OK;
    }
    group = getgrnam(text);
    if (group != NULL) {
        *out = group->gr_gid;
        return APS_OK;
    }
    if (aps_num_parse(aps_str(text), 0, UINT32_MAX - 1, &number, NULL) == APS_OK) {
        *out = (gid_t)number;
        return APS_OK;
    }
    aps_err_explain(diag,
                    "no group \"%s\": want the name or number of the group of httpd's children; "
                    "getent group lists them",
                    text);
    return APS_ERR_NOT_FOUND;
}
