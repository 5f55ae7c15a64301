/* wait.c - --wait: until no request is decided by an older generation any more. */
#include "wait.h"

#include <apr_strings.h>
#include <poll.h>

#include "apisec/generation.h"
#include "apisec/metrics.h"
#include "apisec/num.h"
#include "apisec/state.h"

/* MARGIN: for a child that has begun to look, to open what it has found.  REFRESH_MAX: the longest
 * that ApiSecRefresh can be, for a server that has not said. */
#define TIMEOUT_DEFAULT (10 * APS_SEC)
#define TIMEOUT_MAX APS_HOUR
#define MARGIN (500 * APS_MSEC)
#define REFRESH_MAX APS_MINUTE

enum { PAUSE_MSEC = 20, NAMED_MAX = 8 };

enum aps_err ctl_wait_read(const struct ctl_call *call, struct ctl_wait *out, struct aps_diag *diag)
{
    const char *timeout = ctl_command_value(call, CTL_OPT_TIMEOUT);
    struct ctl_wait wait = {
        .asked = call->values[CTL_OPT_WAIT] != NULL,
        .timeout = TIMEOUT_DEFAULT,
    };
    enum aps_err err;

    if (timeout != NULL && !wait.asked) {
        aps_err_explain(diag, "--timeout is for --wait, which is not given");
        return APS_ERR_USAGE;
    }
    if (timeout != NULL &&
        (err = aps_num_parse_duration(aps_str(timeout), &wait.timeout, diag)) != APS_OK)
        return err;
    if (wait.timeout > TIMEOUT_MAX) {
        aps_err_explain(diag, "--timeout \"%s\": want at most 1h", timeout);
        return APS_ERR_RANGE;
    }
    *out = wait;
    return APS_OK;
}

void ctl_wait_note(struct ctl_wait *wait, const struct aps_store *store)
{
    wait->store = aps_store_tag(store);
    wait->generation = aps_store_generation(store);
    wait->since = aps_clock_monotonic();
}

/* One look at the state file. */
struct look {
    const struct ctl_wait *wait;
    apr_pool_t *pool;
    bool late;           /* whoever was not asked since looks before it answers */
    unsigned show, idle; /* processes */
    unsigned behind;
    const char *named; /* those behind, or the first of them */
};

static void judge(void *arg, const struct aps_generation_use *use)
{
    struct look *look = arg;

    if (use->generation >= look->wait->generation) {
        look->show++;
    } else if (look->late && !use->held) {
        look->idle++;
    } else if (look->behind++ < NAMED_MAX) {
        look->named = apr_psprintf(
            look->pool, "%s%sprocess %ld serves generation %" APR_UINT64_T_FMT "%s",
            look->named != NULL ? look->named : "", look->named != NULL ? "; " : "", (long)use->pid,
            use->generation,
            use->held ? " and still opens or has refused what was published: see the error log"
                      : "");
    }
}

static enum aps_err look_at(const char *path, struct look *look, struct aps_diag *diag)
{
    struct aps_state *state = NULL;
    struct aps_state_info info;
    struct aps_diag why = {""};
    aps_nsec refresh;
    enum aps_err err = aps_state_attach(look->pool, path, &state, &why);

    if (err != APS_OK) {
        aps_err_explain(diag,
                        "the change is stored and published, but --wait cannot tell who serves it: "
                        "%s; --state names another state file",
                        aps_err_say(err, &why));
        return APS_ERR_CHECK;
    }
    aps_state_info(state, &info);
    refresh = info.refresh > 0 && info.refresh < REFRESH_MAX ? info.refresh : REFRESH_MAX;
    look->late = aps_clock_monotonic() >= look->wait->since + refresh + MARGIN;
    aps_generation_each(state, look->wait->store, judge, look);
    /* Who found no row is not seen here, but looks as often. */
    if (aps_metrics_sum(state, APS_METRIC_GENERATION_UNLISTED) != 0 && !look->late) {
        look->behind++;
        look->named = "a process that is not listed may serve an older generation";
    }
    aps_state_close(state);
    return APS_OK;
}

static const char *say(const struct look *look, apr_pool_t *pool)
{
    const char *first = apr_psprintf(pool, "generation %" APR_UINT64_T_FMT, look->wait->generation);

    if (look->show + look->idle == 0)
        return apr_psprintf(pool, "%s is published; no process of httpd serves this store", first);
    return apr_psprintf(pool,
                        "no process decides by less than %s any more: %u of %u have it in force, "
                        "%u were not asked since and look before they answer",
                        first, look->show, look->show + look->idle, look->idle);
}

enum aps_err ctl_wait(const struct ctl_wait *wait, const char *state, apr_pool_t *pool,
                      const char **out_said, struct aps_diag *diag)
{
    enum aps_err err = APS_ERR_NOMEM;
    apr_pool_t *scratch = NULL;

    if (apr_pool_create(&scratch, pool) != APR_SUCCESS)
        return err;
    for (;;) {
        struct look look = {.wait = wait, .pool = scratch};
        bool over = aps_clock_monotonic() >= wait->since + wait->timeout;

        if ((err = look_at(state, &look, diag)) != APS_OK)
            break;
        if (look.behind == 0) {
            *out_said = say(&look, pool);
            break;
        }
        if (over) {
            aps_err_explain(diag,
                            "generation %llu is stored and published, but not in force everywhere "
                            "in time: %s%s",
                            (unsigned long long)wait->generation, look.named,
                            look.behind > NAMED_MAX ? "; and more" : "");
            err = APS_ERR_CHECK;
            break;
        }
        apr_pool_clear(scratch);
        (void)poll(NULL, 0, PAUSE_MSEC); /* a pause; cut short, it looks sooner */
    }
    apr_pool_destroy(scratch);
    return err;
}
