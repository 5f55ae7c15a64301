/* command.c - argv -> row; the usage of a row is its grammar. */
#include "command.h"

#include <apr_strings.h>

#include "ctl.h"
#include "near.h"

const struct ctl_option ctl_command_options[CTL_OPT_COUNT] = {
#define O(id, name, value, global, text) [CTL_OPT_##id] = {name, value, global, text},
#include "options.def"
#undef O
};

const struct ctl_command ctl_command_rows[] = {
#define C(usage, need, run, text, example) {usage, CTL_NEED_##need, run, text, example},
#include "commands.def"
#undef C
};
const size_t ctl_command_nrows = sizeof ctl_command_rows / sizeof *ctl_command_rows;

/* What a usage says of an option. */
struct role_of_option {
    bool taken, required, repeated;
    bool greedy; /* "VALUE...": takes surplus words too */
    bool either; /* one of those in parentheses */
};

struct grammar {
    size_t nwords; /* noun and verb */
    size_t args_min, args_max;
    struct role_of_option opt[CTL_OPT_COUNT];
};

/* A word of argv that is neither option nor value, and the option whose value it may still be. */
struct word {
    const char *text;
    int after; /* enum ctl_opt, or -1 */
};

static bool ends_with(struct aps_str s, const char *end)
{
    struct aps_str e = aps_str(end);

    return s.n >= e.n && memcmp(s.p + s.n - e.n, e.p, e.n) == 0;
}

static int option_named(struct aps_str name)
{
    for (int i = 0; i < CTL_OPT_COUNT; i++)
        if (aps_str_eq(name, aps_str(ctl_command_options[i].name)))
            return i;
    return -1;
}

static bool is_word(struct aps_str token)
{
    return token.n > 0 && token.p[0] >= 'a' && token.p[0] <= 'z';
}

struct aps_str ctl_command_words(const struct ctl_command *command)
{
    struct aps_str rest = aps_str(command->usage);
    struct aps_str token;
    size_t n = 0;

    while (aps_str_next(&rest, ' ', &token) && is_word(token))
        n = (size_t)(token.p + token.n - command->usage);
    return (struct aps_str){command->usage, n};
}

/* A token of a usage without the brackets around it. */
static struct aps_str bare(struct aps_str token)
{
    if (token.n > 0 && (token.p[0] == '[' || token.p[0] == '(')) {
        token.p++;
        token.n--;
    }
    if (token.n > 0 && (ends_with(token, "]") || ends_with(token, ")")))
        token.n--;
    return token;
}

/* Read the option `opt`, whose token is `token`; its value's is the next one of `*rest`. */
static struct role_of_option read_role(int opt, struct aps_str token, bool either,
                                       struct aps_str *rest)
{
    bool optional = token.p[0] == '[' || either;

    if (ctl_command_options[opt].value != NULL)
        aps_str_next(rest, ' ', &token);
    return (struct role_of_option){
        .taken = true,
        .required = !optional,
        .repeated = ends_with(bare(token), "..."),
        .greedy = ends_with(bare(token), "...") && !ends_with(token, "]..."),
        .either = either,
    };
}

static struct grammar grammar_of(const struct ctl_command *command)
{
    struct grammar g = {0};
    struct aps_str rest = aps_str(command->usage);
    struct aps_str token;
    bool either = false;

    while (aps_str_next(&rest, ' ', &token)) {
        int opt = option_named(bare(token));

        either = token.p[0] == '(' || (either && token.p[0] != '[');
        if (is_word(token)) {
            g.nwords++;
        } else if (opt >= 0) {
            g.opt[opt] = read_role(opt, token, either, &rest);
        } else if (token.p[0] != '|') {
            g.args_max++;
            g.args_min += token.p[0] == '[' ? 0 : 1;
        }
    }
    for (int i = 0; i < CTL_OPT_COUNT; i++)
        if (ctl_command_options[i].global)
            g.opt[i].taken = true;
    return g;
}

struct aps_str ctl_command_arg(const struct ctl_command *command, size_t i)
{
    struct aps_str rest = aps_str(command->usage);
    struct aps_str token;

    while (aps_str_next(&rest, ' ', &token)) {
        struct aps_str name = bare(token);
        int opt = option_named(name);

        if (opt >= 0 && ctl_command_options[opt].value != NULL)
            aps_str_next(&rest, ' ', &token);
        else if (opt < 0 && name.n > 2 && name.p[0] == '<' && i-- == 0)
            return (struct aps_str){name.p + 1, name.n - 2};
    }
    return (struct aps_str){0};
}

