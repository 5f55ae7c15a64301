/* cmd_complete.c - what may stand at the end of a command line, for the shells' completion.
 *
 * The shells hand over the line and show what comes back; the tables of commands and options say
 * what that is, so that no script has a list of its own. */
#include <apr_strings.h>

#include "ctl.h"
#include "stock.h"

#define NAMES_MAX 1000 /* roles or keys; nobody reads a longer list */

/* The line up to the word that is to be completed. */
struct line {
    struct ctl *c;
    struct aps_str word;       /* that one, as far as it was typed */
    struct aps_str kept;       /* of it: what stands before the part that is completed */
    apr_array_header_t *words; /* of struct aps_str: those that are neither options nor values */
    int value_of;              /* the option whose value comes now, or -1 */
    bool no_options;           /* `--` came */
    struct ctl_call call;      /* options and their values, for the store's place */
    size_t names;
};

static int option_named(struct aps_str name)
{
    for (int i = 0; i < CTL_OPT_COUNT; i++)
        if (aps_str_eq(name, aps_str(ctl_command_options[i].name)))
            return i;
    return -1;
}

static void add_value(struct line *l, int opt, struct aps_str value)
{
    apr_pool_t *pool = l->c->pool;

    if (l->call.values[opt] == NULL)
        l->call.values[opt] = apr_array_make(pool, 2, sizeof(const char *));
    APR_ARRAY_PUSH(l->call.values[opt], const char *) = aps_str_copy(pool, value).p;
}

/* "--role=re" -> the option, and "re" in *word; -1 where it is none with a value. */
static int split_option(struct aps_str *word)
{
    const char *sign = word->n > 0 ? memchr(word->p, '=', word->n) : NULL;
    int opt;

    if (sign == NULL)
        return -1;
    opt = option_named((struct aps_str){word->p, (size_t)(sign - word->p)});
    word->n -= (size_t)(sign + 1 - word->p);
    word->p = sign + 1;
    return opt;
}

/* A word before the last.  bash hands over "--role=re" as three words. */
static void take_word(struct line *l, struct aps_str word)
{
    int opt = option_named(word);
    struct aps_str value = word;

    if (l->value_of >= 0 && aps_str_eq(word, APS_STR_LIT("=")))
        return;
    if (l->value_of >= 0) {
        add_value(l, l->value_of, word);
        l->value_of = -1;
    } else if (!l->no_options && aps_str_eq(word, APS_STR_LIT("--"))) {
        l->no_options = true;
    } else if (!l->no_options && opt >= 0 && ctl_command_options[opt].value != NULL) {
        l->value_of = opt;
    } else if (!l->no_options && word.n > 0 && word.p[0] == '-') {
        opt = split_option(&value);
        if (opt >= 0)
            add_value(l, opt, value);
    } else {
        APR_ARRAY_PUSH(l->words, struct aps_str) = word;
    }
}

static void read_line(struct line *l, struct aps_str text)
{
    const char *end;

    while (text.n > 0 && (end = memchr(text.p, '\n', text.n)) != NULL) {
        size_t n = (size_t)(end - text.p);

        take_word(l, (struct aps_str){text.p, n});
        text.p += n + 1;
        text.n -= n + 1;
    }
    l->word = text;
    if (l->value_of >= 0 && aps_str_eq(text, APS_STR_LIT("=")))
        l->word.n = 0;
}

/* ---- Candidates ---- */

static void offer(struct line *l, struct aps_str candidate)
{
    struct ctl_out *out = l->c->out;
    struct aps_str part = {l->word.p + l->kept.n, l->word.n - l->kept.n};

    if (!aps_str_starts(candidate, part))
        return;
    candidate =
        aps_str(apr_psprintf(l->c->pool, "%.*s%.*s", APS_STR_ARG(l->kept), APS_STR_ARG(candidate)));
    ctl_output_text(out, "%s\n", candidate.p);
    if (!ctl_output_is_json(out))
        return;
    ctl_output_row(out);
    ctl_output_str(out, "word", candidate);
    ctl_output_end(out);
}

/* The row that the line's words begin with, or NULL. */
static const struct ctl_command *find_row(const struct line *l, int *out_nwords)
{
    const struct ctl_command *best = NULL;

    *out_nwords = 0;
    for (size_t i = 0; i < ctl_command_nrows; i++) {
        struct aps_str rest = ctl_command_words(&ctl_command_rows[i]);
        struct aps_str word;
        int n = 0;

        while (n < l->words->nelts && rest.n > 0) {
            struct aps_str before = rest;

            aps_str_next(&rest, ' ', &word);
            if (!aps_str_eq(word, APR_ARRAY_IDX(l->words, n, struct aps_str))) {
                rest = before;
                break;
            }
            n++;
        }
        if (rest.n == 0 && n > *out_nwords) {
            best = &ctl_command_rows[i];
            *out_nwords = n;
        }
    }
    return best;
}

