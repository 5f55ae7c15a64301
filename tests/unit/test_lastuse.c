#include "t_state.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "../../libapisec/table/layout.h"
#include "apisec/lastuse.h"

/* 2026-11-26T07:33:20Z: 33 minutes and 20 seconds after an hour. */
#define WALL ((aps_nsec)1795678400 * APS_SEC)
#define THIS_HOUR ((aps_nsec)1795676400 * APS_SEC)
#define SMALL ((uint64_t)1024)

static struct aps_diag diag;

static const uint8_t store[APS_LASTUSE_STORE_LEN] = {1, 2, 3};
static const struct aps_str shop = APS_STR_LIT("shopAAAAAAAA");

static struct aps_state *open_with(uint64_t entries, uint64_t uses, aps_nsec wall)
{
    struct aps_state *opened = NULL;
    struct aps_state_size size = {entries, uses};

    assert_int_equal(aps_state_open(pool, file, &size, wall, &opened, &diag), APS_OK);
    return opened;
}

static int set_up(void **state)
{
    (void)state;
    open_folder();
    memset(&diag, 0, sizeof diag);
    table = open_with(1024, SMALL, WALL);
    return 0;
}

static uint64_t tag_of(uint32_t number)
{
    char id[16];
    int n = snprintf(id, sizeof id, "key%09u", number);

    return aps_lastuse_tag(table, store, (struct aps_str){id, (size_t)n}, 1);
}

static struct aps_addr addr_of(const char *text)
{
    struct aps_addr addr;

    assert_true(aps_addr_parse(aps_str(text), &addr));
    return addr;
}

static void use(uint64_t tag, aps_nsec wall, const char *route, const char *address)
{
    struct aps_addr addr = addr_of(address != NULL ? address : "::");
    struct aps_lastuse_note note = {wall, aps_str(route), address != NULL ? &addr : NULL};

    assert_true(aps_lastuse_note(table, tag, &note));
}

static struct aps_state *attach(void)
{
    struct aps_state *reader = NULL;

    assert_int_equal(aps_state_attach(pool, file, &reader, &diag), APS_OK);
    return reader;
}

/* What the server and a reader of the file find, which is the same. */
static enum aps_lastuse_found get(uint64_t tag, aps_nsec now, struct aps_lastuse *out)
{
    struct aps_lastuse seen;
    struct aps_state *reader = attach();
    enum aps_lastuse_found found = aps_lastuse_get(table, tag, now, out);

    assert_int_equal(aps_lastuse_get(reader, tag, now, &seen), found);
    assert_memory_equal(&seen, out, sizeof seen);
    aps_state_close(reader);
    return found;
}

static void expect_what(const struct aps_lastuse *use, const char *route, const char *net)
{
    char text[APS_NET_TEXT_MAX];

    assert_true(use->has_what);
    assert_int_equal(use->route_n, strlen(route));
    assert_memory_equal(use->route, route, use->route_n);
    assert_int_equal(use->has_net, net != NULL);
    if (net != NULL)
        assert_string_equal(aps_net_print(&use->net, text), net);
}

/* The one row of a tag. */
static struct layout_use *row_of(uint64_t tag)
{
    for (uint64_t i = 0; i < table->uses.count; i++)
        if (table->uses.rows[i].used.a == tag)
            return &table->uses.rows[i];
    fail();
    return NULL;
}

static void a_secret_that_was_never_used_has_no_row(void **state)
{
    struct aps_lastuse seen;

    (void)state;
    assert_true(aps_lastuse_is_kept(table));
    assert_int_equal(get(tag_of(1), WALL, &seen), APS_LASTUSE_NONE);
    assert_true(seen.since == WALL && seen.first == 0 && seen.last == 0);
    assert_int_equal(get(tag_of(1), WALL + APS_DAY, &seen), APS_LASTUSE_NONE);
    assert_true(seen.since == WALL);
}

static void the_first_second_and_the_last_hour_are_kept(void **state)
{
    uint64_t tag = tag_of(1);
    struct aps_lastuse seen;

    (void)state;
    use(tag, WALL + 7, "/orders/**", "192.0.2.77");
    assert_int_equal(get(tag, WALL, &seen), APS_LASTUSE_KNOWN);
    assert_true(seen.first == WALL && seen.last == THIS_HOUR);
    expect_what(&seen, "/orders/**", "192.0.2.0/24");
    /* Within the hour nothing is written. */
    use(tag, WALL + 20 * APS_MINUTE, "/items/**", "198.51.100.1");
    assert_int_equal(get(tag, WALL, &seen), APS_LASTUSE_KNOWN);
    expect_what(&seen, "/orders/**", "192.0.2.0/24");
    use(tag, WALL + APS_HOUR, "/items/**", "2001:db8:1:2:3::4");
    assert_int_equal(get(tag, WALL + APS_HOUR, &seen), APS_LASTUSE_KNOWN);
    assert_true(seen.first == WALL && seen.last == THIS_HOUR + APS_HOUR);
    expect_what(&seen, "/items/**", "2001:db8:1::/48");
}

