#include "t_store.h"

#include "apisec/backup.h"

enum { ROOM = 1024 * 1024, HEAD = 2 + 8 };

static const char private[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MC4CAQAwBQYDK2VuBCIEIHcHbQpzGKV9PBbBclGyZkXfTC+H68CZKrF3+6UduSwq\n"
                              "-----END PRIVATE KEY-----\n";

struct text {
    uint8_t b[ROOM];
    size_t n, at;
};

static enum aps_err put(void *arg, const void *p, size_t n)
{
    struct text *f = arg;
    assert_true(f->n + n <= ROOM);
    memcpy(f->b + f->n, p, n);
    f->n += n;
    return APS_OK;
}

static enum aps_err get(void *arg, void *p, size_t max, size_t *out_n)
{
    struct text *f = arg;
    size_t n = f->n - f->at < max ? f->n - f->at : max;
    memcpy(p, f->b + f->at, n);
    f->at += n;
    *out_n = n;
    return APS_OK;
}

/* A store, one backup of it, and what that holds. */
struct made {
    struct t_store t;
    struct aps_recipient_own own;
    struct aps_recipient to;
    struct text *backup, *plain, *forged;
    struct aps_stream_about about;
};

static struct text *new_text(struct made *m)
{
    return apr_pcalloc(m->t.pool, sizeof(struct text));
}

static void decrypt(struct made *m)
{
    struct aps_stream_reader *r = NULL;
    uint8_t buf[1000];
    size_t n = 1;
    m->backup->at = 0;
    t_want(APS_OK, aps_stream_open(get, m->backup, &r, &m->t.diag), &m->t.diag);
    m->about = *aps_stream_about(r);
    t_want(APS_OK, aps_stream_unlock_by(r, &m->own, &m->t.diag), &m->t.diag);
    while (n > 0) {
        t_want(APS_OK, aps_stream_read(r, buf, sizeof buf, &n, &m->t.diag), &m->t.diag);
        assert_int_equal(put(m->plain, buf, n), APS_OK);
    }
    aps_stream_close(r);
}

static void begin(struct made *m, bool with_master)
{
    struct aps_backup_how how = {.with_master = with_master, .put = put};
    struct aps_backup_made out;
    struct aps_store *st = NULL;
    *m = (struct made){.own = {.key = {NULL, 0}}};
    t_init(&m->t);
    assert_int_equal(aps_recipient_own_pem(aps_str(private), &m->own, NULL), APS_OK);
    memcpy(m->to.public_key, m->own.public_key, sizeof m->to.public_key);
    m->backup = new_text(m);
    m->plain = new_text(m);
    m->forged = new_text(m);
    how.whom = (struct aps_stream_for){.to = &m->to, .n = 1};
    how.arg = m->backup;
    t_want(APS_OK, t_try_open(&m->t, APS_STORE_READ, T_NOW, &st), &m->t.diag);
    t_want(APS_OK, aps_backup(st, &how, &out, &m->t.diag), &m->t.diag);
    assert_int_equal(out.generation, 1);
    aps_store_close(st);
    decrypt(m);
}

static void end(struct made *m)
{
    aps_recipient_own_wipe(&m->own);
    t_end(&m->t);
}

/* As anybody can who has the recipient's public key. */
static void encrypt(struct made *m, const struct text *plain)
{
    const struct aps_stream_for whom = {.to = &m->to, .n = 1};
    struct aps_stream_writer *w = NULL;
    m->forged->n = 0;
    assert_int_equal(aps_stream_new(&m->about, &whom, put, m->forged, &w), APS_OK);
    assert_int_equal(aps_stream_add(w, plain->b, plain->n), APS_OK);
    assert_int_equal(aps_stream_end(w), APS_OK);
    aps_stream_free(w);
}

/* How reading it for a folder that is not there ends; the folder is not there afterwards. */
static enum aps_err try_read(struct made *m, struct text *from, const struct aps_secret *master)
{
    char dir[160];
    const struct aps_restore_how how = {dir, master, T_NOW, &t_actor};
    struct aps_stream_reader *r = NULL;
    struct aps_restore *rs = NULL;
    enum aps_err err;
    (void)snprintf(dir, sizeof dir, "%s/new", m->t.top);
    from->at = 0;
    m->t.diag.text[0] = '\0';
    assert_int_equal(aps_stream_open(get, from, &r, NULL), APS_OK);
    assert_int_equal(aps_stream_unlock_by(r, &m->own, NULL), APS_OK);
    err = aps_restore_read(&how, r, &rs, &m->t.diag);
    if (err == APS_OK)
        assert_int_equal(aps_restore_about(rs)->keys, 0);
    else
        assert_true(m->t.diag.text[0] != '\0');
    aps_restore_free(rs);
    aps_stream_close(r);
    assert_int_not_equal(access(dir, F_OK), 0);
    return err;
}

/* CLI-14: who can encrypt for the recipient can still not make a store. */
static void what_the_store_did_not_make_is_refused(void **state)
{
    struct text *less;
    struct made m;
    (void)state;
    begin(&m, false);
    less = new_text(&m);
    assert_int_equal(try_read(&m, m.backup, &m.t.master), APS_OK);
    /* The same content in another stream, each part of it changed, less and more of it. */
    encrypt(&m, m.plain);
    assert_int_equal(try_read(&m, m.forged, &m.t.master), APS_ERR_CORRUPT);
    const size_t at[] = {0, 1, 2, HEAD - 1, HEAD + 7, HEAD + 8 + 5000, m.plain->n - 1};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        m.plain->b[at[i]] ^= 1;
        encrypt(&m, m.plain);
        assert_int_not_equal(try_read(&m, m.forged, &m.t.master), APS_OK);
        m.plain->b[at[i]] ^= 1;
    }
    for (size_t cut = 0; cut < m.plain->n; cut += cut < 60 ? 1 : 16384) {
        less->n = 0;
        assert_int_equal(put(less, m.plain->b, cut), APS_OK);
        encrypt(&m, less);
        assert_int_equal(try_read(&m, m.forged, &m.t.master), APS_ERR_CORRUPT);
    }
    end(&m);
}

/* CLI-14 */
static void the_master_key_has_to_be_that_of_the_backup(void **state)
{
    const struct aps_secret none = {NULL, 0};
    struct aps_secret other = {NULL, 0};
    struct made m;
    (void)state;
    assert_int_equal(aps_secret_copy("0123456789abcdef0123456789abcdef", 32, &other), APS_OK);
    begin(&m, false);
    assert_int_equal(try_read(&m, m.backup, &none), APS_ERR_KEY);
    assert_non_null(strstr(m.t.diag.text, "--master-key"));
    assert_int_equal(try_read(&m, m.backup, &other), APS_ERR_KEY);
    end(&m);
    begin(&m, true);
    assert_memory_equal(m.plain->b + HEAD, m.t.master.b, m.t.master.n);
    assert_int_equal(try_read(&m, m.backup, &none), APS_OK);
    end(&m);
    aps_secret_wipe(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_store_did_not_make_is_refused),
        cmocka_unit_test(the_master_key_has_to_be_that_of_the_backup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
