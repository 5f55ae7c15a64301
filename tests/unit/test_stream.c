#include "t.h"

#include <stdlib.h>

#include "apisec/stream.h"

enum { HEAD = 42, BOX = 1 + 32 + 32 + 48, SCRYPT = 1 + 12 + 16 + 48, TAG = 16 };
enum { CHUNK = APS_STREAM_CHUNK, ROOM = 5 * CHUNK };

static const struct aps_stream_about about = {"0123456789abcdef", 7, 1000};

/* A file in memory. */
struct file {
    uint8_t *b;
    size_t n, at, step;
};

static enum aps_err put(void *arg, const void *p, size_t n)
{
    struct file *f = arg;
    assert_true(f->n + n <= ROOM);
    memcpy(f->b + f->n, p, n);
    f->n += n;
    return APS_OK;
}

static enum aps_err get(void *arg, void *p, size_t max, size_t *out_n)
{
    struct file *f = arg;
    size_t n = f->n - f->at;
    n = n < max ? n : max;
    n = n < f->step ? n : f->step;
    memcpy(p, f->b + f->at, n);
    f->at += n;
    *out_n = n;
    return APS_OK;
}

static enum aps_err put_nothing(void *arg, const void *p, size_t n)
{
    (void)p;
    *(size_t *)arg += n;
    return APS_ERR_IO;
}

static struct aps_recipient to;
static struct aps_recipient_own id;
static uint8_t *plain;

static int begin(void **state)
{
    static const char private[] =
        "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VuBCIEIHcHbQpzGKV9PBbBclGyZkXfTC+H68CZKrF3+6UduSwq\n"
        "-----END PRIVATE KEY-----\n";
    (void)state;
    if (aps_recipient_own_pem(aps_str(private), &id, NULL) != APS_OK)
        return -1;
    memcpy(to.public_key, id.public_key, sizeof to.public_key);
    plain = malloc(ROOM);
    for (size_t i = 0; plain != NULL && i < ROOM; i++)
        plain[i] = (uint8_t)(i ^ i >> 8 ^ i >> 16);
    return plain != NULL ? 0 : -1;
}

static int finish(void **state)
{
    (void)state;
    free(plain);
    aps_recipient_own_wipe(&id);
    return 0;
}

static struct file encrypt(const struct aps_stream_for *whom, size_t n, size_t step)
{
    struct file f = {malloc(ROOM), 0, 0, ROOM};
    struct aps_stream_writer *w = NULL;
    assert_non_null(f.b);
    assert_int_equal(aps_stream_new(&about, whom, put, &f, &w), APS_OK);
    for (size_t i = 0; i < n; i += step)
        assert_int_equal(aps_stream_add(w, plain + i, n - i < step ? n - i : step), APS_OK);
    assert_int_equal(aps_stream_end(w), APS_OK);
    assert_int_equal(aps_stream_end(w), APS_ERR_FAILED);
    assert_int_equal(aps_stream_add(w, plain, 1), APS_ERR_FAILED);
    aps_stream_free(w);
    return f;
}

static struct file for_recipient(size_t n)
{
    const struct aps_stream_for whom = {.to = &to, .n = 1};
    return encrypt(&whom, n, CHUNK - 5);
}

/* How reading all of it ends; *out_n bytes were right before that, and none was wrong. */
static enum aps_err decrypt(struct file *f, size_t *out_n)
{
    struct aps_stream_reader *r = NULL;
    uint8_t *buf = malloc(ROOM);
    size_t n = 0, got = 1;
    enum aps_err err;
    assert_non_null(buf);
    f->at = 0;
    err = aps_stream_open(get, f, &r, NULL);
    if (err == APS_OK)
        err = aps_stream_unlock_by(r, &id, NULL);
    while (err == APS_OK && got > 0) {
        err = aps_stream_read(r, buf, 50000, &got, NULL);
        if (err == APS_OK) {
            assert_memory_equal(buf, plain + n, got);
            n += got;
        }
    }
    aps_stream_close(r);
    free(buf);
    *out_n = n;
    return err;
}

static void what_is_written_is_read(void **state)
{
    static const size_t sizes[] = {0,         1,         CHUNK - 1,     CHUNK,
                                   CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK - 1};
    static const size_t steps[] = {1000, ROOM};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
            struct file f = for_recipient(sizes[i]);
            size_t chunks = sizes[i] == 0 ? 1 : (sizes[i] + CHUNK - 1) / CHUNK, n = 0;
            assert_int_equal(f.n, HEAD + BOX + sizes[i] + chunks * TAG);
            f.step = steps[k];
            assert_int_equal(decrypt(&f, &n), APS_OK);
            assert_int_equal(n, sizes[i]);
            free(f.b);
        }
}

