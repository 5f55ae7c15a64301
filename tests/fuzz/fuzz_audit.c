/* A line of any texts is at most 3,500 bytes of printable UTF-8 in one object.  The first bytes
 * choose lengths; the texts are slices of the rest. */
#include <stdlib.h>
#include <apr_general.h>
#include <apisec/audit.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Quotes pair, brackets stand outside of strings only, and nothing ends early. */
static void check(struct aps_str made)
{
    const char *line = made.p;
    size_t n = made.n, step;
    bool in = false;
    uint32_t code;

    if (n < 2 || n > APS_AUDIT_LINE_MAX || line[0] != '{' || line[n - 1] != '}')
        abort();
    for (size_t i = 0; i < n; i += step) {
        step = aps_str_utf8_code((struct aps_str){line + i, n - i}, &code);
        if (step == 0 || aps_str_is_control(code))
            abort();
        if (code == '"')
            in = !in;
        else if (in && code == '\\')
            step++;
        else if (!in && strchr("{}[],:0123456789", (int)code) == NULL)
            abort();
    }
    if (in)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct aps_str roles[20];
    struct aps_audit a = {.roles = roles};
    struct aps_str *texts[] = {&a.id,    &a.host, &a.ip,   &a.method, &a.path,
                               &a.route, &a.key,  &a.user, &a.api,    &a.limit};
    char scratch[APS_AUDIT_SCRATCH];
    const uint8_t *head = data;
    apr_pool_t *pool;

    if (size < 13 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    data += 13;
    size -= 13;
    for (size_t i = 0; i < 10; i++) {
        size_t n = (size_t)head[i] * 8 < size ? (size_t)head[i] * 8 : size;

        *texts[i] = (struct aps_str){(const char *)data + (size - n) / (i + 1), n};
    }
    a.nroles = head[10] % 21;
    for (size_t i = 0; i < a.nroles; i++)
        roles[i] = (struct aps_str){(const char *)data, head[11] < size ? head[11] : size};
    a.reason = (enum aps_reason)(head[12] % (APS_REASON_COUNT + 2));
    a.status = head[0] * 7;
    a.at = (aps_nsec)head[1] << 52;
    check(aps_audit_line(&a, pool));
    for (int i = -1; i < 30; i++)
        if (aps_audit_value(&a, i, scratch).n > size + APS_AUDIT_SCRATCH)
            abort();
    apr_pool_destroy(pool);
    return 0;
}
