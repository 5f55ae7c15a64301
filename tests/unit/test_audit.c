#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>
#include <apisec/audit.h>
#include <apisec/num.h>

/* ---- A reader of JSON, small and strict: an object of strings, numbers and one list. ---- */

static const char *read_string(const char *p, const char *end, char *out)
{
    if (p == end || *p++ != '"')
        return NULL;
    for (; p < end && *p != '"'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x20)
            return NULL;
        if (c != '\\') {
            size_t n = aps_str_utf8((struct aps_str){p, (size_t)(end - p)});
            if (n == 0)
                return NULL;
            memcpy(out, p, n);
            out += n;
            p += n - 1;
            continue;
        }
        if (++p == end)
            return NULL;
        if (*p == 'u') {
            unsigned code;
            if (end - p < 5 || sscanf(p + 1, "%4x", &code) != 1)
                return NULL;
            out += snprintf(out, 7, "<%04x>", code);
            p += 4;
        } else if (strchr("\"\\/bfnrt", *p) != NULL) {
            *out++ = *p;
        } else {
            return NULL;
        }
    }
    *out = '\0';
    return p < end ? p + 1 : NULL;
}

static const char *read_value(const char *p, const char *end, char *out)
{
    if (p == end)
        return NULL;
    if (*p == '"')
        return read_string(p, end, out);
    if (*p == '[') {
        if (p[1] == ']')
            return p + 2;
        do {
            if ((p = read_string(p + 1, end, out)) == NULL || p == end)
                return NULL;
            out += strlen(out);
            *out++ = '|';
        } while (*p == ',');
        out[-1] = '\0';
        return *p == ']' ? p + 1 : NULL;
    }
    size_t n = strspn(p, "0123456789");
    memcpy(out, p, n);
    out[n] = '\0';
    return n != 0 ? p + n : NULL;
}

static struct {
    char name[32];
    char value[8 * APS_AUDIT_LINE_MAX];
} seen[40];
static size_t nseen;

/* Fills `seen`; false unless the line is one object and nothing else. */
static bool read_line(const char *line, size_t n)
{
    const char *p = line, *end = line + n;
    char name[APS_AUDIT_LINE_MAX];
    nseen = 0;
    if (n == 0 || *p != '{')
        return false;
    do {
        seen[nseen].value[0] = '\0';
        if ((p = read_string(p + 1, end, name)) == NULL || strlen(name) > 31 || p == end)
            return false;
        memcpy(seen[nseen].name, name, strlen(name) + 1);
        if (*p != ':' || (p = read_value(p + 1, end, seen[nseen].value)) == NULL || p == end)
            return false;
        nseen++;
    } while (*p == ',' && nseen < 40);
    return *p == '}' && p + 1 == end;
}

static const char *value_of(const char *name)
{
    for (size_t i = 0; i < nseen; i++)
        if (strcmp(seen[i].name, name) == 0)
            return seen[i].value;
    return NULL;
}

/* ---- Tests ---- */

static const struct aps_str two_roles[] = {{"reader", 6}, {"writer", 6}};

static struct aps_audit typical(void)
{
    return (struct aps_audit){
        .at = 1717754096 * APS_SEC + 123 * APS_MSEC + 999,
        .boot = 3,
        .n = 17,
        .pid = 4242,
        .reason = APS_REASON_ALLOW,
        .decision = APS_DECISION_ALLOW,
        .status = 200,
        .kv = 2,
        .id = {"ZmKx6sCoAAEAABbLz1MAAAAA", 24},
        .host = {"api.example.org", 15},
        .ip = {"192.0.2.7", 9},
        .method = {"GET", 3},
        .path = {"/orders/17/lines", 16},
        .route = {"GET /orders/**", 14},
        .key = {"abcdefghijkl", 12},
        .user = {"shop", 4},
        .roles = two_roles,
        .nroles = 2,
        .us = 812,
        .gen = 99,
    };
}

static char line[APS_AUDIT_LINE_MAX + 1]; /* the reader wants an end */

