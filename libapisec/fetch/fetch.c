/* fetch.c - libcurl, with everything off that is not wanted. */
#include "apisec/fetch.h"

#include <apr_strings.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { BODY_MAX = 256 * 1024, CONNECT_MS = 5000, TOTAL_MS = 10000 };

struct aps_fetch_link {
    CURL *curl;
};

struct job {
    const struct aps_fetch_options *o;
    struct aps_url url;
    size_t max;
    char *body; /* of the heap, so that what grew is given back */
    size_t n;
    bool too_long;
    bool refused; /* an address was */
    bool nomem;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode started = CURLE_FAILED_INIT;

static void start(void)
{
    started = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static CURL *handle(void)
{
    return pthread_once(&once, start) == 0 && started == CURLE_OK ? curl_easy_init() : NULL;
}

enum aps_err aps_fetch_link_new(struct aps_fetch_link **out)
{
    struct aps_fetch_link *link = calloc(1, sizeof *link);

    if (link == NULL || (link->curl = handle()) == NULL) {
        free(link);
        return APS_ERR_NOMEM;
    }
    *out = link;
    return APS_OK;
}

void aps_fetch_link_free(struct aps_fetch_link *link)
{
    if (link == NULL)
        return;
    curl_easy_cleanup(link->curl);
    free(link);
}

/* ---- addresses ---- */

static bool is_in(const struct aps_addr *addr, const char *const *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct aps_net net;

        if (aps_net_parse(aps_str(ranges[i]), &net, NULL) == APS_OK && aps_net_has(&net, addr))
            return true;
    }
    return false;
}

bool aps_fetch_allows(const struct aps_addr *addr, bool private_net)
{
    /* RFC 6890 and what came after it; what carries an IPv4 address inside (6to4, Teredo, NAT64)
     * could carry one of these. */
    static const char *const never[] = {
        "0.0.0.0/8",     "169.254.0.0/16",  "192.0.0.0/24",   "192.0.2.0/24", "192.88.99.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",  "240.0.0.0/4",
        "::/128",        "64:ff9b::/96",    "64:ff9b:1::/48", "100::/64",     "2001::/23",
        "2001:db8::/32", "2002::/16",       "fe80::/10",      "fec0::/10",    "ff00::/8",
    };
    static const char *const inside[] = {
        "10.0.0.0/8",     "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12",
        "192.168.0.0/16", "::1/128",       "fc00::/7",
    };

    return !is_in(addr, never, sizeof never / sizeof *never) &&
           (private_net || !is_in(addr, inside, sizeof inside / sizeof *inside));
}

/* The address that is about to be connected to, be it the first or the next of several. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct job *job = arg;
    struct aps_addr addr;
    int fd;

    if (purpose != CURLSOCKTYPE_IPCXN || !aps_addr_from_sockaddr(&to->addr, &addr) ||
        !aps_fetch_allows(&addr, job->o->private_net)) {
        job->refused = true;
        return CURL_SOCKET_BAD;
    }
    fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* ---- what comes ---- */

static size_t take(char *p, size_t size, size_t n, void *arg)
{
    struct job *job = arg;
    char *more;

    n *= size;
    if (n > job->max - job->n) {
        job->too_long = true;
        return 0;
    }
    if ((more = realloc(job->body, job->n + n + 1)) == NULL) {
        job->nomem = true;
        return 0;
    }
    memcpy(more + job->n, p, n);
    job->body = more;
    job->n += n;
    return n;
}

static int go_on(void *arg, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal,
                 curl_off_t ulnow)
{
    const struct job *job = arg;

    (void)dltotal, (void)dlnow, (void)ultotal, (void)ulnow; /* sizes are judged elsewhere */
    return job->o->stop != NULL && atomic_load_explicit(job->o->stop, memory_order_relaxed);
}

static struct aps_str type_of(CURL *curl, apr_pool_t *pool)
{
    const char *type = NULL;
    char *copy;
    size_t n;

