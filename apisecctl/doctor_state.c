/* doctor_state.c - httpd's state file: how full it is, and which generations are in use. */
#include "doctor_state.h"

#include <apr_strings.h>
#include <stdio.h>

#include "apisec/generation.h"
#include "apisec/lastuse.h"
#include "apisec/num.h"
#include "apisec/table.h"
#include "doctor_host.h"

#define FULL_PERCENT 80

static void tell_missing(struct ctl_doctor *d, enum aps_err err, const struct aps_diag *why)
{
    struct ctl_doctor_at at = {.path = d->c->place.state};

    if (err == APS_ERR_NOT_FOUND)
        ctl_doctor_find(d, CTL_DOCTOR_STATE_MISSING, &at,
                        "no state file at %s: httpd has not started with it, or --state names "
                        "another place than ApiSecState; last uses and generations are not looked "
                        "at",
                        at.path);
    else if (err == APS_ERR_CORRUPT || err == APS_ERR_NEWER)
        ctl_doctor_find(d, CTL_DOCTOR_STATE_DAMAGED, &at, "%s", aps_err_say(err, why));
    else
        ctl_doctor_unchecked(d, "the state file", aps_err_say(err, why), "sudo apisecctl doctor");
}

static void judge_table(struct ctl_doctor *d, const struct aps_state *state)
{
    struct aps_table_now now = {aps_clock_monotonic(), d->c->now};
    struct ctl_doctor_at at = {.path = d->c->place.state};
    struct aps_table_usage usage;
    struct aps_diag why = {""};
    enum aps_err err = aps_table_usage(state, now, &usage, &why);

    if (err != APS_OK) {
        ctl_doctor_unchecked(d, "the table of limits", aps_err_say(err, &why), "");
        return;
    }
    ctl_doctor_checked(d, CTL_DOCTOR_STATE_FULL);
    if (usage.live * 100 >= usage.entries * FULL_PERCENT)
        ctl_doctor_find(d, CTL_DOCTOR_STATE_FULL, &at,
                        "%" APR_UINT64_T_FMT " of the %" APR_UINT64_T_FMT
                        " cells of the table are in use: callers soon share one; give ApiSecTable "
                        "twice as many",
                        usage.live, usage.entries);
}

/* ---- memory that httpd's processes may lock ---- */

/* The soft limit of "Max locked memory" in /proc/PID/limits; false: not to be read, or none. */
static bool locked_limit(pid_t pid, uint64_t *out)
{
    static const char name[] = "Max locked memory";
    char path[64], line[256], *at;
    bool found = false;
    FILE *in;

    (void)snprintf(path, sizeof path, "/proc/%ld/limits", (long)pid);
    if ((in = fopen(path, "r")) == NULL)
        return false;
    while (!found && fgets(line, sizeof line, in) != NULL) {
        if (strncmp(line, name, sizeof name - 1) != 0)
            continue;
        at = line + sizeof name - 1;
        at += strspn(at, " ");
        found = aps_num_parse((struct aps_str){at, strspn(at, "0123456789")}, 0, UINT64_MAX, out,
                              NULL) == APS_OK;
    }
    (void)fclose(in); /* read only */
    return found;
}

static void judge_locked(void *arg, const struct aps_generation_use *use)
{
    struct ctl_doctor *d = arg;
    const char *pid = apr_psprintf(d->c->pool, "%ld", (long)use->pid);
    struct ctl_doctor_at at = {.name = pid};
    uint64_t limit = 0;

    if (locked_limit(use->pid, &limit) && limit < CTL_DOCTOR_LOCKED_MIN)
        ctl_doctor_find(d, CTL_DOCTOR_MEMORY_LOCK_HTTPD, &at,
                        "process %s of httpd may lock %" APR_UINT64_T_FMT
                        " bytes of memory (LimitMEMLOCK), and there is swap: secrets beyond that "
                        "can be written to it",
                        pid, limit);
}

static void judge_memory(struct ctl_doctor *d, const struct aps_state *state)
{
    ctl_doctor_checked(d, CTL_DOCTOR_MEMORY_LOCK_HTTPD);
    if (ctl_doctor_host_has_swap())
        aps_generation_each(state, d->tag, judge_locked, d);
}

/* ---- generations ---- */

static void tell_use(void *arg, const struct aps_generation_use *use)
{
    struct ctl_doctor *d = arg;
    const char *pid = apr_psprintf(d->c->pool, "%ld", (long)use->pid);
    struct ctl_doctor_at at = {.name = pid};

    if (use->generation >= d->published)
        return;
    if (use->held)
        ctl_doctor_find(d, CTL_DOCTOR_GENERATION_HELD, &at,
                        "process %s has refused what is published and decides by generation "
                        "%" APR_UINT64_T_FMT ": see the error log",
                        pid, use->generation);
    else
        ctl_doctor_find(d, CTL_DOCTOR_GENERATION_OLD, &at,
                        "process %s serves generation %" APR_UINT64_T_FMT ", and %" APR_UINT64_T_FMT
                        " is published; it looks before it answers again",
                        pid, use->generation, d->published);
}

static void judge_generations(struct ctl_doctor *d, const struct aps_state *state)
{
    if (d->tag == 0 || d->published == 0)
        return; /* nobody knows what they should be */
    ctl_doctor_checked(d, CTL_DOCTOR_GENERATION_OLD);
    ctl_doctor_checked(d, CTL_DOCTOR_GENERATION_HELD);
    aps_generation_each(state, d->tag, tell_use, d);
}

void ctl_doctor_state(struct ctl_doctor *d)
{
    struct ctl_doctor_at at = {.path = d->c->place.state};
    struct aps_state *state = NULL;
    struct aps_state_info info;
    struct aps_diag why = {""};
    enum aps_err err = aps_state_attach(d->c->pool, at.path, &state, &why);

    ctl_doctor_checked(d, CTL_DOCTOR_STATE_MISSING);
    ctl_doctor_checked(d, CTL_DOCTOR_STATE_DAMAGED);
    if (err != APS_OK) {
        tell_missing(d, err, &why);
        return;
    }
    aps_state_info(state, &info);
    ctl_doctor_checked(d, CTL_DOCTOR_STATE_STALE);
    if (info.is_stale)
        ctl_doctor_find(d, CTL_DOCTOR_STATE_STALE, &at,
                        "%s: no httpd has opened it since the kernel was started", at.path);
    else
        judge_table(d, state);
    judge_generations(d, state);
    judge_memory(d, state);
    ctl_doctor_checked(d, CTL_DOCTOR_STATE_USES_NONE);
    if (aps_lastuse_is_kept(state))
        d->c->use.state = state;
    else
        ctl_doctor_find(d, CTL_DOCTOR_STATE_USES_NONE, &at,
                        "%s keeps no last uses, since ApiSecLastUse is 0: keys that nobody uses "
                        "are not found",
                        at.path);
}
