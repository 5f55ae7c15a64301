/* A field, LF, and content: what is read is asked of the content in one piece and in two, and the
 * digests that are printed for the content are read and hold, and do not for another content. */
#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/digestfield.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static enum aps_err check_pieces(const struct aps_digestfield *want, struct aps_str content)
{
    struct aps_digestfield_run *run = NULL;
    const size_t cut = content.n / 3;

    expect(aps_digestfield_begin(want, &run) == APS_OK);
    aps_digestfield_add(run, content.p, cut);
    if (content.n != 0)
        aps_digestfield_add(run, content.p + cut, content.n - cut);
    return aps_digestfield_end(run);
}

static void check_printed(struct aps_str content, apr_pool_t *pool)
{
    struct aps_digestfield want;
    struct aps_buf b;

    aps_buf_init(&b, pool, 1000);
    expect(aps_digestfield_print(APS_ALG_HASH_SHA256, content, &b) == APS_OK);
    aps_buf_add(&b, APS_STR_LIT(", md5=:YQ==:, "));
    expect(aps_digestfield_print(APS_ALG_HASH_SHA512, content, &b) == APS_OK);
    expect(aps_digestfield_read(aps_buf_text(&b), pool, &want, NULL) == APS_OK);
    expect(aps_digestfield_check(&want, content) == APS_OK);
    if (content.n != 0)
        content.n--;
    else
        content = APS_STR_LIT("x");
    expect(aps_digestfield_check(&want, content) == APS_ERR_CHECK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aps_str content = {(const char *)data, size}, field = {NULL, 0};
    enum aps_alg_hash hash = APS_ALG_HASH_NONE;
    struct aps_digestfield want;
    struct aps_diag diag;
    apr_pool_t *pool = NULL;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    (void)aps_str_next(&content, '\n', &field); /* an empty input is an empty field */
    if (aps_digestfield_read(field, pool, &want, &diag) == APS_OK) {
        expect(want.has_sha256 || want.has_sha512);
        expect(aps_digestfield_check(&want, content) == check_pieces(&want, content));
    }
    if (aps_digestfield_wanted(field, pool, &hash, &diag) == APS_OK)
        expect(hash != APS_ALG_HASH_SHA384);
    check_printed(content, pool);
    apr_pool_destroy(pool);
    return 0;
}
