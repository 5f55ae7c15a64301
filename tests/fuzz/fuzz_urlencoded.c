/* What comes out of a form is UTF-8 without NUL, of names that each stand once. */
#include <stdlib.h>
#include <apr_general.h>
#include <apisec/urlencoded.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct aps_str s)
{
    while (s.n > 0) {
        size_t n = aps_str_utf8(s);

        if (n == 0 || *s.p == '\0')
            abort();
        s = (struct aps_str){s.p + n, s.n - n};
    }
}

static void check(const struct aps_urlencoded *form)
{
    for (size_t i = 0; i < form->n; i++) {
        if (form->pairs[i].name.n == 0)
            abort();
        check_text(form->pairs[i].name);
        check_text(form->pairs[i].value);
        for (size_t k = 0; k < i && k < 64; k++)
            if (aps_str_eq(form->pairs[i].name, form->pairs[k].name))
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *pool;
    const struct aps_urlencoded_options options = {256, 256, false};
    struct aps_urlencoded form;

    if (pool == NULL &&
        (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS))
        return 0;
    if (aps_urlencoded_read((struct aps_str){(const char *)data, size}, &options, pool, &form) ==
        APS_URLENCODED_OK)
        check(&form);
    else if (form.at > size)
        abort();
    apr_pool_clear(pool);
    return 0;
}
