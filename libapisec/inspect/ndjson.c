/* ndjson.c - JSON values, one a line, in pieces. */
#include "apisec/ndjson.h"

static const struct {
    const char *name, *text;
} faults[APS_NDJSON_COUNT] = {
#define F(name, token, text) [APS_NDJSON_##name] = {token, text},
#include "apisec/ndjson.def"
#undef F
};

static const struct aps_jsonread_options no_line = {.bytes_max = 0};

void aps_ndjson_init(struct aps_ndjson *s, apr_pool_t *pool,
                     const unsigned char key[APS_SIPHASH_KEY_LEN],
                     const struct aps_ndjson_options *options, aps_ndjson_fn *each, void *ctx)
{
    *s = (struct aps_ndjson){.options = options, .each = each, .ctx = ctx};
    aps_jsonread_init(&s->reader, pool, key);
}

static const struct aps_jsonread_options *line_options(const struct aps_ndjson *s)
{
    return s->options->line != NULL ? s->options->line : &no_line;
}

static bool is_empty(struct aps_str line)
{
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r')
            return false;
    return true;
}

static enum aps_ndjson_fault judge(struct aps_ndjson *s, struct aps_str line)
{
    enum aps_jsonread_fault fault;

    if (s->line == s->options->lines_max)
        return APS_NDJSON_LINES;
    s->line++;
    if (line.n <= line_options(s)->bytes_max && is_empty(line))
        return s->options->empty_lines ? APS_NDJSON_OK : APS_NDJSON_EMPTY;
    fault = aps_jsonread(&s->reader, line, line_options(s));
    if (fault != APS_JSONREAD_OK)
        aps_jsonread_fault_explain(&s->reader, &s->why); /* while the line is there */
    if (fault != APS_JSONREAD_OK)
        return fault == APS_JSONREAD_NOMEM ? APS_NDJSON_NOMEM : APS_NDJSON_LINE;
    s->values++;
    if (s->each != NULL && !s->each(s->ctx, &s->reader, s->line))
        return APS_NDJSON_STOPPED;
    return APS_NDJSON_OK;
}

/* Keep the start of a line: of one that is too long, a byte more than accepted, which its reader
 * then refuses.  Never more than twice as much as there is to keep, and a byte. */
static enum aps_ndjson_fault hold(struct aps_ndjson *s, struct aps_str part)
{
    const size_t max = (size_t)line_options(s)->bytes_max + 1;
    size_t cap;
    char *p;

    if (part.n > max - s->held_n)
        part.n = max - s->held_n;
    if (part.n == 0)
        return APS_NDJSON_OK;
    if (part.n > s->held_cap - s->held_n) {
        cap = ((size_t)s->held_n + part.n) * 2;
        cap = cap < max ? cap : max;
        p = cap <= UINT32_MAX ? apr_palloc(s->reader.pool, cap) : NULL;
        if (p == NULL)
            return APS_NDJSON_NOMEM;
        if (s->held_n != 0)
            memcpy(p, s->held, s->held_n);
        s->held = p;
        s->held_cap = (uint32_t)cap;
    }
    memcpy(s->held + s->held_n, part.p, part.n);
    s->held_n += (uint32_t)part.n;
    return APS_NDJSON_OK;
}

static enum aps_ndjson_fault end_line(struct aps_ndjson *s, struct aps_str part)
{
    enum aps_ndjson_fault fault;

    if (s->held_n == 0)
        return judge(s, part);
    if ((fault = hold(s, part)) != APS_NDJSON_OK)
        return fault;
    part = (struct aps_str){s->held, s->held_n};
    s->held_n = 0;
    return judge(s, part);
}

/* A line that is too long is refused before its end has come. */
static enum aps_ndjson_fault begin_line(struct aps_ndjson *s, struct aps_str part)
{
    enum aps_ndjson_fault fault = hold(s, part);

    if (fault != APS_NDJSON_OK || s->held_n <= line_options(s)->bytes_max)
        return fault;
    return end_line(s, (struct aps_str){NULL, 0});
}

enum aps_ndjson_fault aps_ndjson_feed(struct aps_ndjson *s, struct aps_str piece)
{
    while (s->fault == APS_NDJSON_OK && piece.n != 0) {
        const char *lf = memchr(piece.p, '\n', piece.n);
        const size_t n = lf != NULL ? (size_t)(lf - piece.p) : piece.n;

        if (lf == NULL) {
            s->fault = begin_line(s, piece);
            break;
        }
        s->fault = end_line(s, (struct aps_str){piece.p, n});
        piece = (struct aps_str){lf + 1, piece.n - n - 1};
    }
    return s->fault;
}

enum aps_ndjson_fault aps_ndjson_end(struct aps_ndjson *s)
{
    if (s->fault == APS_NDJSON_OK && s->held_n != 0)
        s->fault = end_line(s, (struct aps_str){NULL, 0});
    return s->fault;
}

const char *aps_ndjson_fault_name(enum aps_ndjson_fault fault)
{
    return (unsigned)fault < APS_NDJSON_COUNT ? faults[fault].name : "unknown";
}

void aps_ndjson_fault_explain(const struct aps_ndjson *s, struct aps_diag *diag)
{
    if (s->fault == APS_NDJSON_LINES)
        aps_err_explain(diag, "%s: %u", faults[s->fault].text, s->options->lines_max);
    else
        aps_err_explain(diag, "line %u: %s", s->line,
                        s->fault == APS_NDJSON_LINE ? s->why.text : faults[s->fault].text);
}
