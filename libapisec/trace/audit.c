/* audit.c - a finished request -> one line of JSON.
 *
 * Every field is a row of audit.def; str_of and u64_of say where its value is.  Two writers are
 * made from the table.  The fast one takes lines of plain text that surely fit, which nearly all
 * are, without a check between two fields; its line is the same byte for byte.  The careful one
 * escapes and cuts; a line that does not fit is written again with less: first the path, which a
 * client can make long, gives way. */
#include <assert.h>

#include "apisec/audit.h"
#include "apisec/json.h"
#include "apisec/num.h"
#include "plain.h"

enum field {
#define A(name, kind, when, text) F_##name,
#include "apisec/audit.def"
#undef A
    NFIELDS
};

enum kind { STR, U64, TIME, LIST };
enum when { KNOWN, ALWAYS };

static const struct {
    const char *name;
    enum kind kind;
    enum when when;
} fields[NFIELDS] = {
#define A(name, kind, when, text) [F_##name] = {#name, kind, when},
#include "apisec/audit.def"
#undef A
};

/* Bytes of each text before it is cut; of roles, how many.  None of them is 0. */
struct caps {
    uint16_t max[NFIELDS];
};

#define ROLE_MAX 64 /* bytes of a role's name that are written; no stored name is longer */

static const struct caps caps_full = {{
    [F_event] = 64,        [F_severity] = 64,   [F_id] = 64,      [F_host] = 255,
    [F_ip] = 64,           [F_method] = 32,     [F_path] = 1024,  [F_route] = 512,
    [F_decision] = 64,     [F_reason] = 64,     [F_key] = 128, /* of a token: ISSUER:SUBJECT */
    [F_user] = 128,        [F_roles] = 16,      [F_webhook] = 64, [F_api] = 64,
    [F_fault] = 256,       [F_sanitized] = 256, [F_limit] = 80, /* of a limit of several: NAME-month
                                                                 */
    [F_would_limit] = 512, [F_secret_due] = 64, /* letters, digits and . _ - alone */
}};

/* What gives way, in this order, and how far.  With all at their floor, each byte written as six,
 * the texts take at most 28 * 6 + 7 * 32 * 6 + 5 * 16 * 6 + 12 * 6 + 2 * 64 * 6 = 2,832
 * bytes, and everything else less than 660. */
static const struct {
    uint8_t field;
    uint8_t floor;
} yielding[] = {
    {F_path, 28},        {F_route, 16}, {F_sanitized, 12}, {F_fault, 16}, {F_roles, 2},
    {F_would_limit, 16}, {F_user, 32},  {F_host, 32},      {F_limit, 32}, {F_api, 16},
    {F_webhook, 16},     {F_ip, 32},    {F_id, 32},        {F_key, 32},
};

#define PIECE(lit)                                                                                 \
    {                                                                                              \
        lit, sizeof(lit) - 1                                                                       \
    }

/* A decision's word, and the piece of a line that shows it. */
struct decision {
    struct aps_str word, piece;
};

#define DECISION(word)                                                                             \
    {                                                                                              \
        PIECE(word), PIECE(",\"decision\":\"" word "\"")                                           \
    }

static const struct decision decisions[] = {
    [APS_DECISION_OFF] = DECISION("off"),
    [APS_DECISION_ALLOW] = DECISION("allow"),
    [APS_DECISION_REFUSE] = DECISION("refuse"),
    [APS_DECISION_WOULD_REFUSE] = DECISION("would-refuse"),
};

static inline const struct decision *decision_of(enum aps_decision decision)
{
    const bool known = (size_t)decision < sizeof decisions / sizeof decisions[0];

    return &decisions[known ? decision : APS_DECISION_OFF];
}

const char *aps_audit_decision(enum aps_decision decision)
{
    return decision_of(decision)->word.p;
}

