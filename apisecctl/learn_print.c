/* learn_print.c - what was learnt -> an OpenAPI 3.1 description. */
#include <apr_lib.h>
#include <apr_strings.h>
#include <stdlib.h>

#include "learn_impl.h"

/* Where the walk is: the segments above, and the parameters among them. */
struct walk {
    apr_pool_t *pool;
    struct aps_json *out; /* NULL: operations are only counted */
    uint64_t least, operations;
    const struct ctl_learn_node *way[CTL_LEARN_DEPTH + 1];
    const char *names[CTL_LEARN_DEPTH + 1]; /* of a parameter; NULL: a word */
    unsigned depth;
};

/* ---- names ---- */

/* "orders" -> "orderId"; false where the word gives no name. */
static const char *name_after(struct walk *w, struct aps_str word)
{
    char *name = apr_palloc(w->pool, word.n + sizeof "Id");
    size_t n = 0;
    bool up = false;

    for (size_t i = 0; i < word.n; i++) {
        unsigned char c = (unsigned char)word.p[i];

        if (!apr_isalnum(c)) {
            up = n != 0;
            continue;
        }
        if (n == 0 && !apr_isalpha(c))
            return NULL;
        if (up)
            c = (unsigned char)apr_toupper(c);
        else if (n == 0)
            c = (unsigned char)apr_tolower(c);
        name[n++] = (char)c;
        up = false;
    }
    if (n > 3 && memcmp(name + n - 3, "ies", 3) == 0) {
        n -= 2;
        name[n - 1] = 'y';
    } else if (n > 2 && name[n - 1] == 's' && name[n - 2] != 's') {
        n--;
    }
    if (n == 0)
        return NULL;
    memcpy(name + n, "Id", sizeof "Id");
    return name;
}

static bool is_taken(const struct walk *w, const char *name)
{
    for (unsigned i = 0; i < w->depth; i++)
        if (w->names[i] != NULL && strcmp(w->names[i], name) == 0)
            return true;
    return false;
}

static const char *parameter_name(struct walk *w)
{
    const struct ctl_learn_node *above = w->depth != 0 ? w->way[w->depth - 1] : NULL;
    const char *name = above != NULL ? name_after(w, above->text) : NULL, *unique;

    if (name == NULL)
        name = "id";
    unique = name;
    for (unsigned i = 2; is_taken(w, unique); i++)
        unique = apr_psprintf(w->pool, "%s%u", name, i);
    return unique;
}

/* ---- one path ---- */

/* As a path has it (RFC 3986 3.3), less what would have to be escaped in JSON or is not safe to
 * read. */
static bool is_plain(unsigned char c)
{
    return apr_isalnum(c) || (c != '\0' && strchr("-._~!$&()*+,;=:@", c) != NULL);
}

static char *put_word(char *to, struct aps_str word)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < word.n; i++) {
        unsigned char c = (unsigned char)word.p[i];

        if (is_plain(c)) {
            *to++ = (char)c;
            continue;
        }
        *to++ = '%';
        *to++ = digits[c >> 4];
        *to++ = digits[c & 15];
    }
    return to;
}

/* "/orders/{orderId}" */
static struct aps_str template_of(const struct walk *w)
{
    size_t room = 1;
    char *path, *to;

    for (unsigned i = 0; i < w->depth; i++)
        room += w->names[i] != NULL ? strlen(w->names[i]) + 3 : 3 * w->way[i]->text.n + 1;
    to = path = apr_palloc(w->pool, room);
    for (unsigned i = 0; i < w->depth; i++) {
        *to++ = '/';
        if (w->names[i] == NULL) {
            to = put_word(to, w->way[i]->text);
            continue;
        }
        *to++ = '{';
        memcpy(to, w->names[i], strlen(w->names[i]));
        to += strlen(w->names[i]);
        *to++ = '}';
    }
    if (to == path)
        *to++ = '/';
    return (struct aps_str){path, (size_t)(to - path)};
}

static void put_kind(struct aps_json *out, enum ctl_learn_kind kind)
{
    aps_json_name(out, "schema");
    aps_json_object(out);
    aps_json_put_str(out, "type", kind == CTL_LEARN_INTEGER ? "integer" : "string");
    if (kind == CTL_LEARN_UUID)
        aps_json_put_str(out, "format", "uuid");
    else if (kind == CTL_LEARN_DATE)
        aps_json_put_str(out, "format", "date");
    else if (kind == CTL_LEARN_TEXT)
        aps_json_put_u64(out, "minLength", 1);
    aps_json_end(out);
}

static void put_parameters(const struct walk *w)
{
    bool any = false;

    for (unsigned i = 0; i < w->depth; i++) {
        if (w->names[i] == NULL)
            continue;
        if (!any) {
            aps_json_name(w->out, "parameters");
            aps_json_array(w->out);
        }
        any = true;
        aps_json_object(w->out);
        aps_json_put_str(w->out, "name", w->names[i]);
        aps_json_put_str(w->out, "in", "path");
        aps_json_put_bool(w->out, "required", true);
        put_kind(w->out, w->way[i]->kind);
        aps_json_end(w->out);
    }
    if (any)
        aps_json_end(w->out);
}

/* ---- one operation ---- */

