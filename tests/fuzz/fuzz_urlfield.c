/* A form, of which the field u is a URL.  What the schema of the rule says of the form's object is
 * what the rule says of each u. */
#include <stdint.h>
#include <stdlib.h>

#include <apr_general.h>

#include "apisec/schema_judge.h"
#include "apisec/urlencoded.h"
#include "apisec/urlfield.h"
#include "apisec/urlrule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char key[APS_SIPHASH_KEY_LEN] = "fuzz";
static const struct aps_str texts[] = {APS_STR_LIT("https://*.a.example")};

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* Once for all. */
static const struct aps_schema_image *image_of(struct aps_urlrule *out_rule)
{
    static const struct aps_urlfield field = {APS_STR_LIT("/u"), texts, 1};
    static const struct aps_schema_image *image;
    static apr_pool_t *pool;

    expect(aps_urlrule_parse(texts[0], out_rule, NULL) == APS_OK);
    if (pool == NULL)
        expect(apr_initialize() == APR_SUCCESS && apr_pool_create(&pool, NULL) == APR_SUCCESS &&
               aps_urlfield_compile(&field, 1, pool, &image, NULL) == APS_OK);
    return image;
}

static void check(const struct aps_urlencoded *form, apr_pool_t *pool)
{
    struct aps_urlfield_value *values = apr_pcalloc(pool, (form->n + 1) * sizeof *values);
    struct aps_urlrule rule;
    const struct aps_schema_image *image = image_of(&rule);
    struct aps_schema_judge *judge = aps_schema_judge_new(pool, &aps_schema_judge_usual);
    struct aps_jsonread reader;
    bool good = true;

    for (size_t i = 0; i < form->n; i++) {
        const struct aps_urlencoded_pair *p = &form->pairs[i];

        values[i] =
            (struct aps_urlfield_value){p->name, {p->value.n != 0 ? p->value.p : "", p->value.n}};
        if (aps_str_eq(p->name, APS_STR_LIT("u")))
            good = good && aps_urlrule_judge(&rule, 1, p->value) == APS_URLRULE_OK;
    }
    aps_jsonread_init(&reader, pool, key);
    expect(aps_urlfield_object(values, form->n, &reader) == APS_JSONREAD_OK);
    expect(aps_jsonread_count(aps_jsonread_root(&reader)) == form->n);
    expect((aps_schema_judge(judge, image, 0, &reader, aps_jsonread_root(&reader)) ==
            APS_SCHEMA_VALID) == good);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct aps_urlencoded_options options = {1000, 1u << 16, true};
    struct aps_urlencoded form;
    struct aps_urlrule rule;
    apr_pool_t *pool = NULL;

    (void)image_of(&rule);
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    if (aps_urlencoded_read((struct aps_str){(const char *)data, size}, &options, pool, &form) ==
        APS_URLENCODED_OK)
        check(&form, pool);
    apr_pool_destroy(pool);
    return 0;
}
