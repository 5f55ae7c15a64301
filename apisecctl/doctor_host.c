/* doctor_host.c - the machine: clocks, memory, cores. */
#include "doctor_host.h"

#include <apr_strings.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timex.h>

#include "apisec/num.h"
#include "apisec/survey.h"

#define SKEW (5 * APS_MINUTE) /* the clock may have been stepped a little */

static const char *time_text(apr_pool_t *pool, aps_nsec wall)
{
    char text[APS_NUM_TIME_MAX];

    return apr_pstrdup(pool, aps_num_print_time(wall, false, text));
}

/* ---- clocks ---- */

static void judge_changes(struct ctl_doctor *d)
{
    struct ctl_doctor_at at = {0};
    struct aps_diag why = {""};
    aps_nsec newest = 0;
    enum aps_err err;

    if (d->c->store == NULL)
        return;
    if ((err = aps_survey_changed_at(d->c->store, &newest, &why)) != APS_OK) {
        ctl_doctor_unchecked(d, "the change log", aps_err_say(err, &why), "");
        return;
    }
    ctl_doctor_checked(d, CTL_DOCTOR_CLOCK_CHANGES);
    if (newest > d->c->now && newest - d->c->now > SKEW)
        ctl_doctor_find(d, CTL_DOCTOR_CLOCK_CHANGES, &at,
                        "the clock says %s, and the newest change of the store was made at %s",
                        time_text(d->c->pool, d->c->now), time_text(d->c->pool, newest));
}

static void judge_build(struct ctl_doctor *d)
{
    struct ctl_doctor_at at = {0};
    struct stat st;
    aps_nsec built;

    if (stat("/proc/self/exe", &st) != 0) {
        ctl_doctor_unchecked(d, "when this program was installed", "/proc cannot tell",
                             "mount -t proc proc /proc");
        return;
    }
    built = (aps_nsec)st.st_mtim.tv_sec * APS_SEC;
    ctl_doctor_checked(d, CTL_DOCTOR_CLOCK_BUILD);
    if (built > d->c->now && built - d->c->now > SKEW)
        ctl_doctor_find(d, CTL_DOCTOR_CLOCK_BUILD, &at,
                        "the clock says %s, and this program is from %s",
                        time_text(d->c->pool, d->c->now), time_text(d->c->pool, built));
}

static void judge_sync(struct ctl_doctor *d)
{
    struct ctl_doctor_at at = {0};
    struct timex state = {.modes = 0};
    int rc = adjtimex(&state);

    if (rc < 0) {
        ctl_doctor_unchecked(d, "whether something keeps the clock", "the kernel does not tell",
                             "timedatectl show");
        return;
    }
    ctl_doctor_checked(d, CTL_DOCTOR_CLOCK_UNSYNCED);
    if (rc == TIME_ERROR || (state.status & STA_UNSYNC) != 0)
        ctl_doctor_find(d, CTL_DOCTOR_CLOCK_UNSYNCED, &at,
                        "the kernel is not told that anything keeps the clock, on which expiry, "
                        "tokens and signatures hang");
}

/* ---- memory ---- */

bool ctl_doctor_host_has_swap(void)
{
    char line[256];
    int n = 0;
    FILE *in = fopen("/proc/swaps", "r");

    if (in == NULL)
        return false;
    while (n < 2 && fgets(line, sizeof line, in) != NULL)
        n++;          /* the first is the heading */
    (void)fclose(in); /* read only */
    return n == 2;
}

static void judge_memory(struct ctl_doctor *d)
{
    struct ctl_doctor_at at = {0};
    struct rlimit locked;

    if (getrlimit(RLIMIT_MEMLOCK, &locked) != 0) {
        ctl_doctor_unchecked(d, "how much memory can be locked", "the kernel does not tell", "");
        return;
    }
    ctl_doctor_checked(d, CTL_DOCTOR_MEMORY_LOCK);
    if (ctl_doctor_host_has_swap() && locked.rlim_cur != RLIM_INFINITY &&
        locked.rlim_cur < CTL_DOCTOR_LOCKED_MIN)
        ctl_doctor_find(d, CTL_DOCTOR_MEMORY_LOCK, &at,
                        "%lu bytes of memory may be locked (LimitMEMLOCK), and there is swap: "
                        "secrets beyond that can be written to it",
                        (unsigned long)locked.rlim_cur);
}

static void judge_cores(struct ctl_doctor *d)
{
    struct ctl_doctor_at at = {0};
    char word[32] = "";
    FILE *in = fopen("/proc/sys/fs/suid_dumpable", "r");

    if (in == NULL || fgets(word, sizeof word, in) == NULL) {
        ctl_doctor_unchecked(d, "whether cores of httpd's children are written",
                             "/proc/sys/fs/suid_dumpable cannot be read", "sudo apisecctl doctor");
    } else {
        ctl_doctor_checked(d, CTL_DOCTOR_CORES_ON);
        if (word[0] != '0')
            ctl_doctor_find(d, CTL_DOCTOR_CORES_ON, &at,
                            "fs.suid_dumpable is %c: a child of httpd that crashes can leave a "
                            "core; secrets are kept out of it, but not what a request holds",
                            word[0]);
    }
    if (in != NULL)
        (void)fclose(in); /* read only */
}

void ctl_doctor_host(struct ctl_doctor *d)
{
    judge_changes(d);
    judge_build(d);
    judge_sync(d);
    judge_memory(d);
    judge_cores(d);
}