static size_t write_and_read(const struct aps_audit *a)
{
    apr_pool_t *pool;
    assert_int_equal(apr_pool_create(&pool, NULL), APR_SUCCESS);
    struct aps_str made = aps_audit_line(a, pool);
    assert_true(made.n <= APS_AUDIT_LINE_MAX);
    assert_int_equal(made.p[made.n], '\0');
    memcpy(line, made.p, made.n + 1);
    apr_pool_destroy(pool);
    assert_true(read_line(line, made.n));
    return made.n;
}

/* AUD-01: the fields of the table, in its order. */
static void a_line_has_its_fields(void **state)
{
    static const char want[] =
        "{\"v\":1,\"ts\":\"2024-06-07T09:54:56.123Z\",\"boot\":3,\"pid\":4242,\"n\":17,"
        "\"event\":\"authz_allow\",\"severity\":\"info\",\"id\":\"ZmKx6sCoAAEAABbLz1MAAAAA\","
        "\"host\":\"api.example.org\",\"ip\":\"192.0.2.7\",\"method\":\"GET\","
        "\"path\":\"/orders/17/lines\",\"route\":\"GET /orders/**\",\"status\":200,"
        "\"decision\":\"allow\",\"reason\":\"allow\",\"key\":\"abcdefghijkl\",\"kv\":2,"
        "\"user\":\"shop\",\"roles\":[\"reader\",\"writer\"],\"us\":812,\"gen\":99}";
    struct aps_audit a = typical();
    (void)state;
    assert_int_equal(write_and_read(&a), sizeof want - 1);
    assert_memory_equal(line, want, sizeof want - 1);
}

/* A line of plain text and one with a character beyond ASCII are written by two writers; they
 * differ in that character only. */
static void both_writers_agree(void **state)
{
    char plain_line[APS_AUDIT_LINE_MAX];
    struct aps_audit a = typical();
    (void)state;
    a.limit = aps_str("tight");
    a.would_limit = aps_str("hourly");
    a.api = aps_str("s");
    a.nroles = 0;
    for (size_t round = 0; round < 3; round++) {
        a.path = aps_str("/caf__/menu");
        size_t n = write_and_read(&a);
        memcpy(plain_line, line, n);
        a.path = aps_str("/caf\xc3\xa9/menu");
        assert_int_equal(write_and_read(&a), n);
        char *at = memchr(line, '\xc3', n);
        assert_non_null(at);
        memcpy(at, "__", 2);
        assert_memory_equal(line, plain_line, n);
        a.nroles = 2 - round;
        a.kv = 0;
    }
}

/* What is not known is left out, what is always there stays, and a zeroed record passes nothing. */
static void unknown_fields_are_left_out(void **state)
{
    static const char *const always[] = {"v",        "ts",       "boot",   "pid", "n",      "event",
                                         "severity", "id",       "host",   "ip",  "method", "path",
                                         "status",   "decision", "reason", "us"};
    struct aps_audit a = {0};
    (void)state;
    (void)write_and_read(&a);
    assert_int_equal(nseen, sizeof always / sizeof always[0]);
    for (size_t i = 0; i < nseen; i++)
        assert_string_equal(seen[i].name, always[i]);
    assert_string_equal(value_of("reason"), "undecided");
    assert_string_equal(value_of("decision"), "off");
    assert_string_equal(value_of("ts"), "1970-01-01T00:00:00.000Z");
    a.limit = aps_str("tight");
    a.would_limit = aps_str("hourly,daily");
    a.waited = 250;
    a.api = aps_str("shop");
    a.fault = aps_str("/a~1b/0 type");
    (void)write_and_read(&a);
    assert_int_equal(nseen, sizeof always / sizeof always[0] + 5);
    assert_string_equal(value_of("fault"), "/a~1b/0 type");
    assert_string_equal(value_of("waited"), "250");
    assert_string_equal(value_of("would_limit"), "hourly,daily");
    assert_string_equal(value_of("limit"), "tight");
    assert_string_equal(value_of("api"), "shop");
}

