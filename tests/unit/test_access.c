#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apisec/role.h>

static apr_pool_t *pool;
static struct aps_rolebook *book;

/* "reader GET /orders", "reader !GET /orders/secret", "writer < reader" */
static struct aps_rolebook *book_of(const char *const *lines)
{
    struct aps_rolebook *b = aps_rolebook_new(pool);
    for (; *lines != NULL; lines++) {
        struct aps_str rest = aps_str(*lines), role = {NULL, 0};
        assert_true(aps_str_next(&rest, ' ', &role));
        aps_rolebook_add(b, role);
        if (aps_str_starts(rest, aps_str("< "))) {
            aps_rolebook_inherit(b, role, (struct aps_str){rest.p + 2, rest.n - 2});
        } else if (rest.n != 0) {
            bool deny = rest.p[0] == '!';
            rest.p += deny ? 1 : 0;
            rest.n -= deny ? 1 : 0;
            assert_int_equal(aps_rolebook_grant(b, role, rest, deny, NULL), APS_OK);
        }
    }
    assert_int_equal(aps_rolebook_seal(b, NULL), APS_OK);
    return b;
}

static const char *const shop[] = {
    "reader GET /orders/**",
    "reader GET /items/*",
    "writer POST,PUT /orders/**",
    "writer < reader",
    "guarded * /orders/**",
    "guarded !GET /orders/secret/**",
    "clerk < guarded",
    "clerk GET /orders/secret/own",
    "sealed !* /vault/**",
    "sealed GET /vault/**",
    "empty",
    "perm orders:read",
    "perm items:*",
    "perm !items:delete",
    "root *:*",
    "any *:read",
    NULL,
};

/* Roles by name, separated by blanks. */
static size_t roles_of(const char *names, const struct aps_role **out)
{
    struct aps_str rest = aps_str(names), name;
    size_t n = 0;
    while (aps_str_next(&rest, ' ', &name)) {
        out[n] = aps_rolebook_find(book, name);
        assert_non_null(out[n++]);
    }
    return n;
}

static struct aps_access ask(const char *names, enum aps_method method, const char *path)
{
    const struct aps_role *roles[8];
    size_t n = roles_of(names, roles);
    return aps_access_path(book, roles, n, method, aps_str(path));
}

