#include "t_store.h"

#include <apr_strings.h>

#include "../../libapisec/inspect/api_impl.h"
#include "../../libapisec/store/block.h"
#include "apisec/store_api.h"

static struct t_store t;

static int set_up(void **state)
{
    (void)state;
    t_init(&t);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    t_end(&t);
    return 0;
}

#define PET APS_STR_LIT("pet")
#define FIRST "{\"title\":\"Pet\",\"type\":\"object\",\"required\":[\"name\"]}"
#define SECOND "{\"title\":\"Pet, second\",\"$ref\":\"sub/name.json\"}"
#define BELOW "{\"type\":\"string\",\"pattern\":\"^[a-z]+$\"}"
#define ANY "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"/>"
#define BAD "{\"type\":\"colour\"}"

static enum aps_err put_bundle(struct aps_store *st, struct aps_str name,
                               enum aps_store_api_kind kind, const struct aps_schema_source *s,
                               uint32_t n, bool *out_changed)
{
    const struct aps_store_api_bundle bundle = {kind, s, n};
    struct aps_store_api_made made;
    return aps_store_api_put(st, name, &bundle, t.pool, &made, out_changed, &t.diag);
}

static enum aps_err put(struct aps_store *st, struct aps_str name, const char *text)
{
    const struct aps_schema_source s = {.uri = APS_STR_LIT("file:///pet.json"),
                                        .text = aps_str(text)};
    bool changed = false;
    return put_bundle(st, name, APS_STORE_API_SCHEMA, &s, 1, &changed);
}

static void commit_put(struct aps_str name, const char *text, aps_nsec now)
{
    struct aps_store *st = t_open(&t, now);
    t_want(APS_OK, put(st, name, text), &t.diag);
    t_commit(&t, st);
}

static struct aps_store_api get(struct aps_str name)
{
    struct aps_store_api api;
    struct aps_store *st = NULL;
    t_want(APS_OK, t_try_open(&t, APS_STORE_READ, T_NOW, &st), &t.diag);
    t_want(APS_OK, aps_store_api_get(st, name, t.pool, &api, &t.diag), &t.diag);
    aps_store_close(st);
    return api;
}

static char *file_of(const struct aps_store_api *api)
{
    char *path = apr_palloc(t.pool, APS_FILE_PATH_MAX);
    t_want(APS_OK, aps_block_path(t.dir, api->digest, path, &t.diag), &t.diag);
    return path;
}

static const struct aps_schema_image *schema(struct aps_snapshot *snap, struct aps_str name)
{
    const struct aps_schema_image *image = NULL;
    t_want(APS_OK, aps_snapshot_schema(snap, name, &image, &t.diag), &t.diag);
    return image;
}

static void want_fault(enum aps_err want, const char *why)
{
    struct aps_snapshot *snap = t_snapshot(&t);
    const struct aps_schema_image *image = NULL;
    t_want(want, aps_snapshot_schema(snap, PET, &image, &t.diag), &t.diag);
    assert_true((image != NULL) == (want == APS_OK));
    if (strstr(t.diag.text, why) == NULL)
        fail_msg("%s: no \"%s\"", t.diag.text, why);
    aps_snapshot_close(snap);
}