/* A line is the same whether what says who calls was made beforehand or not. */
static void a_caller_made_beforehand_changes_nothing(void **state)
{
    char piece[APS_AUDIT_CALLER_MAX], want[APS_AUDIT_LINE_MAX + 1];
    struct aps_audit a = typical();
    (void)state;
    for (int round = 0; round < 3; round++) {
        a.nroles = round == 1 ? 0 : 2;
        a.path = round == 2 ? aps_str("/a\"b") : a.path; /* the careful writer */
        a.caller = (struct aps_str){NULL, 0};
        size_t n = write_and_read(&a);
        memcpy(want, line, n + 1);
        a.caller = (struct aps_str){piece, aps_audit_caller(&a, piece)};
        assert_true(a.caller.n != 0);
        assert_int_equal(write_and_read(&a), n);
        assert_string_equal(line, want);
    }
}

/* At and above each cap, and with a character that wants an escape. */
static void no_caller_is_made_of_what_is_cut_or_escaped(void **state)
{
    static char text[256];
    static struct aps_str roles[17];
    static const struct {
        size_t key, user, role, nroles;
        bool made;
    } cases[] = {
        {128, 128, 64, 16, true}, {129, 128, 64, 16, false}, {64, 129, 64, 16, false},
        {64, 128, 65, 16, false}, {64, 128, 64, 17, false},  {12, 4, 6, 0, true},
    };
    char piece[APS_AUDIT_CALLER_MAX];
    struct aps_audit a = typical();
    (void)state;
    memset(text, 'a', sizeof text);
    a.roles = roles;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        a.key = (struct aps_str){text, cases[i].key};
        a.user = (struct aps_str){text, cases[i].user};
        a.nroles = cases[i].nroles;
        for (size_t k = 0; k < a.nroles; k++)
            roles[k] = (struct aps_str){text, cases[i].role};
        size_t n = aps_audit_caller(&a, piece);
        assert_int_equal(n != 0, cases[i].made);
        assert_true(n <= sizeof piece);
    }
    a.user = aps_str("sh\"op");
    assert_int_equal(aps_audit_caller(&a, piece), 0);
}

/* Whatever second was written before it, a line has the time of its own request. */
static void each_line_has_its_own_time(void **state)
{
    static const aps_nsec at[] = {
        0,
        -1,
        APS_SEC - 1,
        APS_SEC,
        2 * APS_SEC - 1,
        1717754096 * APS_SEC,
        1717754096 * APS_SEC + 9 * APS_MSEC,
        1717754096 * APS_SEC + 999 * APS_MSEC + 999999,
        1717754097 * APS_SEC + 10 * APS_MSEC,
        1717754096 * APS_SEC + 100 * APS_MSEC,
        APS_SEC + 1,
        INT64_MAX,
        INT64_MIN,
    };
    char want[APS_NUM_TIME_MAX];
    struct aps_audit a = typical();
    (void)state;
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        a.at = at[i];
        write_and_read(&a);
        assert_string_equal(value_of("ts"), aps_num_print_time(at[i], true, want));
    }
}

/* Every verdict has its token, event and severity in the line. */
static void every_reason_is_told(void **state)
{
    struct aps_audit a = typical();
    (void)state;
    for (int r = 0; r < APS_REASON_COUNT; r++) {
        a.reason = (enum aps_reason)r;
        (void)write_and_read(&a);
        assert_string_equal(value_of("reason"), aps_reason_token(a.reason));
        assert_string_equal(value_of("event"), aps_reason_event(a.reason));
        assert_string_equal(value_of("severity"),
                            aps_reason_severity_name(aps_reason_severity(a.reason)));
    }
    assert_string_equal(aps_audit_decision(APS_DECISION_OFF), "off");
    assert_string_equal(aps_audit_decision(APS_DECISION_ALLOW), "allow");
    assert_string_equal(aps_audit_decision(APS_DECISION_REFUSE), "refuse");
    assert_string_equal(aps_audit_decision(APS_DECISION_WOULD_REFUSE), "would-refuse");
    assert_string_equal(aps_audit_decision((enum aps_decision)9), "off");
}

