/* Waiting for a turn: for few at once, and no longer than client and server are there. */
#include "mod.h"

#include <apr_portable.h>
#include <apr_strings.h>
#include <errno.h>
#include <poll.h>

#include "ap_mpm.h"

/* The longest sleep, so that a signal or a socket that poll does not tell of is seen soon. */
#define SLICE_MS 100
/* More than all slices of the longest wait: it ends also if the clock stood still. */
#define SLICES_MAX (4 * APS_LIMIT_DELAY_MAX / (SLICE_MS * APS_MSEC))

#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

/* ---- How many ---- */

static enum aps_reason take(struct mod_req *m, const char *name, uint32_t max, struct aps_slot *out)
{
    static const uint64_t store = 0;
    struct aps_slots_ask ask = {{aps_table_scope(APS_TABLE_WAIT, store, APS_STR_LIT("waiters")),
                                 aps_table_caller(mod_process.state, name, strlen(name)), store},
                                max};
    return aps_slots_take(mod_process.state, &ask, mod_req_now(m), out, NULL);
}

static void end(struct mod_req *m)
{
    for (size_t i = 0; i < sizeof m->waiter / sizeof m->waiter[0]; i++)
        aps_slots_release(mod_process.state, &m->waiter[i]);
    m->waits = false;
    m->turn = 0;
}

static apr_status_t end_at_last(void *m)
{
    end(m);
    return APR_SUCCESS;
}

/* Half of all waiters at most are one virtual host's. */
bool mod_stage_wait_reserve(struct mod_req *m)
{
    const server_rec *s = m->first->server;
    uint32_t all = mod_process.waiters, one = all > 1 ? all / 2 : all;
    const char *host = apr_psprintf(m->first->pool, "%s:%u", s->server_hostname, s->port);
    if (m->waits) /* for a limit that was charged before */
        return true;
    apr_pool_cleanup_register(m->first->pool, m, end_at_last, apr_pool_cleanup_null);
    if (take(m, "", all, &m->waiter[0]) == APS_REASON_ALLOW &&
        take(m, host, one, &m->waiter[1]) == APS_REASON_ALLOW)
        return m->waits = true;
    end(m);
    aps_metrics_add(mod_process.state, APS_METRIC_LIMIT_WAITERS_FULL, 1);
    return false;
}

void mod_stage_wait_begin(struct mod_req *m, aps_nsec delay)
{
    aps_nsec turn = mod_req_monotonic(m) + delay;
    if (delay > 0 && turn > m->turn)
        m->turn = turn;
    if (m->turn == 0)
        end(m);
}

/* ---- The wait ---- */

/* -1: it was closed. */
static int descriptor_of(const request_rec *r)
{
    apr_socket_t *socket = ap_get_conn_socket(r->connection);
    apr_os_sock_t fd = -1;
    return socket != NULL && apr_os_sock_get(&fd, socket) == APR_SUCCESS ? fd : -1;
}

/* A client that shuts its sending side down looks the same as one that has gone, and is taken for
 * it.  A server that is stopped at once closes the sockets of its workers. */
static bool is_gone(const request_rec *r, int timeout_ms)
{
    struct pollfd fd = {.fd = descriptor_of(r), .events = POLLRDHUP};
    if (fd.fd < 0 || r->connection->aborted)
        return true;
    int n = poll(&fd, 1, timeout_ms);
    return n < 0 ? errno != EINTR : n > 0;
}

static enum aps_reason why_gone(void)
{
    int state = AP_MPMQ_RUNNING;
    (void)ap_mpm_query(AP_MPMQ_MPM_STATE, &state); /* where it is not told the client has gone */
    return state == AP_MPMQ_STOPPING ? APS_REASON_SERVER_STOPS : APS_REASON_CLIENT_GONE;
}

static enum aps_reason wait_until(const request_rec *r, aps_nsec turn)
{
    for (int i = 0; i < SLICES_MAX; i++) {
        aps_nsec now = aps_clock_monotonic(), left = turn - now;
        if (now == 0)
            return APS_REASON_INTERNAL;
        if (left <= 0)
            return APS_REASON_ALLOW;
        aps_nsec ms = (left + APS_MSEC - 1) / APS_MSEC;
        if (is_gone(r, ms < SLICE_MS ? (int)ms : SLICE_MS))
            return why_gone();
    }
    return APS_REASON_INTERNAL;
}

enum aps_reason mod_stage_wait(request_rec *r, struct mod_req *m)
{
    aps_nsec began = aps_clock_monotonic();
    aps_metrics_add(mod_process.state, APS_METRIC_LIMIT_DELAYED, 1);
    enum aps_reason reason = wait_until(r, m->turn);
    aps_nsec ended = aps_clock_monotonic();
    m->waited += ended > began ? (uint64_t)(ended - began) / (uint64_t)APS_MSEC : 0;
    end(m);
    return reason;
}
