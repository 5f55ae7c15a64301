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
    return 0;
}