/* AZ-01, AZ-02, AZ-05 */
static void paths_are_decided(void **state)
{
    static const struct {
        const char *roles;
        enum aps_method method;
        const char *path;
        enum aps_reason want;
        const char *grant, *role;
        unsigned allow;
    } rows[] = {
        {"reader", APS_METHOD_GET, "/orders", APS_REASON_ALLOW, "GET /orders/**", "reader", 0},
        {"reader", APS_METHOD_HEAD, "/orders/7", APS_REASON_ALLOW, "GET /orders/**", "reader", 0},
        {"reader", APS_METHOD_POST, "/orders", APS_REASON_GRANT_MISSING, NULL, NULL, 0},
        {"writer", APS_METHOD_POST, "/orders", APS_REASON_ALLOW, "POST,PUT /orders/**", "writer",
         0},
        {"writer", APS_METHOD_GET, "/orders/7", APS_REASON_ALLOW, "GET /orders/**", "writer", 0},
        {"", APS_METHOD_GET, "/orders", APS_REASON_GRANT_MISSING, NULL, NULL, 0},
        {"empty", APS_METHOD_GET, "/orders", APS_REASON_GRANT_MISSING, NULL, NULL, 0},
        /* No role at all: 403, not 405. */
        {"reader", APS_METHOD_GET, "/nowhere", APS_REASON_GRANT_MISSING, NULL, NULL, 0},
        {"reader", APS_METHOD_GET, "/items", APS_REASON_GRANT_MISSING, NULL, NULL, 0},
        /* Nobody may DELETE an item, some may GET it. */
        {"reader", APS_METHOD_DELETE, "/items/1", APS_REASON_METHOD_NOT_GRANTED, NULL, NULL,
         APS_METHOD_GET | APS_METHOD_HEAD},
        {"empty", APS_METHOD_DELETE, "/items/1", APS_REASON_METHOD_NOT_GRANTED, NULL, NULL,
         APS_METHOD_GET | APS_METHOD_HEAD},
        {"reader", APS_METHOD_NONE, "/items/1", APS_REASON_METHOD_NOT_GRANTED, NULL, NULL,
         APS_METHOD_GET | APS_METHOD_HEAD},
        /* A denial wins over every grant, of the same role, of a child, of another role. */
        {"guarded", APS_METHOD_GET, "/orders/secret", APS_REASON_GRANT_DENIED,
         "GET /orders/secret/**", "guarded", 0},
        {"guarded", APS_METHOD_HEAD, "/orders/secret", APS_REASON_GRANT_DENIED,
         "GET /orders/secret/**", "guarded", 0},
        {"guarded", APS_METHOD_PUT, "/orders/secret", APS_REASON_ALLOW, "* /orders/**", "guarded",
         0},
        {"clerk", APS_METHOD_GET, "/orders/secret/own", APS_REASON_GRANT_DENIED,
         "GET /orders/secret/**", "clerk", 0},
        {"reader guarded", APS_METHOD_GET, "/orders/secret", APS_REASON_GRANT_DENIED,
         "GET /orders/secret/**", "guarded", 0},
        {"guarded reader", APS_METHOD_GET, "/orders/secret", APS_REASON_GRANT_DENIED,
         "GET /orders/secret/**", "guarded", 0},
        {"reader", APS_METHOD_GET, "/orders/secret", APS_REASON_ALLOW, "GET /orders/**", "reader",
         0},
        /* What is denied to the only role that is granted it is granted to nobody. */
        {"reader", APS_METHOD_POST, "/vault/x", APS_REASON_GRANT_MISSING, NULL, NULL, 0},
        {"sealed", APS_METHOD_GET, "/vault/x", APS_REASON_GRANT_DENIED, "* /vault/**", "sealed", 0},
        /* A permission is no path grant. */
        {"root", APS_METHOD_GET, "/orders", APS_REASON_GRANT_MISSING, NULL, NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct aps_access a = ask(rows[i].roles, rows[i].method, rows[i].path);
        assert_int_equal(a.reason, rows[i].want);
        assert_int_equal(a.allow, rows[i].allow);
        assert_int_equal(a.grant != NULL, rows[i].grant != NULL);
        assert_int_equal(a.role != NULL, rows[i].role != NULL);
        if (a.grant != NULL)
            assert_true(aps_str_eq(a.grant->text, aps_str(rows[i].grant)));
        if (a.role != NULL)
            assert_true(aps_str_eq(aps_role_name(a.role), aps_str(rows[i].role)));
    }
}

/* AZ-01: a book that was never sealed lets nobody in. */
static void an_unsealed_book_denies(void **state)
{
    struct aps_rolebook *raw = aps_rolebook_new(pool);
    (void)state;
    aps_rolebook_add(raw, aps_str("r"));
    assert_int_equal(aps_rolebook_grant(raw, aps_str("r"), aps_str("* /**"), false, NULL), APS_OK);
    assert_null(aps_rolebook_find(raw, aps_str("r")));
    assert_int_equal(aps_access_path(raw, NULL, 0, APS_METHOD_GET, aps_str("/")).reason,
                     APS_REASON_GRANT_MISSING);
    assert_int_equal(aps_access_served(raw, NULL, 0, APS_METHOD_GET, aps_str("/"), aps_str("/")),
                     APS_REASON_PATH_CHANGED);
}

static void permissions_are_decided(void **state)
{
    static const struct {
        const char *roles, *permission;
        enum aps_reason want;
    } rows[] = {
        {"perm", "orders:read", APS_REASON_ALLOW},
        {"perm", "orders:write", APS_REASON_PERMISSION_MISSING},
        {"perm", "items:anything", APS_REASON_ALLOW},
        {"perm", "items:delete", APS_REASON_GRANT_DENIED},
        {"root perm", "items:delete", APS_REASON_GRANT_DENIED},
        {"root", "items:delete", APS_REASON_ALLOW},
        {"root", "*:*", APS_REASON_ALLOW},
        {"any", "orders:read", APS_REASON_ALLOW},
        {"any", "orders:write", APS_REASON_PERMISSION_MISSING},
        {"any", "orders:*", APS_REASON_PERMISSION_MISSING},
        /* Denied one of them is denied all of them. */
        {"root perm", "items:*", APS_REASON_GRANT_DENIED},
        {"root perm", "*:*", APS_REASON_GRANT_DENIED},
        {"root perm", "orders:*", APS_REASON_ALLOW},
        {"root", "", APS_REASON_PERMISSION_MISSING},
        {"root", "orders", APS_REASON_PERMISSION_MISSING},
        {"root", ":read", APS_REASON_PERMISSION_MISSING},
        {"root", "orders:", APS_REASON_PERMISSION_MISSING},
        {"reader", "orders:read", APS_REASON_PERMISSION_MISSING},
        {"", "orders:read", APS_REASON_PERMISSION_MISSING},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct aps_role *roles[8];
        size_t n = roles_of(rows[i].roles, roles);
        struct aps_access a = aps_access_permission(roles, n, aps_str(rows[i].permission));
        assert_int_equal(a.reason, rows[i].want);
        assert_int_equal(a.grant == NULL, a.reason == APS_REASON_PERMISSION_MISSING);
        assert_int_equal(a.role == NULL, a.reason == APS_REASON_PERMISSION_MISSING);
    }
}

/* NEG-03, AZ-04: a path that falls under another rule is decided by that rule. */
static void served_paths_are_compared(void **state)
{
    static const struct {
        const char *roles, *asked, *served;
        enum aps_reason want;
    } rows[] = {
        {"reader", "/orders/1", "/orders/1", APS_REASON_ALLOW},
        /* The same rules, no rule, and a rule that allows the caller. */
        {"reader", "/orders/1", "/orders/2", APS_REASON_ALLOW},
        {"reader", "/orders/1", "/app.php", APS_REASON_ALLOW},
        {"reader", "/app", "/orders/2", APS_REASON_ALLOW},
        {"empty", "/app", "/app.php/orders", APS_REASON_ALLOW},
        /* A rule that does not allow the caller, be it a grant to others or a denial. */
        {"empty", "/app", "/orders/2", APS_REASON_PATH_CHANGED},
        {"reader", "/orders/1", "/vault/x", APS_REASON_PATH_CHANGED},
        {"guarded", "/orders/1", "/orders/secret/x", APS_REASON_PATH_CHANGED},
        {"reader", "/orders/1", "/orders/secret/x", APS_REASON_ALLOW},
        {"guarded", "/orders/secret/x", "/orders/1", APS_REASON_ALLOW},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct aps_role *roles[8];
        size_t n = roles_of(rows[i].roles, roles);
        assert_int_equal(aps_access_served(book, roles, n, APS_METHOD_GET, aps_str(rows[i].asked),
                                           aps_str(rows[i].served)),
                         rows[i].want);
    }
}

/* A fixed sequence of numbers: a test that fails once fails again. */
static int draw(void)
{
    static uint64_t x = 20240607;
    x = x * 6364136223846793005u + 1442695040888963407u;
    return (int)(x >> 34);
}

/* AZ-05: for random books, the answer is that of the definition, and shuffling changes nothing. */
static void random_books_follow_the_definition(void **state)
{
    static const char *const paths[] = {"/a", "/a/b", "/a/c", "/b"};
    static const char *const patterns[] = {"/a", "/a/*", "/a/**", "/b", "/**"};
    static const char *const methods[] = {"GET", "POST", "*", "HEAD"};
    static const char covers[5][4] = {
        {1, 0, 0, 0}, {0, 1, 1, 0}, {1, 1, 1, 0}, {0, 0, 0, 1}, {1, 1, 1, 1}};
    static const unsigned bits[] = {APS_METHOD_GET | APS_METHOD_HEAD, APS_METHOD_POST,
                                    APS_METHOD_ALL, APS_METHOD_HEAD};
    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct {
            int role, pattern, method;
            bool deny;
        } e[6];
        const char *lines[10] = {"r0", "r1", "r2"};
        int n = draw() % 7, caller = draw() % 8; /* a bit for each role */
        unsigned granted[3][4] = {{0}}, denied[3][4] = {{0}};
        for (int i = 0; i < n; i++) {
            e[i].role = draw() % 3, e[i].pattern = draw() % 5, e[i].method = draw() % 4;
            e[i].deny = draw() % 3 == 0;
            lines[3 + i] = apr_psprintf(pool, "r%d %s%s %s", e[i].role, e[i].deny ? "!" : "",
                                        methods[e[i].method], patterns[e[i].pattern]);
            for (int k = 0; k < 4; k++)
                if (covers[e[i].pattern][k])
                    (e[i].deny ? denied : granted)[e[i].role][k] |= bits[e[i].method];
        }
        for (int i = n + 2; i > 0; i--) { /* shuffle */
            int k = draw() % (i + 1);
            const char *line = lines[i];
            lines[i] = lines[k], lines[k] = line;
        }
        lines[3 + n] = NULL;
        struct aps_rolebook *b = book_of(lines);
        const struct aps_role *roles[3];
        size_t nroles = 0;
        for (int r = 0; r < 3; r++)
            if ((caller & 1 << r) != 0)
                roles[nroles++] = aps_rolebook_find(b, aps_str(r == 0   ? "r0"
                                                               : r == 1 ? "r1"
                                                                        : "r2"));
        for (int k = 0; k < 4; k++)
            for (unsigned m = APS_METHOD_GET; m <= APS_METHOD_OPTIONS; m <<= 1) {
                unsigned deny = 0, allow = 0, any = 0;
                for (int r = 0; r < 3; r++) {
                    any |= granted[r][k] & ~denied[r][k];
                    deny |= (caller & 1 << r) != 0 ? denied[r][k] : 0;
                    allow |= (caller & 1 << r) != 0 ? granted[r][k] : 0;
                }
                enum aps_reason want = (deny & m) != 0              ? APS_REASON_GRANT_DENIED
                                       : (allow & m) != 0           ? APS_REASON_ALLOW
                                       : any != 0 && (any & m) == 0 ? APS_REASON_METHOD_NOT_GRANTED
                                                                    : APS_REASON_GRANT_MISSING;
                struct aps_access a =
                    aps_access_path(b, roles, nroles, (enum aps_method)m, aps_str(paths[k]));
                assert_int_equal(a.reason, want);
                assert_int_equal(a.allow, want == APS_REASON_METHOD_NOT_GRANTED ? any : 0);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_decided),
        cmocka_unit_test(an_unsealed_book_denies),
        cmocka_unit_test(permissions_are_decided),
        cmocka_unit_test(served_paths_are_compared),
        cmocka_unit_test(random_books_follow_the_definition),
    };
    apr_initialize();
    apr_pool_create(&pool, NULL);
    book = book_of(shop);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
