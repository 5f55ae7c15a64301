/* api_find.c - from a request's path to the operation that it asks for. */
#include "api_impl.h"

/* As strcmp: percent-encoded text against plain text. */
static int compare(struct aps_str encoded, struct aps_str plain)
{
    if (memchr(encoded.p, '%', encoded.n) == NULL)
        return aps_str_compare(encoded, plain);
    for (size_t i = 0; i < plain.n; i++) {
        unsigned char c;

        if (encoded.n == 0)
            return -1;
        if ((c = aps_api_path_byte(&encoded)) != (unsigned char)plain.p[i])
            return c < (unsigned char)plain.p[i] ? -1 : 1;
    }
    return encoded.n > 0;
}

static const struct api_edge *literal_of(const struct api_place *place, struct aps_str segment)
{
    uint32_t low = 0, high = place->literals;

    while (low < high) {
        const uint32_t at = low + (high - low) / 2;
        const int order = compare(segment, place->edges[at].parts[0]);

        if (order == 0)
            return &place->edges[at];
        if (order < 0)
            high = at;
        else
            low = at + 1;
    }
    return NULL;
}

/* Take the literal off the beginning of `text`. */
static bool take(struct aps_str *text, struct aps_str literal)
{
    struct aps_str rest = *text;

    for (size_t i = 0; i < literal.n; i++)
        if (rest.n == 0 || aps_api_path_byte(&rest) != (unsigned char)literal.p[i])
            return false;
    *text = rest;
    return true;
}

/* Up to the first place behind one byte at least where the literal stands; if it is the last, it
 * has to end the text.  *text is then what follows it. */
static bool capture(struct aps_str *text, struct aps_str literal, bool last, struct aps_str *out)
{
    const char *from = text->p;

    if (last && literal.n == 0) {
        *out = *text;
        return text->n > 0;
    }
    while (text->n > 0) {
        struct aps_str after;

        (void)aps_api_path_byte(text);
        after = *text;
        if (take(&after, literal) && (!last || after.n == 0)) {
            *out = (struct aps_str){from, (size_t)(text->p - from)};
            *text = after;
            return true;
        }
    }
    return false;
}

/* Each literal at its first place is enough: captures take any text. */
static bool matches(const struct api_edge *edge, struct aps_str segment, struct aps_str *captures)
{
    if (!take(&segment, edge->parts[0]))
        return false;
    for (uint32_t i = 1; i <= edge->captures; i++)
        if (!capture(&segment, edge->parts[i], i == edge->captures, &captures[i - 1]))
            return false;
    return true;
}

/* A place on the way, and what was tried there so far. */
struct stage {
    const struct api_place *place;
    uint32_t next; /* 0: nothing; else the edge `next - 1` comes next */
    uint32_t captures;
    size_t at; /* where its segment begins; beyond the path where that has ended */
};

/* The next edge of the stage that the segment goes along, or NULL. */
static const struct api_edge *advance(struct stage *s, struct aps_str segment,
                                      struct aps_str *captures)
{
    const struct api_place *place = s->place;
    const struct api_edge *edge;

    if (s->next == 0) {
        s->next = place->literals + 1;
        if ((edge = literal_of(place, segment)) != NULL)
            return edge;
    }
    while (s->next <= place->edges_n) {
        edge = &place->edges[s->next++ - 1];
        if (edge->captures <= APS_API_CAPTURES_MAX - s->captures &&
            matches(edge, segment, captures + s->captures))
            return edge;
    }
    return NULL;
}

/* No place is entered twice: each has one way from the root. */
static const struct api_place *walk(const struct aps_api *api, struct aps_str path,
                                    struct aps_api_match *out)
{
    struct stage stages[APS_API_SEGMENTS_MAX + 1], *s = stages;
    const struct api_edge *edge;

    *s = (struct stage){.place = api->places, .at = 1};
    for (;;) {
        if (s->at > path.n && s->place->operations > 0) {
            out->captures_n = s->captures;
            return s->place;
        }
        edge = NULL;
        if (s->at <= path.n && s->place->edges_n > 0) {
            const char *from = path.p + s->at;
            const char *end = memchr(from, '/', path.n - s->at);
            const size_t n = end != NULL ? (size_t)(end - from) : path.n - s->at;

            if ((edge = advance(s, (struct aps_str){from, n}, out->captures)) != NULL) {
                s[1] = (struct stage){.place = &api->places[edge->to],
                                      .captures = s->captures + edge->captures,
                                      .at = s->at + n + 1};
                s++;
            }
        }
        if (edge == NULL && s-- == stages)
            return NULL;
    }
}

enum aps_api_found aps_api_find(const struct aps_api *api, enum aps_method method,
                                struct aps_str path, struct aps_api_match *out)
{
    const struct aps_api_operation *get = NULL, *operation;
    const struct api_place *place;

    if (path.n == 0 || path.p[0] != '/' || (place = walk(api, path, out)) == NULL)
        return APS_API_NO_PATH;
    out->allowed = 0;
    out->operation = NULL;
    for (uint32_t i = 0; i < place->operations; i++) {
        operation = &api->operations[place->first + i];
        out->allowed |= operation->method;
        if (operation->method == method)
            out->operation = operation;
        if (operation->method == APS_METHOD_GET)
            get = operation;
    }
    if (get != NULL)
        out->allowed |= APS_METHOD_HEAD;
    if (out->operation == NULL && method == APS_METHOD_HEAD)
        out->operation = get;
    return out->operation != NULL ? APS_API_FOUND : APS_API_NO_METHOD;
}
