#include "t.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apisec/zone.h"

static apr_pool_t *pool;
static struct aps_diag diag;

static int make_pool(void **state)
{
    (void)state;
    assert_int_equal(apr_pool_create(&pool, NULL), APR_SUCCESS);
    memset(&diag, 0, sizeof diag);
    return 0;
}

static int destroy_pool(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

/* ---- files made up here */

struct type {
    int32_t offset;
    uint8_t summer, name;
};

/* What a test changes of a file that is right. */
struct spec {
    const char *magic;
    char version, second_version; /* '\0': a file of version 1 */
    uint32_t ut, standard, leaps, types, chars;
    const uint8_t *flags; /* of `standard`, then of `ut` */
    int64_t at[3];
    uint8_t which[3];
    uint32_t times;
    struct type type[2];
    const char *footer;
};

static const struct spec right = {
    .magic = "TZif",
    .version = '2',
    .second_version = '2',
    .types = 2,
    .chars = 9,
    .times = 2,
    .at = {0, 1000000000},
    .which = {1, 0},
    .type = {{3600, 0, 0}, {7200, 1, 4}},
    .footer = "\nCET-1CEST,M3.5.0,M10.5.0/3\n",
};

static char *put32(char *p, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *p++ = (char)(value >> shift & 0xff);
    return p;
}

static char *put_block(char *p, const struct spec *s, char version, bool is_wide)
{
    const uint32_t counts[] = {s->ut, s->standard, s->leaps, s->times, s->types, s->chars};

    memcpy(p, s->magic, 4);
    p[4] = version;
    memset(p + 5, 0, 15);
    p += 20;
    for (size_t i = 0; i < 6; i++)
        p = put32(p, counts[i]);
    for (uint32_t i = 0; i < s->times; i++) {
        if (is_wide)
            p = put32(p, (uint32_t)((uint64_t)s->at[i] >> 32));
        p = put32(p, (uint32_t)s->at[i]);
    }
    for (uint32_t i = 0; i < s->times; i++)
        *p++ = (char)s->which[i];
    for (uint32_t i = 0; i < s->types && i < 2; i++) {
        p = put32(p, (uint32_t)s->type[i].offset);
        *p++ = (char)s->type[i].summer;
        *p++ = (char)s->type[i].name;
    }
    memcpy(p, "CET\0CEST", s->chars == 9 ? 9 : 0);
    p += s->chars == 9 ? 9 : 0;
    memset(p, 0, s->leaps * (is_wide ? 12 : 8));
    p += s->leaps * (is_wide ? 12 : 8);
    for (uint32_t i = 0; i < s->standard + s->ut && s->flags != NULL; i++)
        *p++ = (char)s->flags[i];
    return p;
}

static struct aps_str make_file(const struct spec *s)
{
    char *bytes = apr_palloc(pool, 4096);
    char *p = put_block(bytes, s, s->version, false);

    if (s->version != '\0') {
        p = put_block(p, s, s->second_version, true);
        memcpy(p, s->footer, strlen(s->footer));
        p += strlen(s->footer);
    }
    return (struct aps_str){bytes, (size_t)(p - bytes)};
}

static enum aps_err read_spec(const struct spec *s, const struct aps_zone **out)
{
    diag.text[0] = '\0';
    return aps_zone_read(pool, APS_STR_LIT("X/Y"), make_file(s), out, &diag);
}

static const struct aps_zone *zone_of(const struct spec *s)
{
    const struct aps_zone *zone = NULL;

    assert_int_equal(read_spec(s, &zone), APS_OK);
    assert_string_equal(diag.text, "");
    return zone;
}

static void refused(struct spec s, const char *why)
{
    const struct aps_zone *zone = (void *)&diag;

    assert_int_equal(read_spec(&s, &zone), APS_ERR_CORRUPT);
    assert_ptr_equal(zone, &diag); /* untouched */
    if (strstr(diag.text, why) == NULL || strstr(diag.text, "\"X/Y\"") == NULL)
        fail_msg("\"%s\" does not say \"%s\"", diag.text, why);
}

#define REFUSED(change, why)                                                                       \
    do {                                                                                           \
        struct spec s = right;                                                                     \
        change;                                                                                    \
        refused(s, why);                                                                           \
    } while (0)

/* LIM-09 */
static void files_that_are_wrong_are_refused(void **state)
{
    static const uint8_t bad_flag[] = {0, 2}, ut_alone[] = {0, 0, 0, 1}, one[] = {0, 0};

    (void)state;
    (void)zone_of(&right);
    REFUSED(s.magic = "TZiF", "no TZif head");
    REFUSED(s.version = '1', "version is not 1 to 4");
    REFUSED(s.version = '5', "version is not 1 to 4");
    REFUSED(s.second_version = '3', "different versions");
    REFUSED(s.leaps = 1, "leap seconds");
    REFUSED(s.types = 0, "no types");
    REFUSED(s.chars = 0, "no types");
    REFUSED(s.types = 4000000000u, "ends too early");
    REFUSED((s.standard = 1, s.flags = one), "flags");
    REFUSED((s.standard = 2, s.flags = bad_flag), "flags");
    REFUSED((s.standard = 2, s.ut = 2, s.flags = ut_alone), "flags");
    REFUSED((s.ut = 2, s.flags = bad_flag), "flags");
    REFUSED(s.at[1] = 0, "ascend");
    REFUSED(s.at[1] = -1, "ascend");
    REFUSED(s.which[1] = 2, "type is none");
    REFUSED(s.type[0].offset = 93600, "a day or more");
    REFUSED(s.type[1].offset = -90000, "a day or more");
    REFUSED(s.type[1].summer = 2, "neither 0 nor 1");
    REFUSED(s.type[1].name = 9, "outside of the names");
    REFUSED(s.type[1].name = 255, "outside of the names");
    REFUSED(s.footer = "", "last line is none");
    REFUSED(s.footer = "\n", "last line is none");
    REFUSED(s.footer = "\nCET-1", "last line is none");
    REFUSED(s.footer = "CET-1\n", "last line is none");
}

static void flags_of_types_may_be_there(void **state)
{
    static const uint8_t flags[] = {1, 0, 1, 0};
    struct spec s = right;

    (void)state;
    s.flags = flags;
    s.standard = 2;
    (void)zone_of(&s);
    s.ut = 2;
    (void)zone_of(&s);
}

static void a_file_that_is_cut_is_refused(void **state)
{
    struct aps_str whole = make_file(&right);
    const struct aps_zone *zone = NULL;

    (void)state;
    for (size_t n = 0; n < whole.n; n++) {
        struct aps_str part = {apr_pmemdup(pool, whole.p, n + 1), n};

        assert_int_equal(aps_zone_read(pool, APS_STR_LIT("X/Y"), part, &zone, &diag),
                         APS_ERR_CORRUPT);
    }
}

static void a_file_of_version_1_ends_with_its_block(void **state)
{
    struct spec s = right;
    struct aps_str file;
    const struct aps_zone *zone = NULL;

    (void)state;
    s.version = '\0';
    (void)zone_of(&s);
    file = make_file(&s);
    file.n++;
    assert_int_equal(aps_zone_read(pool, APS_STR_LIT("X/Y"), file, &zone, &diag), APS_ERR_CORRUPT);
    assert_non_null(strstr(diag.text, "follows its end"));
}

static void the_longest_file_has_65536_bytes(void **state)
{
    struct aps_str file = make_file(&right);
    char *bytes = apr_pcalloc(pool, APS_ZONE_FILE_MAX + 1);
    const struct aps_zone *zone = NULL;

    (void)state;
    memcpy(bytes, file.p, file.n);
    (void)!aps_zone_read(pool, APS_STR_LIT("X/Y"), (struct aps_str){bytes, APS_ZONE_FILE_MAX},
                         &zone, &diag); /* the sentence tells */
    assert_non_null(strstr(diag.text, "last line"));
    (void)!aps_zone_read(pool, APS_STR_LIT("X/Y"), (struct aps_str){bytes, APS_ZONE_FILE_MAX + 1},
                         &zone, &diag); /* the sentence tells */
    assert_non_null(strstr(diag.text, "65,536"));
}

static const struct {
    const char *text;
    char version;
    bool accepted;
} rules[] = {
    {"", '2', true},
    {"UTC0", '2', true},
    {"<-03>3", '2', true},
    {"<+0330>-3:30", '2', true},
    {"LMT-0:44:30", '2', true},
    {"AAA-24:59:59", '2', true},
    {"AAA25", '2', false},
    {"AAA0:60", '2', false},
    {"AAA0:0:60", '2', false},
    {"AA0", '2', false},
    {"<A>0", '2', false},
    {"<AAA0", '2', false},
    {"A1A0", '2', false},
    {"AAA", '2', false},
    {"AAA0 ", '2', false},
    {"AAA0BBB", '2', false},
    {"AAA0BBB,", '2', false},
    {"AAA0BBB,M3.2.0", '2', false},
    {"AAA0BBB,M3.2.0,M11.1.0", '2', true},
    {"AAA0BBB,M3.2.0,M11.1.0,", '2', false},
    {"AAA0BBB-1:30,M3.2.0/24,M11.1.0/0:00:01", '2', true},
    {"AAA0BBB,M3.2.0/24:59:59,M11.1.0", '2', true},
    {"AAA0BBB,M3.2.0/25,M11.1.0", '2', false},
    {"AAA0BBB,M3.2.0/25,M11.1.0", '3', true},
    {"AAA0BBB,M3.2.0/-1,M11.1.0", '2', false},
    {"AAA0BBB,M3.2.0/-1,M11.1.0", '3', true},
    {"AAA0BBB,M3.2.0/-167,M11.1.0/+167", '4', true},
    {"AAA0BBB,M3.2.0/168,M11.1.0", '3', false},
    {"AAA0BBB,M0.2.0,M11.1.0", '2', false},
    {"AAA0BBB,M13.2.0,M11.1.0", '2', false},
    {"AAA0BBB,M3.0.0,M11.1.0", '2', false},
    {"AAA0BBB,M3.6.0,M11.1.0", '2', false},
    {"AAA0BBB,M3.2.7,M11.1.0", '2', false},
    {"AAA0BBB,J1,J365", '2', true},
    {"AAA0BBB,J0,J365", '2', false},
    {"AAA0BBB,J1,J366", '2', false},
    {"AAA0BBB,0,365", '2', true},
    {"AAA0BBB,0,366", '2', false},
    {"AAA0BBB,0000,365", '2', false},
};

static void rules_are_read_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct spec s = right;

        s.version = s.second_version = rules[i].version;
        s.footer = apr_pstrcat(pool, "\n", rules[i].text, "\n", NULL);
        if (rules[i].accepted)
            (void)zone_of(&s);
        else
            refused(s, "no POSIX TZ string");
    }
}