static void stores_keys_and_versions_have_rows_of_their_own(void **state)
{
    static const uint8_t other[APS_LASTUSE_STORE_LEN] = {1, 2, 4};
    uint64_t tags[] = {aps_lastuse_tag(table, store, shop, 1),
                       aps_lastuse_tag(table, store, shop, 2),
                       aps_lastuse_tag(table, other, shop, 1), tag_of(1)};
    struct aps_lastuse seen;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(get(tags[i], WALL, &seen), APS_LASTUSE_NONE);
        use(tags[i], WALL, "/", NULL);
    }
}

static void without_rows_nothing_is_noted_and_nothing_is_claimed(void **state)
{
    struct aps_lastuse_note note = {WALL, APS_STR_LIT("/a"), NULL};
    struct aps_lastuse seen;

    (void)state;
    table = open_with(1024, 0, WALL);
    assert_false(aps_lastuse_is_kept(table));
    assert_true(aps_lastuse_note(table, tag_of(1), &note));
    assert_int_equal(get(tag_of(1), WALL, &seen), APS_LASTUSE_UNKNOWN);
    assert_true(seen.since == 0);
}

static void long_routes_are_cut_between_characters(void **state)
{
    static const struct {
        const char *route, *kept;
        bool cut;
    } cases[] = {
        {"", "", false},
        {"/3456789012345678901234567890123", "/3456789012345678901234567890123", false},
        {"/34567890123456789012345678901234", "/3456789012345678901234567890123", true},
        {"/34567890123456789012345678901\xe2\x82\xac", "/34567890123456789012345678901", true},
        {"/3456789012345678901234567890\xe2\x82\xac", "/3456789012345678901234567890\xe2\x82\xac",
         false},
    };
    struct aps_lastuse seen;

    (void)state;
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        use(tag_of(i), WALL, cases[i].route, NULL);
        assert_int_equal(get(tag_of(i), WALL, &seen), APS_LASTUSE_KNOWN);
        expect_what(&seen, cases[i].kept, NULL);
        assert_int_equal(seen.is_cut, cases[i].cut);
    }
}

/* The clock of one process is a little behind that of another. */
static void the_later_of_two_hours_counts(void **state)
{
    uint64_t tag = tag_of(1);
    struct aps_lastuse seen;

    (void)state;
    use(tag, THIS_HOUR + APS_HOUR, "/late", NULL);
    use(tag, THIS_HOUR + APS_HOUR - APS_SEC, "/early", NULL);
    assert_int_equal(get(tag, THIS_HOUR + APS_HOUR - 1, &seen), APS_LASTUSE_KNOWN);
    assert_true(seen.last == THIS_HOUR + APS_HOUR);
    assert_true(seen.first == THIS_HOUR + APS_HOUR - APS_SEC);
    expect_what(&seen, "/late", NULL);
}

static void what_cannot_be_is_unknown_until_the_next_use(void **state)
{
    static const uint64_t words[] = {0,
                                     UINT64_MAX,
                                     (uint64_t)498799 /* no first second */,
                                     (uint64_t)1795678400 << 32 | 498802, /* two hours ahead */
                                     (uint64_t)1795682001 << 32 | 498799, /* begins an hour ahead */
                                     (uint64_t)1795678400 << 32 | UINT32_MAX};
    struct aps_lastuse seen;

    (void)state;
    for (uint32_t i = 0; i < sizeof words / sizeof *words; i++) {
        uint64_t tag = tag_of(i);

        use(tag, WALL, "/a", NULL);
        row_of(tag)->used.b = words[i];
        assert_int_equal(get(tag, WALL, &seen), APS_LASTUSE_UNKNOWN);
        assert_false(seen.has_what);
        use(tag, WALL + 1, "/b", NULL);
        assert_int_equal(get(tag, WALL, &seen), APS_LASTUSE_KNOWN);
        assert_true(seen.first == WALL && seen.last == THIS_HOUR);
        expect_what(&seen, "/b", NULL);
    }
}