/* POS-22: a new one takes the place of the old one, and a bad one of none. */
static void a_bundle_is_replaced_as_a_whole(void **state)
{
    static const struct aps_schema_source two[] = {
        {.uri = {"file:///pet.json", 16}, .text = {SECOND, sizeof SECOND - 1}},
        {.uri = {"file:///sub/name.json", 21}, .text = {BELOW, sizeof BELOW - 1}},
    };
    struct aps_store_api_bundle bundle;
    struct aps_store_api first, second;
    struct aps_store *st;
    bool changed = false;
    (void)state;

    commit_put(PET, FIRST, T_NOW);
    first = get(PET);
    assert_true(aps_str_eq(first.title, APS_STR_LIT("Pet")));
    st = t_open(&t, T_NOW + APS_HOUR);
    t_want(APS_ERR_FORMAT, put(st, PET, BAD), &t.diag);
    t_want(APS_ERR_NOT_FOUND, put_bundle(st, PET, APS_STORE_API_SCHEMA, two, 1, &changed), &t.diag);
    t_want(APS_OK, put_bundle(st, PET, APS_STORE_API_SCHEMA, two, 2, &changed), &t.diag);
    assert_true(changed);
    t_want(APS_OK, put_bundle(st, PET, APS_STORE_API_SCHEMA, two, 2, &changed), &t.diag);
    assert_false(changed);
    t_commit(&t, st);
    second = get(PET);
    assert_true(second.edition > first.edition);
    assert_true(second.created_at == T_NOW && second.changed_at == T_NOW + APS_HOUR);
    st = t_open(&t, T_NOW + APS_HOUR);
    t_want(APS_OK, aps_store_api_bundle(st, PET, t.pool, &bundle, &t.diag), &t.diag);
    assert_int_equal(bundle.n, 2);
    assert_true(aps_str_eq(bundle.sources[0].text, two[0].text));
    assert_true(aps_str_eq(bundle.sources[1].uri, two[1].uri));
    t_want(APS_OK, aps_store_api_remove(st, PET, &t.diag), &t.diag);
    t_want(APS_ERR_NOT_FOUND, aps_store_api_remove(st, PET, &t.diag), &t.diag);
    t_commit(&t, st);
    want_fault(APS_ERR_NOT_FOUND, "no json-schema \"pet\"");
}

/* What is not committed leaves nothing behind. */
static void a_trial_writes_no_file(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    (void)state;
    t_want(APS_OK, put(st, PET, FIRST), &t.diag);
    aps_store_close(st);
    assert_int_not_equal(access(t_path(&t, "pub/api"), F_OK), 0);
}

static void names_kinds_and_bounds_are_checked(void **state)
{
    static const struct aps_schema_source xsd = {.text = {ANY, sizeof ANY - 1}};
    static const struct aps_schema_source none = {.text = {"", 0}};
    struct aps_store *st = t_open(&t, T_NOW);
    bool changed;
    (void)state;
    t_want(APS_ERR_FORMAT, put(st, APS_STR_LIT("a/b"), FIRST), &t.diag);
    t_want(APS_ERR_FORMAT, put(st, APS_STR_LIT(""), FIRST), &t.diag);
    t_want(APS_OK, put(st, PET, FIRST), &t.diag);
    t_want(APS_ERR_CONFLICT, put_bundle(st, PET, APS_STORE_API_XSD, &xsd, 1, &changed), &t.diag);
    t_want(APS_ERR_FORMAT, put_bundle(st, PET, APS_STORE_API_SCHEMA, &none, 1, &changed), &t.diag);
    t_want(APS_ERR_RANGE, put_bundle(st, PET, APS_STORE_API_SCHEMA, &xsd, 0, &changed), &t.diag);
    t_want(APS_OK, put_bundle(st, APS_STR_LIT("order"), APS_STORE_API_XSD, &xsd, 1, &changed),
           &t.diag);
    t_commit(&t, st);
}

/* A text of more than one row comes back as it was. */
static void a_large_document_is_kept_in_parts(void **state)
{
    enum { BYTES = 700000 };
    char *text = apr_palloc(t.pool, BYTES + 64);
    struct aps_store_api_bundle bundle;
    struct aps_store *st;
    int n = snprintf(text, 64, "{\"title\":\"");
    (void)state;
    memset(text + n, 'x', BYTES);
    (void)snprintf(text + n + BYTES, 64 - (size_t)n, "\"}");
    commit_put(PET, text, T_NOW);
    assert_int_equal(get(PET).title.n, APS_STORE_API_TITLE_MAX);
    st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_api_bundle(st, PET, t.pool, &bundle, &t.diag), &t.diag);
    assert_true(aps_str_eq(bundle.sources[0].text, aps_str(text)));
    aps_store_close(st);
}

#define XS(body) "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\">" body "</xs:schema>"
#define XSD XS("<xs:include schemaLocation=\"b.xsd\"/><xs:element name=\"a\" type=\"b\"/>")
#define XSD_B XS("<xs:simpleType name=\"b\"><xs:restriction base=\"xs:string\"/></xs:simpleType>")

