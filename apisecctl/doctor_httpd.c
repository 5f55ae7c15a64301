/* doctor_httpd.c - what httpd's configuration says, and what httpd itself finds in it.
 *
 * The program is the administrator's, but what it prints is read as what comes from outside. */
#include "doctor_httpd.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apisec/file.h"
#include "apisec/jsonread.h"
#include "apisec/program.h"
#include "apisec/random.h"
#include "doctor_copy.h"
#include "quote.h"

#define WAIT (30 * APS_SEC)
#define DUMP_MAX ((size_t)4 * 1024 * 1024)
#define ID_MAX 64

struct dump {
    struct ctl_doctor *d;
    struct aps_jsonread reader;
    const char *program;
    bool is_named;  /* by --httpd */
    bool begun;     /* a line of form 1 was there */
    bool has_store; /* a server uses this store */
};

/* ---- members ---- */

static struct aps_str text_of(struct dump *m, const char *name)
{
    const struct aps_jsonread_node *value =
        aps_jsonread_get(&m->reader, aps_jsonread_root(&m->reader), aps_str(name));

    if (value == NULL || aps_jsonread_kind(value) != APS_JSON_STRING)
        return (struct aps_str){0};
    return aps_str_copy(m->d->c->pool, aps_jsonread_str(&m->reader, value));
}

static struct aps_str number_of(struct dump *m, const char *name)
{
    const struct aps_jsonread_node *value =
        aps_jsonread_get(&m->reader, aps_jsonread_root(&m->reader), aps_str(name));

    if (value == NULL || aps_jsonread_kind(value) != APS_JSON_NUMBER)
        return (struct aps_str){0};
    return aps_str_copy(m->d->c->pool, aps_jsonread_str(&m->reader, value));
}

static void tell_unread(struct dump *m, const char *what)
{
    struct ctl_doctor_at at = {.path = m->program};

    ctl_doctor_find(m->d, CTL_DOCTOR_HTTPD_UNREAD, &at, "%s printed %s", m->program, what);
}

/* ---- lines ---- */

static bool is_id(struct aps_str text)
{
    return text.n > 0 && text.n <= ID_MAX &&
           strspn(text.p, "abcdefghijklmnopqrstuvwxyz0123456789_") == text.n;
}

static void read_finding(struct dump *m)
{
    static const char *const words[] = {
        [CTL_DOCTOR_INFO] = "info", [CTL_DOCTOR_WARNING] = "warning", [CTL_DOCTOR_ERROR] = "error"};
    struct aps_str id = text_of(m, "finding"), severity = text_of(m, "severity");
    struct aps_str file = text_of(m, "file"), line = number_of(m, "line");
    struct aps_str reason = text_of(m, "reason"), mend = text_of(m, "mend");
    int level = CTL_DOCTOR_INFO;

    while (level < CTL_DOCTOR_SEVERITIES && !aps_str_eq(severity, aps_str(words[level])))
        level++;
    if (!is_id(id) || level == CTL_DOCTOR_SEVERITIES || reason.n == 0) {
        tell_unread(m, "a finding without a known severity, an id or a reason");
        return;
    }
    ctl_doctor_report(m->d, (enum ctl_doctor_severity)level, id.p,
                      file.n == 0 ? reason.p
                                  : apr_pstrcat(m->d->c->pool, file.p, ":",
                                                line.n != 0 ? line.p : "?", ": ", reason.p, NULL),
                      mend.n != 0 ? mend.p : "");
}

static bool is_same_path(const char *a, const char *b)
{
    char *x = realpath(a, NULL), *y = realpath(b, NULL);
    bool same = strcmp(a, b) == 0 || (x != NULL && y != NULL && strcmp(x, y) == 0);

    free(x);
    free(y);
    return same;
}

