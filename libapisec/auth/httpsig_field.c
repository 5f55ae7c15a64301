/* httpsig_field.c - values of fields as signatures cover them (RFC 9421 2.1). */
#include "httpsig_impl.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void cut_blanks(struct aps_buf *to, size_t start)
{
    while (to->n > start && is_blank(to->p[to->n - 1]))
        aps_buf_cut(to, to->n - 1);
}

/* Behind a line's end that blanks follow, the place of the first byte that is none; 0: the line is
 * not folded. */
static size_t skip_fold(struct aps_str value, size_t i)
{
    i += value.p[i] == '\r';
    if (i == value.n || value.p[i] != '\n' || ++i == value.n || !is_blank(value.p[i]))
        return 0;
    while (i < value.n && is_blank(value.p[i]))
        i++;
    return i;
}

/* Bytes from `i` on that stand as they are.  Beyond ASCII only what is going to be encoded. */
static size_t plain_len(struct aps_str value, size_t i, bool encoded)
{
    const size_t start = i;

    for (; i < value.n; i++) {
        const unsigned char c = (unsigned char)value.p[i];

        if ((c < ' ' && c != '\t') || c == 0x7f || (c > 0x7f && !encoded))
            break;
    }
    return i - start;
}

/* One line: trimmed, obs-fold as one space (RFC 9112 5.2), no control bytes (SIG-12). */
static bool add_line(struct aps_buf *to, struct aps_str value, bool encoded)
{
    const size_t start = to->n;
    size_t i = 0, n;

    while (i < value.n && is_blank(value.p[i]))
        i++;
    for (;;) {
        if ((n = plain_len(value, i, encoded)) != 0)
            aps_buf_add(to, (struct aps_str){value.p + i, n});
        cut_blanks(to, start);
        if ((i += n) == value.n)
            return true;
        if ((value.p[i] != '\r' && value.p[i] != '\n') || (i = skip_fold(value, i)) == 0)
            return false;
        if (to->n > start)
            aps_buf_add_char(to, ' ');
    }
}

/* The next line of this name from *at on, which moves behind it. */
static bool next_line(const struct aps_httpsig_lines *lines, struct aps_str name, size_t *at,
                      struct aps_str *out)
{
    while (*at < lines->n) {
        const struct aps_httpsig_line *line = &lines->of[(*at)++];

        if (aps_str_eq_nocase(line->name, name)) {
            *out = line->value;
            return true;
        }
    }
    return false;
}

static enum aps_httpsig_fault bad_value(struct aps_str name, const char *want,
                                        struct aps_diag *diag)
{
    return aps_httpsig_explain(APS_HTTPSIG_VALUE, name, want, diag);
}

enum aps_httpsig_fault aps_httpsig_field_join(const struct aps_httpsig_lines *lines,
                                              struct aps_str name, struct aps_buf *to,
                                              struct aps_diag *diag)
{
    struct aps_str value;
    size_t at = 0, n = 0;

    for (; next_line(lines, name, &at, &value); n++) {
        if (n != 0)
            aps_buf_add(to, APS_STR_LIT(", "));
        if (!add_line(to, value, false))
            return bad_value(name, "printable ASCII in its field", diag);
    }
    if (n == 0)
        return aps_httpsig_explain(APS_HTTPSIG_MISSING, name, "such a field in the message", diag);
    return APS_HTTPSIG_OK;
}

/* RFC 9421 2.1.3 */
static enum aps_httpsig_fault add_encoded(const struct aps_httpsig_lines *lines,
                                          struct aps_str name, struct httpsig_work *work,
                                          struct aps_buf *to, struct aps_diag *diag)
{
    struct aps_str value;
    struct aps_buf line;
    size_t at = 0, n = 0;