    if (curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK || type == NULL)
        return (struct aps_str){NULL, 0};
    n = strcspn(type, "; \t");
    copy = apr_pstrmemdup(pool, type, n);
    for (size_t i = 0; i < n; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] | 0x20);
    return (struct aps_str){copy, n};
}

bool aps_fetch_is_json(struct aps_str type)
{
    const struct aps_str end = APS_STR_LIT("+json");

    return aps_str_eq(type, APS_STR_LIT("application/json")) ||
           (aps_str_starts(type, APS_STR_LIT("application/")) && type.n > end.n + 12 &&
            memcmp(type.p + type.n - end.n, end.p, end.n) == 0);
}

/* ---- how it is asked ---- */

static long millis(aps_nsec time, long usual)
{
    return time > 0 ? (long)(time / 1000000) : usual;
}

/* All options of all fetches: the first that fails ends them. */
static CURLcode set_safe(CURL *curl, struct job *job, char *url, char error[CURL_ERROR_SIZE])
{
    const struct aps_fetch_options *o = job->o;
    CURLcode rc = CURLE_OK;

#define SET(name, value)                                                                           \
    if (rc == CURLE_OK)                                                                            \
    rc = curl_easy_setopt(curl, CURLOPT_##name, value)
    SET(ERRORBUFFER, error);
    SET(URL, url);
    SET(PROTOCOLS_STR, job->url.https ? "https" : "http");
    SET(FOLLOWLOCATION, 0L);
    SET(PROXY, "");
    SET(NOPROXY, "*");
    SET(NETRC, (long)CURL_NETRC_IGNORED);
    SET(NOSIGNAL, 1L);
    SET(SSL_VERIFYPEER, 1L);
    SET(SSL_VERIFYHOST, 2L);
    SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CONNECTTIMEOUT_MS, millis(o->connect_max, CONNECT_MS));
    SET(TIMEOUT_MS, millis(o->total_max, TOTAL_MS));
    SET(OPENSOCKETFUNCTION, open_socket);
    SET(OPENSOCKETDATA, job);
    SET(WRITEFUNCTION, take);
    SET(WRITEDATA, job);
    SET(NOPROGRESS, 0L);
    SET(XFERINFOFUNCTION, go_on);
    SET(XFERINFODATA, job);
    SET(USERAGENT, "mod_apisec");
    if (o->ca != NULL) {
        SET(CAINFO, o->ca);
        SET(CAPATH, (char *)NULL);
    }
    return rc;
}

static CURLcode set_request(CURL *curl, const struct aps_fetch_options *o, apr_pool_t *pool,
                            struct curl_slist *fields)
{
    CURLcode rc = CURLE_OK;

    SET(HTTPHEADER, fields);
    if (o->form.p != NULL) {
        SET(POSTFIELDSIZE_LARGE, (curl_off_t)o->form.n);
        SET(POSTFIELDS, apr_pstrmemdup(pool, o->form.p, o->form.n));
    }
    if (o->user != NULL) {
        SET(HTTPAUTH, (long)CURLAUTH_BASIC);
        SET(USERNAME, o->user);
    }
    return rc;
#undef SET
}

/* libcurl copies it, and wipes nothing: that copy goes with the handle. */
static CURLcode set_password(CURL *curl, const struct aps_fetch_options *o)
{
    char *text;
    CURLcode rc;

    if (o->user == NULL || o->password == NULL)
        return CURLE_OK;
    if (o->password->n != 0 && memchr(o->password->b, '\0', o->password->n) != NULL)
        return CURLE_BAD_FUNCTION_ARGUMENT;
    if ((text = malloc(o->password->n + 1)) == NULL)
        return CURLE_OUT_OF_MEMORY;
    memcpy(text, o->password->b, o->password->n);
    text[o->password->n] = '\0';
    rc = curl_easy_setopt(curl, CURLOPT_PASSWORD, text);
    aps_secret_cleanse(text, o->password->n);
    free(text);
    return rc;
}

/* ---- what became of it ---- */

