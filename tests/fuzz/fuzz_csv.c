/* Comma-separated values: what is read prints as what is read the same, and a text that comes in
 * two pieces is read as when it comes as a whole. */
#include <stdint.h>
#include <stdlib.h>

#include "apisec/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* Every field quoted; returns the bytes. */
static size_t print(const struct aps_csv_record *r, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < r->nfields; i++) {
        out[n++] = '"';
        for (size_t k = 0; k < r->fields[i].n; k++) {
            if (r->fields[i].p[k] == '"')
                out[n++] = '"';
            out[n++] = r->fields[i].p[k];
        }
        out[n++] = '"';
        out[n++] = i + 1 < r->nfields ? ',' : '\n';
    }
    return n;
}

static void check_print(const struct aps_csv_record *r)
{
    struct aps_csv_record again = {0};
    size_t sum = 3 * r->nfields;
    char *text;

    for (size_t i = 0; i < r->nfields; i++)
        sum += 2 * r->fields[i].n;
    text = malloc(sum);
    expect(text != NULL);
    sum = print(r, text);
    expect(aps_csv_next(text, sum, true, &again, NULL) == APS_CSV_RECORD);
    expect(again.used == sum && again.nfields == r->nfields);
    for (size_t i = 0; i < r->nfields; i++)
        expect(aps_str_eq(again.fields[i], r->fields[i]));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *whole = malloc(size + 1), *piece = malloc(size + 1);
    size_t at = 0;

    expect(whole != NULL && piece != NULL);
    memcpy(whole, data, size);
    memcpy(piece, data, size);
    while (at < size) {
        struct aps_csv_record r = {0}, early = {0};
        struct aps_diag diag = {""};
        size_t half = (size - at) / 2;
        enum aps_csv_result soon = aps_csv_next(piece + at, half, false, &early, NULL);
        enum aps_csv_result got = aps_csv_next(whole + at, size - at, true, &r, &diag);

        expect(got == APS_CSV_RECORD || got == APS_CSV_BAD);
        expect((got == APS_CSV_BAD) == (diag.text[0] != '\0'));
        if (soon == APS_CSV_MORE)
            expect(memcmp(piece + at, data + at, half) == 0);
        else if (soon != APS_CSV_END)
            expect(soon == got && early.used == r.used && early.nfields == r.nfields);
        if (got == APS_CSV_BAD)
            break;
        expect(r.used > 0 && r.nfields > 0 && r.nfields <= APS_CSV_FIELDS_MAX);
        check_print(&r);
        at += r.used;
    }
    free(whole);
    free(piece);
    return 0;
}