/* POS-16: what documents of XML are judged by comes from the store alone; POS-22. */
static void an_xsd_is_handed_out_as_texts(void **state)
{
    static const struct aps_schema_source xsd[] = {
        {.uri = {"file:///a.xsd", 13}, .text = {XSD, sizeof XSD - 1}},
        {.uri = {"file:///b.xsd", 13}, .text = {XSD_B, sizeof XSD_B - 1}},
    };
    const struct aps_xsd_source *sources = NULL;
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_snapshot *snap;
    uint32_t n = 0;
    bool changed;
    (void)state;
    t_want(APS_ERR_NOT_FOUND, put_bundle(st, PET, APS_STORE_API_XSD, xsd, 1, &changed), &t.diag);
    t_want(APS_OK, put_bundle(st, PET, APS_STORE_API_XSD, xsd, 2, &changed), &t.diag);
    t_commit(&t, st);
    snap = t_snapshot(&t);
    t_want(APS_OK, aps_snapshot_xsd(snap, PET, t.pool, &sources, &n, &t.diag), &t.diag);
    assert_int_equal(n, 2);
    assert_true(aps_str_eq(sources[0].name, APS_STR_LIT("a.xsd")));
    assert_true(aps_str_eq(sources[1].text, xsd[1].text));
    aps_snapshot_close(snap);
    want_fault(APS_ERR_NOT_FOUND, "that is xsd");
}

#define PETS                                                                                       \
    "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Pets\",\"version\":\"7\"},\"paths\":{\"/"        \
    "pets\":{\"get\":{"                                                                            \
    "\"responses\":{\"200\":{\"description\":\"all\"}}}}}}"

/* Its title is that of the description, and a child finds its operations. */
static void a_description_is_opened_with_the_snapshot(void **state)
{
    static const struct aps_schema_source pets = {.uri = {"file:///pets.json", 17},
                                                  .text = {PETS, sizeof PETS - 1}};
    struct aps_store *st = t_open(&t, T_NOW);
    const struct aps_api *api = NULL;
    struct aps_api_match match;
    struct aps_snapshot *snap;
    bool changed;
    (void)state;
    t_want(APS_OK, put_bundle(st, PET, APS_STORE_API_OPENAPI, &pets, 1, &changed), &t.diag);
    t_commit(&t, st);
    assert_true(aps_str_eq(get(PET).title, APS_STR_LIT("Pets")));
    assert_true(aps_str_eq(get(PET).version, APS_STR_LIT("7")));
    snap = t_snapshot(&t);
    t_want(APS_OK, aps_snapshot_api(snap, PET, &api, &t.diag), &t.diag);
    assert_int_equal(aps_api_find(api, APS_METHOD_GET, APS_STR_LIT("/pets"), &match),
                     APS_API_FOUND);
    aps_snapshot_close(snap);
}

/* What is the same in the next snapshot is not opened again, and outlives the one before. */
static void snapshots_share_what_is_the_same(void **state)
{
    struct aps_snapshot_options o = {.store = t.dir, .master = &t.master, .owner = geteuid()};
    const struct aps_schema_image *pet, *toy;
    struct aps_snapshot *one, *two = NULL;
    (void)state;
    commit_put(PET, FIRST, T_NOW);
    commit_put(APS_STR_LIT("toy"), BELOW, T_NOW);
    one = t_snapshot(&t);
    pet = schema(one, PET);
    toy = schema(one, APS_STR_LIT("toy"));
    commit_put(APS_STR_LIT("toy"), "{\"type\":\"null\"}", T_NOW);
    o.near = one;
    t_want(APS_OK, aps_snapshot_open(&o, &two, &t.diag), &t.diag);
    assert_ptr_equal(schema(two, PET), pet);
    assert_ptr_not_equal(schema(two, APS_STR_LIT("toy")), toy);
    aps_snapshot_close(one);
    assert_int_equal(aps_schema_image_entries(schema(two, PET)), 1);
    aps_snapshot_close(two);
}