/* With a literal field these two come to one load. */
static inline struct aps_str str_of(const struct aps_audit *a, enum field f)
{
    switch (f) {
    case F_event:
        return aps_reason_words(a->reason)->event;
    case F_severity:
        return aps_reason_words(a->reason)->severity;
    case F_decision:
        return decision_of(a->decision)->word;
    case F_reason:
        return aps_reason_words(a->reason)->token;
    case F_id:
        return a->id;
    case F_host:
        return a->host;
    case F_ip:
        return a->ip;
    case F_method:
        return a->method;
    case F_path:
        return a->path;
    case F_route:
        return a->route;
    case F_key:
        return a->key;
    case F_user:
        return a->user;
    case F_webhook:
        return a->webhook;
    case F_api:
        return a->api;
    case F_fault:
        return a->fault;
    case F_sanitized:
        return a->sanitized;
    case F_limit:
        return a->limit;
    case F_would_limit:
        return a->would_limit;
    case F_secret_due:
        return a->secret_due;
    default:
        return (struct aps_str){NULL, 0};
    }
}

static inline uint64_t u64_of(const struct aps_audit *a, enum field f)
{
    switch (f) {
    case F_v:
        return APS_AUDIT_VERSION;
    case F_boot:
        return a->boot;
    case F_pid:
        return a->pid;
    case F_n:
        return a->n;
    case F_status:
        return a->status > 0 ? (uint64_t)a->status : 0;
    case F_kv:
        return a->kv;
    case F_waited:
        return a->waited;
    case F_us:
        return a->us;
    case F_gen:
        return a->gen;
    default:
        return 0;
    }
}

/* ---- The fast writer ---- */

/* More than everything in a line but its texts from outside: names, marks, numbers, tokens. */
#define FIXED_MAX 900