/* A clock that ran ahead and was put right: the first use stays. */
static void a_last_use_ahead_of_the_clock_keeps_its_first(void **state)
{
    uint64_t tag = tag_of(1);
    struct aps_lastuse seen;

    (void)state;
    use(tag, WALL, "/a", NULL);
    use(tag, WALL + 40 * APS_DAY, "/a", NULL);
    assert_int_equal(get(tag, WALL + APS_DAY, &seen), APS_LASTUSE_UNKNOWN);
    use(tag, WALL + APS_DAY, "/b", NULL);
    assert_int_equal(get(tag, WALL + APS_DAY, &seen), APS_LASTUSE_KNOWN);
    assert_true(seen.first == WALL && seen.last == THIS_HOUR + APS_DAY);
}

/* A process that was killed between the step and what follows, or in it. */
static void a_torn_row_tells_the_time_alone(void **state)
{
    uint64_t tag = tag_of(1);
    struct aps_lastuse seen;

    (void)state;
    for (size_t word = 2; word < sizeof(struct layout_use) / 8; word++) {
        uint64_t *at = (uint64_t *)(void *)row_of((use(tag, WALL, "/a", "192.0.2.1"), tag)) + word;

        *at ^= 1;
        assert_int_equal(get(tag, WALL, &seen), APS_LASTUSE_KNOWN);
        assert_true(seen.first == WALL && seen.last == THIS_HOUR);
        assert_false(seen.has_what || seen.has_net || seen.route_n != 0);
        *at ^= 1;
    }
    row_of(tag)->used.b += 1; /* the step of the next hour, and no more */
    assert_int_equal(get(tag, WALL + APS_HOUR, &seen), APS_LASTUSE_KNOWN);
    assert_true(seen.last == THIS_HOUR + APS_HOUR);
    assert_false(seen.has_what);
    use(tag, WALL + 2 * APS_HOUR, "/b", NULL); /* the next writer mends it */
    assert_int_equal(get(tag, WALL + 2 * APS_HOUR, &seen), APS_LASTUSE_KNOWN);
    expect_what(&seen, "/b", NULL);
}

/* Two processes that met a new tag together. */
static void twins_are_one(void **state)
{
    uint64_t tag = tag_of(1);
    struct layout_use *first, *second;
    struct aps_lastuse seen;

    (void)state;
    use(tag, WALL, "/a", NULL);
    first = row_of(tag);
    second = (first - table->uses.rows) % LAYOUT_WAYS == 0 ? first + 1 : first - 1;
    *second = *first;
    second->used.b = (uint64_t)(WALL / APS_SEC - 5) << 32 | (uint64_t)(THIS_HOUR / APS_HOUR - 1);
    assert_int_equal(get(tag, WALL, &seen), APS_LASTUSE_KNOWN);
    assert_true(seen.first == WALL - 5 * APS_SEC && seen.last == THIS_HOUR);
    expect_what(&seen, "/a", NULL);
    use(tag, WALL + APS_SEC, "/b", NULL);
    assert_int_equal(get(tag, WALL, &seen), APS_LASTUSE_KNOWN);
    assert_true(seen.first == WALL - 5 * APS_SEC && seen.last == THIS_HOUR);
    assert_int_equal(first->used.a + second->used.a, tag); /* one of them is empty */
}

/* The row used longest ago gives way, and who has no row is told up to when that means nothing. */
static void a_full_table_forgets_the_oldest_and_says_so(void **state)
{
    uint32_t n = 4 * SMALL, lost = 0;
    aps_nsec newest_lost = 0;
    struct aps_lastuse seen;

    (void)state;
    for (uint32_t i = 0; i < n; i++)
        use(tag_of(i), WALL + i * APS_HOUR, "/a", NULL);
    for (uint32_t i = 0; i < n; i++) {
        aps_nsec hour = THIS_HOUR + i * APS_HOUR;

        if (aps_lastuse_get(table, tag_of(i), WALL + n * APS_HOUR, &seen) == APS_LASTUSE_KNOWN) {
            assert_true(seen.last == hour);
            continue;
        }
        lost++;
        assert_true(seen.since > hour); /* never a false "unused" */
        newest_lost = hour;
    }
    assert_true(lost >= n - SMALL);
    assert_true(newest_lost != 0 && seen.since == newest_lost + APS_HOUR);
    assert_true(newest_lost <
                THIS_HOUR + (aps_nsec)(n - SMALL / 16) * APS_HOUR); /* the oldest ones */
}

