/* Whether the children, who are another account than root, will reach a published copy. */
#include "mod.h"

#include <apr_strings.h>
#include <apr_user.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unixd.h"

/* The kernel is asked in a process that has become a child's account, since mode bits alone do not
 * tell what access lists and other rules make of them. */
static bool become_child(void)
{
    const char *user = ap_unixd_config.user_name;
    gid_t group = ap_unixd_config.group_id;
    bool named = user != NULL && *user != '#';
    return (named ? initgroups(user, group) : setgroups(1, &group)) == 0 && setgid(group) == 0 &&
           setuid(ap_unixd_config.user_id) == 0;
}

/* Exits with 0, or with how many slashes are before the name that stops us; 255: more than that. */
static void look(char *path)
{
    int n = 0;
    if (!become_child())
        _exit(0); /* httpd will say so */
    for (char *p = path + 1; *p != '\0'; p++)
        if (*p == '/') {
            *p = '\0';
            n++;
            if (access(path, X_OK) != 0)
                _exit(n < 255 ? n : 255);
            *p = '/';
        }
    _exit(access(path, R_OK) == 0 ? 0 : n < 254 ? n + 1 : 255);
}

/* The first `n` names of an absolute path. */
static const char *cut(apr_pool_t *pool, const char *path, int n)
{
    const char *p = path;
    while (n > 0 && *p != '\0')
        n -= *++p == '/' || *p == '\0';
    return apr_pstrmemdup(pool, path, (apr_size_t)(p - path));
}

static const char *say(apr_pool_t *pool, const char *dir, const char *stop)
{
    const char *user = ap_unixd_config.user_name;
    char *group = NULL;
    bool is_file = strlen(stop) > strlen(dir) + sizeof "/pub" - 1;
    if (apr_gid_name_get(&group, ap_unixd_config.group_id, pool) != APR_SUCCESS)
        group = apr_psprintf(pool, "%lu", (unsigned long)ap_unixd_config.group_id);
    if (strlen(stop) < strlen(dir))
        return apr_psprintf(pool,
                            "httpd's children (user %s) cannot pass %s: chmod o+x %s, or put the "
                            "store elsewhere",
                            user, stop, stop);
    return apr_psprintf(pool, "httpd's children (user %s) cannot %s %s: chgrp %s %s && chmod %s %s",
                        user, is_file ? "read" : "pass", stop, group, stop, is_file ? "640" : "g+x",
                        stop);
}

const char *mod_reach_fault(apr_pool_t *pool, const char *dir)
{
    char *path = apr_pstrcat(pool, dir, "/pub/store.db", NULL);
    int status = 0;
    if (geteuid() != 0 || ap_unixd_config.user_id == 0 || *path != '/')
        return NULL;
    pid_t pid = fork();
    if (pid == 0)
        look(path);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
        WEXITSTATUS(status) == 0)
        return NULL;
    return say(pool, dir, cut(pool, path, WEXITSTATUS(status)));
}
