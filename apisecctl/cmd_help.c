/* cmd_help.c - help and version: what the tables say, for people. */
#include <apr_strings.h>

#include "apisec/version.h"
#include "ctl.h"
#include "near.h"

#define WIDTH_MAX 100 /* longer lines are hard to read */
#define TEXT_AT 27    /* where the text of an option begins */

/* Commands of other nouns that go with those of one, and what exit code 5 means there. */
static const struct {
    const char *of, *see, *check;
} related[] = {
    {"init", "role create,key create,status", NULL},
    {"role", "key set,explain", NULL},
    {"key", "role list,explain,changes", NULL},
    {"api", "explain,role create",
     "a fault was found, or something that is not enforced, or a change that breaks clients"},
    {"explain", "key show,role show,key set,role grant",
     "the request is refused, or a line of the log would be answered otherwise"},
    {"issuer", "token check,role list", "a document or the keys of the issuer cannot be had"},
    {"token", "issuer show,explain,key leaked", "httpd would refuse the token"},
    {"sign", "explain,token decode", NULL},
    {"secret", "webhook rotate,changes,status", NULL},
    {"webhook", "changes,status", NULL},
    {"changes", "key show,role show,status", NULL},
    {"backup", "restore,status", NULL},
    {"export", "import,backup", NULL},
    {"import", "export,changes", NULL},
    {"restore", "backup,status,changes", NULL},
    {"publish", "status", NULL},
    {"status", "publish,changes,doctor", NULL},
    {"doctor", "status,publish,key list", "something that was found is a warning or worse"},
    {"version", "help", NULL},
    {"help", "version,complete", NULL},
    {"complete", "help", NULL},
};

enum aps_err ctl_help_version(struct ctl *c)
{
    ctl_output_row(c->out);
    ctl_output_str(c->out, "version", aps_str(aps_version()));
    ctl_output_end(c->out);
    return APS_OK;
}

static struct aps_str noun_of(const struct ctl_command *row)
{
    struct aps_str words = ctl_command_words(row);
    struct aps_str noun = {0};

    aps_str_next(&words, ' ', &noun);
    return noun;
}

/* Whether the row begins with the first `n` words that help was asked for. */
static bool begins_with(const struct ctl *c, const struct ctl_command *row, size_t n)
{
    struct aps_str words = ctl_command_words(row);
    struct aps_str word;

    for (size_t i = 0; i < n; i++)
        if (!aps_str_next(&words, ' ', &word) || !aps_str_eq(word, aps_str(c->call.arg[i])))
            return false;
    return true;
}

static bool is_asked(const struct ctl *c, const struct ctl_command *row)
{
    return begins_with(c, row, c->call.nargs);
}

/* ---- Text in lines ---- */

/* Text that goes on below itself, and where it stands now. */
struct lines {
    struct ctl_out *out;
    size_t width, indent, at;
};

static struct lines lines_at(const struct ctl *c, size_t indent, size_t at)
{
    size_t width = c->terminal.columns < WIDTH_MAX ? c->terminal.columns : WIDTH_MAX;

    return (struct lines){c->out, width > indent + 20 ? width : indent + 20, indent, at};
}

/* A piece that stays on one line, with a space before it unless it begins one. */
static void put_piece(struct lines *l, struct aps_str piece)
{
    if (l->at > l->indent && l->at + 1 + piece.n > l->width) {
        ctl_output_text(l->out, "\n%*s", (int)l->indent, "");
        l->at = l->indent;
    }
    ctl_output_text(l->out, "%s%.*s", l->at > l->indent ? " " : "", APS_STR_ARG(piece));
    l->at += piece.n + (l->at > l->indent ? 1 : 0);
}

static void put_words(struct lines *l, const char *text)
{
    struct aps_str rest = aps_str(text);
    struct aps_str word;

    while (aps_str_next(&rest, ' ', &word))
        put_piece(l, word);
    ctl_output_text(l->out, "\n");
}

/* An option stays beside its value. */
static void put_usage(struct ctl *c, const char *usage)
{
    struct lines l;
    size_t n;

    ctl_output_heading(c->out, "usage:");
    ctl_output_text(c->out, " apisecctl ");
    l = lines_at(c, sizeof "usage: apisecctl" + 2, sizeof "usage: apisecctl" + 2);
    for (; *usage != '\0'; usage += n + (usage[n] == ' ' ? 1 : 0)) {
        n = strcspn(usage, " ");
        while (usage[n] == ' ' && strchr("[(<-|", usage[n + 1]) == NULL)
            n += 1 + strcspn(usage + n + 1, " ");
        put_piece(&l, (struct aps_str){usage, n});
    }
    ctl_output_text(c->out, "\n");
}