static void nothing_is_known_from_a_time_to_come(void **state)
{
    struct aps_lastuse seen;

    (void)state;
    table->head->use_since = INT64_MAX;
    assert_int_equal(get(tag_of(1), WALL, &seen), APS_LASTUSE_NONE);
    assert_true(seen.since == WALL);
    table->head->use_since = INT64_MIN;
    assert_int_equal(get(tag_of(1), WALL, &seen), APS_LASTUSE_NONE);
    assert_true(seen.since == 0);
    table->head->use_displaced = UINT64_MAX;
    assert_int_equal(get(tag_of(1), WALL, &seen), APS_LASTUSE_NONE);
    assert_true(seen.since == WALL);
}

static void a_reboot_keeps_them(void **state)
{
    uint64_t tag = tag_of(1);
    struct aps_state_info info;
    struct aps_lastuse seen;

    (void)state;
    use(tag, WALL, "/a", "192.0.2.1");
    table->head->boot_id[5] ^= 1;
    table = open_with(1024, SMALL, WALL + APS_DAY);
    aps_state_info(table, &info);
    assert_int_equal(info.origin, APS_STATE_REBOOTED);
    assert_int_equal(tag_of(1), tag);
    assert_int_equal(get(tag, WALL + APS_DAY, &seen), APS_LASTUSE_KNOWN);
    assert_true(seen.first == WALL && seen.last == THIS_HOUR && seen.since == WALL);
    expect_what(&seen, "/a", "192.0.2.0/24");
}

/* ApiSecTable or ApiSecLastUse was changed. */
static void a_file_of_another_size_goes_on_with_them(void **state)
{
    static const struct aps_state_size sizes[] = {{4096, SMALL}, {4096, 4 * SMALL}, {1024, SMALL}};
    struct aps_state_info info;
    struct aps_lastuse seen;

    (void)state;
    for (uint32_t i = 0; i < 300; i++)
        use(tag_of(i), WALL + i * APS_SEC, "/a", "192.0.2.1");
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        table = open_with(sizes[k].entries, sizes[k].uses, WALL + APS_DAY);
        aps_state_info(table, &info);
        assert_int_equal(info.origin, APS_STATE_CARRIED);
        assert_int_equal(info.uses, sizes[k].uses);
        for (uint32_t i = 0; i < 300; i++) {
            assert_int_equal(get(tag_of(i), WALL + APS_DAY, &seen), APS_LASTUSE_KNOWN);
            assert_true(seen.first == WALL + i * APS_SEC && seen.last == THIS_HOUR);
            expect_what(&seen, "/a", "192.0.2.0/24");
        }
        assert_int_equal(get(tag_of(300), WALL + APS_DAY, &seen), APS_LASTUSE_NONE);
        assert_true(seen.since == WALL);
    }
}

/* What does not fit a smaller one is told, the oldest first. */
static void a_smaller_file_keeps_the_newest(void **state)
{
    uint32_t n = 3 * SMALL, lost = 0;
    struct aps_lastuse seen;

    (void)state;
    table = open_with(1024, 4 * SMALL, WALL);
    for (uint32_t i = 0; i < n; i++)
        use(tag_of(i), WALL + i * APS_HOUR, "/a", NULL);
    table = open_with(1024, SMALL, WALL + n * APS_HOUR);
    for (uint32_t i = 0; i < n; i++) {
        aps_nsec hour = THIS_HOUR + i * APS_HOUR;

        if (get(tag_of(i), WALL + n * APS_HOUR, &seen) == APS_LASTUSE_KNOWN) {
            assert_true(seen.last == hour);
            continue;
        }
        lost++;
        assert_true(seen.since > hour);
    }
    assert_true(lost >= n - SMALL);
}

static void what_cannot_go_on_begins_anew(void **state)
{
    aps_nsec later = WALL + APS_DAY;
    struct aps_lastuse seen;

    (void)state;
    use(tag_of(1), WALL, "/a", NULL);
    table = open_with(1024, 0, WALL);
    table = open_with(1024, SMALL, later); /* nobody noted uses meanwhile */
    assert_int_equal(get(tag_of(1), later, &seen), APS_LASTUSE_NONE);
    assert_true(seen.since == later);
    use(tag_of(1), later, "/a", NULL);
    table->head->version++;
    table = open_with(1024, SMALL, later + APS_DAY);
    assert_int_equal(get(tag_of(1), later + APS_DAY, &seen), APS_LASTUSE_NONE);
    assert_true(seen.since == later + APS_DAY);
    table->head->cells = 77; /* damage: sizes are not believed */
    table = open_with(1024, SMALL, later + 2 * APS_DAY);
    assert_int_equal(get(tag_of(1), later + 2 * APS_DAY, &seen), APS_LASTUSE_NONE);
    assert_true(seen.since == later + 2 * APS_DAY);
}

