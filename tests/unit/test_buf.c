#include "t.h"

#include "apisec/buf.h"
#include "t_pool.h"

static void assert_text(const struct aps_buf *b, const char *want)
{
    assert_int_equal(b->n, strlen(want));
    assert_memory_equal(aps_buf_text(b).p != NULL ? aps_buf_text(b).p : "", want, b->n);
}

static void pieces_come_one_after_the_other(void **state)
{
    struct aps_buf b;
    char *p;

    aps_buf_init(&b, *state, 100);
    assert_text(&b, "");
    aps_buf_add(&b, APS_STR_LIT("ab"));
    aps_buf_add(&b, (struct aps_str){NULL, 0});
    aps_buf_add_char(&b, 'c');
    p = aps_buf_room(&b, 2);
    assert_non_null(p);
    memcpy(p, "de", 2);
    assert_text(&b, "abcde");
    assert_false(b.full);
    aps_buf_cut(&b, 1);
    aps_buf_add_char(&b, 'x');
    assert_text(&b, "ax");
}

/* One below the bound, at it, and one above, in one piece and in many, with and without a block
 * that has to be taken anew. */
static void the_bound_holds(void **state)
{
    static const size_t bounds[] = {1, 2, 255, 256, 257, 511, 512, 513, 5000};

    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        const size_t max = bounds[i];
        struct aps_buf b;

        aps_buf_init(&b, *state, max);
        for (size_t k = 0; k < max; k++) {
            assert_false(b.full);
            aps_buf_add_char(&b, (char)('a' + k % 26));
        }
        assert_false(b.full);
        assert_int_equal(b.n, max);
        aps_buf_add(&b, (struct aps_str){NULL, 0});
        assert_false(b.full);
        aps_buf_add_char(&b, '!');
        assert_true(b.full);
        assert_int_equal(b.n, max);
        for (size_t k = 0; k < max; k++)
            assert_int_equal(b.p[k], 'a' + k % 26);

        aps_buf_init(&b, *state, max);
        assert_non_null(aps_buf_room(&b, max));
        aps_buf_init(&b, *state, max);
        assert_null(aps_buf_room(&b, max + 1));
        assert_true(b.full);
        aps_buf_init(&b, *state, max);
        assert_null(aps_buf_room(&b, SIZE_MAX));
    }
}

static void nothing_is_written_behind_what_did_not_fit(void **state)
{
    struct aps_buf b;

    aps_buf_init(&b, *state, 4);
    aps_buf_add(&b, APS_STR_LIT("abc"));
    aps_buf_add(&b, APS_STR_LIT("de"));
    aps_buf_add_char(&b, 'f'); /* which would fit */
    assert_text(&b, "abc");
    aps_buf_cut(&b, 0);
    aps_buf_add_char(&b, 'f');
    assert_true(b.full);
    assert_text(&b, "");
}

static void a_bound_of_zero_takes_nothing(void **state)
{
    struct aps_buf b;

    aps_buf_init(&b, *state, 0);
    aps_buf_add_char(&b, 'a');
    assert_true(b.full);
    assert_int_equal(b.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(pieces_come_one_after_the_other),
        t_pool_test(the_bound_holds),
        t_pool_test(nothing_is_written_behind_what_did_not_fit),
        t_pool_test(a_bound_of_zero_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