/* ---- periods */

static void expect(const struct aps_zone *zone, enum aps_zone_unit unit, int64_t second,
                   int64_t begin, int64_t end)
{
    aps_nsec got[2];

    for (unsigned again = 0; again < 2; again++) { /* found, then remembered */
        aps_zone_period(zone, unit, second * APS_SEC + 999999999, &got[0], &got[1]);
        assert_int_equal(got[0], begin * APS_SEC);
        assert_int_equal(got[1], end * APS_SEC);
    }
}

/* LIM-09 */
static void utc_needs_no_file(void **state)
{
    const struct aps_zone *utc = NULL;
    aps_nsec begin, end;

    (void)state;
    assert_int_equal(aps_zone_open(pool, APS_STR_LIT("UTC"), &utc, &diag), APS_OK);
    assert_true(aps_str_eq(aps_zone_name(utc), APS_STR_LIT("UTC")));
    expect(utc, APS_ZONE_DAY, 0, 0, 86400);
    expect(utc, APS_ZONE_DAY, 86399, 0, 86400);
    expect(utc, APS_ZONE_DAY, 86400, 86400, 172800);
    expect(utc, APS_ZONE_WEEK, 0, 0, 4 * 86400); /* a Thursday; its week began in 1969 */
    expect(utc, APS_ZONE_WEEK, 4 * 86400, 4 * 86400, 11 * 86400);
    expect(utc, APS_ZONE_MONTH, 0, 0, 31 * 86400);
    expect(utc, APS_ZONE_MONTH, 951782400, 949363200, 951868800);    /* 2000-02-29 */
    expect(utc, APS_ZONE_MONTH, 4107542399, 4105123200, 4107542400); /* 2100 has no leap day */
    aps_zone_period(utc, APS_ZONE_MONTH, -1, &begin, &end);
    assert_int_equal(begin, 0);
    assert_int_equal(end, 31 * APS_DAY);
    aps_zone_period(utc, APS_ZONE_MONTH, INT64_MAX, &begin, &end); /* 2262-04-11 */
    assert_int_equal(begin / APS_DAY, 106741);
    assert_int_equal(end, INT64_MAX);
}

