/* coding.c - gzip, deflate and br, decoded under caps. */
#include "apisec/coding.h"

#include <brotli/decode.h>
#include <stdlib.h>
#include <zlib.h>

#define ROOM_FIRST 4096
#define GUESS 4 /* times the coded length: what JSON usually comes to */

static const struct {
    const char *token, *text;
} faults[] = {
#define F(name, token, text) {token, text},
#include "apisec/coding.def"
#undef F
};

static const char *const names[APS_CODING_COUNT] = {
    [APS_CODING_NONE] = "",
    [APS_CODING_GZIP] = "gzip",
    [APS_CODING_DEFLATE] = "deflate",
    [APS_CODING_BR] = "br",
};

struct aps_coding_run {
    enum aps_coding coding;
    enum aps_coding_fault fault; /* OK: none so far */
    enum aps_coding_fault over;  /* what it is to need more than the limit */
    bool ended;                  /* the coding's own end was seen */
    bool has_z;
    z_stream z;
    BrotliDecoderState *br;
    unsigned char head[2]; /* of deflate, until both are there */
    size_t head_n;
    unsigned char *out;
    size_t n, room, limit;
};

/* ---- Names ---- */

enum aps_coding_fault aps_coding_parse(struct aps_str field, enum aps_coding *out)
{
    static const struct {
        const char *name;
        enum aps_coding coding;
    } known[] = {{"", APS_CODING_NONE},           {"identity", APS_CODING_NONE},
                 {"gzip", APS_CODING_GZIP},       {"x-gzip", APS_CODING_GZIP},
                 {"deflate", APS_CODING_DEFLATE}, {"br", APS_CODING_BR}};
    if (field.n != 0 && memchr(field.p, ',', field.n) != NULL)
        return APS_CODING_SEVERAL;
    struct aps_str name = aps_str_trim(field);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (aps_str_eq_nocase(name, aps_str(known[i].name))) {
            *out = known[i].coding;
            return APS_CODING_OK;
        }
    return APS_CODING_UNKNOWN;
}

const char *aps_coding_name(enum aps_coding coding)
{
    return (size_t)coding < APS_CODING_COUNT ? names[coding] : "";
}

const char *aps_coding_fault_name(enum aps_coding_fault fault)
{
    return (size_t)fault < sizeof faults / sizeof faults[0] ? faults[fault].token : "unknown";
}

const char *aps_coding_fault_text(enum aps_coding_fault fault)
{
    return (size_t)fault < sizeof faults / sizeof faults[0] ? faults[fault].text : "unknown";
}

/* ---- Room ---- */

/* Room for one byte at least, which may be the one too many. */
static bool make_room(struct aps_coding_run *run)
{
    if (run->n < run->room)
        return true;
    size_t room = run->room > run->limit / 2 ? run->limit + 1 : run->room * 2;
    unsigned char *out = realloc(run->out, room);
    if (out == NULL)
        return false;
    run->out = out;
    run->room = room;
    return true;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The lower one of the caps. */
static void set_limit(struct aps_coding_run *run, const struct aps_coding_caps *caps,
                      size_t coded_n)
{
    size_t by_ratio =
        coded_n > SIZE_MAX / 2 / caps->ratio_max ? SIZE_MAX / 2 : coded_n * caps->ratio_max;
    if (by_ratio < APS_CODING_RATIO_FLOOR)
        by_ratio = APS_CODING_RATIO_FLOOR;
    run->limit = smaller(caps->bytes_max, by_ratio);
    run->over = caps->bytes_max <= by_ratio ? APS_CODING_BYTES : APS_CODING_RATIO;
    run->room = coded_n > run->limit / GUESS ? run->limit + 1 : coded_n * GUESS;
    if (run->room < ROOM_FIRST)
        run->room = smaller(ROOM_FIRST, run->limit + 1);
}

/* ---- zlib ---- */

static bool begin_zlib(struct aps_coding_run *run, int window)
{
    run->has_z = inflateInit2(&run->z, window) == Z_OK;
    return run->has_z;
}

static enum aps_coding_fault run_zlib(struct aps_coding_run *run, const unsigned char *p, size_t n)
{
    run->z.next_in = (unsigned char *)p; /* zlib writes nothing there */
    run->z.avail_in = (uInt)n;
    while (!run->ended) {
        if (!make_room(run))
            return APS_CODING_NOMEM;
        size_t room = smaller(run->room - run->n, UINT32_MAX);
        run->z.next_out = run->out + run->n;
        run->z.avail_out = (uInt)room;
        int status = inflate(&run->z, Z_NO_FLUSH);
        run->n += room - run->z.avail_out;
        if (run->n > run->limit)
            return run->over;
        if (status == Z_STREAM_END)
            run->ended = true;
        else if (status == Z_MEM_ERROR)
            return APS_CODING_NOMEM;
        else if (status != Z_OK && status != Z_BUF_ERROR)
            return APS_CODING_MALFORMED;
        else if (run->z.avail_out != 0) /* all that these bytes give */
            return APS_CODING_OK;
    }
    return run->z.avail_in == 0 ? APS_CODING_OK : APS_CODING_TRAILING;
}

/* RFC 1950 2.2: deflate in a window of at most 32 KiB, and a multiple of 31. */
static bool is_zlib_header(const unsigned char *p)
{
    return (p[0] & 0x0f) == 8 && p[0] >> 4 <= 7 && (p[0] * 256 + p[1]) % 31 == 0;
}

static enum aps_coding_fault run_deflate(struct aps_coding_run *run, const unsigned char *p,
                                         size_t n)
{
    while (run->head_n < sizeof run->head && n > 0) {
        run->head[run->head_n++] = *p++;
        n--;
    }
    if (run->head_n < sizeof run->head)
        return APS_CODING_OK;
    if (!run->has_z) {
        if (!begin_zlib(run, is_zlib_header(run->head) ? MAX_WBITS : -MAX_WBITS))
            return APS_CODING_NOMEM;
        enum aps_coding_fault fault = run_zlib(run, run->head, sizeof run->head);
        if (fault != APS_CODING_OK)
            return fault;
    }
    return n == 0 ? APS_CODING_OK : run_zlib(run, p, n);
}

/* ---- brotli ---- */

static enum aps_coding_fault run_br(struct aps_coding_run *run, const unsigned char *p, size_t n)
{
    while (!run->ended) {
        if (!make_room(run))
            return APS_CODING_NOMEM;
        size_t room = run->room - run->n;
        unsigned char *to = run->out + run->n;
        BrotliDecoderResult result =
            BrotliDecoderDecompressStream(run->br, &n, &p, &room, &to, NULL);
        run->n = run->room - room;
        if (run->n > run->limit)
            return run->over;
        if (result == BROTLI_DECODER_RESULT_ERROR)
            return APS_CODING_MALFORMED;
        if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT)
            return APS_CODING_OK;
        run->ended = result == BROTLI_DECODER_RESULT_SUCCESS;
    }
    return n == 0 ? APS_CODING_OK : APS_CODING_TRAILING;
}

