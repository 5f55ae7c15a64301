/* accesslog.c - a line of httpd's access log -> its parts. */
#include "apisec/accesslog.h"

#include "apisec/num.h"

/* What httpd writes between the user and the request. */
#define TIME_FORM "31/Jan/2027:12:00:00 +0000"
enum { TIME_LEN = sizeof TIME_FORM - 1, AROUND_TIME = TIME_LEN + 4 /* " [", "] " */ };

static enum aps_err bad(struct aps_diag *diag, const char *what)
{
    aps_err_explain(diag,
                    "%s: want a line of the common or the combined format, such as 192.0.2.7 - - "
                    "[" TIME_FORM "] \"GET / HTTP/1.1\" 200 512",
                    what);
    return APS_ERR_FORMAT;
}

/* Cut off what is before the next space; false where there is none, or nothing before it. */
static bool take_word(struct aps_str *rest, struct aps_str *out)
{
    const char *space = memchr(rest->p, ' ', rest->n);

    if (space == NULL || space == rest->p)
        return false;
    *out = (struct aps_str){rest->p, (size_t)(space - rest->p)};
    rest->p = space + 1;
    rest->n -= out->n + 1;
    return true;
}

/* Where the next quote is that no backslash escapes; text.n where there is none. */
static size_t find_quote(struct aps_str text)
{
    size_t i = 0;

    while (i < text.n && text.p[i] != '"')
        i += text.p[i] == '\\' ? 2 : 1;
    return i < text.n ? i : text.n;
}

/* ---- the time ---- */

static const char *month_of(const char *name)
{
    static const char months[12][2][4] = {
        {"Jan", "01"}, {"Feb", "02"}, {"Mar", "03"}, {"Apr", "04"}, {"May", "05"}, {"Jun", "06"},
        {"Jul", "07"}, {"Aug", "08"}, {"Sep", "09"}, {"Oct", "10"}, {"Nov", "11"}, {"Dec", "12"},
    };

    for (size_t i = 0; i < 12; i++)
        if (memcmp(name, months[i][0], 3) == 0)
            return months[i][1];
    return NULL;
}

/* "31/Jan/2027:12:00:00 +0000" */
static bool read_time(const char *p, aps_nsec *out)
{
    const char *month = month_of(p + 3);
    char text[] = "YYYY-MM-DDTHH:MM:SS+ZZ:ZZ";

    if (p[2] != '/' || month == NULL || p[6] != '/' || p[11] != ':' || p[20] != ' ')
        return false;
    memcpy(text, p + 7, 4);
    memcpy(text + 5, month, 2);
    memcpy(text + 8, p, 2);
    memcpy(text + 11, p + 12, 8);
    memcpy(text + 19, p + 21, 3);
    memcpy(text + 23, p + 24, 2);
    return aps_num_parse_time(aps_str(text), 0, out, NULL) == APS_OK;
}

/* ---- parts ---- */

/* The user, the time, and the quote that the request begins with.  A user's quotes are escaped, but
 * that an empty name is written as two of them. */
static enum aps_err take_user(struct aps_str *rest, struct aps_accesslog *out,
                              struct aps_diag *diag)
{
    static const struct aps_str empty = {"\"\" ", 3};
    size_t skip = aps_str_starts(*rest, empty) ? empty.n - 1 : 0;
    size_t quote = skip + find_quote((struct aps_str){rest->p + skip, rest->n - skip});
    const char *time;

    if (quote == rest->n || quote < AROUND_TIME + 1)
        return bad(diag, "it has no user, time and request");
    out->user = (struct aps_str){rest->p, quote - AROUND_TIME};
    time = rest->p + out->user.n + 2;
    if (memcmp(time - 2, " [", 2) != 0 || memcmp(time + TIME_LEN, "] ", 2) != 0 ||
        !read_time(time, &out->at))
        return bad(diag, "before its request is no time that exists");
    if (skip != 0 && out->user.n != skip)
        return bad(diag, "behind an empty user is more than its time");
    if (skip != 0 || aps_str_eq(out->user, APS_STR_LIT("-")))
        out->user.n = 0;
    rest->p += quote + 1;
    rest->n -= quote + 1;
    return APS_OK;
}

static bool is_token(struct aps_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 'A' || text.p[i] > 'Z')
            return false;
    return text.n > 0;
}

/* Method and target; a connection that said something else has neither. */
static void split_request(struct aps_accesslog *out)
{
    struct aps_str rest = out->request, method, target;
    const char *space;

    if (!take_word(&rest, &method) || !is_token(method) || rest.n == 0)
        return;
    space = memchr(rest.p, ' ', rest.n);
    target = (struct aps_str){rest.p, space != NULL ? (size_t)(space - rest.p) : rest.n};
    if (target.n == 0)
        return;
    out->method = method;
    out->target = target;
}

static bool is_number(struct aps_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < '0' || text.p[i] > '9')
            return aps_str_eq(text, APS_STR_LIT("-"));
    return text.n > 0;
}

/* " 200 512", and maybe more. */
static bool read_status(struct aps_str rest, unsigned *out)
{
    struct aps_str status, bytes;

    if (rest.n == 0 || *rest.p++ != ' ')
        return false;
    rest.n--;
    if (!take_word(&rest, &status) || !is_number(status) || (status.n != 3 && status.p[0] != '-'))
        return false;
    bytes = rest;
    (void)take_word(&rest, &bytes); /* else it is the last one */
    if (!is_number(bytes))
        return false;
    *out = 0;
    for (size_t i = 0; i < status.n && status.p[0] != '-'; i++)
        *out = *out * 10 + (unsigned)(status.p[i] - '0');
    return true;
}

enum aps_err aps_accesslog_read(struct aps_str line, struct aps_accesslog *out,
                                struct aps_diag *diag)
{
    struct aps_accesslog log = {.at = 0};
    struct aps_str rest = line, ident;
    enum aps_err err;
    size_t quote;

    if (rest.n > 0 && rest.p[rest.n - 1] == '\r')
        rest.n--;
    if (!take_word(&rest, &log.host) || !take_word(&rest, &ident))
        return bad(diag, "it does not begin with a host and a name");
    if ((err = take_user(&rest, &log, diag)) != APS_OK)
        return err;
    quote = find_quote(rest);
    if (quote == rest.n)
        return bad(diag, "its request does not end");
    log.request = (struct aps_str){rest.p, quote};
    if (!read_status((struct aps_str){rest.p + quote + 1, rest.n - quote - 1}, &log.status))
        return bad(diag, "behind its request are no status and number of bytes");
    split_request(&log);
    *out = log;
    return APS_OK;
}
