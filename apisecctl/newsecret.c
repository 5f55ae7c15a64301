/* newsecret.c - the secret that a command stores: handed in, or made by --generate. */
#include "newsecret.h"

#include "apisec/b64.h"
#include "apisec/random.h"
#include "input.h"

enum { BYTES = 32, SECRET_MAX = 1024 };

static void print_hex(const unsigned char bytes[BYTES], struct aps_secret *text)
{
    for (size_t i = 0; i < BYTES; i++) {
        text->b[2 * i] = (unsigned char)"0123456789abcdef"[bytes[i] >> 4];
        text->b[2 * i + 1] = (unsigned char)"0123456789abcdef"[bytes[i] & 15];
    }
    text->n = (size_t)2 * BYTES;
}

static void print_standard(const unsigned char bytes[BYTES], struct aps_secret *text)
{
    static const struct aps_str head = {"whsec_", 6};

    memcpy(text->b, head.p, head.n);
    text->n = head.n + aps_b64_encode((struct aps_str){(const char *)bytes, BYTES},
                                      (char *)text->b + head.n);
}

static enum aps_err generate(enum ctl_newsecret form, struct aps_secret *out)
{
    unsigned char bytes[BYTES];
    struct aps_secret text = {0};
    enum aps_err err = aps_random_fill(bytes, sizeof bytes);

    if (err == APS_OK)
        err = aps_secret_new((size_t)2 * BYTES, &text);
    if (err == APS_OK) {
        (form == CTL_NEWSECRET_STANDARD ? print_standard : print_hex)(bytes, &text);
        *out = text;
    }
    aps_secret_cleanse(bytes, sizeof bytes);
    return err;
}

enum aps_err ctl_newsecret(struct ctl *c, enum ctl_newsecret form, struct aps_secret *hold,
                           struct aps_str *out)
{
    enum aps_err err;

    if (ctl_command_value(&c->call, CTL_OPT_GENERATE) == NULL)
        return form == CTL_NEWSECRET_VALUE
                   ? ctl_input_value("secret", APS_STORE_VALUE_MAX, hold, out, &c->diag)
                   : ctl_input_secret("secret", SECRET_MAX, hold, out, &c->diag);
    if ((err = generate(form, &c->fresh)) == APS_OK)
        *out = aps_secret_str(&c->fresh);
    return err;
}
