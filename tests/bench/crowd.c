/* crowd.c - many clients at once, each on a connection that it keeps: harness/crowd.py writes the
 * jobs and reads what came of them.
 *
 * usage: crowd PORT CLIENTS EVERY < JOBS
 *
 * A job is a line of words with tabs between: NAME COUNT REFUSALS FIRST TIMES PATH [FIELD]...
 * A client takes one after the other and GETs PATH with these fields COUNT times, or until it was
 * refused REFUSALS times in a row (0: never mind), not counting a 429 that says to come again in a
 * second.  "{address}" in a field is an address of its own for each TIMES requests: number FIRST,
 * FIRST + 1, and so on, by turns of IPv4 and of IPv6.
 *
 * For each job comes a line for each thing that its requests were told: NAME, what, how often. What
 * is the status, for a 429 with the limit that refused, and "cut" where the connection ended
 * without a whole answer; those of the TIMES requests of an address are one thing, with commas
 * between. After each EVERY answers comes a line "-" with their number (0: none). */
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 256
#define ANSWER_MAX 16384
#define REQUEST_MAX 2048
#define TOLD_MAX 48
#define WHAT_MAX 128
#define CUTS_MAX 1000 /* in a row: the server has gone */
#define SILENCE_MS 60000

struct told {
    char what[WHAT_MAX];
    unsigned long n;
};

struct job {
    char name[64], request[REQUEST_MAX];
    unsigned long count, refusals, first, times;
    unsigned long asked, row, cuts;
    char what[WHAT_MAX]; /* of the address that is asked for now */
    struct told told[TOLD_MAX];
};

struct client {
    int fd; /* -1: none */
    bool busy;
    struct job job;
    size_t n;
    char answer[ANSWER_MAX + 1];
};

static struct client crowd[CLIENTS_MAX];
static unsigned long answers, every;
static uint16_t port;

static _Noreturn void give_up(const char *what, const char *value)
{
    fprintf(stderr, "crowd: %s: %s\n", what, value);
    exit(1);
}

/* ---- jobs */

static unsigned long number(const char *word)
{
    char *end;
    unsigned long n = strtoul(word, &end, 10);

    if (end == word || *end != '\0')
        give_up("want a number", word);
    return n;
}

static void append(char *to, size_t size, const char *text)
{
    size_t n = strlen(to), more = strlen(text);

    if (more >= size - n)
        give_up("too long", text);
    memcpy(to + n, text, more + 1);
}

static bool read_job(struct job *job)
{
    char *word, *rest, line[REQUEST_MAX];
    char *word_of[6];

    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    line[strcspn(line, "\n")] = '\0';
    rest = line;
    for (size_t i = 0; i < 6; i++)
        if ((word_of[i] = strsep(&rest, "\t")) == NULL)
            give_up("want six words", line);
    *job = (struct job){.count = number(word_of[1]),
                        .refusals = number(word_of[2]),
                        .first = number(word_of[3]),
                        .times = number(word_of[4])};
    append(job->name, sizeof job->name, word_of[0]);
    append(job->request, REQUEST_MAX, "GET ");
    append(job->request, REQUEST_MAX, word_of[5]);
    append(job->request, REQUEST_MAX, " HTTP/1.1\r\nHost: localhost\r\n");
    while ((word = strsep(&rest, "\t")) != NULL) {
        append(job->request, REQUEST_MAX, word);
        append(job->request, REQUEST_MAX, "\r\n");
    }
    append(job->request, REQUEST_MAX, "\r\n");
    return true;
}

static void tell(const struct job *job)
{
    for (size_t i = 0; i < TOLD_MAX && job->told[i].n != 0; i++)
        printf("%s\t%s\t%lu\n", job->name, job->told[i].what, job->told[i].n);
    fflush(stdout);
}

static void count(struct job *job)
{
    for (size_t i = 0; i < TOLD_MAX; i++) {
        struct told *told = &job->told[i];
        if (told->n == 0)
            append(told->what, WHAT_MAX, job->what);
        if (strcmp(told->what, job->what) != 0)
            continue;
        told->n++;
        job->what[0] = '\0';
        return;
    }
    give_up("too many different answers", job->what);
}

static void was_told(struct job *job, const char *what, bool refused)
{
    job->asked++;
    job->row = refused ? job->row + 1 : 0;
    if (job->what[0] != '\0')
        append(job->what, WHAT_MAX, ",");
    append(job->what, WHAT_MAX, what);
    if (job->asked % job->times == 0)
        count(job);
    answers++;
    if (every != 0 && answers % every == 0) {
        printf("-\t%lu\n", answers);
        fflush(stdout);
    }
}

static bool is_done(const struct job *job)
{
    return job->asked >= job->count || (job->refusals != 0 && job->row >= job->refusals);
}

/* ---- requests */

static void hang_up(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->n = 0;
}