/* The words that rows have behind these, each once; rows of one noun stand together. */
static void offer_words(struct line *l, const struct aps_str *typed, int n)
{
    struct aps_str last = {0};

    for (size_t i = 0; i < ctl_command_nrows; i++) {
        struct aps_str rest = ctl_command_words(&ctl_command_rows[i]);
        struct aps_str word = {0};
        int k = 0;

        while (k < n && aps_str_next(&rest, ' ', &word) && aps_str_eq(word, typed[k]))
            k++;
        if (k < n || !aps_str_next(&rest, ' ', &word) || aps_str_eq(word, last))
            continue;
        offer(l, word);
        last = word;
    }
}

static void offer_options(struct line *l, const struct ctl_command *row)
{
    for (int i = 0; i < CTL_OPT_COUNT; i++)
        if (ctl_command_options[i].global ||
            (row != NULL && ctl_command_takes(row, (enum ctl_opt)i)))
            offer(l, aps_str(ctl_command_options[i].name));
}

static bool offer_name(void *to, struct aps_str name, struct aps_str other)
{
    struct line *l = to;

    (void)other;
    offer(l, name);
    return ++l->names < NAMES_MAX;
}

/* Names of the store that the line is about.  Silent where it cannot be read, and where its master
 * key, or the passphrase of that, does not come from a file: to complete a word runs no program. */
static void offer_stock(struct line *l, enum ctl_stock kind)
{
    struct ctl *c = l->c;
    struct ctl_place place;
    struct aps_secret master = {0};
    struct aps_store *store = NULL;
    struct aps_store_open how = {.master = &master, .now = c->now, .actor = &c->actor};
    enum aps_err err;

    if (kind == CTL_STOCK_NONE || ctl_place_read(c->pool, &l->call, &place, NULL) != APS_OK ||
        ctl_place_master_path(&place) == NULL || place.passphrase != NULL)
        return;
    how.dir = place.store;
    how.mode = APS_STORE_READ;
    err = ctl_place_unlock(&place, false, &master, NULL);
    if (err == APS_OK)
        err = aps_store_open(&how, &store, NULL);
    if (err == APS_OK)
        err = ctl_stock_each(store, kind, offer_name, l, NULL);
    (void)err; /* what there is was offered */
    aps_store_close(store);
    aps_secret_wipe(&master);
}

/* Values of an option may be lists, and begin with + or -. */
static void offer_values(struct line *l, int opt)
{
    static const char *const colors[] = {"auto", "always", "never"};
    size_t list = l->word.n;

    for (size_t i = 0; opt == CTL_OPT_COLOR && i < sizeof colors / sizeof *colors; i++)
        offer(l, aps_str(colors[i]));
    while (list > l->kept.n && strchr(",+-", l->word.p[list - 1]) == NULL)
        list--;
    if (list > l->kept.n && l->word.p[list - 1] != ',' && list != l->kept.n + 1 &&
        l->word.p[list - 2] != ',')
        list = l->kept.n; /* a name that holds a - */
    l->kept = (struct aps_str){l->word.p, list};
    offer_stock(l, ctl_stock_of(aps_str(ctl_command_options[opt].value)));
}

static void offer_argument(struct line *l, const struct ctl_command *row, int nwords)
{
    const struct aps_str *typed = (const struct aps_str *)(const void *)l->words->elts;
    int i = l->words->nelts - nwords;

    if (row->run == ctl_help)
        offer_words(l, typed + nwords, i);
    else
        offer_stock(l, ctl_stock_of(ctl_command_arg(row, (size_t)i)));
}

static void offer_all(struct line *l)
{
    struct aps_str value = l->word;
    int nwords;
    const struct ctl_command *row = find_row(l, &nwords);
    bool dash = !l->no_options && l->word.n > 0 && l->word.p[0] == '-';
    int opt = dash ? split_option(&value) : -1;

    if (l->value_of >= 0) {
        offer_values(l, l->value_of);
    } else if (opt >= 0) {
        l->kept = (struct aps_str){l->word.p, l->word.n - value.n};
        offer_values(l, opt);
    } else if (dash) {
        offer_options(l, row);
    } else if (row != NULL) {
        offer_argument(l, row, nwords);
    } else {
        offer_words(l, (const struct aps_str *)(const void *)l->words->elts, l->words->nelts);
    }
}

enum aps_err ctl_complete(struct ctl *c)
{
    struct line l = {
        .c = c,
        .words = apr_array_make(c->pool, 8, sizeof(struct aps_str)),
        .value_of = -1,
    };

    if (ctl_output_is_json(c->out))
        ctl_output_table(c->out, NULL, "word");
    read_line(&l, aps_str(c->call.arg[0]));
    offer_all(&l);
    if (ctl_output_is_json(c->out))
        ctl_output_end(c->out);
    return APS_OK;
}