static void the_head_is_told(void **state)
{
    struct file f = for_recipient(10);
    struct aps_stream_reader *r = NULL;
    struct aps_diag diag = {""};
    uint8_t byte;
    size_t n;
    (void)state;
    assert_int_equal(aps_stream_open(get, &f, &r, NULL), APS_OK);
    assert_memory_equal(aps_stream_about(r)->store_id, about.store_id, 16);
    assert_int_equal(aps_stream_about(r)->generation, 7);
    assert_int_equal(aps_stream_about(r)->made_at, 1000);
    assert_false(aps_stream_wants_passphrase(r));
    /* Nothing is read before it is unlocked, and a passphrase does not do it. */
    assert_int_equal(aps_stream_read(r, &byte, 1, &n, NULL), APS_ERR_KEY);
    assert_int_equal(aps_stream_unlock(r, APS_STR_LIT("correct horse battery"), &diag),
                     APS_ERR_KEY);
    assert_non_null(strstr(diag.text, "--identity"));
    assert_int_equal(aps_stream_read(r, &byte, 1, &n, NULL), APS_ERR_KEY);
    aps_stream_close(r);
    free(f.b);
}

/* CLI-14: no bit can be changed: all of the head, the tags, and a sample of each chunk. */
static void a_changed_bit_is_found(void **state)
{
    struct file f = for_recipient(2 * CHUNK + 100);
    size_t n, first = HEAD + BOX, chunk = CHUNK + TAG;
    (void)state;
    for (size_t i = 0; i < f.n; i++) {
        size_t in = i < first ? 0 : (i - first) % chunk;
        if (i >= first && in > 2 && in < CHUNK - 1 && in % 9973 != 0)
            continue;
        for (int bit = 0; bit < 8; bit += i < first ? 1 : 3) {
            f.b[i] ^= (uint8_t)(1 << bit);
            assert_int_not_equal(decrypt(&f, &n), APS_OK);
            assert_true(n <= 2 * CHUNK);
            f.b[i] ^= (uint8_t)(1 << bit);
        }
    }
    assert_int_equal(decrypt(&f, &n), APS_OK);
    free(f.b);
}

/* CLI-14 */
static void a_stream_that_was_cut_or_grew_is_found(void **state)
{
    struct file f = for_recipient(3 * CHUNK);
    size_t whole = f.n, n, first = HEAD + BOX, chunk = CHUNK + TAG;
    (void)state;
    assert_int_equal(whole, first + 3 * chunk);
    for (size_t cut = 0; cut <= first + TAG; cut++) {
        f.n = cut;
        assert_int_not_equal(decrypt(&f, &n), APS_OK);
        assert_int_equal(n, 0);
    }
    for (size_t end = first + chunk; end <= whole; end += chunk)
        for (size_t d = 0; d < 2 * TAG + 2; d++)
            for (int more = 0; more < 2; more++) {
                f.n = more ? end + d : end - d;
                if (f.n >= whole)
                    continue;
                assert_int_equal(decrypt(&f, &n), APS_ERR_CORRUPT);
                assert_true(n < 3 * CHUNK);
            }
    f.n = whole;
    for (size_t more = 1; more < 2 * TAG; more++) {
        f.b[f.n++] = 0;
        assert_int_equal(decrypt(&f, &n), APS_ERR_CORRUPT);
    }
    /* The last chunk twice. */
    f.n = whole;
    assert_int_equal(put(&f, f.b + whole - chunk, chunk), APS_OK);
    assert_int_equal(decrypt(&f, &n), APS_ERR_CORRUPT);
    free(f.b);
}

/* CLI-14 */
static void chunks_that_change_places_are_found(void **state)
{
    struct file f = for_recipient(3 * CHUNK), other = for_recipient(3 * CHUNK);
    size_t n, first = HEAD + BOX, chunk = CHUNK + TAG;
    uint8_t *was = malloc(ROOM);
    (void)state;
    assert_non_null(was);
    memcpy(was, f.b, f.n);
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 3; k++) {
            if (i == k)
                continue;
            memcpy(f.b + first + i * chunk, was + first + k * chunk, chunk);
            assert_int_equal(decrypt(&f, &n), APS_ERR_CORRUPT);
            assert_int_equal(n, i * CHUNK);
            memcpy(f.b + first + i * chunk, was + first + i * chunk, chunk);
        }
    /* That of another stream for the same recipient, and its head. */
    memcpy(f.b + first, other.b + first, chunk);
    assert_int_equal(decrypt(&f, &n), APS_ERR_CORRUPT);
    memcpy(f.b, other.b, first);
    memcpy(f.b + first, was + first, chunk);
    assert_int_equal(decrypt(&f, &n), APS_ERR_CORRUPT);
    free(was);
    free(f.b);
    free(other.b);
}