/* A file that cannot be used makes one API useless, and nothing else; publishing makes it anew. */
static void a_damaged_file_is_told_to_who_asks(void **state)
{
    static const struct {
        const char *what;
        enum aps_err want;
        const char *why;
    } cases[] = {
        {"gone", APS_ERR_NOT_FOUND, "cannot find it"},
        {"changed", APS_ERR_CORRUPT, "its digest"},
        {"longer", APS_ERR_CORRUPT, "bytes"},
        {"empty", APS_ERR_CORRUPT, "bytes"},
        {"open", APS_ERR_UNSAFE, "mode"},
        {"link", APS_ERR_UNSAFE, "a symlink"},
    };
    (void)state;
    commit_put(PET, FIRST, T_NOW);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_store_api api = get(PET);
        char *path = file_of(&api);
        struct aps_str bytes = t_read(&t, path);
        char *copy = apr_pcalloc(t.pool, bytes.n + 1);
        struct aps_store *st;

        memcpy(copy, bytes.p, bytes.n);
        copy[bytes.n / 2] ^= 1;
        if (strcmp(cases[i].what, "gone") == 0)
            assert_int_equal(unlink(path), 0);
        else if (strcmp(cases[i].what, "open") == 0)
            assert_int_equal(chmod(path, 0666), 0);
        else if (strcmp(cases[i].what, "link") == 0)
            assert_true(unlink(path) == 0 && symlink("/dev/null", path) == 0);
        else
            t_write(path, copy,
                    bytes.n + (strcmp(cases[i].what, "longer") == 0) -
                        (strcmp(cases[i].what, "empty") == 0 ? bytes.n : 0));
        want_fault(cases[i].want, cases[i].why);
        st = t_open(&t, T_NOW);
        t_want(APS_OK, aps_store_publish(st, &t.diag), &t.diag);
        aps_store_close(st);
        want_fault(APS_OK, "");
    }
}

