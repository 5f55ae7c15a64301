#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apisec/accesslog.h"

#define T0 ((aps_nsec)1801396800 * APS_SEC) /* 2027-01-31T12:00:00Z */
#define TIME "[31/Jan/2027:12:00:00 +0000]"
#define REQUEST "\"GET /a HTTP/1.1\""

/* In a block of its own size, so that a read past the end is seen. */
static enum aps_err read_text(const char *text, struct aps_accesslog *out, struct aps_diag *diag)
{
    static char *exact;
    size_t n = strlen(text);

    free(exact);
    exact = malloc(n != 0 ? n : 1);
    assert_non_null(exact);
    memcpy(exact, text, n);
    return aps_accesslog_read((struct aps_str){exact, n}, out, diag);
}

static void expect_text(struct aps_str found, const char *want)
{
    assert_int_equal(found.n, strlen(want));
    assert_memory_equal(found.n != 0 ? found.p : "", want, found.n);
}

static void lines_of_httpd_are_read(void **state)
{
    static const struct {
        const char *line, *host, *user, *method, *target;
        unsigned status;
    } cases[] = {
        {"192.0.2.7 - - " TIME " " REQUEST " 200 512", "192.0.2.7", "", "GET", "/a", 200},
        {"192.0.2.7 - - " TIME " " REQUEST " 200 -", "192.0.2.7", "", "GET", "/a", 200},
        {"192.0.2.7 - - " TIME " " REQUEST " 200 512\r", "192.0.2.7", "", "GET", "/a", 200},
        {"2001:db8::1 - shop " TIME " " REQUEST " 429 5 \"-\" \"curl/7\"", "2001:db8::1", "shop",
         "GET", "/a", 429},
        {"client.example ident shop " TIME " " REQUEST " - 0 \"\\\"\" \"\"", "client.example",
         "shop", "GET", "/a", 0},
        /* Names as clients send them. */
        {"h - a b " TIME " " REQUEST " 200 1", "h", "a b", "GET", "/a", 200},
        {"h - \"\" " TIME " " REQUEST " 401 1", "h", "", "GET", "/a", 401},
        {"h - \\\" " TIME " " REQUEST " 401 1", "h", "\\\"", "GET", "/a", 401},
        {"h - a\\\\ " TIME " " REQUEST " 401 1", "h", "a\\\\", "GET", "/a", 401},
        {"h - x " TIME " \\\"GET /b HTTP/1.1\\\" 200 1 " TIME " " REQUEST " 401 1", "h",
         "x " TIME " \\\"GET /b HTTP/1.1\\\" 200 1", "GET", "/a", 401},
        /* Requests as clients send them. */
        {"h - - " TIME " \"POST /a?b=c HTTP/2.0\" 200 1", "h", "", "POST", "/a?b=c", 200},
        {"h - - " TIME " \"GET /\" 200 1", "h", "", "GET", "/", 200},
        {"h - - " TIME " \"GET /\\\" 200 1\\\\\\\" HTTP/1.1\" 404 1", "h", "", "GET", "/\\\"", 404},
        {"h - - " TIME " \"-\" 408 0", "h", "", "", "", 408},
        {"h - - " TIME " \"\" 400 0", "h", "", "", "", 400},
        {"h - - " TIME " \"\\x16\\x03\\x01\" 400 0", "h", "", "", "", 400},
        {"h - - " TIME " \"GET \" 400 0", "h", "", "", "", 400},
        {"h - - " TIME " \"GET  /\" 400 0", "h", "", "", "", 400},
        {"h - - " TIME " \"get /\" 501 0", "h", "", "", "", 501},
        {"h - - " TIME " \" GET /\" 400 0", "h", "", "", "", 400},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_accesslog log;
        struct aps_diag diag = {""};

        assert_int_equal(read_text(cases[i].line, &log, &diag), APS_OK);
        assert_string_equal(diag.text, "");
        assert_true(log.at == T0);
        expect_text(log.host, cases[i].host);
        expect_text(log.user, cases[i].user);
        expect_text(log.method, cases[i].method);
        expect_text(log.target, cases[i].target);
        assert_int_equal(log.status, cases[i].status);
    }
}

