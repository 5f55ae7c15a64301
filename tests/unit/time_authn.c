/* Whether a refusal can be told by its time: no time is asserted, refusals are compared.
 *
 * The calls are made on a real store, round by round: each kind of refusal once, in an order that
 * is drawn anew.  A kind differs if in too many rounds it took a tenth more, or less, than a wrong
 * secret of a good key did.  Where no kind is slower than another by more than that tenth, the
 * draw alone decides which of two is the slower in a round: a coin that is fair whatever else the
 * machine does, since noise does not know the order.  By Hoeffding's bound more than TOO_MANY of
 * ROUNDS such coins fall on one side with a probability of exp(-2 * 490^2 / 20000) < 4e-11; sixteen
 * such sums (eight kinds, two sides) make a false alarm less than once in 1e9 runs.
 *
 * That the comparison can fail is shown by two leaks that are put in: a MAC that is left out, and
 * a record that is read once more. */
#include "t_store.h"

#include "apisec/authn.h"
#include "apisec/keytext.h"
#include "apisec/random.h"

enum { ROUNDS = 20000, TOO_MANY = ROUNDS / 2 + 490, MARGIN = 10, TEXTS = 64 };

/* Keys of four states, each asked with a wrong secret and, unless it is good, with the right one.
 */
enum kind {
    WRONG,
    WRONG_TOO,
    UNKNOWN,
    REVOKED,
    EXPIRED,
    NOT_YET,
    REVOKED_RIGHT,
    EXPIRED_RIGHT,
    NOT_YET_RIGHT,
    KINDS
};

static const struct {
    const char *name;
    enum aps_reason reason;
} kinds[KINDS] = {
    [WRONG] = {"wrong secret", APS_REASON_KEY_WRONG},
    [WRONG_TOO] = {"wrong secret of another key", APS_REASON_KEY_WRONG},
    [UNKNOWN] = {"unknown id", APS_REASON_KEY_UNKNOWN},
    [REVOKED] = {"revoked key, wrong secret", APS_REASON_KEY_WRONG},
    [EXPIRED] = {"expired key, wrong secret", APS_REASON_KEY_WRONG},
    [NOT_YET] = {"key to come, wrong secret", APS_REASON_KEY_WRONG},
    [REVOKED_RIGHT] = {"revoked key", APS_REASON_KEY_REVOKED},
    [EXPIRED_RIGHT] = {"expired key", APS_REASON_KEY_EXPIRED},
    [NOT_YET_RIGHT] = {"key to come", APS_REASON_KEY_NOT_YET},
};

static struct t_store t;
static struct aps_reader *reader;
static struct aps_view *view;
static apr_pool_t *request;
static struct aps_secret texts[KINDS][TEXTS];

/* ---- what the core calls, counted; and leaks that a test puts in ---- */

enum leak { TIGHT, NO_MAC_IF_UNKNOWN, TWO_READS_IF_KNOWN };

static struct {
    enum leak leak;
    bool is_unknown;
    unsigned lookups, macs, compares;
    size_t compared; /* bytes */
} seam;

enum aps_err __real_aps_snapshot_key(struct aps_snapshot *snap, struct aps_str id, apr_pool_t *pool,
                                     struct aps_key *out);
enum aps_err __wrap_aps_snapshot_key(struct aps_snapshot *snap, struct aps_str id, apr_pool_t *pool,
                                     struct aps_key *out);
enum aps_err __real_aps_snapshot_mac(struct aps_snapshot *snap, uint32_t pepper,
                                     struct aps_str text, uint8_t out[APS_KEY_MAC_LEN]);
enum aps_err __wrap_aps_snapshot_mac(struct aps_snapshot *snap, uint32_t pepper,
                                     struct aps_str text, uint8_t out[APS_KEY_MAC_LEN]);
bool __real_aps_secret_equal(const void *a, const void *b, size_t n);
bool __wrap_aps_secret_equal(const void *a, const void *b, size_t n);