/* AUD-04: one record is one line of ASCII controls, bidi and separators escaped, whatever came. */
static void hostile_text_is_escaped(void **state)
{
    static const struct {
        const char *path, *want;
    } rows[] = {
        {"/a\"b\\c", "/a\"b\\c"},
        {"/a\nb\r\t\x1b[0m", "/a<000a>b<000d><0009><001b>[0m"},
        {"/\x7f", "/<007f>"},
        {"/\xc2\x85", "/<0085>"},
        {"/\xe2\x80\xa8\xe2\x80\xa9", "/<2028><2029>"},
        {"/\xe2\x80\xae"
         "cod",
         "/<202e>cod"},
        {"/\xe2\x81\xa6", "/<2066>"},
        {"/\xff\xfe", "/\\xff\\xfe"},
        {"/\xc0\xaf", "/\\xc0\\xaf"},
        {"/\xe2\x82", "/\\xe2\\x82"},
        {"/\xc3\xa9\xf0\x9f\x98\x80", "/\xc3\xa9\xf0\x9f\x98\x80"},
        {"\",\"decision\":\"allow", "\",\"decision\":\"allow"},
    };
    struct aps_audit a = typical();
    (void)state;
    a.decision = APS_DECISION_REFUSE;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        a.path = aps_str(rows[i].path);
        size_t n = write_and_read(&a);
        assert_string_equal(value_of("path"), rows[i].want);
        assert_string_equal(value_of("decision"), "refuse");
        assert_int_equal(nseen, 22);
        for (size_t k = 0; k < n; k++)
            assert_true((unsigned char)line[k] >= 0x20 && line[k] != 0x7f);
    }
    a.path = (struct aps_str){"/a\0b", 4};
    (void)write_and_read(&a);
    assert_string_equal(value_of("path"), "/a<0000>b");
}

/* AUD-04: at, below and above the cap of each text; a cut is marked. */
static void texts_are_capped(void **state)
{
    static const struct {
        const char *name;
        size_t offset, cap;
    } rows[] = {
        {"path", offsetof(struct aps_audit, path), 1024},
        {"host", offsetof(struct aps_audit, host), 255},
        {"user", offsetof(struct aps_audit, user), 128},
        {"method", offsetof(struct aps_audit, method), 32},
        {"route", offsetof(struct aps_audit, route), 512},
        {"id", offsetof(struct aps_audit, id), 64},
        {"ip", offsetof(struct aps_audit, ip), 64},
        {"key", offsetof(struct aps_audit, key), 128},
        {"webhook", offsetof(struct aps_audit, webhook), 64},
        {"api", offsetof(struct aps_audit, api), 64},
        {"fault", offsetof(struct aps_audit, fault), 256},
        {"sanitized", offsetof(struct aps_audit, sanitized), 256},
        {"limit", offsetof(struct aps_audit, limit), 80},
        {"would_limit", offsetof(struct aps_audit, would_limit), 512},
    };
    char text[1200];
    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct aps_audit a = typical();
        struct aps_str *field = (struct aps_str *)((char *)&a + rows[i].offset);
        for (size_t n = rows[i].cap - 1; n <= rows[i].cap + 1; n++) {
            *field = (struct aps_str){text, n};
            (void)write_and_read(&a);
            size_t got = strlen(value_of(rows[i].name));
            assert_int_equal(got, n <= rows[i].cap ? n : rows[i].cap + 3);
            assert_int_equal(strcmp(value_of(rows[i].name) + got - 3, "...") == 0, n > rows[i].cap);
        }
    }
    struct aps_audit a = typical();
    char role[65];
    struct aps_str many[20];
    memset(role, 'r', sizeof role);
    for (size_t i = 0; i < 20; i++)
        many[i] = (struct aps_str){role, i == 0 ? 65 : 1};
    a.roles = many;
    a.nroles = 16;
    (void)write_and_read(&a);
    assert_int_equal(strlen(value_of("roles")), 64 + 3 + 15 * 2);
    a.nroles = 17;
    (void)write_and_read(&a);
    assert_int_equal(strlen(value_of("roles")), 64 + 3 + 15 * 2 + 4);
    assert_string_equal(value_of("roles") + strlen(value_of("roles")) - 6, "|r|...");
}

