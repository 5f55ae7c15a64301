/* xsd_block.c - the documents of an XML schema in one block. */
#include "xsd_block.h"

#include <apr_tables.h>
#include <string.h>

#define MAGIC "APSXSD\1\n"
enum { MAGIC_LEN = 8 };

static struct aps_str name_of(struct aps_str uri, const char *root)
{
    size_t n = strlen(root);

    if (uri.n < n || memcmp(uri.p, root, n) != 0)
        return uri;
    return (struct aps_str){uri.p + n, uri.n - n};
}

static char *put_u32(char *at, size_t value)
{
    uint32_t number = (uint32_t)value; /* texts of a bundle are bounded */

    memcpy(at, &number, sizeof number);
    return at + sizeof number;
}

static char *put_str(char *at, struct aps_str s)
{
    if (s.n != 0)
        memcpy(at, s.p, s.n);
    return at + s.n;
}

struct aps_str aps_xsd_block_write(const struct aps_schema_source *sources, uint32_t n,
                                   const char *root, apr_pool_t *pool)
{
    size_t bytes = MAGIC_LEN + 4;
    char *text, *at;

    for (uint32_t i = 0; i < n; i++)
        bytes += 8 + name_of(sources[i].uri, root).n + sources[i].text.n;
    text = apr_palloc(pool, bytes);
    at = put_str(text, (struct aps_str){MAGIC, MAGIC_LEN});
    at = put_u32(at, n);
    for (uint32_t i = 0; i < n; i++) {
        struct aps_str name = name_of(sources[i].uri, root);

        at = put_u32(at, name.n);
        at = put_u32(at, sources[i].text.n);
        at = put_str(at, name);
        at = put_str(at, sources[i].text);
    }
    return (struct aps_str){text, bytes};
}

static bool take(struct aps_str *rest, size_t n, struct aps_str *out)
{
    if (rest->n < n)
        return false;
    *out = (struct aps_str){rest->p, n};
    rest->p += n;
    rest->n -= n;
    return true;
}

static bool take_u32(struct aps_str *rest, uint32_t *out)
{
    struct aps_str bytes;

    if (!take(rest, sizeof *out, &bytes))
        return false;
    memcpy(out, bytes.p, sizeof *out);
    return true;
}

static bool take_source(struct aps_str *rest, struct aps_xsd_source *out)
{
    uint32_t name = 0, text = 0;

    return take_u32(rest, &name) && take_u32(rest, &text) && take(rest, name, &out->name) &&
           take(rest, text, &out->text);
}

enum aps_err aps_xsd_block_read(struct aps_str block, apr_pool_t *pool,
                                const struct aps_xsd_source **out, uint32_t *out_n)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(struct aps_xsd_source));
    struct aps_str magic;
    uint32_t n = 0;

    if (!take(&block, MAGIC_LEN, &magic) || memcmp(magic.p, MAGIC, MAGIC_LEN) != 0 ||
        !take_u32(&block, &n))
        return APS_ERR_CORRUPT;
    for (uint32_t i = 0; i < n; i++)
        if (!take_source(&block, apr_array_push(list)))
            return APS_ERR_CORRUPT;
    if (n == 0 || block.n != 0)
        return APS_ERR_CORRUPT;
    *out = (const struct aps_xsd_source *)list->elts;
    *out_n = n;
    return APS_OK;
}