enum aps_err __wrap_aps_snapshot_key(struct aps_snapshot *snap, struct aps_str id, apr_pool_t *pool,
                                     struct aps_key *out)
{
    enum aps_err err = __real_aps_snapshot_key(snap, id, pool, out);
    seam.lookups++;
    seam.is_unknown = err == APS_ERR_NOT_FOUND;
    if (seam.leak == TWO_READS_IF_KNOWN && !seam.is_unknown)
        err = __real_aps_snapshot_key(snap, id, pool, out);
    return err;
}

enum aps_err __wrap_aps_snapshot_mac(struct aps_snapshot *snap, uint32_t pepper,
                                     struct aps_str text, uint8_t out[APS_KEY_MAC_LEN])
{
    seam.macs++;
    if (seam.leak != NO_MAC_IF_UNKNOWN || !seam.is_unknown)
        return __real_aps_snapshot_mac(snap, pepper, text, out);
    memset(out, 0, APS_KEY_MAC_LEN);
    return APS_OK;
}

bool __wrap_aps_secret_equal(const void *a, const void *b, size_t n)
{
    seam.compares++;
    seam.compared += n;
    return __real_aps_secret_equal(a, b, n);
}

/* ---- a store with keys of every kind ---- */

static void make_key(struct aps_store *st, enum kind kind, int i)
{
    struct aps_str roles[] = {APS_STR_LIT("reader")};
    struct aps_key_change c = {.set = APS_KEY_F_NAME | APS_KEY_F_ROLES | APS_KEY_F_EXPIRES,
                               .to = {.roles = roles, .nroles = 1}};
    struct aps_secret text = {0};
    struct aps_key key = {0};
    char name[32];

    (void)snprintf(name, sizeof name, "key-%d-%02d", (int)kind, i);
    c.to.name = aps_str(name);
    c.to.expires_at = T_NOW + (kind == EXPIRED ? APS_HOUR : 100 * APS_DAY);
    if (kind == NOT_YET) {
        c.set |= APS_KEY_F_NOT_BEFORE;
        c.to.not_before = T_NOW + 50 * APS_DAY;
    }
    t_want(APS_OK, aps_store_key_create(st, &c, t.pool, &key, &text, &t.diag), &t.diag);
    if (kind >= REVOKED)
        texts[kind - REVOKED + REVOKED_RIGHT][i] = text;
    else
        aps_secret_wipe(&text);
    if (kind == REVOKED)
        t_want(APS_OK, aps_store_key_revoke(st, key.id, APS_STR_LIT("left"), &t.diag), &t.diag);
    t_want(APS_OK, aps_keytext_new(APS_STR_LIT("test"), key.id, &texts[kind][i]), &t.diag);
}

static void make_unknown(int i)
{
    char id[APS_KEYTEXT_ID_LEN];
    t_want(APS_OK, aps_keytext_random(sizeof id, id), &t.diag);
    t_want(
        APS_OK,
        aps_keytext_new(APS_STR_LIT("test"), (struct aps_str){id, sizeof id}, &texts[UNKNOWN][i]),
        &t.diag);
}

static int set_up(void **state)
{
    enum aps_reader_event event;
    (void)state;
    t_init(&t);
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("reader"), &t.diag), &t.diag);
    for (int kind = 0; kind < REVOKED_RIGHT; kind++)
        for (int i = 0; i < TEXTS; i++) {
            if (kind == UNKNOWN)
                make_unknown(i);
            else
                make_key(st, (enum kind)kind, i);
        }
    t_commit(&t, st);
    const struct aps_reader_options options = {
        .snapshot = {.store = t.dir, .master = &t.master, .owner = geteuid()}, .refresh = APS_SEC};
    t_want(APS_OK, aps_reader_new(&options, &reader), &t.diag);
    view = aps_reader_acquire(reader, 0, &event, &t.diag);
    assert_non_null(view);
    assert_int_equal(apr_pool_create(&request, t.pool), APR_SUCCESS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    aps_view_release(view);
    aps_reader_free(reader);
    for (int kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < TEXTS; i++)
            aps_secret_wipe(&texts[kind][i]);
    t_end(&t);
    return 0;
}