/* A copy whose row was changed does not authenticate. */
static void the_row_is_under_the_mac(void **state)
{
    struct aps_snapshot *snap = NULL;
    sqlite3 *db = NULL;
    (void)state;
    commit_put(PET, FIRST, T_NOW);
    assert_int_equal(sqlite3_open(t_path(&t, "pub/store.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE api SET digest = zeroblob(32)", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(t_try_snapshot(&t, &snap), APS_ERR_CORRUPT);
}

/* A file lives on while a snapshot that was opened before may look for it, and goes afterwards. */
static void what_nobody_names_goes_after_a_while(void **state)
{
    struct aps_store_api old;
    struct aps_snapshot *snap;
    char *path, *temp;
    (void)state;
    commit_put(PET, FIRST, T_NOW);
    old = get(PET);
    path = file_of(&old);
    temp = apr_psprintf(t.pool, "%s/pub/api/.%s.0123456789ab", t.dir, strrchr(path, '/') + 1);
    t_write(temp, "x", 1);
    snap = t_snapshot(&t);
    commit_put(PET, BELOW, T_NOW + APS_HOUR);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_not_equal(access(temp, F_OK), 0);
    commit_put(PET, FIRST, T_NOW + APS_HOUR + APS_MINUTE); /* named again: it counts anew */
    commit_put(PET, BELOW, T_NOW + 2 * APS_HOUR);
    commit_put(APS_STR_LIT("toy"), BELOW, T_NOW + 3 * APS_HOUR - APS_SEC);
    assert_int_equal(access(path, F_OK), 0);
    commit_put(APS_STR_LIT("toy"), "{}", T_NOW + 3 * APS_HOUR);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(aps_schema_image_entries(schema(snap, PET)), 1);
    aps_snapshot_close(snap);
}

/* POS-22: where its file cannot be written, nothing is changed; keys are revoked all the same. */
static void a_file_that_cannot_be_written_changes_nothing(void **state)
{
    struct aps_store *st;
    struct aps_store_api before, after;
    (void)state;
    commit_put(PET, FIRST, T_NOW);
    before = get(PET);
    assert_int_equal(rename(t_path(&t, "pub/api"), t_path(&t, "pub/away")), 0);
    t_write(t_path(&t, "pub/api"), "x", 1);
    st = t_open(&t, T_NOW);
    t_want(APS_OK, put(st, PET, BELOW), &t.diag);
    assert_int_not_equal(aps_store_commit(st, &t.diag), APS_OK);
    aps_store_close(st);
    after = get(PET);
    assert_memory_equal(before.digest, after.digest, sizeof before.digest);
    st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("reader"), &t.diag), &t.diag);
    t_commit(&t, st);
    assert_int_equal(unlink(t_path(&t, "pub/api")), 0);
    assert_int_equal(rename(t_path(&t, "pub/away"), t_path(&t, "pub/api")), 0);
    want_fault(APS_OK, "");
}

/* What another release has compiled is compiled anew; what it cannot compile waits for a person. */
static void another_release_compiles_anew(void **state)
{
    struct aps_store *st;
    sqlite3 *db = NULL;
    (void)state;
    commit_put(PET, FIRST, T_NOW);
    commit_put(APS_STR_LIT("toy"), BELOW, T_NOW);
    assert_int_equal(sqlite3_open(t_path(&t, "store.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE api SET release = '0', digest = zeroblob(32);"
                                  "UPDATE api_source SET text = x'7b' WHERE api = 'toy'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_publish(st, &t.diag), &t.diag);
    aps_store_close(st);
    want_fault(APS_OK, "");
    assert_true(aps_str_eq(get(APS_STR_LIT("toy")).release, APS_STR_LIT("0")));
}

/* The file of the row as a program would have written it whose blocks have another version. */
static void write_version(uint32_t version)
{
    struct aps_store_api api = get(PET);
    struct aps_str bytes = t_read(&t, file_of(&api));
    struct api_head *head = apr_pmemdup(t.pool, bytes.p, bytes.n);
    sqlite3_stmt *row = NULL;
    sqlite3 *db = NULL;

    assert_int_equal(head->version, API_VERSION);
    head->version = version;
    head->sum = aps_api_open_sum((const char *)head, bytes.n);
    bytes.p = (const char *)head;
    t_want(APS_OK, aps_digest_sum(bytes, api.digest), &t.diag);
    t_write(file_of(&api), bytes.p, bytes.n);
    assert_int_equal(chmod(file_of(&api), 0640), 0);
    assert_int_equal(sqlite3_open(t_path(&t, "store.db"), &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "UPDATE api SET digest = ? WHERE name = 'pet'", -1, &row, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_bind_blob(row, 1, api.digest, sizeof api.digest, SQLITE_TRANSIENT),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_DONE);
    assert_int_equal(sqlite3_finalize(row), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A block of another version is told by its number and never read as one of ours, and publishing
 * makes it anew. */
static void another_version_of_a_block_is_not_read(void **state)
{
    static const struct aps_schema_source pets = {.uri = {"file:///pets.json", 17},
                                                  .text = {PETS, sizeof PETS - 1}};
    static const struct {
        uint32_t version;
        enum aps_err want;
    } cases[] = {{API_VERSION - 1, APS_ERR_CORRUPT}, {API_VERSION + 1, APS_ERR_NEWER}};
    struct aps_store *st = t_open(&t, T_NOW);
    const struct aps_api *api = NULL;
    struct aps_snapshot *snap;
    bool changed;
    (void)state;

    t_want(APS_OK, put_bundle(st, PET, APS_STORE_API_OPENAPI, &pets, 1, &changed), &t.diag);
    t_commit(&t, st);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_version(cases[i].version);
        commit_put(APS_STR_LIT("toy"), i == 0 ? FIRST : BELOW, T_NOW); /* the row is published */
        snap = t_snapshot(&t);
        t_want(cases[i].want, aps_snapshot_api(snap, PET, &api, &t.diag), &t.diag);
        assert_non_null(strstr(t.diag.text, apr_psprintf(t.pool, "version %u; want %u",
                                                         cases[i].version, API_VERSION)));
        assert_non_null(strstr(t.diag.text, "`apisecctl publish` makes it anew"));
        aps_snapshot_close(snap);
        st = t_open(&t, T_NOW);
        t_want(APS_OK, aps_store_publish(st, &t.diag), &t.diag);
        aps_store_close(st);
        snap = t_snapshot(&t);
        t_want(APS_OK, aps_snapshot_api(snap, PET, &api, &t.diag), &t.diag);
        aps_snapshot_close(snap);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_bundle_is_replaced_as_a_whole),
        T(a_trial_writes_no_file),
        T(names_kinds_and_bounds_are_checked),
        T(a_large_document_is_kept_in_parts),
        T(an_xsd_is_handed_out_as_texts),
        T(a_description_is_opened_with_the_snapshot),
        T(snapshots_share_what_is_the_same),
        T(a_damaged_file_is_told_to_who_asks),
        T(the_row_is_under_the_mac),
        T(what_nobody_names_goes_after_a_while),
        T(a_file_that_cannot_be_written_changes_nothing),
        T(another_release_compiles_anew),
        T(another_version_of_a_block_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