/* LIM-09 */
static void a_day_of_changes_has_its_own_length(void **state)
{
    const struct aps_zone *zone = zone_of(&right);
    struct spec gap = right, south = right, leap = right;

    (void)state;
    expect(zone, APS_ZONE_DAY, 1774738800, 1774738800, 1774821600); /* 2026-03-29 has 23 h */
    expect(zone, APS_ZONE_DAY, 1792900000, 1792879200, 1792969200); /* 2026-10-25 has 25 h */
    expect(zone, APS_ZONE_WEEK, 1774738800, 1774220400, 1774821600);
    /* No midnight: the clock goes from 24:00 to 01:00. */
    gap.footer = "\nAAA4BBB,M9.1.0/0,M4.1.0/0\n";
    zone = zone_of(&gap);
    expect(zone, APS_ZONE_DAY, 1788667200, 1788667200, 1788667200 + 23 * 3600);
    /* Two midnights: back from 24:00 to 23:00, which stays with the day that it was. */
    expect(zone, APS_ZONE_DAY, 1775358000, 1775358000 - 24 * 3600, 1775358000 + 3600);
    south.footer = "\nAAA0BBB,M3.5.0/0:01,M11.1.0/0:01\n";
    zone = zone_of(&south);
    /* At 00:01 back to 23:01: the new day began a minute before and goes on. */
    expect(zone, APS_ZONE_DAY, 1793487600, 1793487600, 1793487600 + 25 * 3600);
    expect(zone, APS_ZONE_DAY, 1793487660, 1793487600, 1793487600 + 25 * 3600);
    leap.footer = "\nAAA0BBB,J59/0,J60/0\n"; /* 28 February to 1 March */
    zone = zone_of(&leap);
    expect(zone, APS_ZONE_DAY, 1835308800, 1835308800, 1835308800 + 23 * 3600);
    expect(zone, APS_ZONE_DAY, 1835395200, 1835308800 + 23 * 3600, 1835395200 + 86400);
}