bool ctl_command_takes(const struct ctl_command *command, enum ctl_opt opt)
{
    return grammar_of(command).opt[opt].taken;
}

/* ---- What is accepted ---- */

/* The words that are accepted in one place. */
struct choice {
    apr_pool_t *pool;
    apr_array_header_t *words; /* of const char * */
};

static struct choice choice_new(apr_pool_t *pool)
{
    return (struct choice){pool, apr_array_make(pool, 16, sizeof(const char *))};
}

static void choice_add(struct choice *c, struct aps_str word)
{
    for (int i = 0; i < c->words->nelts; i++)
        if (aps_str_eq(aps_str(APR_ARRAY_IDX(c->words, i, const char *)), word))
            return;
    APR_ARRAY_PUSH(c->words, const char *) = aps_str_copy(c->pool, word).p;
}

static const char *choice_text(struct choice *c)
{
    const char *text = "";

    for (int i = 0; i < c->words->nelts; i++)
        text = apr_pstrcat(c->pool, text, i == 0 ? "" : ", ",
                           APR_ARRAY_IDX(c->words, i, const char *), NULL);
    return text;
}

/* " (did you mean X?)", or "" when nothing is near. */
static const char *choice_near(struct choice *c, const char *word)
{
    struct ctl_near near;

    ctl_near_init(&near, aps_str(word));
    for (int i = 0; i < c->words->nelts; i++)
        ctl_near_try(&near, aps_str(APR_ARRAY_IDX(c->words, i, const char *)));
    return ctl_near_found(&near) == NULL
               ? ""
               : apr_pstrcat(c->pool, " (did you mean ", ctl_near_found(&near), "?)", NULL);
}

/* ---- Reading argv ---- */

static enum aps_err bad_option(apr_pool_t *pool, const char *word, const struct grammar *g,
                               const char *of, struct aps_diag *diag)
{
    struct choice all = choice_new(pool);
    size_t n = strcspn(word, "=");

    for (int i = 0; i < CTL_OPT_COUNT; i++)
        if (g == NULL || g->opt[i].taken)
            choice_add(&all, aps_str(ctl_command_options[i].name));
    word = apr_pstrmemdup(pool, word, n);
    aps_err_explain(diag, "unknown option %s%s%s%s: want one of %s", word,
                    of[0] != '\0' ? " of " : "", of, choice_near(&all, word), choice_text(&all));
    return APS_ERR_USAGE;
}

static void add_value(apr_pool_t *pool, struct ctl_call *call, int opt, const char *value)
{
    if (call->values[opt] == NULL)
        call->values[opt] = apr_array_make(pool, 4, sizeof(const char *));
    APR_ARRAY_PUSH(call->values[opt], const char *) = value;
}

/* Read the option at argv[*i], and its value, which may be the next word. */
static enum aps_err read_option(apr_pool_t *pool, int argc, const char *const *argv, int *i,
                                struct ctl_call *call, int *out_opt, struct aps_diag *diag)
{
    const char *word = argv[*i];
    const char *value = strchr(word, '=');
    struct aps_str name = {word, value != NULL ? (size_t)(value - word) : strlen(word)};
    int opt = strcmp(word, "-h") == 0 ? CTL_OPT_HELP : option_named(name);
    const struct ctl_option *row = &ctl_command_options[opt < 0 ? 0 : opt];

    if (opt < 0)
        return bad_option(pool, word, NULL, "", diag);
    if (row->value == NULL && value != NULL) {
        aps_err_explain(diag, "%s takes no value", row->name);
        return APS_ERR_USAGE;
    }
    if (value != NULL) {
        value++;
    } else if (row->value != NULL) {
        if (*i + 1 >= argc || strncmp(argv[*i + 1], "--", 2) == 0) {
            aps_err_explain(diag, "%s wants a value: %s %s, or %s=%s", row->name, row->name,
                            row->value, row->name, row->value);
            return APS_ERR_USAGE;
        }
        value = argv[++*i];
    }
    add_value(pool, call, opt, value != NULL ? value : "");
    *out_opt = opt;
    return APS_OK;
}

static enum aps_err read_words(apr_pool_t *pool, int argc, const char *const *argv,
                               struct ctl_call *call, apr_array_header_t *words,
                               struct aps_diag *diag)
{
    bool options = true;
    int after = -1;