static void put_option(struct ctl *c, const struct ctl_option *o)
{
    const char *name = apr_pstrcat(c->pool, o->name, o->value != NULL ? " " : "", o->value, NULL);
    struct lines l = lines_at(c, TEXT_AT, TEXT_AT);

    ctl_output_text(c->out, "  %-*s ", TEXT_AT - 3, name);
    put_words(&l, o->text);
}

/* ---- One command ---- */

static bool has_options(const struct ctl_command *row)
{
    for (int i = 0; i < CTL_OPT_COUNT; i++)
        if (!ctl_command_options[i].global && ctl_command_takes(row, (enum ctl_opt)i))
            return true;
    return false;
}

static void put_options(struct ctl *c, const struct ctl_command *row)
{
    struct lines l = lines_at(c, 2, 2);

    if (has_options(row)) {
        ctl_output_text(c->out, "\n");
        ctl_output_heading(c->out, "options:");
        ctl_output_text(c->out, "\n");
    }
    for (int i = 0; i < CTL_OPT_COUNT; i++)
        if (!ctl_command_options[i].global && ctl_command_takes(row, (enum ctl_opt)i))
            put_option(c, &ctl_command_options[i]);
    ctl_output_text(c->out, "\n");
    ctl_output_heading(c->out, "options of all commands:");
    ctl_output_text(c->out, " (explained by apisecctl help)\n  ");
    for (int i = 0; i < CTL_OPT_COUNT; i++)
        if (ctl_command_options[i].global)
            put_piece(&l, aps_str(ctl_command_options[i].name));
    ctl_output_text(c->out, "\n");
}

static const char *check_of(const struct ctl_command *row)
{
    for (size_t i = 0; row != NULL && i < sizeof related / sizeof *related; i++)
        if (aps_str_eq(aps_str(related[i].of), noun_of(row)) && related[i].check != NULL)
            return related[i].check;
    return "a check did not pass";
}

static void put_exit_codes(struct ctl *c, const struct ctl_command *row)
{
    struct lines l = lines_at(c, 2, 12);

    ctl_output_text(c->out, "\n");
    ctl_output_heading(c->out, "exit codes:");
    put_words(&l, apr_pstrcat(c->pool,
                              "0 done; 1 failed; 2 usage; 3 no such thing; 4 already there or "
                              "conflict; 5 ",
                              check_of(row), NULL));
}

/* The other commands of the noun, then those that go with it; of struct aps_str. */
static apr_array_header_t *see_also(struct ctl *c, const struct ctl_command *row)
{
    apr_array_header_t *found = apr_array_make(c->pool, 16, sizeof(struct aps_str));

    for (size_t i = 0; i < ctl_command_nrows; i++)
        if (&ctl_command_rows[i] != row && aps_str_eq(noun_of(&ctl_command_rows[i]), noun_of(row)))
            APR_ARRAY_PUSH(found, struct aps_str) = ctl_command_words(&ctl_command_rows[i]);
    for (size_t i = 0; i < sizeof related / sizeof *related; i++) {
        struct aps_str rest = aps_str(related[i].see);
        struct aps_str words;

        while (aps_str_eq(aps_str(related[i].of), noun_of(row)) && aps_str_next(&rest, ',', &words))
            APR_ARRAY_PUSH(found, struct aps_str) = words;
    }
    return found;
}

static void put_see_also(struct ctl *c, const struct ctl_command *row)
{
    const apr_array_header_t *found = see_also(c, row);
    struct lines l = lines_at(c, 2, 10);

    ctl_output_text(c->out, "\n");
    ctl_output_heading(c->out, "see also:");
    for (int i = 0; i < found->nelts; i++)
        put_piece(&l, aps_str(apr_psprintf(c->pool, "%.*s%s",
                                           APS_STR_ARG(APR_ARRAY_IDX(found, i, struct aps_str)),
                                           i + 1 < found->nelts ? "," : "")));
    ctl_output_text(c->out, "\n");
}

static void explain_row(struct ctl *c, const struct ctl_command *row)
{
    struct lines l = lines_at(c, 0, 0);

    put_usage(c, row->usage);
    ctl_output_text(c->out, "\n");
    put_words(&l, row->text);
    put_options(c, row);
    ctl_output_text(c->out, "\n");
    ctl_output_heading(c->out, "example:");
    ctl_output_text(c->out, " %s\n", row->example);
    put_exit_codes(c, row);
    put_see_also(c, row);
}

/* ---- All of them, or those of a noun ---- */

/* Where the sentences of commands begin, so that the longest name has room. */
static size_t text_at(const struct ctl *c)
{
    size_t longest = 14;

    for (size_t i = 0; i < ctl_command_nrows; i++)
        if (is_asked(c, &ctl_command_rows[i]) &&
            ctl_command_words(&ctl_command_rows[i]).n > longest)
            longest = ctl_command_words(&ctl_command_rows[i]).n;
    return longest + 3;
}