static void cut(struct client *c)
{
    hang_up(c);
    if (++c->job.cuts > CUTS_MAX)
        give_up("no answer any more", c->job.name);
    was_told(&c->job, "cut", false);
}

static void reach(struct client *c)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd >= 0 && connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0)
        hang_up(c);
}

static void print_address(unsigned long i, char *out, size_t size)
{
    unsigned long n = i / 2;

    if (i % 2 == 0)
        snprintf(out, size, "198.%lu.%lu.%lu", 18 + (n >> 16), n >> 8 & 255, n & 255);
    else
        snprintf(out, size, "2001:db8:%lx:%lx::1", n >> 4, n & 15);
}

static size_t print_request(const struct job *job, char *out, size_t size)
{
    const char *at = strstr(job->request, "{address}");
    char address[48];

    if (at == NULL)
        return (size_t)snprintf(out, size, "%s", job->request);
    print_address(job->first + job->asked / job->times, address, sizeof address);
    return (size_t)snprintf(out, size, "%.*s%s%s", (int)(at - job->request), job->request, address,
                            at + strlen("{address}"));
}

/* Sends the next request of the client's job; what cannot be sent counts as cut. */
static void ask(struct client *c)
{
    char request[REQUEST_MAX + 64];
    size_t n;

    while (!is_done(&c->job)) {
        n = print_request(&c->job, request, sizeof request);
        if (c->fd < 0)
            reach(c);
        if (c->fd >= 0 && send(c->fd, request, n, MSG_NOSIGNAL) == (ssize_t)n)
            return;
        cut(c);
    }
}

/* ---- answers */

static long field(const char *answer, const char *name, long otherwise)
{
    const char *at = strcasestr(answer, name);

    return at != NULL ? strtol(at + strlen(name), NULL, 10) : otherwise;
}

/* Bytes of the whole answer; 0: not yet there. */
static size_t length(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    long body;

    if (end == NULL)
        return 0;
    if ((body = field(answer, "\r\nContent-Length:", -1)) < 0 || body > ANSWER_MAX)
        give_up("an answer without a length that is understood", answer);
    return (size_t)(end - answer) + 4 + (size_t)body;
}

static void take(struct client *c)
{
    static const char policies[] = "\"violated-policies\":[\"";
    const char *policy = strstr(c->answer, policies);
    char what[WHAT_MAX / 2] = "";
    long status = strtol(c->answer + strlen("HTTP/1.1 "), NULL, 10);
    bool closes = strcasestr(c->answer, "\r\nConnection: close") != NULL;

    if (policy != NULL) {
        policy += strlen(policies);
        snprintf(what, sizeof what, "%ld %.*s", status, (int)strcspn(policy, "\""), policy);
    } else {
        snprintf(what, sizeof what, "%ld", status);
    }
    c->job.cuts = 0;
    was_told(&c->job, what,
             status != 429 ? status >= 400 : field(c->answer, "\r\nRetry-After:", 0) > 1);
    c->n = 0;
    if (closes)
        hang_up(c);
}

static void hear(struct client *c)
{
    ssize_t got = recv(c->fd, c->answer + c->n, ANSWER_MAX - c->n, 0);
    size_t whole;

    if (got <= 0) {
        cut(c);
        ask(c);
        return;
    }
    c->n += (size_t)got;
    c->answer[c->n] = '\0';
    whole = length(c->answer);
    if (whole == 0 || c->n < whole)
        return;
    take(c);
    ask(c);
}

/* ---- all of them */

/* Ends jobs that are done and begins others; false if none is left. */
static bool begin(unsigned long clients)
{
    bool busy = false;

    for (size_t i = 0; i < clients; i++) {
        struct client *c = &crowd[i];
        while (!c->busy || is_done(&c->job)) {
            if (c->busy)
                tell(&c->job);
            hang_up(c);
            if (!(c->busy = read_job(&c->job)))
                break;
            ask(c);
        }
        busy = busy || c->busy;
    }
    return busy;
}

int main(int argc, char **argv)
{
    struct pollfd of[CLIENTS_MAX];
    unsigned long clients;

    if (argc != 4)
        give_up("usage", "crowd PORT CLIENTS EVERY < JOBS");
    port = (uint16_t)number(argv[1]);
    clients = number(argv[2]);
    every = number(argv[3]);
    if (clients == 0 || clients > CLIENTS_MAX)
        give_up("want 1 to 256 clients", argv[2]);
    for (size_t i = 0; i < clients; i++)
        crowd[i].fd = -1;
    while (begin(clients)) {
        for (size_t i = 0; i < clients; i++)
            of[i] = (struct pollfd){.fd = crowd[i].busy ? crowd[i].fd : -1, .events = POLLIN};
        if (poll(of, clients, SILENCE_MS) <= 0)
            give_up("no answer", "for a minute");
        for (size_t i = 0; i < clients; i++)
            if (of[i].revents != 0)
                hear(&crowd[i]);
    }
    return 0;
}
