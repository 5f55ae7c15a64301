/* A URI in its one form is its own form, has no byte more than it had, and begins as one does. */
#include <stdlib.h>

#include "apisec/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aps_str uri = {(const char *)data, size}, out, again;
    char *buf = malloc(size + 1), *second = malloc(size + 2);

    if (buf == NULL || second == NULL)
        abort();
    if (aps_target_normalize(uri, buf, &out)) {
        if (out.n > size + 1 || (!aps_str_starts(out, APS_STR_LIT("http://")) &&
                                 !aps_str_starts(out, APS_STR_LIT("https://"))))
            abort();
        for (size_t i = 0; i < out.n; i++)
            if (out.p[i] <= ' ' || out.p[i] > '~' || out.p[i] == '?' || out.p[i] == '#')
                abort();
        if (!aps_target_normalize(out, second, &again) || !aps_str_eq(out, again))
            abort();
    }
    free(buf);
    free(second);
    return 0;
}