static void explain_all(struct ctl *c)
{
    size_t at = text_at(c);

    ctl_output_heading(c->out, "usage:");
    ctl_output_text(c->out, " apisecctl [OPTION]... COMMAND [ARGUMENT]... [OPTION]...\n\n");
    for (size_t i = 0; i < ctl_command_nrows; i++) {
        struct aps_str words = ctl_command_words(&ctl_command_rows[i]);
        struct lines l = lines_at(c, at, at);

        if (!is_asked(c, &ctl_command_rows[i]))
            continue;
        ctl_output_text(c->out, "  %-*.*s ", (int)at - 3, APS_STR_ARG(words));
        put_words(&l, ctl_command_rows[i].text);
    }
    ctl_output_text(c->out, "\n");
    ctl_output_heading(c->out, "options of all commands:");
    ctl_output_text(c->out, "\n");
    for (int i = 0; i < CTL_OPT_COUNT; i++)
        if (ctl_command_options[i].global)
            put_option(c, &ctl_command_options[i]);
    put_exit_codes(c, NULL);
    ctl_output_text(c->out, "\n");
    ctl_output_heading(c->out, "more:");
    ctl_output_text(c->out, " apisecctl help NOUN VERB, such as apisecctl help key create\n");
}

static void show_json(struct ctl *c, const struct ctl_command *row)
{
    const apr_array_header_t *found = see_also(c, row);
    apr_array_header_t *options = apr_array_make(c->pool, 8, sizeof(struct aps_str));

    for (int i = 0; i < CTL_OPT_COUNT; i++)
        if (!ctl_command_options[i].global && ctl_command_takes(row, (enum ctl_opt)i))
            APR_ARRAY_PUSH(options, struct aps_str) = aps_str(ctl_command_options[i].name);
    ctl_output_row(c->out);
    ctl_output_str(c->out, "command", ctl_command_words(row));
    ctl_output_str(c->out, "usage", aps_str(row->usage));
    ctl_output_str(c->out, "text", aps_str(row->text));
    ctl_output_str(c->out, "example", aps_str(row->example));
    ctl_output_list(c->out, "options", (struct aps_str *)(void *)options->elts,
                    (size_t)options->nelts);
    ctl_output_list(c->out, "see_also", (struct aps_str *)(void *)found->elts,
                    (size_t)found->nelts);
    ctl_output_end(c->out);
}

/* How many of the words that help was asked for are the first ones of a row. */
static size_t known_words(const struct ctl *c)
{
    size_t known = 0;

    for (size_t i = 0; i < ctl_command_nrows; i++)
        while (known < c->call.nargs && begins_with(c, &ctl_command_rows[i], known + 1))
            known++;
    return known;
}

/* The word that no row has there, and what is near it. */
static enum aps_err no_such_command(struct ctl *c)
{
    size_t known = known_words(c);
    const char *all = c->call.arg[0];
    struct ctl_near near;

    for (size_t i = 1; i < c->call.nargs; i++)
        all = apr_pstrcat(c->pool, all, " ", c->call.arg[i], NULL);
    ctl_near_init(&near, aps_str(known < c->call.nargs ? c->call.arg[known] : ""));
    for (size_t i = 0; i < ctl_command_nrows; i++) {
        struct aps_str rest = ctl_command_words(&ctl_command_rows[i]);
        struct aps_str word = {0};

        if (!begins_with(c, &ctl_command_rows[i], known))
            continue;
        for (size_t k = 0; k <= known; k++)
            if (!aps_str_next(&rest, ' ', &word))
                word.n = 0;
        ctl_near_try(&near, word);
    }
    aps_err_explain(&c->diag, "there is no command \"%s\"%s%s%s: see apisecctl help", all,
                    ctl_near_found(&near) != NULL ? " (did you mean " : "",
                    ctl_near_found(&near) != NULL ? ctl_near_found(&near) : "",
                    ctl_near_found(&near) != NULL ? "?)" : "");
    return APS_ERR_USAGE;
}

enum aps_err ctl_help(struct ctl *c)
{
    const struct ctl_command *only = NULL;
    size_t n = 0;

    if (ctl_output_is_json(c->out))
        ctl_output_table(c->out, NULL, "command");
    for (size_t i = 0; i < ctl_command_nrows; i++) {
        if (!is_asked(c, &ctl_command_rows[i]))
            continue;
        only = &ctl_command_rows[i];
        n++;
        if (ctl_output_is_json(c->out))
            show_json(c, only);
    }
    if (ctl_output_is_json(c->out))
        ctl_output_end(c->out);
    if (n == 0)
        return no_such_command(c);
    if (n == 1)
        explain_row(c, only);
    else
        explain_all(c);
    return APS_OK;
}