static void other_lines_are_refused_with_a_reason(void **state)
{
    static const struct {
        const char *line, *why;
    } cases[] = {
        {"", "host"},
        {" ", "host"},
        {"h", "host"},
        {"h -", "host"},
        {"h  - " TIME " " REQUEST " 200 1", "host"},
        {" h - - " TIME " " REQUEST " 200 1", "host"},
        {"h - -", "request"},
        {"h - " TIME " " REQUEST " 200 1", "request"},
        {"h - \" " TIME " " REQUEST " 200 1", "request"},
        {"h - a\" " TIME " " REQUEST " 200 1", "request"},
        {"h - \"\"" TIME " " REQUEST " 200 1", "time"},
        {"h - \"\" x " TIME " " REQUEST " 401 1", "time"},
        {"h - -" TIME " " REQUEST " 200 1", "time"},
        {"h - - " TIME "  " REQUEST " 200 1", "time"},
        {"h - - [31/Jan/2027:12:00:00 +0000) " REQUEST " 200 1", "time"},
        {"h - - [31/jan/2027:12:00:00 +0000] " REQUEST " 200 1", "time"},
        {"h - - [30/Feb/2027:12:00:00 +0000] " REQUEST " 200 1", "time"},
        {"h - - [31/Jan/2027:24:00:00 +0000] " REQUEST " 200 1", "time"},
        {"h - - [31/Jan/1969:12:00:00 +0000] " REQUEST " 200 1", "time"},
        {"h - - [31/Jan/2027:12:00:00 +2400] " REQUEST " 200 1", "time"},
        {"h - - [31/Jan/2027:12:00:00  0000] " REQUEST " 200 1", "time"},
        {"h - - [31/Jan/2027:12:00:00 +00:0] " REQUEST " 200 1", "time"},
        {"h - - [31-Jan-2027:12:00:00 +0000] " REQUEST " 200 1", "time"},
        {"h - - [31/Jan/2027 12:00:00 +0000] " REQUEST " 200 1", "time"},
        {"h - - " TIME " \"GET / HTTP/1.1", "end"},
        {"h - - " TIME " \"GET / HTTP/1.1\\\" 200 1", "end"},
        {"h - - " TIME " \"GET /\\", "end"},
        {"h - - " TIME " " REQUEST, "status"},
        {"h - - " TIME " " REQUEST "200 1", "status"},
        {"h - - " TIME " " REQUEST " 200", "status"},
        {"h - - " TIME " " REQUEST " 200 ", "status"},
        {"h - - " TIME " " REQUEST " 20 1", "status"},
        {"h - - " TIME " " REQUEST " 2000 1", "status"},
        {"h - - " TIME " " REQUEST " 2x0 1", "status"},
        {"h - - " TIME " " REQUEST " 200 1k", "status"},
        {"h - - " TIME " " REQUEST " 200  1", "status"},
        {"h - - " TIME " " REQUEST " -1- 1", "status"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_accesslog log = {.status = 7};
        struct aps_diag diag = {""};

        assert_int_equal(read_text(cases[i].line, &log, &diag), APS_ERR_FORMAT);
        assert_int_equal(log.status, 7); /* untouched */
        assert_non_null(strstr(diag.text, cases[i].why));
        assert_non_null(strstr(diag.text, "want a line of the common or the combined format"));
        assert_int_equal(read_text(cases[i].line, &log, NULL), APS_ERR_FORMAT);
    }
}

static void times_have_their_zones(void **state)
{
    static const struct {
        const char *time;
        aps_nsec at;
    } cases[] = {
        {"31/Jan/2027:12:00:01 +0000", T0 + APS_SEC},
        {"31/Jan/2027:12:00:00 +0130", T0 - 90 * APS_MINUTE},
        {"31/Jan/2027:12:00:00 -0800", T0 + 8 * APS_HOUR},
        {"01/Jan/1970:00:00:00 +0000", 0},
        {"29/Feb/2028:00:00:00 +0000", (aps_nsec)1835395200 * APS_SEC},
        {"31/Dec/2027:23:59:59 +0000", (aps_nsec)1830297599 * APS_SEC},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_accesslog log;
        char line[128];

        (void)snprintf(line, sizeof line, "h - - [%s] " REQUEST " 200 1", cases[i].time);
        assert_int_equal(read_text(line, &log, NULL), APS_OK);
        assert_true(log.at == cases[i].at);
    }
}

/* A line that ends anywhere is refused or whole, and never read past its end. */
static void every_part_of_a_line_is_read_within_it(void **state)
{
    static const char line[] =
        "192.0.2.7 - a\\\"b " TIME " \"GET /a\\\\ HTTP/1.1\" 200 512 \"-\" \"curl\"";
    size_t read = 0;

    (void)state;
    for (size_t n = 0; n < sizeof line; n++) {
        char cut[sizeof line] = "";
        struct aps_accesslog log;

        memcpy(cut, line, n);
        read += read_text(cut, &log, NULL) == APS_OK ? 1 : 0;
    }
    assert_int_equal(read, strlen("512 \"-\" \"curl\"")); /* from the first digit on */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_httpd_are_read),
        cmocka_unit_test(other_lines_are_refused_with_a_reason),
        cmocka_unit_test(times_have_their_zones),
        cmocka_unit_test(every_part_of_a_line_is_read_within_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
