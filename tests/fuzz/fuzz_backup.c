/* A backup's stream: whatever comes, nothing is handed out that was not authenticated.  The keys
 * are known, so that a stream of the corpus opens; what is read of a changed one is its beginning.
 */
#include <stdlib.h>
#include <string.h>

#include <apisec/stream.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the streams of the corpus hold, over and over. */
static const char plain[] = "what a stream of the corpus holds\n";

struct input {
    const uint8_t *p;
    size_t n, step;
};

/* In pieces of a size that the input gives, as a pipe would. */
static enum aps_err get(void *arg, void *p, size_t max, size_t *out_n)
{
    struct input *in = arg;
    size_t n = in->n < in->step ? in->n : in->step;

    n = n < max ? n : max;
    if (n > 0)
        memcpy(p, in->p, n);
    in->p += n;
    in->n -= n;
    *out_n = n;
    return APS_OK;
}

/* RFC 7748 6.1, Alice. */
static void get_own(struct aps_recipient_own *own)
{
    static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MC4CAQAwBQYDK2VuBCIEIHcHbQpzGKV9PBbBclGyZkXfTC+H68CZKrF3+6UduSwq\n"
                              "-----END PRIVATE KEY-----\n";

    if (aps_recipient_own_pem(APS_STR_LIT(pem), own, NULL) != APS_OK)
        abort();
}

static void read_all(struct aps_stream_reader *r)
{
    uint8_t out[1000];
    size_t n = 1, at = 0;

    while (aps_stream_read(r, out, sizeof out, &n, NULL) == APS_OK && n > 0)
        for (size_t i = 0; i < n; i++, at++)
            if (out[i] != (uint8_t)plain[at % (sizeof plain - 1)])
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size, size % 7 == 0 ? 13 : 70000};
    struct aps_recipient_own own = {.key = {NULL, 0}};
    struct aps_stream_reader *r = NULL;
    uint8_t byte;
    size_t n;

    if (aps_stream_open(get, &in, &r, NULL) != APS_OK)
        return 0;
    if (aps_stream_read(r, &byte, 1, &n, NULL) != APS_ERR_KEY)
        abort(); /* nobody has unlocked it */
    get_own(&own);
    /* A passphrase costs 128 MiB each time, and nothing is read behind it that is not here. */
    if (!aps_stream_wants_passphrase(r) && aps_stream_unlock_by(r, &own, NULL) == APS_OK)
        read_all(r);
    aps_recipient_own_wipe(&own);
    aps_stream_close(r);
    return 0;
}