static enum aps_err fault(const struct job *job, struct aps_str url, CURLcode rc, const char *error,
                          struct aps_diag *diag)
{
    const char *why = error[0] != '\0' ? error : curl_easy_strerror(rc);

    if (job->too_long) {
        aps_err_explain(diag, "%.*s: more than %zu bytes", APS_STR_SHOW(url), job->max);
        return APS_ERR_RANGE;
    }
    if (job->nomem || rc == CURLE_OUT_OF_MEMORY)
        return APS_ERR_NOMEM;
    if (job->refused && rc != CURLE_OK) {
        aps_err_explain(diag,
                        "%.*s: its host has an address that may not be connected to: one of "
                        "loopback or a private network wants --private, and link-local, multicast "
                        "and reserved ones are never taken",
                        APS_STR_SHOW(url));
        return APS_ERR_UNSAFE;
    }
    aps_err_explain(diag, "%.*s: %s", APS_STR_SHOW(url), why);
    if (rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_CACERT_BADFILE)
        return APS_ERR_UNSAFE;
    return rc == CURLE_OPERATION_TIMEDOUT || rc == CURLE_ABORTED_BY_CALLBACK ? APS_ERR_BUSY
                                                                             : APS_ERR_IO;
}

static void answer(CURL *curl, struct job *job, apr_pool_t *pool, struct aps_fetch_answer *out)
{
    long status = 0;
    const char *ip = NULL;

    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status); /* 0: there is none */
    *out = (struct aps_fetch_answer){
        .status = (unsigned)status,
        .body = aps_str_copy(pool, (struct aps_str){job->body, job->n}),
        .type = type_of(curl, pool),
    };
    if (curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &ip) == CURLE_OK && ip != NULL)
        (void)apr_cpystrn(out->address, ip, sizeof out->address);
}

static enum aps_err check_url(struct aps_str text, const struct aps_fetch_options *o,
                              struct aps_url *out, struct aps_diag *diag)
{
    enum aps_err err = aps_url_parse(text, out, diag);

    if (err != APS_OK || out->https || (o->insecure_http && out->loopback))
        return err;
    aps_err_explain(diag, "%.*s: want https", APS_STR_SHOW(text));
    return APS_ERR_FORMAT;
}

static enum aps_err run(CURL *curl, struct aps_str url, struct job *job, apr_pool_t *pool,
                        struct aps_fetch_answer *out, struct aps_diag *diag)
{
    struct curl_slist *fields = curl_slist_append(NULL, "Accept: application/json");
    char error[CURL_ERROR_SIZE] = "";
    CURLcode rc = fields != NULL ? CURLE_OK : CURLE_OUT_OF_MEMORY;

    if (rc == CURLE_OK)
        rc = set_safe(curl, job, apr_pstrmemdup(pool, url.p, url.n), error);
    if (rc == CURLE_OK)
        rc = set_request(curl, job->o, pool, fields);
    if (rc == CURLE_OK)
        rc = set_password(curl, job->o);
    if (rc == CURLE_OK)
        rc = curl_easy_perform(curl);
    if (rc == CURLE_OK)
        answer(curl, job, pool, out);
    curl_easy_reset(curl); /* nothing of it is left for the next; connections stay */
    curl_slist_free_all(fields);
    return rc == CURLE_OK ? APS_OK : fault(job, url, rc, error, diag);
}

enum aps_err aps_fetch(struct aps_str url, const struct aps_fetch_options *options,
                       apr_pool_t *pool, struct aps_fetch_answer *out, struct aps_diag *diag)
{
    struct job job = {.o = options, .max = options->body_max != 0 ? options->body_max : BODY_MAX};
    enum aps_err err = check_url(url, options, &job.url, diag);
    CURL *curl;

    if (err != APS_OK)
        return err;
    if ((curl = options->link != NULL ? options->link->curl : handle()) == NULL)
        return APS_ERR_NOMEM;
    err = run(curl, url, &job, pool, out, diag);
    if (options->link == NULL)
        curl_easy_cleanup(curl);
    free(job.body);
    return err;
}