/* Fills every text with `size` bytes of `unit`, as often as it goes in. */
static struct aps_audit full_of(const char *unit, size_t size)
{
    static char text[40000];
    static struct aps_str many[100];
    size_t n = strlen(unit);
    struct aps_audit a = {
        .at = INT64_MAX,
        .boot = UINT64_MAX,
        .n = UINT64_MAX,
        .pid = UINT32_MAX,
        .reason = APS_REASON_CREDENTIAL_EXPOSED,
        .decision = APS_DECISION_WOULD_REFUSE,
        .status = INT32_MAX,
        .kv = UINT32_MAX,
        .waited = UINT64_MAX,
        .us = UINT64_MAX,
        .gen = UINT64_MAX,
        .roles = many,
        .nroles = 100,
    };
    for (size_t i = 0; i < size; i++)
        text[i] = unit[i % n];
    struct aps_str all = {text, size};
    for (size_t i = 0; i < 100; i++)
        many[i] = all;
    a.id = a.host = a.ip = a.method = a.path = a.route = a.key = a.user = a.webhook = a.api =
        a.limit = all;
    a.would_limit = all;
    a.fault = all;
    a.sanitized = all;
    a.secret_due = aps_str("of-64-letters-of-which-none-wants-an-escape-0123456789abcdefghij");
    return a;
}

/* AUD-04: at most 3,500 bytes and whole JSON, with every field at its maximum and every byte at its
 * longest escape; what is known of who and what stays. */
static void the_longest_line_fits(void **state)
{
    static const char *const units[] = {
        "x", "\x01", "\xff", "\"", "\xe2\x80\xa8", "\xf0\x9f\x98\x80", "a\xc2\x85", "\xc3\xa9"};
    static const size_t sizes[] = {1,   2,   31,  32,  33,  63,   64,   65,   127,  128,
                                   129, 255, 256, 511, 513, 1023, 1024, 1025, 8190, 40000};
    (void)state;
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            struct aps_audit a = full_of(units[u], sizes[s]);
            size_t n = write_and_read(&a);
            assert_int_equal(nseen, 30);
            assert_string_equal(value_of("reason"), "credential_exposed");
            assert_string_equal(value_of("status"), "2147483647");
            assert_true(n > 400);
        }
    /* Only the path gives way to a long path. */
    struct aps_audit a = typical(), b = full_of("\x01", 5000);
    a.path = b.path;
    assert_true(write_and_read(&a) > 2000);
    assert_string_equal(value_of("route"), "GET /orders/**");
    assert_string_equal(value_of("roles"), "reader|writer");
    size_t n = strlen(value_of("path"));
    assert_true(n > 256 * 6);
    assert_string_equal(value_of("path") + n - 3, "...");
}

/* A property over random bytes and lengths. */
static void random_lines_are_whole(void **state)
{
    static char text[2048];
    uint64_t x = 20240609;
    (void)state;
    for (int round = 0; round < 3000; round++) {
        struct aps_audit a = typical();
        struct aps_str *field[] = {&a.id,          &a.host,  &a.ip,       &a.method, &a.path,
                                   &a.key,         &a.user,  &a.api,      &a.limit,  &a.route,
                                   &a.would_limit, &a.fault, &a.sanitized};
        for (size_t i = 0; i < sizeof text; i++) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            text[i] = (char)(x >> 40 & (round % 2 != 0 ? 0xff : 0x7f));
        }
        for (size_t i = 0; i < sizeof field / sizeof field[0]; i++) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            size_t n = (x >> 33) % 700, from = (x >> 43) % 1300;
            *field[i] = (struct aps_str){text + from, (x >> 60) < 3 ? n : n % 20};
        }
        (void)write_and_read(&a);
    }
}