static void summer_time_may_last_for_ever(void **state)
{
    struct spec s = right;
    const struct aps_zone *zone;

    (void)state;
    s.footer = "\nXXX3EDT4,0/0,J365/23\n"; /* RFC 9636 3.3.1 */
    zone = zone_of(&s);
    expect(zone, APS_ZONE_DAY, 1798776000, 1798776000, 1798862400); /* 2027-01-01, 4 h west */
    expect(zone, APS_ZONE_DAY, 1798775999, 1798689600, 1798776000);
    expect(zone, APS_ZONE_DAY, 1814400000, 1814328000, 1814414400);
}

static void a_skipped_day_has_no_length(void **state)
{
    struct spec s = right;
    const struct aps_zone *zone;

    (void)state;
    s.type[0].offset = -36000;
    s.type[1].offset = 50400;
    s.at[0] = 1325239200; /* 2011-12-30T10:00Z: Samoa goes from the 29th to the 31st */
    s.times = 1;
    s.footer = "\n\n";
    zone = zone_of(&s);
    expect(zone, APS_ZONE_DAY, 1325239199, 1325152800, 1325239200);
    expect(zone, APS_ZONE_DAY, 1325239200, 1325239200, 1325325600);
    expect(zone, APS_ZONE_MONTH, 1325325600, 1325325600, 1325325600 + 31 * 86400);
}

