/* xml_scan.c - the bytes of an XML text, one state after the other. */
#include "xml_scan.h"

static const char *refuse(struct xml_scan *s, const char *p, enum aps_xml_fault fault)
{
    s->fault = fault;
    return p;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Whether a name goes on with this byte: all that does not end one.  Which characters a name may
 * have, libxml2 knows. */
static bool is_name(char c)
{
    switch (c) {
    case '<':
    case '>':
    case '&':
    case '"':
    case '\'':
    case '=':
    case '/':
    case '?':
    case '!':
        return false;
    default:
        return !is_space(c);
    }
}

static bool count_node(struct xml_scan *s)
{
    return ++s->nodes <= s->options->nodes_max;
}

/* ---- around text */

static const char *in_start(struct xml_scan *s, const char *p, const char *end)
{
    (void)end; /* one byte is looked at */
    s->state = *p == '<' ? XML_SCAN_MARKUP : XML_SCAN_TEXT;
    s->back = XML_SCAN_START;
    if (*p == '<')
        return p + 1;
    return is_space(*p) ? p : refuse(s, p, APS_XML_MALFORMED);
}

static const char *in_text(struct xml_scan *s, const char *p, const char *end)
{
    const char *from = p;

    while (p < end && *p != '<' && *p != '&')
        p++;
    if ((size_t)(p - from) > s->options->text_max - s->text)
        return refuse(s, p, APS_XML_TEXT);
    s->text += (uint32_t)(p - from);
    if (p == end)
        return p;
    s->back = XML_SCAN_TEXT;
    s->held_n = 0;
    s->state = *p == '<' ? XML_SCAN_MARKUP : XML_SCAN_REFERENCE;
    return p + 1;
}

static const char *begin_element(struct xml_scan *s, const char *p)
{
    if (s->depth == s->options->depth_max)
        return refuse(s, p, APS_XML_DEPTH);
    if (!count_node(s))
        return refuse(s, p, APS_XML_NODES);
    s->depth++;
    s->declared[s->depth] = 0;
    s->attributes = 0;
    s->name = 0;
    s->state = XML_SCAN_OPEN;
    return p;
}

static const char *in_markup(struct xml_scan *s, const char *p, const char *end)
{
    (void)end; /* one byte is looked at */
    s->run = 0;
    s->held_n = 0;
    switch (*p) {
    case '!':
        s->state = XML_SCAN_DECLARATION;
        return count_node(s) ? p + 1 : refuse(s, p, APS_XML_NODES);
    case '?':
        s->state = s->back == XML_SCAN_START ? XML_SCAN_FIRST : XML_SCAN_INSTRUCTION;
        if (s->state == XML_SCAN_INSTRUCTION && !s->options->instructions)
            return refuse(s, p, APS_XML_INSTRUCTION);
        return count_node(s) ? p + 1 : refuse(s, p, APS_XML_NODES);
    case '/':
        s->state = XML_SCAN_CLOSE;
        s->name = 0;
        return s->depth > 0 ? p + 1 : refuse(s, p, APS_XML_MALFORMED);
    default:
        return is_name(*p) ? begin_element(s, p) : refuse(s, p, APS_XML_MALFORMED);
    }
}

/* Of all that may follow <! only -- and [CDATA[ are taken, letter by letter. */
static const char *in_declaration(struct xml_scan *s, const char *p, const char *end)
{
    static const char comment[] = "--", cdata[] = "[CDATA[";

    for (; p < end; p++) {
        const char *want = (s->held_n == 0 ? *p : s->held[0]) == '-' ? comment : cdata;

        if (*p != want[s->held_n])
            return refuse(s, p, APS_XML_DOCTYPE);
        s->held[s->held_n++] = *p;
        if (want[s->held_n] == '\0') {
            s->state = want == comment ? XML_SCAN_COMMENT : XML_SCAN_CDATA;
            return p + 1;
        }
    }
    return p;
}

static const char *in_comment(struct xml_scan *s, const char *p, const char *end)
{
    for (; p < end; p++) {
        if (*p == '-') {
            s->run++;
        } else if (s->run >= 2) { /* only > may follow two (XML 1.0 2.5) */
            s->state = XML_SCAN_TEXT;
            return *p == '>' && s->run == 2 ? p + 1 : refuse(s, p, APS_XML_MALFORMED);
        } else {
            s->run = 0;
        }
    }
    return p;
}

static const char *in_cdata(struct xml_scan *s, const char *p, const char *end)
{
    for (; p < end; p++) {
        if (*p == '>' && s->run >= 2) {
            s->text -= 2;
            s->state = XML_SCAN_TEXT;
            return p + 1;
        }
        if (s->text++ >= (uint64_t)s->options->text_max + 2) /* ]] is no part of it */
            return refuse(s, p, APS_XML_TEXT);
        s->run = *p == ']' ? s->run + 1 : 0;
    }
    return p;
}

/* ---- instructions and the XML declaration */

/* Whether the <? at the start of the text is an XML declaration. */
static const char *in_first(struct xml_scan *s, const char *p, const char *end)
{
    static const char xml[] = "xml";

    for (; p < end; p++) {
        if (s->held_n == 3 && is_space(*p)) {
            s->held_n = 0;
            s->state = XML_SCAN_XML;
            return p;
        }
        if (s->held_n == 3 || *p != xml[s->held_n]) {
            s->state = XML_SCAN_INSTRUCTION;
            return s->options->instructions ? p : refuse(s, p, APS_XML_INSTRUCTION);
        }
        s->held[s->held_n++] = *p;
    }
    return p;
}

static struct aps_str skip_space(struct aps_str s)
{
    while (s.n > 0 && is_space(*s.p))
        s = (struct aps_str){s.p + 1, s.n - 1};
    return s;
}

static struct aps_str cut(struct aps_str s, size_t n)
{
    return (struct aps_str){s.p + n, s.n - n};
}

/* name = "value" off the front of `rest`. */
static bool take_pair(struct aps_str *rest, struct aps_str *out_name, struct aps_str *out_value)
{
    struct aps_str s = skip_space(*rest);
    const char *quote;
    size_t n = 0;

    while (n < s.n && s.p[n] >= 'a' && s.p[n] <= 'z')
        n++;
    *out_name = (struct aps_str){s.p, n};
    s = skip_space(cut(s, n));
    if (n == 0 || s.n == 0 || *s.p != '=')
        return false;
    s = skip_space(cut(s, 1));
    if (s.n < 2 || (*s.p != '"' && *s.p != '\''))
        return false;
    quote = memchr(s.p + 1, *s.p, s.n - 1);
    if (quote == NULL)
        return false;
    *out_value = (struct aps_str){s.p + 1, (size_t)(quote - s.p - 1)};
    *rest = cut(s, (size_t)(quote - s.p) + 1);
    return true;
}

/* XML 1.0 2.8; the order of its parts is libxml2's to see. */
static enum aps_xml_fault judge_xml(struct aps_str text)
{
    struct aps_str name, value;

    for (text = skip_space(text); text.n > 0; text = skip_space(text)) {
        if (!take_pair(&text, &name, &value))
            return APS_XML_MALFORMED;
        if (aps_str_eq(name, APS_STR_LIT("encoding"))) {
            if (!aps_str_eq_nocase(value, APS_STR_LIT("utf-8")))
                return APS_XML_ENCODING;
        } else if (aps_str_eq(name, APS_STR_LIT("version"))) {
            if (!aps_str_eq(value, APS_STR_LIT("1.0")))
                return APS_XML_ENCODING;
        } else if (!aps_str_eq(name, APS_STR_LIT("standalone"))) {
            return APS_XML_MALFORMED;
        }
    }
    return APS_XML_UNDECIDED;
}

static const char *in_xml(struct xml_scan *s, const char *p, const char *end)
{
    for (; p < end; p++) {
        if (*p == '>') {
            if (s->held_n == 0 || s->held[s->held_n - 1] != '?')
                return refuse(s, p, APS_XML_MALFORMED);
            s->fault = judge_xml((struct aps_str){s->held, s->held_n - 1});
            s->state = XML_SCAN_TEXT;
            return p + 1;
        }
        if (*p == '<' || s->held_n == XML_SCAN_HELD)
            return refuse(s, p, APS_XML_MALFORMED);
        s->held[s->held_n++] = *p;
    }
    return p;
}

static const char *in_instruction(struct xml_scan *s, const char *p, const char *end)
{
    for (; p < end; p++) {
        if (*p == '>' && s->run > 0) {
            s->state = XML_SCAN_TEXT;
            return p + 1;
        }
        s->run = *p == '?';
    }
    return p;
}

/* ---- tags */

static void end_element(struct xml_scan *s)
{
    s->spaces -= s->declared[s->depth];
    s->depth--;
}

static const char *end_tag(struct xml_scan *s, const char *p)
{
    s->text = 0;
    s->state = XML_SCAN_TEXT;
    return p + 1;
}

/* Behind a name: what goes on in the tag. */
static const char *in_tag(struct xml_scan *s, const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    if (p == end)
        return p;
    if (*p == '>')
        return end_tag(s, p);
    if (*p == '/') {
        s->state = XML_SCAN_EMPTY;
        return p + 1;
    }
    if (!is_name(*p))
        return refuse(s, p, APS_XML_MALFORMED);
    if (++s->attributes > s->options->attributes_max)
        return refuse(s, p, APS_XML_ATTRIBUTES);
    if (!count_node(s))
        return refuse(s, p, APS_XML_NODES);
    s->name = 0;
    s->state = XML_SCAN_ATTRIBUTE;
    return p;
}

static const char *in_open(struct xml_scan *s, const char *p, const char *end)
{
    for (; p < end && is_name(*p); p++)
        if (s->name++ == s->options->name_max)
            return refuse(s, p, APS_XML_NAME);
    if (p < end)
        s->state = XML_SCAN_TAG;
    return p;
}

static bool is_declaring(const struct xml_scan *s)
{
    return memcmp(s->held, "xmlns", 5) == 0 && (s->name == 5 || (s->name > 5 && s->held[5] == ':'));
}

static const char *in_attribute(struct xml_scan *s, const char *p, const char *end)
{
    for (; p < end && is_name(*p); p++) {
        if (s->name == s->options->name_max)
            return refuse(s, p, APS_XML_NAME);
        if (s->name < 6)
            s->held[s->name] = *p;
        s->name++;
    }
    if (p == end)
        return p;
    if (is_declaring(s)) {
        if (s->spaces == s->options->namespaces_max)
            return refuse(s, p, APS_XML_NAMESPACES);
        s->spaces++;
        s->declared[s->depth]++;
    }
    s->state = XML_SCAN_EQUALS;
    return p;
}

static const char *in_equals(struct xml_scan *s, const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    if (p == end)
        return p;
    s->state = XML_SCAN_QUOTE;
    return *p == '=' ? p + 1 : refuse(s, p, APS_XML_MALFORMED);
}

static const char *in_quote(struct xml_scan *s, const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    if (p == end)
        return p;
    s->quote = *p;
    s->value = 0;
    s->state = XML_SCAN_VALUE;
    return *p == '"' || *p == '\'' ? p + 1 : refuse(s, p, APS_XML_MALFORMED);
}

static const char *in_value(struct xml_scan *s, const char *p, const char *end)
{
    const char *from = p;

    while (p < end && *p != s->quote && *p != '&' && *p != '<')
        p++;
    if ((size_t)(p - from) > s->options->value_max - s->value)
        return refuse(s, p, APS_XML_VALUE);
    s->value += (uint32_t)(p - from);
    if (p == end)
        return p;
    if (*p == '<')
        return refuse(s, p, APS_XML_MALFORMED);
    s->back = XML_SCAN_VALUE;
    s->held_n = 0;
    s->state = *p == '&' ? XML_SCAN_REFERENCE : XML_SCAN_TAG;
    return p + 1;
}

static const char *in_empty(struct xml_scan *s, const char *p, const char *end)
{
    (void)end; /* one byte is looked at */
    if (*p != '>')
        return refuse(s, p, APS_XML_MALFORMED);
    end_element(s);
    return end_tag(s, p);
}

static const char *in_close(struct xml_scan *s, const char *p, const char *end)
{
    for (; p < end && (is_name(*p) || is_space(*p)); p++)
        if (s->name++ == s->options->name_max)
            return refuse(s, p, APS_XML_NAME);
    if (p == end)
        return p;
    if (*p != '>')
        return refuse(s, p, APS_XML_MALFORMED);
    end_element(s);
    return end_tag(s, p);
}

/* ---- references */

#define REFERENCE_MAX 10 /* bytes: #x10FFFF, and zeros in front of shorter ones */

static bool is_reference(struct aps_str name)
{
    static const struct aps_str known[] = {
        {"lt", 2}, {"gt", 2}, {"amp", 3}, {"apos", 4}, {"quot", 4}};

    return (name.n > 1 && *name.p == '#') ||
           aps_str_is_in(name, known, sizeof known / sizeof *known);
}

static const char *in_reference(struct xml_scan *s, const char *p, const char *end)
{
    uint32_t *length = s->back == XML_SCAN_TEXT ? &s->text : &s->value;
    const struct aps_xml_options *o = s->options;
    const uint32_t most = s->back == XML_SCAN_TEXT ? o->text_max : o->value_max;

    for (; p < end && *p != ';'; p++) {
        if (s->held_n == REFERENCE_MAX || !is_name(*p))
            return refuse(s, p, APS_XML_ENTITY);
        s->held[s->held_n++] = *p;
    }
    if (p == end)
        return p;
    if (!is_reference((struct aps_str){s->held, s->held_n}))
        return refuse(s, p, APS_XML_ENTITY);
    if (s->held_n + 2 > most - *length)
        return refuse(s, p, s->back == XML_SCAN_TEXT ? APS_XML_TEXT : APS_XML_VALUE);
    *length += s->held_n + 2;
    s->state = s->back;
    return p + 1;
}

/* ---- the text */

bool aps_xml_scan_init(struct xml_scan *s, apr_pool_t *pool, const struct aps_xml_options *options)
{
    *s = (struct xml_scan){.options = options};
    s->declared = apr_palloc(pool, ((size_t)options->depth_max + 1) * sizeof *s->declared);
    return s->declared != NULL;
}

const char *aps_xml_scan(struct xml_scan *s, const char *p, const char *end)
{
    static const char *(*const in[XML_SCAN_STATES])(struct xml_scan *, const char *,
                                                    const char *) = {
        [XML_SCAN_START] = in_start,
        [XML_SCAN_TEXT] = in_text,
        [XML_SCAN_MARKUP] = in_markup,
        [XML_SCAN_DECLARATION] = in_declaration,
        [XML_SCAN_COMMENT] = in_comment,
        [XML_SCAN_CDATA] = in_cdata,
        [XML_SCAN_FIRST] = in_first,
        [XML_SCAN_XML] = in_xml,
        [XML_SCAN_INSTRUCTION] = in_instruction,
        [XML_SCAN_OPEN] = in_open,
        [XML_SCAN_TAG] = in_tag,
        [XML_SCAN_ATTRIBUTE] = in_attribute,
        [XML_SCAN_EQUALS] = in_equals,
        [XML_SCAN_QUOTE] = in_quote,
        [XML_SCAN_VALUE] = in_value,
        [XML_SCAN_EMPTY] = in_empty,
        [XML_SCAN_CLOSE] = in_close,
        [XML_SCAN_REFERENCE] = in_reference,
    };

    while (p < end && s->fault == APS_XML_UNDECIDED)
        p = in[s->state](s, p, end);
    return s->fault == APS_XML_UNDECIDED ? NULL : p;
}

bool aps_xml_scan_start(struct aps_str text, size_t *out_mark)
{
    static const struct aps_str other[] = {
        {"\xfe\xff", 2},   {"\xff\xfe", 2}, /* UTF-16, UTF-32 little-endian */
        {"<\0", 2},        {"\0", 1},       /* UTF-16 and UTF-32 without a mark */
        {"Lo\xa7\x94", 4},                  /* <?xm in EBCDIC */
        {"L", 1},                           /* < in EBCDIC: no XML begins so */
        {"+/v", 3},        {"+ADw", 4},     /* the mark and < in UTF-7 */
    };

    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (aps_str_starts(text, other[i]))
            return false;
    *out_mark = aps_str_starts(text, APS_STR_LIT("\xef\xbb\xbf")) ? 3 : 0;
    return true;
}

size_t aps_xml_scan_utf8(struct aps_str block, bool last, enum aps_xml_fault *out_fault)
{
    size_t i = 0, n;

    *out_fault = APS_XML_UNDECIDED;
    while (i < block.n) {
        if (block.p[i] == '\0') {
            *out_fault = APS_XML_NUL;
            break;
        }
        if ((unsigned char)block.p[i] < 0x80) {
            i++;
            continue;
        }
        n = aps_str_utf8((struct aps_str){block.p + i, block.n - i});
        if (n == 0) {
            if (last || block.n - i >= 4)
                *out_fault = APS_XML_UTF8;
            break;
        }
        i += n;
    }
    return i;
}