/* A field by its name, as text. */
static void single_fields_are_told(void **state)
{
    static const struct {
        const char *name, *want;
    } rows[] = {
        {"v", "1"},
        {"ts", "2024-06-07T09:54:56.123Z"},
        {"boot", "3"},
        {"pid", "4242"},
        {"n", "17"},
        {"event", "authz_allow"},
        {"severity", "info"},
        {"id", "ZmKx6sCoAAEAABbLz1MAAAAA"},
        {"host", "api.example.org"},
        {"ip", "192.0.2.7"},
        {"method", "GET"},
        {"path", "/orders/17/lines"},
        {"route", "GET /orders/**"},
        {"status", "200"},
        {"decision", "allow"},
        {"reason", "allow"},
        {"key", "abcdefghijkl"},
        {"kv", "2"},
        {"user", "shop"},
        {"roles", "reader,writer"},
        {"webhook", ""},
        {"api", ""},
        {"fault", "/price minimum"},
        {"sanitized", "/title"},
        {"limit", ""},
        {"would_limit", "hourly,daily"},
        {"secret_due", "ledger"},
        {"waited", "250"},
        {"us", "812"},
        {"gen", "99"},
    };
    struct aps_audit a = typical(), zero = {0};
    char scratch[APS_AUDIT_SCRATCH];
    (void)state;
    a.would_limit = aps_str("hourly,daily");
    a.fault = aps_str("/price minimum");
    a.sanitized = aps_str("/title");
    a.secret_due = aps_str("ledger");
    a.waited = 250;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int field = aps_audit_field(aps_str(rows[i].name));
        assert_int_equal(field, i);
        struct aps_str got = aps_audit_value(&a, field, scratch);
        assert_int_equal(got.n, strlen(rows[i].want));
        assert_memory_equal(got.p, rows[i].want, got.n);
    }
    assert_int_equal(aps_audit_field(aps_str("Status")), -1);
    assert_int_equal(aps_audit_field(aps_str("")), -1);
    assert_int_equal(aps_audit_field(aps_str("secret")), -1);
    assert_int_equal(aps_audit_value(&a, -1, scratch).n, 0);
    assert_int_equal(aps_audit_value(&a, 30, scratch).n, 0);
    assert_int_equal(aps_audit_value(&zero, aps_audit_field(aps_str("kv")), scratch).n, 0);
    assert_int_equal(aps_audit_value(&zero, aps_audit_field(aps_str("gen")), scratch).n, 0);
    assert_int_equal(aps_audit_value(&zero, aps_audit_field(aps_str("roles")), scratch).n, 0);
    assert_int_equal(aps_audit_value(&zero, aps_audit_field(aps_str("us")), scratch).n, 1);
}

static void long_lists_are_cut_with_a_mark(void **state)
{
    char scratch[APS_AUDIT_SCRATCH];
    struct aps_audit a = full_of("role", 64);
    int field = aps_audit_field(aps_str("roles"));
    (void)state;
    a.nroles = 15;
    assert_int_equal(aps_audit_value(&a, field, scratch).n, 15 * 65 - 1);
    a.nroles = 16;
    struct aps_str got = aps_audit_value(&a, field, scratch);
    assert_int_equal(got.n, 15 * 65 - 1 + 3);
    assert_memory_equal(got.p + got.n - 4, "e...", 4);
    a = full_of("role", 5000);
    assert_int_equal(aps_audit_value(&a, field, scratch).n, 3);
}

int main(void)
{
    if (apr_initialize() != APR_SUCCESS)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_its_fields),
        cmocka_unit_test(both_writers_agree),
        cmocka_unit_test(unknown_fields_are_left_out),
        cmocka_unit_test(each_line_has_its_own_time),
        cmocka_unit_test(a_caller_made_beforehand_changes_nothing),
        cmocka_unit_test(no_caller_is_made_of_what_is_cut_or_escaped),
        cmocka_unit_test(every_reason_is_told),
        cmocka_unit_test(hostile_text_is_escaped),
        cmocka_unit_test(texts_are_capped),
        cmocka_unit_test(the_longest_line_fits),
        cmocka_unit_test(random_lines_are_whole),
        cmocka_unit_test(single_fields_are_told),
        cmocka_unit_test(long_lists_are_cut_with_a_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
