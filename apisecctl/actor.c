/* actor.c - who runs the command, from the kernel. */
#include "actor.h"

#include <apr_strings.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "apisec/num.h"

static const char *login_of(apr_pool_t *pool, uid_t uid)
{
    const struct passwd *account = getpwuid(uid);

    return account != NULL ? apr_pstrdup(pool, account->pw_name) : "";
}

/* "name(uid)" as sudo tells it; "" where it tells nothing that could be true. */
static const char *sudo_user(apr_pool_t *pool)
{
    const char *uid = getenv("SUDO_UID");
    const char *name = getenv("SUDO_USER");
    uint64_t number;

    if (getuid() != 0 || uid == NULL || name == NULL || !aps_str_is_text(aps_str(name)) ||
        aps_num_parse(aps_str(uid), 0, UINT32_MAX, &number, NULL) != APS_OK)
        return "";
    return apr_pstrcat(pool, name, "(", uid, ")", NULL);
}

static const char *terminal(apr_pool_t *pool)
{
    char name[PATH_MAX];

    for (int fd = 0; fd <= 2; fd++)
        if (ttyname_r(fd, name, sizeof name) == 0)
            return apr_pstrdup(pool, name);
    return "";
}

static const char *host_name(apr_pool_t *pool)
{
    char name[HOST_NAME_MAX + 1];

    if (gethostname(name, sizeof name) != 0)
        return "";
    name[sizeof name - 1] = '\0';
    return apr_pstrdup(pool, name);
}

struct aps_store_actor ctl_actor_read(apr_pool_t *pool, const char *command)
{
    return (struct aps_store_actor){
        .uid = getuid(),
        .login = login_of(pool, getuid()),
        .sudo = sudo_user(pool),
        .tty = terminal(pool),
        .host = host_name(pool),
        .command = command,
    };
}