    for (int i = 1; i < argc; i++) {
        enum aps_err err;

        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
            after = -1;
        } else if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
            if ((err = read_option(pool, argc, argv, &i, call, &after, diag)) != APS_OK)
                return err;
        } else {
            APR_ARRAY_PUSH(words, struct word) = (struct word){argv[i], after};
        }
    }
    return APS_OK;
}

/* How many of the row's words argv begins with; the whole row's if all do. */
static size_t words_in_common(const struct ctl_command *row, const apr_array_header_t *words)
{
    struct aps_str rest = ctl_command_words(row);
    struct aps_str word;
    size_t n = 0;

    while (n < (size_t)words->nelts && aps_str_next(&rest, ' ', &word) &&
           aps_str_eq(word, aps_str(APR_ARRAY_IDX(words, (int)n, struct word).text)))
        n++;
    return n;
}

/* The words that may stand where argv's words stop being those of a row. */
static enum aps_err bad_command(apr_pool_t *pool, const apr_array_header_t *words,
                                struct aps_diag *diag)
{
    struct choice next = choice_new(pool);
    size_t known = 0;
    const char *seen = "";

    for (size_t i = 0; i < ctl_command_nrows; i++)
        if (words_in_common(&ctl_command_rows[i], words) > known)
            known = words_in_common(&ctl_command_rows[i], words);
    for (size_t i = 0; i < ctl_command_nrows; i++) {
        struct aps_str rest = ctl_command_words(&ctl_command_rows[i]);
        struct aps_str word = {0};

        if (words_in_common(&ctl_command_rows[i], words) < known)
            continue;
        for (size_t k = 0; k <= known; k++)
            aps_str_next(&rest, ' ', &word);
        choice_add(&next, word);
    }
    for (size_t k = 0; k < known; k++)
        seen = apr_pstrcat(pool, seen, k > 0 ? " " : "",
                           APR_ARRAY_IDX(words, (int)k, struct word).text, NULL);
    if ((size_t)words->nelts > known) {
        const char *word = APR_ARRAY_IDX(words, (int)known, struct word).text;

        aps_err_explain(diag, "unknown %s %s%s%s: want %s; see apisecctl help",
                        known == 0 ? "command" : seen, known == 0 ? "" : "command ", word,
                        choice_near(&next, word), choice_text(&next));
    } else {
        aps_err_explain(diag, "%s%s what? want %s; see apisecctl help",
                        known == 0 ? "no command" : seen, known == 0 ? ":" : "",
                        choice_text(&next));
    }
    return APS_ERR_USAGE;
}

static const struct ctl_command *find_row(const apr_array_header_t *words)
{
    const struct ctl_command *best = NULL;
    size_t best_n = 0;

    for (size_t i = 0; i < ctl_command_nrows; i++) {
        size_t n = words_in_common(&ctl_command_rows[i], words);

        if (n > best_n && n == grammar_of(&ctl_command_rows[i]).nwords) {
            best = &ctl_command_rows[i];
            best_n = n;
        }
    }
    return best;
}

/* Surplus words that follow a greedy option's value are values of it, unless it is then doubtful
 * which words are the arguments. */
static bool give_surplus(apr_pool_t *pool, const struct grammar *g, apr_array_header_t *words,
                         struct ctl_call *call)
{
    int most = (int)(g->nwords + g->args_max);

    for (int i = (int)g->nwords; i < words->nelts; i++) {
        int after = APR_ARRAY_IDX(words, i, struct word).after;
        bool greedy = after >= 0 && g->opt[after].greedy;

        if (greedy != (i >= most))
            return false;
    }
    for (int i = most; i < words->nelts; i++)
        add_value(pool, call, APR_ARRAY_IDX(words, i, struct word).after,
                  APR_ARRAY_IDX(words, i, struct word).text);
    words->nelts = most;
    return true;
}

static enum aps_err read_args(apr_pool_t *pool, const struct grammar *g, apr_array_header_t *words,
                              struct ctl_call *call, struct aps_diag *diag)
{
    size_t n = (size_t)words->nelts - g->nwords;