static void seconds_of_an_offset_round_up(void **state)
{
    struct spec s = right;
    const struct aps_zone *zone;

    (void)state;
    s.times = 0;
    s.footer = "\nLMT0:44:30\n";
    zone = zone_of(&s);
    expect(zone, APS_ZONE_DAY, 86400 + 2699, 2700, 86400 + 2700);
    expect(zone, APS_ZONE_DAY, 86400 + 2700, 86400 + 2700, 2 * 86400 + 2700);
}

static void without_a_rule_the_last_change_stays(void **state)
{
    struct spec s = right;

    (void)state;
    s.version = '\0';
    expect(zone_of(&s), APS_ZONE_DAY, 4000000000, 3999970800, 4000057200);
    s.times = 0; /* the first type, always */
    expect(zone_of(&s), APS_ZONE_DAY, 0, 0, 86400 - 3600);
}

/* A system without tzdata: an empty root.  LIM-09 */
static void without_a_database_there_is_utc_alone(void **state)
{
    char folder[] = "/tmp/test_zone.XXXXXX";
    const struct aps_zone *zone = NULL;
    int status = 0;
    pid_t pid;

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_non_null(mkdtemp(folder));
    assert_true((pid = fork()) >= 0);
    if (pid == 0) {
        bool holds =
            chroot(folder) == 0 && chdir("/") == 0 &&
            aps_zone_open(pool, APS_STR_LIT("Europe/Berlin"), &zone, &diag) == APS_ERR_NOT_FOUND &&
            strstr(diag.text, "install the package tzdata") != NULL &&
            strstr(diag.text, "Europe/Berlin") != NULL &&
            aps_zone_open(pool, APS_STR_LIT("UTC"), &zone, &diag) == APS_OK;

        _exit(holds ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_that_are_wrong_are_refused, make_pool, destroy_pool),
        cmocka_unit_test_setup_teardown(flags_of_types_may_be_there, make_pool, destroy_pool),
        cmocka_unit_test_setup_teardown(a_file_that_is_cut_is_refused, make_pool, destroy_pool),
        cmocka_unit_test_setup_teardown(a_file_of_version_1_ends_with_its_block, make_pool,
                                        destroy_pool),
        cmocka_unit_test_setup_teardown(the_longest_file_has_65536_bytes, make_pool, destroy_pool),
        cmocka_unit_test_setup_teardown(rules_are_read_strictly, make_pool, destroy_pool),
        cmocka_unit_test_setup_teardown(utc_needs_no_file, make_pool, destroy_pool),
        cmocka_unit_test_setup_teardown(a_day_of_changes_has_its_own_length, make_pool,
                                        destroy_pool),
        cmocka_unit_test_setup_teardown(summer_time_may_last_for_ever, make_pool, destroy_pool),
        cmocka_unit_test_setup_teardown(a_skipped_day_has_no_length, make_pool, destroy_pool),
        cmocka_unit_test_setup_teardown(seconds_of_an_offset_round_up, make_pool, destroy_pool),
        cmocka_unit_test_setup_teardown(without_a_rule_the_last_change_stays, make_pool,
                                        destroy_pool),
        cmocka_unit_test_setup_teardown(without_a_database_there_is_utc_alone, make_pool,
                                        destroy_pool),
    };

    assert_int_equal(apr_initialize(), APR_SUCCESS);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