static void sizes_are_bounded(void **state)
{
    static const struct {
        uint64_t uses, kept;
    } cases[] = {{1, 0},       {1023, 0},      {1024, 1024},
                 {1025, 2048}, {16384, 16384}, {((uint64_t)1 << 24) + 1, 0}};
    struct aps_state_info info;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_state_size size = {1024, cases[i].uses};
        struct aps_state *opened = NULL;
        enum aps_err err = aps_state_open(pool, file, &size, WALL, &opened, &diag);

        assert_int_equal(err, cases[i].kept != 0 ? APS_OK : APS_ERR_RANGE);
        if (err != APS_OK)
            continue;
        aps_state_info(opened, &info);
        assert_int_equal(info.uses, cases[i].kept);
    }
}

/* SEC-09: whatever lies there, readers and writers end, and say what a row can say. */
static void random_rows_lead_nowhere(void **state)
{
    uint64_t x = 88172645463325252u;
    uint64_t *words = (uint64_t *)(void *)table->uses.rows;
    struct aps_lastuse seen;

    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < SMALL * sizeof(struct layout_use) / 8; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            words[i] = x;
        }
        for (uint32_t i = 0; i < 64; i++) { /* rows of known tags, with whatever else */
            uint64_t set = tag_of(i) & table->uses.set_mask;

            table->uses.rows[set * LAYOUT_WAYS + i % LAYOUT_WAYS].used.a = tag_of(i);
        }
        table->head->use_since = (int64_t)x;
        table->head->use_displaced = x * 3;
        for (uint32_t i = 0; i < 100; i++) {
            enum aps_lastuse_found found = get(tag_of(i), WALL, &seen);

            assert_true(seen.since >= 0 && seen.since <= WALL);
            assert_true(found != APS_LASTUSE_KNOWN ||
                        (seen.first <= WALL + APS_HOUR && seen.last <= WALL + APS_HOUR));
            assert_false(seen.has_what);
            use(tag_of(i), WALL, "/a", NULL);
            assert_int_equal(get(tag_of(i), WALL, &seen), APS_LASTUSE_KNOWN);
        }
        table = open_with(round % 2 == 0 ? 4096 : 1024, SMALL, WALL); /* and they go on */
        words = (uint64_t *)(void *)table->uses.rows;
    }
}

/* A reader whose file is cut short while it reads. */
static void a_file_that_ends_is_unknown(void **state)
{
    struct aps_state *reader = attach();
    struct aps_lastuse seen;

    (void)state;
    use(tag_of(1), WALL, "/a", NULL);
    assert_int_equal(aps_lastuse_get(reader, tag_of(1), WALL, &seen), APS_LASTUSE_KNOWN);
    assert_int_equal(truncate(file, (off_t)layout_at_uses(1024)), 0);
    assert_int_equal(aps_lastuse_get(reader, tag_of(1), WALL, &seen), APS_LASTUSE_UNKNOWN);
    assert_true(seen.since == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, close_table)
        TEST(a_secret_that_was_never_used_has_no_row),
        TEST(the_first_second_and_the_last_hour_are_kept),
        TEST(stores_keys_and_versions_have_rows_of_their_own),
        TEST(without_rows_nothing_is_noted_and_nothing_is_claimed),
        TEST(long_routes_are_cut_between_characters),
        TEST(the_later_of_two_hours_counts),
        TEST(what_cannot_be_is_unknown_until_the_next_use),
        TEST(a_last_use_ahead_of_the_clock_keeps_its_first),
        TEST(a_torn_row_tells_the_time_alone),
        TEST(twins_are_one),
        TEST(a_full_table_forgets_the_oldest_and_says_so),
        TEST(nothing_is_known_from_a_time_to_come),
        TEST(a_reboot_keeps_them),
        TEST(a_file_of_another_size_goes_on_with_them),
        TEST(a_smaller_file_keeps_the_newest),
        TEST(what_cannot_go_on_begins_anew),
        TEST(sizes_are_bounded),
        TEST(random_rows_lead_nowhere),
        TEST(a_file_that_ends_is_unknown),
#undef TEST
    };

    if (apr_initialize() != APR_SUCCESS)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