    if (n > g->args_max && !give_surplus(pool, g, words, call)) {
        const char *word = APR_ARRAY_IDX(words, (int)(g->nwords + g->args_max), struct word).text;

        aps_err_explain(diag,
                        "one word too many: \"%s\" (quote what holds spaces); usage: apisecctl %s",
                        word, call->command->usage);
        return APS_ERR_USAGE;
    }
    if (n < g->args_min) {
        aps_err_explain(diag, "a word is missing; usage: apisecctl %s", call->command->usage);
        return APS_ERR_USAGE;
    }
    call->nargs = (size_t)words->nelts - g->nwords;
    for (size_t i = 0; i < call->nargs; i++)
        call->arg[i] = APR_ARRAY_IDX(words, (int)(g->nwords + i), struct word).text;
    return APS_OK;
}

static enum aps_err check_option(apr_pool_t *pool, const struct grammar *g,
                                 const struct ctl_call *call, enum ctl_opt opt,
                                 struct aps_diag *diag)
{
    const char *name = ctl_command_options[opt].name;
    const apr_array_header_t *values = call->values[opt];

    if (values != NULL && !g->opt[opt].taken)
        return bad_option(pool, name, g, call->name, diag);
    if (values == NULL && g->opt[opt].required) {
        aps_err_explain(diag, "%s is missing; usage: apisecctl %s", name, call->command->usage);
        return APS_ERR_USAGE;
    }
    if (values != NULL && values->nelts > 1 && !g->opt[opt].repeated &&
        ctl_command_options[opt].value != NULL) {
        aps_err_explain(diag, "%s is given more than once", name);
        return APS_ERR_USAGE;
    }
    return APS_OK;
}

static enum aps_err check_options(apr_pool_t *pool, const struct grammar *g,
                                  const struct ctl_call *call, struct aps_diag *diag)
{
    struct choice either = choice_new(pool);
    unsigned chosen = 0;

    for (int i = 0; i < CTL_OPT_COUNT; i++) {
        enum aps_err err = check_option(pool, g, call, (enum ctl_opt)i, diag);

        if (err != APS_OK)
            return err;
        if (g->opt[i].either)
            choice_add(&either, aps_str(ctl_command_options[i].name));
        chosen += g->opt[i].either && call->values[i] != NULL ? 1 : 0;
    }
    if (either.words->nelts == 0 || chosen == 1)
        return APS_OK;
    aps_err_explain(diag, "want %sone of %s; usage: apisecctl %s", chosen > 1 ? "only " : "",
                    choice_text(&either), call->command->usage);
    return APS_ERR_USAGE;
}

/* `--help` anywhere: the words that a row knows become arguments of help. */
static void turn_to_help(apr_pool_t *pool, apr_array_header_t *words, struct ctl_call *call)
{
    const struct ctl_command *row = find_row(words);
    apr_array_header_t *all = apr_array_make(pool, 4, sizeof(struct word));

    if (row != NULL)
        words->nelts = (int)grammar_of(row).nwords;
    APR_ARRAY_PUSH(all, struct word) = (struct word){"help", -1};
    if (row == NULL || row->run != ctl_help)
        apr_array_cat(all, words);
    *words = *all;
    for (int i = 0; i < CTL_OPT_COUNT; i++)
        if (!ctl_command_options[i].global)
            call->values[i] = NULL;
}

enum aps_err ctl_command_parse(apr_pool_t *pool, int argc, const char *const *argv,
                               struct ctl_call *out, struct aps_diag *diag)
{
    struct ctl_call call = {0};
    apr_array_header_t *words = apr_array_make(pool, 8, sizeof(struct word));
    struct grammar g;
    struct aps_str name;
    enum aps_err err;

    if ((err = read_words(pool, argc, argv, &call, words, diag)) != APS_OK)
        return err;
    if (call.values[CTL_OPT_HELP] != NULL)
        turn_to_help(pool, words, &call);
    call.command = find_row(words);
    if (call.command == NULL)
        return bad_command(pool, words, diag);
    g = grammar_of(call.command);
    name = ctl_command_words(call.command);
    call.name = aps_str_copy(pool, name).p;
    if ((err = read_args(pool, &g, words, &call, diag)) != APS_OK ||
        (err = check_options(pool, &g, &call, diag)) != APS_OK)
        return err;
    *out = call;
    return APS_OK;
}

const char *ctl_command_value(const struct ctl_call *call, enum ctl_opt opt)
{
    const apr_array_header_t *values = call->values[opt];

    return values == NULL ? NULL : APR_ARRAY_IDX(values, values->nelts - 1, const char *);
}

bool ctl_command_is_dry_run(const struct ctl_call *call)
{
    return call->values[CTL_OPT_DRY_RUN] != NULL;
}
