/* What is taken for a key's text is one, to the byte. */
#include <stdlib.h>
#include <apisec/keytext.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct aps_str prefix = APS_STR_LIT("shop");
    struct aps_str text = {(const char *)data, size};
    struct aps_keytext t;

    if (!aps_keytext_parse(text, prefix, &t))
        return 0;
    if (!aps_keytext_is_id(t.id) || !aps_str_eq(t.prefix, prefix) ||
        t.check.p + t.check.n != text.p + text.n)
        abort();
    return 0;
}