/* Its time; the reason must be the kind's. */
static aps_nsec ask(enum kind kind, unsigned i)
{
    struct aps_str text = aps_secret_str(&texts[kind][i % TEXTS]), id;
    const struct aps_identity *who = NULL;
    bool hit = true;
    aps_nsec begin = aps_clock_monotonic();
    enum aps_reason reason = aps_authn_key(view, text, T_NOW + APS_DAY, request, &who, &id, &hit);
    aps_nsec end = aps_clock_monotonic();
    assert_int_equal(reason, kinds[kind].reason);
    assert_false(hit);
    apr_pool_clear(request);
    return end - begin;
}

/* ---- the comparison ---- */

struct draw {
    enum kind order[KINDS];
    uint32_t which[KINDS];
};

static struct draw draw(void)
{
    struct draw d;
    uint32_t random[KINDS];
    t_want(APS_OK, aps_random_fill(random, sizeof random), &t.diag);
    t_want(APS_OK, aps_random_fill(d.which, sizeof d.which), &t.diag);
    for (unsigned i = 0; i < KINDS; i++) {
        unsigned j = random[i] % (i + 1);
        d.order[i] = d.order[j];
        d.order[j] = (enum kind)i;
    }
    return d;
}

/* In how many rounds each kind took a tenth more than WRONG did, and a tenth less. */
struct sums {
    unsigned more[KINDS], less[KINDS];
};

static struct sums compare(enum leak leak)
{
    struct sums s = {{0}, {0}};
    aps_nsec took[KINDS];
    seam.leak = leak;
    for (int round = 0; round < ROUNDS; round++) {
        struct draw d = draw();
        for (int i = 0; i < KINDS; i++)
            took[d.order[i]] = ask(d.order[i], d.which[i]);
        for (int kind = 0; kind < KINDS; kind++) {
            s.more[kind] += took[kind] > took[WRONG] + took[WRONG] / MARGIN;
            s.less[kind] += took[WRONG] > took[kind] + took[kind] / MARGIN;
        }
    }
    seam.leak = TIGHT;
    return s;
}

static bool differs(const struct sums *s, enum kind kind)
{
    return s->more[kind] > TOO_MANY || s->less[kind] > TOO_MANY;
}

/* KEY-07: every refusal that needs the store does the same work, whatever is wrong. */
static void refusals_do_the_same_work(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        for (unsigned i = 0; i < TEXTS; i++) {
            memset(&seam, 0, sizeof seam);
            ask(WRONG, i);
            unsigned lookups = seam.lookups, macs = seam.macs, compares = seam.compares;
            size_t compared = seam.compared;
            assert_int_equal(macs, 1);
            memset(&seam, 0, sizeof seam);
            ask((enum kind)kind, i);
            assert_int_equal(seam.lookups, lookups);
            assert_int_equal(seam.macs, macs);
            assert_int_equal(seam.compares, compares);
            assert_int_equal(seam.compared, compared);
        }
}

/* KEY-07 */
static void refusals_are_not_told_by_their_time(void **state)
{
    struct sums s = compare(TIGHT);
    bool any = false;
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        if (differs(&s, (enum kind)kind))
            print_error("%s: a tenth slower than a wrong secret in %u of %d rounds, faster in %u; "
                        "at most %d are chance\n",
                        kinds[kind].name, s.more[kind], ROUNDS, s.less[kind], TOO_MANY);
        any |= differs(&s, (enum kind)kind);
    }
    assert_false(any);
}

/* The comparison sees a MAC that an unknown id does not cost, and nothing else. */
static void a_missing_mac_is_seen(void **state)
{
    struct sums s = compare(NO_MAC_IF_UNKNOWN);
    (void)state;
    assert_true(s.less[UNKNOWN] > TOO_MANY);
    for (int kind = 0; kind < KINDS; kind++)
        assert_int_equal(differs(&s, (enum kind)kind), kind == UNKNOWN);
}

/* It sees a record that is read for a known id alone: the least that told an id once. */
static void a_second_record_is_seen(void **state)
{
    struct sums s = compare(TWO_READS_IF_KNOWN);
    (void)state;
    assert_true(s.less[UNKNOWN] > TOO_MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_do_the_same_work),
        cmocka_unit_test(refusals_are_not_told_by_their_time),
        cmocka_unit_test(a_missing_mac_is_seen),
        cmocka_unit_test(a_second_record_is_seen),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
