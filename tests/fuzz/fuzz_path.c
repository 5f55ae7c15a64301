/* What comes out of the reader of paths holds nothing that it refuses. */
#include <stdlib.h>
#include <apisec/path.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct aps_str path, size_t raw_bytes)
{
    struct aps_str again;
    char *buf = malloc(path.n);

    if (path.n == 0 || path.n > raw_bytes || path.p[0] != '/' || buf == NULL)
        abort();
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];

        if (c < 0x20 || c == 0x7f || c == '\\' || c == ';' || c == '#' || c == '?')
            abort();
        if (c == '/' && i + 1 < path.n && path.p[i + 1] == '/')
            abort();
    }
    /* A second reader agrees, unless a lone '%' came out. */
    if (memchr(path.p, '%', path.n) == NULL &&
        (!aps_path_read(path, buf, &again, NULL) || !aps_str_eq(path, again)))
        abort();
    free(buf);
}

/* Relaxed in every way that the first bytes say: what comes out is read as itself again. */
static void check_relaxed(struct aps_str raw, unsigned allow)
{
    char *buf = malloc(raw.n + 1), *text = malloc(3 * raw.n + 1), *again = malloc(3 * raw.n + 1);
    struct aps_str path, printed, twice;
    unsigned used = 0;

    if (buf == NULL || text == NULL || again == NULL)
        abort();
    if (aps_path_relaxed(raw, allow, buf, &path, &used, NULL)) {
        if (path.n == 0 || path.n > raw.n || path.p[0] != '/' || (used & ~allow) != 0)
            abort();
        printed = aps_path_print(path, text);
        if (!aps_path_relaxed(printed, allow, again, &twice, &used, NULL) ||
            !aps_str_eq(path, twice))
            abort();
        twice = aps_path_other(path, again);
        printed = aps_path_print(twice, text);
        if (!aps_path_relaxed(printed, APS_PATH_HASH | APS_PATH_QUESTION, buf, &path, &used, NULL))
            abort();
    }
    free(again);
    free(text);
    free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aps_str raw = {(const char *)data, size}, path;
    char *buf = malloc(size != 0 ? size : 1);
    const char *fault = NULL;

    if (buf == NULL)
        return 0;
    if (aps_path_read(raw, buf, &path, &fault))
        check(path, size);
    else if (fault == NULL)
        abort();
    free(buf);
    if (size >= 2) {
        unsigned allow = (unsigned)data[0] | (unsigned)(data[1] & 1) << 8;

        allow &= (allow & APS_PATH_CUT) != 0 ? ~(unsigned)APS_PATH_PARAMS : ~0u;
        allow &= (allow & APS_PATH_SPLIT) != 0 ? ~(unsigned)APS_PATH_KEEP : ~0u;
        check_relaxed((struct aps_str){raw.p + 2, size - 2}, allow);
    }
    return 0;
}
