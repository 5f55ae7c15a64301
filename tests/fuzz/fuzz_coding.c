/* Decoded in one piece and byte by byte is the same, within the caps. */
#include <stdlib.h>
#include <apisec/coding.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct aps_coding_caps caps = {100000, 200};

static enum aps_coding_fault decode(enum aps_coding coding, struct aps_str text, size_t step,
                                    char **out, size_t *out_n)
{
    struct aps_coding_run *run = aps_coding_begin(coding, &caps, text.n);
    enum aps_coding_fault fault;

    if (run == NULL)
        return APS_CODING_NOMEM;
    for (size_t at = 0; at < text.n; at += step) {
        size_t n = text.n - at < step ? text.n - at : step;

        if (aps_coding_add(run, (struct aps_str){text.p + at, n}) != APS_CODING_OK)
            break;
    }
    fault = aps_coding_end(run, out, out_n);
    aps_coding_free(run);
    return fault;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum aps_coding codings[] = {APS_CODING_GZIP, APS_CODING_DEFLATE, APS_CODING_BR};
    char *whole = NULL, *bytes = NULL;
    size_t whole_n = 0, bytes_n = 0;

    if (size == 0)
        return 0;
    enum aps_coding coding = codings[data[0] % 3];
    struct aps_str text = {(const char *)data + 1, size - 1};
    enum aps_coding_fault fault = decode(coding, text, text.n + 1, &whole, &whole_n);
    enum aps_coding_fault again = decode(coding, text, 1, &bytes, &bytes_n);

    if ((fault == APS_CODING_OK) != (again == APS_CODING_OK) || whole_n > caps.bytes_max)
        abort();
    if (fault == APS_CODING_OK && (whole_n != bytes_n || memcmp(whole, bytes, whole_n) != 0))
        abort();
    free(whole);
    free(bytes);
    return 0;
}