/* Of a server with this store; of several the last one's account is taken, which is the same. */
static void read_store(struct dump *m)
{
    struct aps_str store = text_of(m, "store"), master = text_of(m, "master");
    struct aps_str state = text_of(m, "state"), user = text_of(m, "user");
    struct aps_str group = text_of(m, "group");
    struct ctl_doctor *d = m->d;
    struct ctl_doctor_at at = {.path = state.p};

    if (store.n == 0 || !is_same_path(store.p, d->c->place.store))
        return;
    m->has_store = true;
    ctl_doctor_checked(d, CTL_DOCTOR_HTTPD_OTHER_MASTER);
    ctl_doctor_checked(d, CTL_DOCTOR_HTTPD_OTHER_STATE);
    if (master.n != 0 && !aps_str_eq(master, aps_str(d->c->place.master)))
        ctl_doctor_find(d, CTL_DOCTOR_HTTPD_OTHER_MASTER,
                        &(struct ctl_doctor_at){.value = master.p},
                        "httpd takes the master key from %s, and this command from %s", master.p,
                        d->c->place.master);
    if (state.n != 0 && !is_same_path(state.p, d->c->place.state))
        ctl_doctor_find(d, CTL_DOCTOR_HTTPD_OTHER_STATE, &at,
                        "httpd's state file is %s, and %s was looked at", state.p,
                        d->c->place.state);
    if (user.n == 0 ||
        ctl_doctor_copy_account_named(d, user.p, group.n != 0 ? group.p : NULL) == APS_OK)
        return;
    d->c->diag.text[0] = '\0'; /* it is a finding, and no failure */
    tell_unread(m, "an account that is not there");
}

static void read_line(struct dump *m, struct aps_str line)
{
    const struct aps_jsonread_node *root;

    if (line.n == 0 || line.p[0] != '{')
        return; /* what others print */
    if (aps_jsonread(&m->reader, line, &aps_jsonread_strict) != APS_JSONREAD_OK) {
        tell_unread(m, "a line that is no JSON");
        return;
    }
    root = aps_jsonread_root(&m->reader);
    if (aps_jsonread_get(&m->reader, root, APS_STR_LIT("dump")) != NULL) {
        m->begun = aps_str_eq(number_of(m, "dump"), APS_STR_LIT("1"));
        if (!m->begun)
            tell_unread(m, "a dump of another form: apisecctl and mod_apisec are of two releases");
        return;
    }
    if (m->begun && aps_jsonread_get(&m->reader, root, APS_STR_LIT("finding")) != NULL)
        read_finding(m);
    else if (m->begun && aps_jsonread_get(&m->reader, root, APS_STR_LIT("master")) != NULL)
        read_store(m);
}

/* ---- the program ---- */

#ifndef APS_DEFAULT_HTTPD
#define APS_DEFAULT_HTTPD ""
#endif

/* Beside the httpd that was built for: a script that knows its environment, else itself. */
static const char *default_program(apr_pool_t *pool)
{
    static const char *const names[] = {"apachectl", "apache2ctl"};
    const char *httpd = APS_DEFAULT_HTTPD;
    const char *slash = strrchr(httpd, '/');

    for (size_t i = 0; slash != NULL && i < sizeof names / sizeof *names; i++) {
        const char *path = apr_pstrcat(
            pool, apr_pstrmemdup(pool, httpd, (size_t)(slash - httpd) + 1), names[i], NULL);

        if (access(path, X_OK) == 0)
            return path;
    }
    return access(httpd, X_OK) == 0 ? httpd : NULL;
}

static void tell_unasked(struct ctl_doctor *d, const char *program, const char *why)
{
    struct ctl_doctor_at at = {.path = program};

    at.value = apr_pstrcat(d->c->pool, ctl_quote(d->c->pool, aps_str(program)), " -t", NULL);
    ctl_doctor_find(d, CTL_DOCTOR_HTTPD_UNASKED, &at, "httpd's configuration was not looked at: %s",
                    why);
}

/* Nobody has said that there is one: a machine may hold a store alone, or an httpd of its own. */
static void tell_without(struct ctl_doctor *d, const char *program, const char *why)
{
    struct ctl_doctor_at at = {.path = program};

    ctl_doctor_find(d, CTL_DOCTOR_HTTPD_WITHOUT, &at, "httpd's configuration was not looked at: %s",
                    why);
}

