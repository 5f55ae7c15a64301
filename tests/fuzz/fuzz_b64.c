/* What either reader takes, its writer gives back; what the writers give, the readers take. */
#include <stdlib.h>

#include "apisec/b64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void there_and_back(struct aps_str text, bool url)
{
    uint8_t *bytes = malloc(APS_B64_DECODED_MAX(text.n));
    char *again;
    size_t n = 0, len;

    expect(bytes != NULL);
    if (url ? aps_b64_url_decode(text, bytes, &n) : aps_b64_decode(text, bytes, &n)) {
        struct aps_str decoded = {(const char *)bytes, n};

        again = malloc(APS_B64_ENCODED_MAX(n) + 1);
        expect(again != NULL && n <= APS_B64_DECODED_MAX(text.n));
        len = url ? aps_b64_url_encode(decoded, again) : aps_b64_encode(decoded, again);
        expect(aps_str_eq(text, (struct aps_str){again, len}));
        free(again);
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aps_str text = {(const char *)data, size};
    char *encoded = malloc(APS_B64_ENCODED_MAX(size) + 1);
    uint8_t *back = malloc(APS_B64_DECODED_MAX(APS_B64_ENCODED_MAX(size)));
    size_t n = 0;

    expect(encoded != NULL && back != NULL);
    there_and_back(text, true);
    there_and_back(text, false);
    for (int url = 0; url < 2; url++) {
        size_t len = url ? aps_b64_url_encode(text, encoded) : aps_b64_encode(text, encoded);
        struct aps_str made = {encoded, len};

        expect(url ? aps_b64_url_decode(made, back, &n) : aps_b64_decode(made, back, &n));
        expect(aps_str_eq(text, (struct aps_str){(const char *)back, n}));
    }
    free(encoded);
    free(back);
    return 0;
}