/* Bytes that surely hold the line, if every text is within its cap; else 0. */
static size_t room_for(const struct aps_audit *a)
{
    size_t sum = 0;
    bool over = false;

/* Our own words are part of what is fixed. */
#define IS_OWN(f)                                                                                  \
    (F_##f == F_event || F_##f == F_severity || F_##f == F_decision || F_##f == F_reason)
#define IS_CALLER(f) (F_##f == F_key || F_##f == F_user)
#define SIZE_STR(f)                                                                                \
    if (!IS_OWN(f) && !(IS_CALLER(f) && a->caller.n != 0)) {                                       \
        over |= str_of(a, F_##f).n > caps_full.max[F_##f];                                         \
        sum += str_of(a, F_##f).n;                                                                 \
    }
#define SIZE_U64(f)
#define SIZE_TIME(f)
#define SIZE_LIST(f)
#define A(name, kind, when, text) SIZE_##kind(name)
#include "apisec/audit.def"
#undef A
    sum += a->caller.n;
    if (over || a->nroles > caps_full.max[F_roles])
        return 0;
    for (size_t i = 0; a->caller.n == 0 && i < a->nroles; i++) {
        over |= a->roles[i].n > ROLE_MAX;
        sum += a->roles[i].n + 3;
    }
    return !over && sum < APS_AUDIT_LINE_MAX - FIXED_MAX ? sum + FIXED_MAX : 0;
}

static inline char *fast_roles(char *p, const struct aps_audit *a, plain_bytes *seen)
{
    *p++ = '[';
    for (size_t i = 0; i < a->nroles; i++) {
        *p++ = '"';
        p = plain_copy(p, a->roles[i], seen);
        *p++ = '"';
        *p++ = ',';
    }
    p -= a->nroles != 0 ? 1 : 0;
    *p++ = ']';
    return p;
}

/* A thread's lines come in the order of their time, many in a second: only its thousandths differ
 * from line to line. */
struct last_time {
    aps_nsec second; /* 0: none yet */
    char text[APS_NUM_TIME_MAX];
};

static inline char *fast_time(char *p, const struct aps_audit *a)
{
    static _Thread_local struct last_time of_thread;
    struct last_time *last = &of_thread; /* by a call, which is made once */
    __asm__("" : "+r"(last));
    const size_t n = sizeof "2027-01-31T12:00:00.123Z" - 1;
    const aps_nsec second = a->at / APS_SEC;
    const unsigned ms = (unsigned)(a->at % APS_SEC / APS_MSEC);

    if (second <= 0) {
        char text[APS_NUM_TIME_MAX];

        memcpy(p, aps_num_print_time(a->at, true, text), n);
    } else {
        if (second != last->second) {
            (void)aps_num_print_time(a->at, true, last->text); /* returns the text */
            last->second = second;
        }
        memcpy(p, last->text, n);
        p[n - 4] = (char)('0' + ms / 100);
        p[n - 3] = (char)('0' + ms / 10 % 10);
        p[n - 2] = (char)('0' + ms % 10);
    }
    p[n] = '"';
    return p + n + 1;
}

/* Neighbours that always come together, in one piece: a verdict's event and severity, what says
 * which process writes, and what says who calls. */
_Static_assert(F_severity == F_event + 1 && F_pid == F_boot + 1, "they are neighbours");
_Static_assert(F_kv == F_key + 1 && F_user == F_kv + 1 && F_roles == F_user + 1, "so are these");

#define WORD_INFO "info"
#define WORD_WARN "warn"
#define WORD_CRITICAL "critical"

/* The pieces of a line that a reason decides. */
struct verdict {
    struct aps_str event, reason;
};

static const struct verdict verdicts[APS_REASON_COUNT] = {
#define R(name, status, token, event, severity, text)                                              \
    [APS_REASON_##name] = {PIECE(",\"event\":\"" event "\",\"severity\":\"" WORD_##severity "\""), \
                           PIECE(",\"reason\":\"" token "\"")},
#include "apisec/reasons.def"
#undef R
};

static inline char *fast_piece(char *p, struct aps_str piece)
{
    memcpy(p, piece.p, piece.n);
    return p + piece.n;
}

static inline const struct verdict *verdict_of(const struct aps_audit *a)
{
    return &verdicts[(unsigned)a->reason < APS_REASON_COUNT ? a->reason : APS_REASON_UNDECIDED];
}

struct aps_str aps_audit_process(uint64_t boot, uint32_t pid, char out[APS_AUDIT_PROCESS_MAX])
{
    char *p = out;

    p = aps_num_put(fast_piece(p, APS_STR_LIT(",\"boot\":")), boot);
    p = aps_num_put(fast_piece(p, APS_STR_LIT(",\"pid\":")), pid);
    return (struct aps_str){out, (size_t)(p - out)};
}

/* Each row's literals choose its few instructions.  The first comma becomes the brace. */
#define FAST_LITERAL(lit)                                                                          \
    memcpy(p, lit, sizeof lit - 1);                                                                \
    p += sizeof lit - 1;
#define FAST_STR(f, when)                                                                          \
    text = IS_OWN(f) ? (struct aps_str){NULL, 0} : str_of(a, F_##f);                               \
    if (F_##f == F_event)                                                                          \
        p = fast_piece(p, verdict_of(a)->event);                                                   \
    else if (F_##f == F_decision)                                                                  \
        p = fast_piece(p, decision_of(a->decision)->piece);                                        \
    else if (F_##f == F_reason)                                                                    \
        p = fast_piece(p, verdict_of(a)->reason);                                                  \
    else if (F_##f == F_key && a->caller.n != 0)                                                   \
        p = fast_piece(p, a->caller);                                                              \
    else if (F_##f != F_severity && !(F_##f == F_user && a->caller.n != 0) &&                      \
             (when || text.n != 0)) {                                                              \
        FAST_LITERAL(",\"" #f "\":\"")                                                             \
        p = plain_copy(p, text, &seen);                                                            \
        *p++ = '"';                                                                                \
    }
#define FAST_U64(f, when)                                                                          \
    if (a->process.n != 0 && F_##f == F_boot)                                                      \
        p = fast_piece(p, a->process);                                                             \
    else if ((a->process.n == 0 || F_##f != F_pid) && (a->caller.n == 0 || F_##f != F_kv) &&       \
             (when || u64_of(a, F_##f) != 0)) {                                                    \
        FAST_LITERAL(",\"" #f "\":")                                                               \
        p = aps_num_put(p, u64_of(a, F_##f));                                                      \
    }
#define FAST_TIME(f, when)                                                                         \
    FAST_LITERAL(",\"" #f "\":\"")                                                                 \
    p = fast_time(p, a);
#define FAST_LIST(f, when)                                                                         \
    if (a->caller.n == 0 && (when || a->nroles != 0)) {                                            \
        FAST_LITERAL(",\"" #f "\":")                                                               \
        p = fast_roles(p, a, &seen);                                                               \
    }

/* The length of a line that there is room for, or 0 when something in it wants an escape. */
static size_t write_fast(const struct aps_audit *a, char *out)
{
    plain_bytes seen = {0};
    struct aps_str text;
    char *p = out;

#define A(name, kind, when, meaning) FAST_##kind(name, when)
#include "apisec/audit.def"
#undef A
    *p++ = '}';
    *out = '{';
    return plain_is_all(seen) ? (size_t)(p - out) : 0;
}

size_t aps_audit_caller(const struct aps_audit *a, char out[APS_AUDIT_CALLER_MAX])
{
    plain_bytes seen = {0};
    size_t sum = a->key.n + a->user.n;
    char *p = out;

    if (a->key.n > caps_full.max[F_key] || a->user.n > caps_full.max[F_user] ||
        a->nroles > caps_full.max[F_roles])
        return 0;
    for (size_t i = 0; i < a->nroles; i++) {
        if (a->roles[i].n > ROLE_MAX)
            return 0;
        sum += a->roles[i].n + 3;
    }
    if (sum > APS_AUDIT_CALLER_MAX - 128) /* names, marks and one number */
        return 0;
    p = plain_copy(fast_piece(p, APS_STR_LIT(",\"key\":\"")), a->key, &seen);
    p = fast_piece(p, APS_STR_LIT("\""));
    if (a->kv != 0)
        p = aps_num_put(fast_piece(p, APS_STR_LIT(",\"kv\":")), a->kv);
    p = plain_copy(fast_piece(p, APS_STR_LIT(",\"user\":\"")), a->user, &seen);
    p = fast_piece(p, APS_STR_LIT("\""));
    if (a->nroles != 0)
        p = fast_roles(fast_piece(p, APS_STR_LIT(",\"roles\":")), a, &seen);
    return plain_is_all(seen) ? (size_t)(p - out) : 0;
}

/* ---- The careful writer ---- */

static void put_roles(struct aps_json *w, const struct aps_audit *a, size_t max)
{
    aps_json_array(w);
    for (size_t i = 0; i < a->nroles && i < max; i++)
        aps_json_str_max(w, a->roles[i], ROLE_MAX);
    if (a->nroles > max)
        aps_json_str(w, APS_STR_LIT("..."));
    aps_json_end(w);
}

static void put_time(struct aps_json *w, const struct aps_audit *a)
{
    char text[APS_NUM_TIME_MAX];

    aps_json_str(w, aps_str(aps_num_print_time(a->at, true, text)));
}

#define PUT_STR(f, when)                                                                           \
    if (when || str_of(a, F_##f).n != 0) {                                                         \
        aps_json_name(&w, #f);                                                                     \
        aps_json_str_max(&w, str_of(a, F_##f), caps->max[F_##f]);                                  \
    }
#define PUT_U64(f, when)                                                                           \
    if (when || u64_of(a, F_##f) != 0) {                                                           \
        aps_json_name(&w, #f);                                                                     \
        aps_json_u64(&w, u64_of(a, F_##f));                                                        \
    }
#define PUT_TIME(f, when)                                                                          \
    aps_json_name(&w, #f);                                                                         \
    put_time(&w, a);
#define PUT_LIST(f, when)                                                                          \
    if (when || a->nroles != 0) {                                                                  \
        aps_json_name(&w, #f);                                                                     \
        put_roles(&w, a, caps->max[F_##f]);                                                        \
    }

/* The length of the line, or 0 when it does not fit. */
static size_t write_careful(const struct aps_audit *a, const struct caps *caps,
                            char out[APS_AUDIT_LINE_MAX])
{
    struct aps_json w;

    aps_json_init(&w, out, APS_AUDIT_LINE_MAX);
    aps_json_object(&w);
#define A(name, kind, when, text) PUT_##kind(name, when)
#include "apisec/audit.def"
#undef A
    aps_json_end(&w);
    return w.full ? 0 : w.len;
}

/* How much of a field there is: bytes, or roles. */
static size_t size_of(const struct aps_audit *a, enum field f)
{
    return f == F_roles ? a->nroles : str_of(a, f).n;
}

/* Halve what is least important and still longer than it must be.  False: nothing is. */
static bool shrink(const struct aps_audit *a, struct caps *caps)
{
    for (size_t i = 0; i < sizeof yielding / sizeof yielding[0]; i++) {
        enum field f = yielding[i].field;
        size_t floor = yielding[i].floor, now = size_of(a, f);

        if (now > caps->max[f])
            now = caps->max[f];
        if (now <= floor)
            continue;
        caps->max[f] = (uint16_t)(now / 2 > floor ? now / 2 : floor);
        return true;
    }
    return false;
}

/* The line of a length that is not known beforehand. */
static struct aps_str careful_line(const struct aps_audit *a, apr_pool_t *pool)
{
    char line[APS_AUDIT_LINE_MAX];
    struct caps caps = caps_full;
    size_t n;

    while ((n = write_careful(a, &caps, line)) == 0 && shrink(a, &caps))
        ;
    assert(n != 0); /* with every text at its floor it fits */
    return aps_str_copy(pool, (struct aps_str){line, n});
}

struct aps_str aps_audit_line(const struct aps_audit *a, apr_pool_t *pool)
{
    const size_t room = room_for(a);
    char *line;
    size_t n;

    if (room == 0)
        return careful_line(a, pool);
    line = apr_palloc(pool, room);
    if ((n = write_fast(a, line)) == 0)
        return careful_line(a, pool);
    line[n] = '\0';
    return (struct aps_str){line, n};
}

int aps_audit_field(struct aps_str name)
{
    for (int i = 0; i < NFIELDS; i++)
        if (aps_str_eq(name, aps_str(fields[i].name)))
            return i;
    return -1;
}

/* "reader,writer"; what does not fit is cut with a mark. */
static struct aps_str list_roles(const struct aps_audit *a, char scratch[APS_AUDIT_SCRATCH])
{
    static const char mark[] = "...";
    const size_t room = APS_AUDIT_SCRATCH - sizeof mark;
    size_t n = 0;

    for (size_t i = 0; i < a->nroles; i++) {
        struct aps_str role = a->roles[i];

        if (n + 1 + role.n > room) {
            memcpy(scratch + n, mark, sizeof mark - 1);
            n += sizeof mark - 1;
            break;
        }
        if (i != 0)
            scratch[n++] = ',';
        if (role.n != 0)
            memcpy(scratch + n, role.p, role.n);
        n += role.n;
    }
    return (struct aps_str){scratch, n};
}

struct aps_str aps_audit_value(const struct aps_audit *a, int field,
                               char scratch[APS_AUDIT_SCRATCH])
{
    if (field < 0 || field >= NFIELDS)
        return (struct aps_str){scratch, 0};
    switch (fields[field].kind) {
    case STR:
        return str_of(a, (enum field)field);
    case LIST:
        return list_roles(a, scratch);
    case TIME:
        return aps_str(aps_num_print_time(a->at, true, scratch));
    case U64:
        break;
    }
    uint64_t value = u64_of(a, (enum field)field);
    if (value == 0 && fields[field].when == KNOWN)
        return (struct aps_str){scratch, 0};
    return (struct aps_str){scratch, (size_t)(aps_num_put(scratch, value) - scratch)};
}