/* Nothing that others can change is run. */
static bool find_program(struct ctl_doctor *d, const char *program, char out[APS_FILE_PATH_MAX])
{
    const struct aps_file_want want = {.owner = geteuid(), .forbid = APS_FILE_PUBLIC};
    char *real = realpath(program, NULL);
    struct aps_diag why = {""};
    struct stat st;
    enum aps_err err = aps_file_find(real != NULL ? real : program, &want, out, &st, &why);

    free(real);
    if (err != APS_OK)
        tell_unasked(d, program, aps_err_say(err, &why));
    return err == APS_OK;
}

static void read_dump(struct dump *m, struct aps_str text, int status)
{
    struct ctl_doctor_at at = {.path = m->d->c->place.store};
    struct aps_str line;

    ctl_doctor_checked(m->d, CTL_DOCTOR_HTTPD_UNREAD);
    while (aps_str_next(&text, '\n', &line))
        read_line(m, line);
    if (!m->begun && status == 0 && !m->is_named) {
        tell_without(m->d, m->program,
                     apr_psprintf(m->d->c->pool, "%s has not loaded mod_apisec", m->program));
        return;
    }
    if (!m->begun) {
        tell_unasked(m->d, m->program,
                     apr_psprintf(m->d->c->pool,
                                  "%s -t -D DUMP_APISEC ended with exit code %d and printed no "
                                  "dump: its configuration is at fault, or loads no mod_apisec",
                                  m->program, status));
        return;
    }
    ctl_doctor_checked(m->d, CTL_DOCTOR_HTTPD_OTHER_STORE);
    if (!m->has_store)
        ctl_doctor_find(m->d, CTL_DOCTOR_HTTPD_OTHER_STORE, &at,
                        "no server of httpd's configuration uses the store %s", at.path);
}

/* Nothing of the caller's environment: what it is asked for goes by its configuration. */
static enum aps_err ask(struct ctl_doctor *d, const char *path, struct aps_str *out,
                        int *out_status, struct aps_diag *why)
{
    const char *const argv[] = {path, "-t", "-D", "DUMP_APISEC", NULL};
    const char *const envp[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                "LC_ALL=C", NULL};
    const struct aps_program program = {argv, envp, .silent = true, .wait = WAIT};
    char *text = apr_palloc(d->c->pool, DUMP_MAX + 1);
    enum aps_program_end end;
    int status = 0;
    size_t n = 0;
    enum aps_err err = aps_program_run(&program, text, DUMP_MAX, &n, &end, &status, why);

    if (err == APS_OK && end != APS_PROGRAM_ENDED) {
        aps_err_explain(why, "%s printed too much, or did not end in time", path);
        err = APS_ERR_IO;
    }
    *out = (struct aps_str){text, n};
    *out_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    return err;
}

void ctl_doctor_httpd(struct ctl_doctor *d)
{
    const char *program = ctl_command_value(&d->c->call, CTL_OPT_HTTPD);
    unsigned char hash_key[APS_SIPHASH_KEY_LEN];
    struct dump m = {.d = d, .is_named = program != NULL};
    char path[APS_FILE_PATH_MAX];
    struct aps_diag why = {""};
    struct aps_str text;
    int status = 0;
    enum aps_err err;

    if (program != NULL && strcmp(program, "none") == 0)
        return;
    if (program == NULL)
        program = default_program(d->c->pool);
    ctl_doctor_checked(d, CTL_DOCTOR_HTTPD_UNASKED);
    ctl_doctor_checked(d, CTL_DOCTOR_HTTPD_WITHOUT);
    if (program == NULL) {
        tell_without(d, NULL, "no apachectl is known");
        return;
    }
    if (!find_program(d, program, path))
        return;
    if ((err = aps_random_fill(hash_key, sizeof hash_key)) != APS_OK ||
        (err = ask(d, path, &text, &status, &why)) != APS_OK) {
        tell_unasked(d, program, aps_err_say(err, &why));
        return;
    }
    m.program = program;
    aps_jsonread_init(&m.reader, d->c->pool, hash_key);
    read_dump(&m, text, status);
}
