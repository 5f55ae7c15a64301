/* imported.c - the text of a key that was made elsewhere: its form and its id. */
#include "apisec/imported.h"

enum { HALF = APS_KEYTEXT_ID_LEN / 2 };

static bool is_mark(char c)
{
    return c == '-' || c == '.' || c == '_' || c == '~' || c == '+' || c == '/';
}

bool aps_imported_is_text(struct aps_str text)
{
    size_t n = text.n;

    if (n < APS_IMPORTED_MIN || n > APS_IMPORTED_MAX)
        return false;
    while (n > 0 && text.p[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        char c = text.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              is_mark(c)))
            return false;
    }
    return n > 0;
}

/* Six digits of each of two 64-bit numbers: 2^64 is 3 * 10^8 times 62^6, so no id is likelier than
 * another by more than one part in that. */
enum aps_err aps_imported_id(struct aps_mac *lookup, const uint8_t digest[APS_DIGEST_LEN],
                             char out[APS_KEYTEXT_ID_LEN])
{
    uint8_t mac[APS_MAC_LEN];
    enum aps_err err =
        aps_mac_sum(lookup, (struct aps_str){(const char *)digest, APS_DIGEST_LEN}, mac);

    if (err != APS_OK)
        return err;
    for (int half = 0; half < 2; half++) {
        uint64_t number = 0;

        for (int i = 0; i < 8; i++)
            number = number << 8 | mac[8 * half + i];
        aps_keytext_digits(number, HALF, out + half * HALF);
    }
    return APS_OK;
}
