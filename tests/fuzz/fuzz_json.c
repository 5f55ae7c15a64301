/* The writer against a plain reader of its own output: any text comes back as it was, bytes that
 * are not UTF-8 as \xHH, and no control character is left.  The first byte chooses the room. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "apisec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* What a reader of the string has to see. */
static size_t want_of(struct aps_str s, char *out)
{
    size_t len = 0, n;

    for (; s.n > 0; s.p += n, s.n -= n) {
        n = aps_str_utf8(s);
        if (n == 0) {
            n = 1;
            len += (size_t)snprintf(out + len, 5, "\\x%02x", (unsigned char)s.p[0]);
        } else {
            memcpy(out + len, s.p, n);
            len += n;
        }
    }
    return len;
}

static size_t put_utf8(unsigned code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3f));
    out[2] = (char)(0x80 | (code & 0x3f));
    return 3;
}

/* Decode what stands between the quotes. */
static size_t decode(struct aps_str s, char *out)
{
    size_t len = 0, n;
    uint32_t code;

    for (; s.n > 0; s.p += n, s.n -= n) {
        n = aps_str_utf8_code(s, &code);
        expect(n > 0 && !aps_str_is_control(code) && code != '"');
        if (code != '\\') {
            memcpy(out + len, s.p, n);
            len += n;
        } else if (s.n >= 2 && (s.p[1] == '"' || s.p[1] == '\\')) {
            out[len++] = s.p[1];
            n = 2;
        } else {
            unsigned value;
            char hex[5] = "";

            expect(s.n >= 6 && s.p[1] == 'u');
            memcpy(hex, s.p + 2, 4);
            expect(sscanf(hex, "%4x", &value) == 1 && aps_str_is_control(value));
            len += put_utf8(value, out + len);
            n = 6;
        }
    }
    return len;
}

static void check_string(struct aps_str value)
{
    char *buf = malloc(6 * value.n + 4), *seen = malloc(6 * value.n + 4);
    char *want = malloc(4 * value.n + 1);
    struct aps_json w;
    struct aps_str text;
    size_t n;

    expect(buf != NULL && seen != NULL && want != NULL);
    aps_json_init(&w, buf, 6 * value.n + 4);
    aps_json_array(&w);
    aps_json_str(&w, value);
    aps_json_end(&w);
    text = aps_json_text(&w);
    expect(!w.full && text.n >= 4);
    expect(memcmp(text.p, "[\"", 2) == 0 && memcmp(text.p + text.n - 2, "\"]", 2) == 0);
    n = decode((struct aps_str){text.p + 2, text.n - 4}, seen);
    expect(n == want_of(value, want) && memcmp(seen, want, n) == 0);
    free(buf);
    free(seen);
    free(want);
}

/* Whatever does not fit: not a byte past the room, which has a block of its own. */
static void check_room(struct aps_str value, size_t cap)
{
    char *buf = malloc(cap);
    struct aps_json w;

    expect(buf != NULL);
    aps_json_init(&w, buf, cap);
    aps_json_object(&w);
    aps_json_name(&w, "a");
    aps_json_str_max(&w, value, cap);
    aps_json_put_u64(&w, "b", value.n);
    aps_json_name(&w, "c");
    aps_json_array(&w);
    aps_json_str(&w, value);
    aps_json_end(&w);
    aps_json_end(&w);
    expect(aps_json_text(&w).n <= cap);
    expect(w.full || (buf[0] == '{' && buf[aps_json_text(&w).n - 1] == '}'));
    free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aps_str value;

    if (size == 0)
        return 0;
    value = (struct aps_str){(const char *)data + 1, size - 1};
    check_string(value);
    check_room(value, 2 + (size_t)data[0]);
    return 0;
}