    aps_buf_init(&line, work->pool, APS_HTTPSIG_BASE_MAX);
    for (; next_line(lines, name, &at, &value); n++) {
        struct aps_sf bytes = {.kind = APS_SF_BYTES};

        if (n != 0)
            aps_buf_add(to, APS_STR_LIT(", "));
        aps_buf_cut(&line, 0);
        if (!add_line(&line, value, true))
            return bad_value(name, "no control bytes in its field", diag);
        bytes.text = aps_buf_text(&line);
        if (line.full || aps_sf_print_value(&bytes, to, NULL) != APS_OK)
            return APS_HTTPSIG_SIZE; /* nothing else can be wrong with bytes */
    }
    if (n == 0)
        return aps_httpsig_explain(APS_HTTPSIG_MISSING, name, "such a field in the message", diag);
    return APS_HTTPSIG_OK;
}

/* RFC 9421 2.1.1, for a type that nobody names: it is the right text if all types that the value
 * can be of agree on it. */
static enum aps_httpsig_fault add_strict(struct aps_str value, struct aps_str name,
                                         struct httpsig_work *work, struct aps_buf *to,
                                         struct aps_diag *diag)
{
    static const enum aps_sf_type types[] = {APS_SF_ITEM, APS_SF_LIST, APS_SF_DICTIONARY};
    struct aps_buf first, other;
    bool found = false;

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct aps_buf *b = found ? &other : &first;
        struct aps_sf *v;
        enum aps_err err;

        if (!httpsig_may_read(work, value.n))
            return APS_HTTPSIG_SIZE;
        err = aps_sf_read(value, types[i], &aps_sf_wide, work->pool, &v, NULL);
        if (err == APS_ERR_NOMEM)
            return APS_HTTPSIG_NOMEM;
        if (err != APS_OK)
            continue;
        aps_buf_init(b, work->pool, APS_HTTPSIG_BASE_MAX);
        if (aps_sf_print(v, types[i], b, NULL) != APS_OK)
            return APS_HTTPSIG_SIZE; /* what was read can be printed */
        if (found && !aps_str_eq(aps_buf_text(&first), aps_buf_text(&other)))
            return bad_value(name, "a value that is one type of structured field only", diag);
        found = true;
    }
    if (!found)
        return bad_value(name, "a structured field", diag);
    aps_buf_add(to, aps_buf_text(&first));
    return APS_HTTPSIG_OK;
}

/* RFC 9421 2.1.2 */
static enum aps_httpsig_fault add_member(struct aps_str value, const struct httpsig_component *c,
                                         struct httpsig_work *work, struct aps_buf *to,
                                         struct aps_diag *diag)
{
    const struct aps_sf *member;
    struct aps_sf *v;
    enum aps_err err;

    if (!httpsig_may_read(work, value.n))
        return APS_HTTPSIG_SIZE;
    err = aps_sf_read(value, APS_SF_DICTIONARY, &aps_sf_wide, work->pool, &v, diag);
    if (err != APS_OK)
        return err == APS_ERR_NOMEM ? APS_HTTPSIG_NOMEM : APS_HTTPSIG_VALUE;
    if ((member = aps_sf_get(v, c->key->text)) == NULL)
        return aps_httpsig_explain(APS_HTTPSIG_MISSING, c->name, "a member of that key", diag);
    return aps_sf_print_value(member, to, NULL) == APS_OK ? APS_HTTPSIG_OK : APS_HTTPSIG_SIZE;
}

enum aps_httpsig_fault aps_httpsig_field_value(const struct aps_httpsig_message *m,
                                               const struct httpsig_component *c,
                                               struct httpsig_work *work, struct aps_buf *to,
                                               struct aps_diag *diag)
{
    const struct aps_httpsig_lines *lines = c->tr ? &m->trailers : &m->fields;
    enum aps_httpsig_fault fault;
    struct aps_buf joined;

    if (c->bs)
        return add_encoded(lines, c->name, work, to, diag);
    if (!c->sf && c->key == NULL)
        return aps_httpsig_field_join(lines, c->name, to, diag);
    aps_buf_init(&joined, work->pool, APS_HTTPSIG_BASE_MAX);
    if ((fault = aps_httpsig_field_join(lines, c->name, &joined, diag)) != APS_HTTPSIG_OK)
        return fault;
    if (joined.full)
        return APS_HTTPSIG_SIZE;
    return c->key != NULL ? add_member(aps_buf_text(&joined), c, work, to, diag)
                          : add_strict(aps_buf_text(&joined), c->name, work, to, diag);
}
