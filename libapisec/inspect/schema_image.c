/* schema_image.c - opening a block: nothing in it is believed. */
#include "schema_impl.h"

#include "apisec/siphash.h"

const uint32_t schema_sizes[SCHEMA_SECTIONS] = {
    [SCHEMA_S_NODES] = sizeof(struct schema_node),
    [SCHEMA_S_OBJECTS] = sizeof(struct schema_object),
    [SCHEMA_S_MEMBERS] = sizeof(struct schema_member),
    [SCHEMA_S_NUMBERS] = sizeof(struct schema_number),
    [SCHEMA_S_PATTERNS] = sizeof(struct schema_pattern),
    [SCHEMA_S_URLS] = sizeof(struct schema_text),
    [SCHEMA_S_VALUES] = sizeof(struct aps_jsonread_node),
    [SCHEMA_S_WORDS] = sizeof(uint32_t),
    [SCHEMA_S_ENTRIES] = sizeof(uint32_t),
    [SCHEMA_S_BYTES] = 1,
};

/* Against damage, not against forgery: the key is known. */
uint64_t aps_schema_image_sum(const void *block, size_t n)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "apisec schema 1";
    const size_t from = offsetof(struct schema_head, section);

    return aps_siphash_64((struct aps_str){(const char *)block + from, n - from}, key);
}

/* ---- bounds */

static uint32_t count_of(const struct aps_schema_image *im, enum schema_section section)
{
    return im->head->section[section].n;
}

static bool is_text(const struct aps_schema_image *im, struct schema_text t)
{
    const uint32_t n = count_of(im, SCHEMA_S_BYTES);

    return t.at <= n && t.n <= n - t.at;
}

static bool is_node(const struct aps_schema_image *im, uint32_t node)
{
    return node < count_of(im, SCHEMA_S_NODES);
}

static bool has_words(const struct aps_schema_image *im, uint32_t at, uint64_t n)
{
    const uint32_t words = count_of(im, SCHEMA_S_WORDS);

    return at <= words && n <= words - at;
}

/* A list whose entries are groups of `size`. */
static bool is_list(const struct aps_schema_image *im, uint32_t list, uint32_t size)
{
    return has_words(im, list, 1) && im->words[list] % size == 0 &&
           has_words(im, list, (uint64_t)im->words[list] + 1);
}

static bool is_node_list(const struct aps_schema_image *im, uint32_t list)
{
    if (!is_list(im, list, 1))
        return false;
    for (uint32_t i = 1; i <= im->words[list]; i++)
        if (im->words[list + i] == 0 || !is_node(im, im->words[list + i]))
            return false;
    return true;
}

/* schema, then pairs of resource and schema */
static bool is_dynamic(const struct aps_schema_image *im, uint32_t list)
{
    if (list == 0)
        return true;
    if (!is_list(im, list, 1) || im->words[list] % 2 != 1)
        return false;
    for (uint32_t i = 1; i <= im->words[list]; i += 2)
        if (im->words[list + i] == 0 || !is_node(im, im->words[list + i]))
            return false;
    return true;
}

/* hash and value, in the order of the hashes */
static bool is_value_list(const struct aps_schema_image *im, uint32_t list)
{
    if (!is_list(im, list, 2))
        return false;
    for (uint32_t i = 1; i <= im->words[list]; i += 2)
        if (im->words[list + i + 1] == 0 ||
            im->words[list + i + 1] >= count_of(im, SCHEMA_S_VALUES))
            return false;
    return true;
}

static bool is_number(const struct aps_schema_image *im, uint32_t number)
{
    return number < count_of(im, SCHEMA_S_NUMBERS);
}

static bool is_table(const struct aps_schema_image *im, uint32_t table, uint32_t mask)
{
    const uint32_t n = count_of(im, SCHEMA_S_MEMBERS);
    bool empty = false;

    if (mask == UINT32_MAX || (mask & (mask + 1)) != 0 || table > n || mask + 1 > n - table)
        return false;
    for (uint32_t i = table; i <= table + mask; i++)
        empty |= im->members[i].used == 0;
    return empty; /* where a search ends */
}

