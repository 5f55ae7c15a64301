/* sanitize_json.c - string values of a JSON text. */
#include "sanitize_impl.h"

/* An array or object on the way to a value. */
struct place {
    const struct aps_jsonread_node *next, *end;
    uint64_t rules;
    uint32_t index;
    bool object;
    struct aps_str name; /* of the member that is looked at, or its index */
    char digits[12];
};

struct walk {
    struct aps_sanitize_run run;
    const struct aps_jsonread *r;
    struct place places[APS_SANITIZE_STEPS_MAX];
    uint32_t depth;
};

static void put_unit(struct aps_buf *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    const char text[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    aps_buf_add(out, (struct aps_str){text, sizeof text});
}

/* RFC 8259 7. */
static void put_string(struct aps_buf *out, struct aps_str s)
{
    size_t from = 0;

    aps_buf_add_char(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];

        if (c >= ' ' && c != '"' && c != '\\')
            continue;
        aps_buf_add(out, (struct aps_str){s.p + from, i - from});
        if (c < ' ') {
            put_unit(out, c);
        } else {
            aps_buf_add_char(out, '\\');
            aps_buf_add_char(out, (char)c);
        }
        from = i + 1;
    }
    aps_buf_add(out, (struct aps_str){s.p + from, s.n - from});
    aps_buf_add_char(out, '"');
}

/* RFC 6901 3; one that is too long ends where it is. */
static struct aps_str pointer_of(const struct walk *w, char out[APS_SANITIZE_POINTER_MAX])
{
    size_t n = 0;

    for (uint32_t d = 0; d < w->depth; d++) {
        const struct aps_str name = w->places[d].name;

        if (n + 1 >= APS_SANITIZE_POINTER_MAX)
            break;
        out[n++] = '/';
        for (size_t i = 0; i < name.n && n + 2 < APS_SANITIZE_POINTER_MAX; i++) {
            const bool special = name.p[i] == '~' || name.p[i] == '/';

            if (special)
                out[n++] = '~';
            out[n++] = !special ? name.p[i] : name.p[i] == '~' ? '0' : '1';
        }
    }
    return (struct aps_str){out, n};
}

/* False: no room. */
static bool change(struct walk *w, const struct aps_jsonread_node *v, unsigned actions)
{
    struct aps_sanitize_run *run = &w->run;
    const struct aps_str raw = aps_jsonread_raw(w->r, v), value = aps_jsonread_str(w->r, v);
    const size_t at = (size_t)(raw.p - run->text.p);
    char pointer[APS_SANITIZE_POINTER_MAX];
    struct aps_str made;

    run->result->applied |= actions;
    if (!aps_sanitize_value(actions, value, run->work, &made))
        return false;
    if (aps_str_eq(made, value))
        return true;
    aps_sanitize_copy(run, at, at + raw.n);
    put_string(&run->out, made);
    aps_sanitize_note(run, pointer_of(w, pointer));
    return true;
}

/* A value that `rules` lead to, or further down from. */
static bool visit(struct walk *w, const struct aps_jsonread_node *v, uint64_t rules)
{
    const unsigned actions = aps_sanitize_actions(w->run.rules, rules, w->depth);
    const enum aps_jsonread_kind kind = aps_jsonread_kind(v);

    if (kind == APS_JSON_STRING)
        return actions == 0 || change(w, v, actions);
    if (kind >= APS_JSON_ARRAY && w->depth < APS_SANITIZE_STEPS_MAX)
        w->places[w->depth++] = (struct place){.next = aps_jsonread_first(v),
                                               .end = aps_jsonread_end(v),
                                               .rules = rules,
                                               .object = kind == APS_JSON_OBJECT};
    return true;
}

static struct aps_str print_index(struct place *p)
{
    char *at = p->digits + sizeof p->digits;

    for (uint32_t i = p->index++, first = 1; i != 0 || first; i /= 10, first = 0)
        *--at = (char)('0' + i % 10);
    return (struct aps_str){at, (size_t)(p->digits + sizeof p->digits - at)};
}

/* The next value in the place that is open. */
static bool step(struct walk *w)
{
    struct place *p = &w->places[w->depth - 1];
    const struct aps_jsonread_node *v = p->next + p->object;
    uint64_t rules;

    p->name = p->object ? aps_jsonread_str(w->r, p->next) : print_index(p);
    p->next = aps_jsonread_next(v);
    rules = aps_sanitize_narrow(w->run.rules, p->rules, w->depth - 1, p->name);
    return rules == 0 || visit(w, v, rules);
}

enum aps_err aps_sanitize_json(const struct aps_sanitize *rules, const struct aps_jsonread *r,
                               apr_pool_t *pool, size_t max, struct aps_sanitize_result *out)
{
    struct walk w = {.r = r};
    const struct aps_jsonread_node *root = aps_jsonread_root(r);
    struct aps_sanitize_result result;

    if (root == NULL)
        return APS_ERR_FORMAT;
    aps_sanitize_begin(&w.run, rules, r->text, pool, max, &result);
    if (!visit(&w, root, aps_sanitize_all(rules)))
        return APS_ERR_RANGE;
    while (w.depth != 0) {
        struct place *p = &w.places[w.depth - 1];

        if (p->next == p->end)
            w.depth--;
        else if (!step(&w))
            return APS_ERR_RANGE;
    }
    if (aps_sanitize_end(&w.run) != APS_OK)
        return APS_ERR_RANGE;
    *out = result;
    return APS_OK;
}
