/* Every reader of numbers on the same text: what is read prints as what was written. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "apisec/num.h"

/* 2026-11-23T02:13:20Z */
#define NOW ((aps_nsec)1795400000 * APS_SEC)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* A refusal has a sentence, and success has none. */
static bool succeeds(enum aps_err err, struct aps_diag *diag)
{
    expect(err == APS_OK || err == APS_ERR_FORMAT || err == APS_ERR_RANGE);
    expect((err == APS_OK) == (diag->text[0] == '\0'));
    diag->text[0] = '\0';
    return err == APS_OK;
}

static void check_number(struct aps_str text, struct aps_diag *diag)
{
    char digits[20];
    uint64_t value;

    if (succeeds(aps_num_parse(text, 0, UINT64_MAX, &value, diag), diag)) {
        struct aps_str put = {digits, (size_t)(aps_num_put(digits, value) - digits)};

        expect(aps_str_eq(text, put));
        expect(aps_num_parse(text, value, value, &value, NULL) == APS_OK);
        expect(value == 0 || aps_num_parse(text, 0, value - 1, &value, NULL) == APS_ERR_RANGE);
    }
}

static void check_rate(struct aps_str text, struct aps_diag *diag)
{
    char printed[APS_NUM_RATE_MAX];
    struct aps_rate rate;

    if (succeeds(aps_num_parse_rate(text, &rate, diag), diag)) {
        expect(rate.count >= 1 && rate.count <= 1000000000);
        expect(aps_str_eq(text, aps_str(aps_num_print_rate(rate, printed))));
    }
}

/* What the printer says is read as the same second; "Z" and "+00:00" are the same time. */
static void check_time(struct aps_str text, struct aps_diag *diag)
{
    char printed[APS_NUM_TIME_MAX], offset[2 * APS_NUM_TIME_MAX];
    aps_nsec time, again;

    if (!succeeds(aps_num_parse_time(text, NOW, &time, diag), diag))
        return;
    expect(time >= 0);
    aps_num_print_time(time, false, printed);
    if (strcmp(printed, "2262") > 0) /* later than what may be written, by offset or duration */
        return;
    expect(aps_num_parse_time(aps_str(printed), NOW, &again, NULL) == APS_OK);
    expect(again == time - time % APS_SEC);
    (void)snprintf(offset, sizeof offset, "%.19s+00:00", printed);
    expect(aps_num_parse_time(aps_str(offset), NOW, &again, NULL) == APS_OK);
    expect(again == time - time % APS_SEC);
    if (text.n == 20 && text.p[19] == 'Z')
        expect(aps_str_eq(text, aps_str(printed)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aps_str text = {(const char *)data, size};
    struct aps_diag diag = {""};
    char printed[APS_NUM_TIME_MAX];
    aps_nsec nsec;

    check_number(text, &diag);
    check_rate(text, &diag);
    check_time(text, &diag);
    if (succeeds(aps_num_parse_duration(text, &nsec, &diag), &diag))
        expect(nsec > 0);
    if (size >= sizeof nsec) { /* any time prints */
        memcpy(&nsec, data, sizeof nsec);
        expect(strlen(aps_num_print_time(nsec, true, printed)) == 24);
    }
    return 0;
}