static bool check_node(const struct aps_schema_image *im, const struct schema_node *s)
{
    const uint32_t nodes[] = {s->ref,      s->no,           s->when,
                              s->then,     s->otherwise,    s->items,
                              s->contains, s->unseen_items, s->unseen_members};
    const uint32_t numbers[] = {s->minimum, s->maximum, s->above, s->below};

    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        if (!is_node(im, nodes[i]))
            return false;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!is_number(im, numbers[i]))
            return false;
    if (!is_number(im, s->multiple) || (s->multiple != 0 && im->numbers[s->multiple].value <= 0))
        return false;
    if (s->format >= SCHEMA_F_COUNT || s->pattern >= count_of(im, SCHEMA_S_PATTERNS) ||
        s->object >= count_of(im, SCHEMA_S_OBJECTS))
        return false;
    if ((s->quick & SCHEMA_Q_MEMBERS) != 0 && im->objects[s->object].bits > SCHEMA_Q_BITS)
        return false;
    if (s->choice >= count_of(im, SCHEMA_S_MEMBERS) ||
        ((s->flags & SCHEMA_SELECTED) != 0 &&
         (s->choice == 0 || im->members[s->choice].bit >= count_of(im, SCHEMA_S_OBJECTS))))
        return false;
    if (s->constant >= count_of(im, SCHEMA_S_VALUES))
        return false;
    if (s->urls > count_of(im, SCHEMA_S_URLS) ||
        s->urls_n > count_of(im, SCHEMA_S_URLS) - s->urls || (s->urls == 0 && s->urls_n != 0))
        return false;
    return is_text(im, s->pointer) && is_dynamic(im, s->dynamic) && is_node_list(im, s->all) &&
           is_node_list(im, s->any) && is_node_list(im, s->one) && is_node_list(im, s->prefix) &&
           is_value_list(im, s->values);
}

static bool check_dependents(const struct aps_schema_image *im, const struct schema_object *o,
                             uint32_t words)
{
    if (!is_list(im, o->dependents, 3))
        return false;
    for (uint32_t i = 1; i <= im->words[o->dependents]; i += 3) {
        const uint32_t *d = im->words + o->dependents + i;

        if (d[0] >= o->bits || !is_node(im, d[1]) || (d[2] != 0 && !has_words(im, d[2], words)))
            return false;
    }
    return true;
}

static bool check_object(const struct aps_schema_image *im, const struct schema_object *o)
{
    const uint32_t words = o->bits / 32 + 1;

    if (!is_table(im, o->table, o->mask) || !is_list(im, o->patterns, 2) ||
        !is_node(im, o->additional) || !is_node(im, o->names) ||
        o->bits > count_of(im, SCHEMA_S_MEMBERS))
        return false;
    for (uint32_t i = 1; i <= im->words[o->patterns]; i += 2)
        if (im->words[o->patterns + i] == 0 ||
            im->words[o->patterns + i] >= count_of(im, SCHEMA_S_PATTERNS) ||
            im->words[o->patterns + i + 1] == 0 || !is_node(im, im->words[o->patterns + i + 1]))
            return false;
    for (uint32_t i = o->table; i <= o->table + o->mask; i++)
        if (im->members[i].used != 0 && im->members[i].bit != SCHEMA_NO_BIT &&
            im->members[i].bit >= o->bits)
            return false;
    return (o->required == 0 || has_words(im, o->required, words)) &&
           (o->read_only == 0 || has_words(im, o->read_only, words)) &&
           (o->write_only == 0 || has_words(im, o->write_only, words)) &&
           check_dependents(im, o, words);
}

