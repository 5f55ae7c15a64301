/* A line of the access log: its parts lie within it one behind the other, a line made of them reads
 * the same, and what ends a quoted part is no byte of a client's. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "apisec/accesslog.h"
#include "apisec/num.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static const char *behind(struct aps_str part, const char *from, const char *end)
{
    expect(part.p >= from && part.p + part.n <= end);
    return part.p + part.n;
}

/* Every quote has an odd number of backslashes before it. */
static void expect_escaped(struct aps_str part)
{
    for (size_t i = 0, slashes = 0; i < part.n; i++) {
        expect(part.p[i] != '"' || slashes % 2 == 1);
        slashes = part.p[i] == '\\' ? slashes + 1 : 0;
    }
}

static void print_time(aps_nsec at, char out[48])
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[APS_NUM_TIME_MAX];
    int month;

    (void)aps_num_print_time(at, false, text);
    month = (text[5] - '0') * 10 + text[6] - '0';
    (void)snprintf(out, 48, "%.2s/%.3s/%.4s:%.8s +0000", text + 8, names + 3 * (month - 1), text,
                   text + 11);
}

/* Not by printf, which stops at a NUL. */
static void put(char *line, size_t *n, struct aps_str part)
{
    memcpy(line + *n, part.p, part.n);
    *n += part.n;
}

static void check_again(const struct aps_accesslog *log)
{
    size_t room = log->host.n + log->user.n + log->request.n + 128;
    char *line = malloc(room), time[48], status[16];
    struct aps_accesslog again;
    struct aps_str text = {line, 0};

    expect(line != NULL);
    print_time(log->at, time);
    put(line, &text.n, log->host);
    put(line, &text.n, APS_STR_LIT(" - "));
    put(line, &text.n, log->user.n != 0 ? log->user : APS_STR_LIT("-"));
    put(line, &text.n, APS_STR_LIT(" ["));
    put(line, &text.n, aps_str(time));
    put(line, &text.n, APS_STR_LIT("] \""));
    put(line, &text.n, log->request);
    (void)snprintf(status, sizeof status, log->status != 0 ? "\" %03u -" : "\" - -", log->status);
    put(line, &text.n, aps_str(status));
    expect(aps_accesslog_read(text, &again, NULL) == APS_OK);
    expect(again.at == log->at && again.status == log->status);
    expect(aps_str_eq(again.host, log->host) && aps_str_eq(again.user, log->user));
    expect(aps_str_eq(again.request, log->request) && aps_str_eq(again.method, log->method));
    expect(aps_str_eq(again.target, log->target));
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size + 1);
    struct aps_str line = {exact, size};
    struct aps_accesslog log;
    struct aps_diag diag = {""};
    const char *at = exact;

    expect(exact != NULL);
    memcpy(exact, data, size);
    if (aps_accesslog_read(line, &log, &diag) != APS_OK) {
        expect(diag.text[0] != '\0');
        free(exact);
        return 0;
    }
    expect(diag.text[0] == '\0' && log.at >= 0 && log.status <= 999);
    at = behind(log.host, at, exact + size);
    at = behind(log.user, at, exact + size);
    at = behind(log.request, at, exact + size);
    if (log.method.n != 0)
        (void)behind(log.target, behind(log.method, log.request.p, at), at);
    expect((log.method.n == 0) == (log.target.n == 0));
    expect_escaped(log.user);
    expect_escaped(log.request);
    check_again(&log);
    free(exact);
    return 0;
}
