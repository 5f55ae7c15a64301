/* command.h - argv -> the row of commands.def that it names, with its arguments and options.
 *
 * Options may stand anywhere; `--opt VALUE` and `--opt=VALUE` are the same; `--` ends them.
 * Everything is checked here but the values, which the commands read. */
#ifndef APISECCTL_COMMAND_H
#define APISECCTL_COMMAND_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "apisec/err.h"
#include "apisec/str.h"

#define CTL_ARGS_MAX 3

struct ctl;

/* What main.c opens before the command runs. */
enum ctl_need {
    CTL_NEED_NONE,
    CTL_NEED_READ,
    CTL_NEED_WRITE,
    CTL_NEED_COPY,
    CTL_NEED_PLAN,
    CTL_NEED_ARG,
};

enum ctl_opt {
#define O(id, name, value, global, text) CTL_OPT_##id,
#include "options.def"
#undef O
    CTL_OPT_COUNT
};

struct ctl_option {
    const char *name;  /* "--store" */
    const char *value; /* what stands for its value in a usage; NULL: a flag */
    bool global;
    const char *text;
};

typedef enum aps_err (*ctl_run_fn)(struct ctl *c);

struct ctl_command {
    const char *usage;
    enum ctl_need need;
    ctl_run_fn run;
    const char *text;
    const char *example;
};

extern const struct ctl_option ctl_command_options[CTL_OPT_COUNT];
extern const struct ctl_command ctl_command_rows[];
extern const size_t ctl_command_nrows;

/* A command line that was understood.  Lives in the pool, borrows argv. */
struct ctl_call {
    const struct ctl_command *command;
    const char *name; /* "key create" */
    size_t nargs;
    const char *arg[CTL_ARGS_MAX];             /* NULL where left out */
    apr_array_header_t *values[CTL_OPT_COUNT]; /* of const char *; NULL: not given */
};

/* APS_ERR_USAGE names the word that is wrong, what is accepted, and what may have been meant. */
APS_MUST_CHECK enum aps_err ctl_command_parse(apr_pool_t *pool, int argc, const char *const *argv,
                                              struct ctl_call *out, struct aps_diag *diag);

/* The option's last value, "" for a flag that was given, or NULL. */
const char *ctl_command_value(const struct ctl_call *call, enum ctl_opt opt);

/* Whether --dry-run was given: everything is done, and nothing is committed. */
bool ctl_command_is_dry_run(const struct ctl_call *call);

/* Whether the row's usage names the option. */
bool ctl_command_takes(const struct ctl_command *command, enum ctl_opt opt);

/* What a usage calls argument `i`: "role" of <role>; empty beyond the last.  Borrowed from it. */
struct aps_str ctl_command_arg(const struct ctl_command *command, size_t i);

/* The words that a usage begins with: "key create".  Borrowed from it. */
struct aps_str ctl_command_words(const struct ctl_command *command);

#endif