/* The value at `at`, which ends before `end`; returns what follows, or 0. */
static uint32_t check_value(const struct aps_schema_image *im, uint32_t at, uint32_t end,
                            unsigned depth)
{
    const struct aps_jsonread_node *v = im->values + at;
    const enum aps_jsonread_kind kind = aps_jsonread_kind(v);
    uint32_t next = at + 1, count = 0, stop;

    if (at >= end || depth == 0)
        return 0;
    if (kind < APS_JSON_ARRAY)
        return v->more == 0 && is_text(im, (struct schema_text){v->at, v->n}) &&
                       (kind != APS_JSON_NUMBER || v->n > 0)
                   ? next
                   : 0;
    if (kind > APS_JSON_OBJECT || v->more == 0 || v->more > end - at)
        return 0;
    stop = at + v->more;
    for (; next < stop; count++) {
        if (kind == APS_JSON_OBJECT && (aps_jsonread_kind(im->values + next) != APS_JSON_NAME ||
                                        check_value(im, next, stop, 1) == 0 || ++next >= stop))
            return 0;
        if (aps_jsonread_kind(im->values + next) == APS_JSON_NAME ||
            (next = check_value(im, next, stop, depth - 1)) == 0)
            return 0;
    }
    return count == aps_jsonread_count(v) ? stop : 0;
}

static bool check_values(const struct aps_schema_image *im)
{
    const uint32_t end = count_of(im, SCHEMA_S_VALUES);

    for (uint32_t at = 0; at < end;)
        if ((at = check_value(im, at, end, 600)) == 0)
            return false;
    return true;
}

static bool check_all(const struct aps_schema_image *im)
{
    const uint32_t *entries = im->entries;

    for (uint32_t i = 0; i < count_of(im, SCHEMA_S_NODES); i++)
        if (!check_node(im, im->nodes + i))
            return false;
    for (uint32_t i = 0; i < count_of(im, SCHEMA_S_OBJECTS); i++)
        if (!check_object(im, im->objects + i))
            return false;
    for (uint32_t i = 0; i < count_of(im, SCHEMA_S_MEMBERS); i++)
        if (!is_text(im, im->members[i].name) || !is_node(im, im->members[i].schema))
            return false;
    for (uint32_t i = 0; i < count_of(im, SCHEMA_S_NUMBERS); i++)
        if (!is_text(im, im->numbers[i].text) || (i > 0 && im->numbers[i].text.n == 0))
            return false;
    for (uint32_t i = 0; i < count_of(im, SCHEMA_S_PATTERNS); i++)
        if (!is_text(im, im->patterns[i].source) || !is_text(im, im->patterns[i].text) ||
            im->patterns[i].kind >= SCHEMA_P_KINDS)
            return false;
    for (uint32_t i = 0; i < count_of(im, SCHEMA_S_ENTRIES); i++)
        if ((i > 0 && entries[i] == 0) || !is_node(im, entries[i]))
            return false;
    return check_values(im);
}

/* ---- sections */

/* Each begins where the one before ends, on a border of 8, and has its record 0. */
static bool check_sections(const struct schema_head *head)
{
    uint64_t at = sizeof *head;

    for (unsigned i = 0; i < SCHEMA_SECTIONS; i++) {
        if (head->section[i].at != at || head->section[i].n == 0)
            return false;
        at += (uint64_t)head->section[i].n * schema_sizes[i];
        at = (at + 7) & ~(uint64_t)7;
        if (at > head->size)
            return false;
    }
    return at == head->size;
}

static void set_sections(struct aps_schema_image *im, const char *block)
{
    const struct schema_text *s = im->head->section;

    im->nodes = (const void *)(block + s[SCHEMA_S_NODES].at);
    im->objects = (const void *)(block + s[SCHEMA_S_OBJECTS].at);
    im->members = (const void *)(block + s[SCHEMA_S_MEMBERS].at);
    im->numbers = (const void *)(block + s[SCHEMA_S_NUMBERS].at);
    im->patterns = (const void *)(block + s[SCHEMA_S_PATTERNS].at);
    im->values = (const void *)(block + s[SCHEMA_S_VALUES].at);
    im->words = (const void *)(block + s[SCHEMA_S_WORDS].at);
    im->entries = (const void *)(block + s[SCHEMA_S_ENTRIES].at);
    im->bytes = block + s[SCHEMA_S_BYTES].at;
}

static enum aps_err check_head(struct aps_str block, struct aps_diag *diag)
{
    const struct schema_head *head = (const void *)block.p;