/* SEC-10, SEC-11 */
static void a_passphrase_opens_what_it_closed(void **state)
{
    const struct aps_stream_for whom = {.passphrase = APS_STR_LIT("correct horse battery")};
    struct file f = encrypt(&whom, 100, 100);
    struct aps_stream_reader *r = NULL;
    struct aps_diag diag = {""};
    uint8_t out[200];
    size_t n = 0;
    (void)state;
    assert_int_equal(f.n, HEAD + SCRYPT + 100 + TAG);
    assert_int_equal(aps_stream_open(get, &f, &r, NULL), APS_OK);
    assert_true(aps_stream_wants_passphrase(r));
    assert_int_equal(aps_stream_unlock_by(r, &id, &diag), APS_ERR_KEY);
    assert_int_equal(aps_stream_unlock(r, APS_STR_LIT("correct horse batterz"), &diag),
                     APS_ERR_KEY);
    assert_non_null(strstr(diag.text, "passphrase"));
    assert_int_equal(aps_stream_unlock(r, whom.passphrase, NULL), APS_OK);
    assert_int_equal(aps_stream_read(r, out, sizeof out, &n, NULL), APS_OK);
    assert_int_equal(n, 100);
    assert_memory_equal(out, plain, n);
    assert_int_equal(aps_stream_read(r, out, sizeof out, &n, NULL), APS_OK);
    assert_int_equal(n, 0);
    aps_stream_close(r);
    /* SEC-10: parameters that would take all memory, or none, are not tried. */
    for (size_t at = HEAD + 1; at < HEAD + 13; at++) {
        f.at = 0;
        f.b[at] ^= 0x40;
        assert_int_equal(aps_stream_open(get, &f, &r, NULL), APS_ERR_CORRUPT);
        f.b[at] ^= 0x40;
    }
    free(f.b);
}

static void who_it_is_for_has_to_be_said(void **state)
{
    static struct aps_recipient many[APS_STREAM_LOCKS_MAX + 1];
    struct aps_stream_writer *w = NULL;
    struct file f;
    size_t n;
    (void)state;
    for (size_t i = 0; i <= APS_STREAM_LOCKS_MAX; i++)
        many[i] = (struct aps_recipient){{9}};
    const struct aps_stream_for bad[] = {
        {.n = 0},
        {.to = many, .n = APS_STREAM_LOCKS_MAX + 1},
        {.to = many, .n = 1, .passphrase = APS_STR_LIT("correct horse battery")},
    };
    n = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(aps_stream_new(&about, &bad[i], put_nothing, &n, &w), APS_ERR_RANGE);
    assert_int_equal(n, 0);
    /* The last of sixteen opens it. */
    many[APS_STREAM_LOCKS_MAX - 1] = to;
    f = encrypt(&(struct aps_stream_for){.to = many, .n = APS_STREAM_LOCKS_MAX}, 10, 10);
    assert_int_equal(decrypt(&f, &n), APS_OK);
    free(f.b);
    /* What the writer's file says is told. */
    assert_int_equal(
        aps_stream_new(&about, &(struct aps_stream_for){.to = &to, .n = 1}, put_nothing, &n, &w),
        APS_ERR_IO);
}

static void what_is_no_backup_is_told(void **state)
{
    struct file f = for_recipient(10);
    struct aps_stream_reader *r = NULL;
    struct aps_diag diag = {""};
    (void)state;
    f.b[8] = 2;
    assert_int_equal(aps_stream_open(get, &f, &r, &diag), APS_ERR_NEWER);
    f.b[0] = 'a';
    f.at = 0;
    assert_int_equal(aps_stream_open(get, &f, &r, &diag), APS_ERR_FORMAT);
    assert_non_null(strstr(diag.text, "apisecctl backup"));
    free(f.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_head_is_told),
        cmocka_unit_test(a_changed_bit_is_found),
        cmocka_unit_test(a_stream_that_was_cut_or_grew_is_found),
        cmocka_unit_test(chunks_that_change_places_are_found),
        cmocka_unit_test(a_passphrase_opens_what_it_closed),
        cmocka_unit_test(who_it_is_for_has_to_be_said),
        cmocka_unit_test(what_is_no_backup_is_told),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
