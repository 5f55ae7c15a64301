/* cmd_help.c - help and version: what the tables say, for people. */
#include <apr_strings.h>

#include "apisec/version.h"
#include "ctl.h"

enum aps_err ctl_help_version(struct ctl *c)
{
    ctl_output_row(c->out);
    ctl_output_str(c->out, "version", aps_str(aps_version()));
    ctl_output_end(c->out);
    return APS_OK;
}

/* Whether the row is one of those that help was asked for. */
static bool is_asked(const struct ctl *c, const struct ctl_command *row)
{
    struct aps_str words = ctl_command_words(row);
    struct aps_str word;

    for (size_t i = 0; i < c->call.nargs; i++)
        if (!aps_str_next(&words, ' ', &word) || !aps_str_eq(word, aps_str(c->call.arg[i])))
            return false;
    return true;
}

static void explain_options(struct ctl *c, const struct ctl_command *row, bool global)
{
    for (int i = 0; i < CTL_OPT_COUNT; i++) {
        const struct ctl_option *o = &ctl_command_options[i];

        if (o->global == global && (global || ctl_command_takes(row, (enum ctl_opt)i)))
            ctl_output_text(c->out, "  %-24s %s\n",
                            apr_pstrcat(c->pool, o->name, o->value != NULL ? " " : "",
                                        o->value != NULL ? o->value : "", NULL),
                            o->text);
    }
}

static void explain_row(struct ctl *c, const struct ctl_command *row)
{
    ctl_output_text(c->out, "usage: apisecctl %s\n\n%s\n\n", row->usage, row->text);
    explain_options(c, row, false);
    ctl_output_text(c->out, "\nexample: %s\n", row->example);
}

static void explain_all(struct ctl *c)
{
    ctl_output_text(c->out, "usage: apisecctl [OPTION]... COMMAND [ARGUMENT]... [OPTION]...\n\n");
    for (size_t i = 0; i < ctl_command_nrows; i++) {
        struct aps_str words = ctl_command_words(&ctl_command_rows[i]);

        if (is_asked(c, &ctl_command_rows[i]))
            ctl_output_text(c->out, "  %-14.*s %s\n", APS_STR_ARG(words), ctl_command_rows[i].text);
    }
    ctl_output_text(c->out, "\noptions of all commands:\n");
    explain_options(c, NULL, true);
    ctl_output_text(c->out,
                    "\nexit codes: 0 done; 1 failed; 2 usage; 3 no such thing; 4 already there or "
                    "conflict; 5 a check did not pass\n"
                    "more: apisecctl help NOUN VERB, such as apisecctl help key create\n");
}

enum aps_err ctl_help(struct ctl *c)
{
    const struct ctl_command *only = NULL;
    size_t n = 0;

    if (ctl_output_is_json(c->out))
        ctl_output_table(c->out, NULL, "command");
    for (size_t i = 0; i < ctl_command_nrows; i++) {
        const struct ctl_command *row = &ctl_command_rows[i];

        if (!is_asked(c, row))
            continue;
        only = row;
        n++;
        if (!ctl_output_is_json(c->out))
            continue;
        ctl_output_row(c->out);
        ctl_output_str(c->out, "command", ctl_command_words(row));
        ctl_output_str(c->out, "usage", aps_str(row->usage));
        ctl_output_str(c->out, "text", aps_str(row->text));
        ctl_output_str(c->out, "example", aps_str(row->example));
        ctl_output_end(c->out);
    }
    if (ctl_output_is_json(c->out))
        ctl_output_end(c->out);
    if (n == 0) {
        aps_err_explain(&c->diag, "there is no command \"%s%s%s\": see apisecctl help",
                        c->call.arg[0], c->call.nargs > 1 ? " " : "",
                        c->call.nargs > 1 ? c->call.arg[1] : "");
        return APS_ERR_USAGE;
    }
    if (n == 1)
        explain_row(c, only);
    else
        explain_all(c);
    return APS_OK;
}