static int by_number(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

static void put_description(struct aps_json *out, const char *text)
{
    aps_json_object(out);
    aps_json_put_str(out, "description", text);
    aps_json_end(out);
}

static void put_responses(struct aps_json *out, const struct ctl_learn_operation *op)
{
    uint16_t sorted[CTL_LEARN_STATUSES];

    memcpy(sorted, op->statuses, sizeof sorted);
    qsort(sorted, op->statuses_n, sizeof *sorted, by_number);
    aps_json_name(out, "responses");
    aps_json_object(out);
    for (unsigned i = 0; i < op->statuses_n; i++) {
        char name[8];

        aps_json_name_n(out, name, (size_t)apr_snprintf(name, sizeof name, "%u", sorted[i]));
        put_description(out, "seen in the log");
    }
    aps_json_name(out, "default");
    put_description(out, "any other answer");
    aps_json_end(out);
}

static void put_body(struct aps_json *out)
{
    aps_json_name(out, "requestBody");
    aps_json_object(out);
    aps_json_put_str(out, "description", "the log does not tell what is sent: describe it here");
    aps_json_name(out, "content");
    aps_json_object(out);
    aps_json_name(out, "application/json");
    aps_json_object(out);
    aps_json_end(out);
    aps_json_end(out);
    aps_json_end(out);
}

/* Who was never let in without a name is asked for one; where some were, it is a choice. */
static void put_security(struct aps_json *out, const struct ctl_learn_operation *op)
{
    aps_json_name(out, "security");
    aps_json_array(out);
    if (op->with_caller != 0) {
        aps_json_object(out);
        aps_json_name(out, "apiKey");
        aps_json_array(out);
        aps_json_end(out);
        aps_json_end(out);
        if (op->with_caller != op->served) {
            aps_json_object(out);
            aps_json_end(out);
        }
    }
    aps_json_end(out);
}

static bool takes_body(unsigned method)
{
    return (1u << method & (APS_METHOD_POST | APS_METHOD_PUT | APS_METHOD_PATCH)) != 0;
}

static void put_operation(struct walk *w, const struct ctl_learn_operation *op, unsigned method)
{
    static const char *const names[CTL_LEARN_METHODS] = {"get",   "head",   "post",   "put",
                                                         "patch", "delete", "options"};

    aps_json_name_n(w->out, names[method], strlen(names[method]));
    aps_json_object(w->out);
    if (takes_body(method))
        put_body(w->out);
    put_responses(w->out, op);
    put_security(w->out, op);
    aps_json_end(w->out);
}

static void put_path(struct walk *w, const struct ctl_learn_node *node)
{
    bool begun = false;

    for (unsigned i = 0; i < CTL_LEARN_METHODS; i++) {
        const struct ctl_learn_operation *op = &node->operations[i];

        if (op->served == 0 || op->served < w->least)
            continue;
        w->operations++;
        if (w->out == NULL)
            continue;
        if (!begun) {
            struct aps_str path = template_of(w);

            aps_json_name_n(w->out, path.p, path.n);
            aps_json_object(w->out);
            put_parameters(w);
        }
        begun = true;
        put_operation(w, op, i);
    }
    if (begun)
        aps_json_end(w->out);
}

/* ---- the tree ---- */

static int by_text(const void *a, const void *b)
{
    const struct ctl_learn_node *const *left = a, *const *right = b;

    return aps_str_compare((*left)->text, (*right)->text);
}

static void walk_node(struct walk *w, const struct ctl_learn_node *node);

static void walk_down(struct walk *w, const struct ctl_learn_node *node, const char *name)
{
    w->way[w->depth] = node;
    w->names[w->depth++] = name;
    walk_node(w, node);
    w->depth--;
}

static void walk_words(struct walk *w, apr_hash_t *words)
{
    size_t n = apr_hash_count(words), i = 0;
    const struct ctl_learn_node **sorted = apr_palloc(w->pool, n * sizeof *sorted);

    for (apr_hash_index_t *at = apr_hash_first(w->pool, words); at != NULL; at = apr_hash_next(at))
        sorted[i++] = apr_hash_this_val(at);
    qsort(sorted, n, sizeof *sorted, by_text);
    for (i = 0; i < n; i++)
        walk_down(w, sorted[i], NULL);
}

static void walk_node(struct walk *w, const struct ctl_learn_node *node)
{
    put_path(w, node);
    if (node->words != NULL)
        walk_words(w, node->words);
    if (node->parameter != NULL)
        walk_down(w, node->parameter, parameter_name(w));
}

/* ---- all of it ---- */

static void put_head(struct aps_json *out, struct aps_str title)
{
    aps_json_put_str(out, "openapi", "3.1.0");
    aps_json_name(out, "info");
    aps_json_object(out);
    aps_json_name(out, "title");
    aps_json_str(out, title);
    aps_json_put_str(out, "version", "0");
    aps_json_put_str(
        out, "description",
        "A draft from a log of requests that were served. The log tells paths, methods "
        "and answers, and neither queries nor bodies: add them before it is imported.");
    aps_json_end(out);
}

static void put_schemes(struct aps_json *out)
{
    aps_json_name(out, "components");
    aps_json_object(out);
    aps_json_name(out, "securitySchemes");
    aps_json_object(out);
    aps_json_name(out, "apiKey");
    aps_json_object(out);
    aps_json_put_str(out, "type", "apiKey");
    aps_json_put_str(out, "in", "header");
    aps_json_put_str(out, "name", "X-API-Key");
    aps_json_end(out);
    aps_json_end(out);
    aps_json_end(out);
}

uint64_t ctl_learn_print_count(struct ctl_learn *learn, uint64_t least)
{
    struct walk w = {.pool = ctl_learn_pool(learn), .least = least};

    walk_node(&w, ctl_learn_root(learn));
    return w.operations;
}

void ctl_learn_print(struct ctl_learn *learn, struct aps_str title, uint64_t least,
                     struct aps_json *out)
{
    struct walk w = {.pool = ctl_learn_pool(learn), .out = out, .least = least};

    aps_json_object(out);
    put_head(out, title);
    aps_json_name(out, "paths");
    aps_json_object(out);
    walk_node(&w, ctl_learn_root(learn));
    aps_json_end(out);
    put_schemes(out);
    aps_json_end(out);
}