    if (block.n < sizeof *head || ((uintptr_t)block.p & 7) != 0 || head->magic != SCHEMA_MAGIC) {
        aps_err_explain(diag, "these %zu bytes are no compiled schemas of this machine", block.n);
        return APS_ERR_CORRUPT;
    }
    if (head->version != SCHEMA_VERSION) {
        aps_err_explain(diag, "compiled schemas of version %u; want %u: compile them again",
                        head->version, SCHEMA_VERSION);
        return head->version > SCHEMA_VERSION ? APS_ERR_NEWER : APS_ERR_CORRUPT;
    }
    if (head->size != block.n || head->sum != aps_schema_image_sum(block.p, block.n)) {
        aps_err_explain(diag, "compiled schemas are damaged: compile them again");
        return APS_ERR_CORRUPT;
    }
    return APS_OK;
}

static apr_status_t free_codes(void *data)
{
    const struct aps_schema_image *im = data;

    for (uint32_t i = 0; i < count_of(im, SCHEMA_S_PATTERNS); i++)
        pcre2_code_free(im->codes[i]); /* NULL is fine */
    return APR_SUCCESS;
}

static enum aps_err make_codes(struct aps_schema_image *im, apr_pool_t *pool, struct aps_diag *diag)
{
    const uint32_t n = count_of(im, SCHEMA_S_PATTERNS);
    char why[128];

    if ((im->codes = apr_pcalloc(pool, n * sizeof(pcre2_code *))) == NULL)
        return APS_ERR_NOMEM;
    apr_pool_cleanup_register(pool, im, free_codes, apr_pool_cleanup_null);
    for (uint32_t i = 1; i < n; i++) {
        const struct schema_pattern *p = im->patterns + i;

        if (p->kind != SCHEMA_P_REGEX)
            continue;
        im->codes[i] = aps_schema_pattern_compile(schema_str(im, p->text), true, why);
        if (im->codes[i] == NULL) {
            aps_err_explain(diag, "pattern \"%.*s\": %s", APS_STR_SHOW(schema_str(im, p->source)),
                            why);
            return APS_ERR_FORMAT;
        }
    }
    return APS_OK;
}

/* False: a rule is none, or no memory, which *out_err tells apart. */
static bool make_urls(struct aps_schema_image *im, apr_pool_t *pool, const char *block,
                      enum aps_err *out_err)
{
    const struct schema_text *texts = (const void *)(block + im->head->section[SCHEMA_S_URLS].at);
    const uint32_t n = count_of(im, SCHEMA_S_URLS);
    struct aps_urlrule *urls = apr_pcalloc(pool, n * sizeof *urls);

    *out_err = urls != NULL ? APS_OK : APS_ERR_NOMEM;
    for (uint32_t i = 1; i < n && urls != NULL; i++)
        if (!is_text(im, texts[i]) ||
            aps_urlrule_parse(schema_str(im, texts[i]), &urls[i], NULL) != APS_OK)
            return false;
    im->urls = urls;
    return urls != NULL;
}

enum aps_err aps_schema_image_open(apr_pool_t *pool, struct aps_str block,
                                   const struct aps_schema_image **out, struct aps_diag *diag)
{
    struct aps_schema_image *im;
    enum aps_err err;

    if ((err = check_head(block, diag)) != APS_OK)
        return err;
    if ((im = apr_pcalloc(pool, sizeof *im)) == NULL)
        return APS_ERR_NOMEM;
    im->head = (const void *)block.p;
    if (check_sections(im->head)) {
        set_sections(im, block.p);
        if (im->words[0] == 0 && check_all(im) && make_urls(im, pool, block.p, &err)) {
            if ((err = make_codes(im, pool, diag)) == APS_OK)
                *out = im;
            return err;
        }
        if (err != APS_OK)
            return err;
    }
    aps_err_explain(diag, "compiled schemas are inconsistent: compile them again");
    return APS_ERR_CORRUPT;
}

uint32_t aps_schema_image_entries(const struct aps_schema_image *image)
{
    return image->head->section[SCHEMA_S_ENTRIES].n - 1;
}