/* ---- Runs ---- */

static bool begin_decoder(struct aps_coding_run *run)
{
    switch (run->coding) {
    case APS_CODING_GZIP:
        return begin_zlib(run, MAX_WBITS + 16);
    case APS_CODING_DEFLATE: /* when its first bytes are there */
        return true;
    case APS_CODING_BR:
        return (run->br = BrotliDecoderCreateInstance(NULL, NULL, NULL)) != NULL;
    case APS_CODING_NONE:
    case APS_CODING_COUNT:
        break;
    }
    return false;
}

struct aps_coding_run *aps_coding_begin(enum aps_coding coding, const struct aps_coding_caps *caps,
                                        size_t coded_n)
{
    struct aps_coding_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return NULL;
    run->coding = coding;
    set_limit(run, caps, coded_n);
    run->out = malloc(run->room);
    if (run->out != NULL && begin_decoder(run))
        return run;
    aps_coding_free(run);
    return NULL;
}

/* zlib counts in 32 bits. */
#define STEP ((size_t)1 << 30)

enum aps_coding_fault aps_coding_add(struct aps_coding_run *run, struct aps_str coded)
{
    const unsigned char *p = (const unsigned char *)coded.p;
    while (run->fault == APS_CODING_OK && coded.n > 0) {
        size_t n = smaller(coded.n, STEP);
        if (run->ended)
            run->fault = APS_CODING_TRAILING;
        else if (run->coding == APS_CODING_GZIP)
            run->fault = run_zlib(run, p, n);
        else if (run->coding == APS_CODING_DEFLATE)
            run->fault = run_deflate(run, p, n);
        else
            run->fault = run_br(run, p, n);
        p += n;
        coded.n -= n;
    }
    return run->fault;
}

enum aps_coding_fault aps_coding_end(struct aps_coding_run *run, char **out, size_t *out_n)
{
    if (run->fault != APS_CODING_OK)
        return run->fault;
    if (!run->ended)
        return run->fault = APS_CODING_TRUNCATED;
    unsigned char *fitting = realloc(run->out, run->n != 0 ? run->n : 1);
    *out = (char *)(fitting != NULL ? fitting : run->out);
    *out_n = run->n;
    run->out = NULL;
    run->room = run->n = 0;
    run->fault = APS_CODING_TRAILING; /* it is given away */
    return APS_CODING_OK;
}

void aps_coding_free(struct aps_coding_run *run)
{
    if (run == NULL)
        return;
    if (run->has_z)
        (void)inflateEnd(&run->z); /* it says only whether there was something to end */
    if (run->br != NULL)
        BrotliDecoderDestroyInstance(run->br);
    free(run->out);
    free(run);
}
