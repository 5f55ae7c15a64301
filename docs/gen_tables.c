/* gen_tables.c - the module's tables -> reference pages, and the body of its manual page.
 *
 *   gen_tables directives|reasons|audit|metrics|exit-codes|findings|doctor > reference/NAME.md
 *   gen_tables man >> man/mod_apisec.5 */
#include <stdio.h>
#include <string.h>

#include "roff.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct directive {
    const char *name, *where, *standard, *form, *text;
} directives[] = {
#define D(name, args, fn, where, standard, form, text) {#name, #where, standard, form, text},
#include "directives.def"
#undef D
};

static const struct reason {
    int status;
    const char *token, *event, *severity, *text;
} reasons[] = {
#define R(name, status, token, event, severity, text) {status, token, event, #severity, text},
#include "apisec/reasons.def"
#undef R
};

static const struct field {
    const char *name, *kind, *when, *text;
} fields[] = {
#define A(name, kind, when, text) {#name, #kind, #when, text},
#include "apisec/audit.def"
#undef A
};

static const struct metric {
    const char *name, *text;
} metrics[] = {
#define M(name, metric, text) {metric, text},
#include "apisec/metrics.def"
#undef M
};

/* Of each limit. */
static const struct metric limit_metrics[] = {
#define L(what, metric, member, text) {metric, text},
#include "apisec/limit_metrics.def"
#undef L
};

static const struct exit_code {
    int code;
    const char *token, *text;
} exits[] = {
#define E(name, exit_code, token, text) {exit_code, token, text},
#include "apisec/errors.def"
#undef E
};

static const struct finding {
    const char *token, *tag, *text;
} findings[] = {
#define F(name, token, tag, text) {token, tag, text},
#include "findings.def"
#undef F
};

/* What apisecctl doctor looks at. */
static const struct check {
    const char *id, *severity, *text, *mend;
} checks[] = {
#define F(name, id, severity, many, text, mend) {id, #severity, text, mend},
#include "doctor.def"
#undef F
};

/* What stands in a configuration beside the directives. */
static const struct word {
    const char *name, *text;
} requirements[] = {
    {"api-access", "the caller's roles grant this method on this path, and none of them denies it"},
    {"api-key", "the request carries a key that verifies"},
    {"api-user", "the caller is a person; an API key never is one, so that keys are kept out"},
    {"api-role ROLE...", "the caller has one of these roles"},
    {"api-scope SCOPE...", "the caller has all of these scopes"},
    {"api-permission PERMISSION...", "the caller's roles grant all of these, such as orders:read"},
    {"public", "nobody is asked for a name; in ApiSecRequire alone, and by itself"},
};

static const struct word names[] = {
    {"%^AJ", "in LogFormat and CustomLog: the audit line, one JSON object"},
    {"%{FIELD}^AS",
     "in LogFormat and CustomLog: one field of the audit line; - where it is unknown"},
    {"APISEC_FIELD",
     "in expressions (Require expr, CustomLog expr=, Header expr=): the same field in capitals, "
     "such "
     "as %{APISEC_REASON}; APISEC_KEY_ID is the key's id. Known after header_parser, and so never "
     "in <If>"},
    {"REMOTE_USER", "for handlers: the key's owner, else its id"},
    {"APISEC_KEY_ID, APISEC_ROLES, APISEC_SCOPES, APISEC_KV",
     "environment of handlers, as far as ApiSecExport names them"},
    {"X-Apisec-Key-Id, X-Apisec-User, X-Apisec-Roles, X-Apisec-Scopes, X-Apisec-Kv",
     "the same as request fields for backends, and as HTTP_X_APISEC_* for programs behind suexec; "
     "what a client sends under these names is removed"},
    {"AuthType ApiSec", "in any section and in .htaccess: authentication by API key"},
    {"Require api-*",
     "in any section and in .htaccess: the requirements above but public; they add to "
     "ApiSecRequire and cannot weaken it, and cannot be negated"},
};

static const struct {
    const char *name, *title, *text;
} places[] = {
    {"GLOBAL", "For the whole server", "server config, outside of any virtual host"},
    {"SERVER", "For a server or a virtual host", "server config, virtual host"},
    {"SECTION", "For a section",
     "server config, virtual host, <Directory>, <Location>, <Files>, <If>; never .htaccess"},
};

static const char severity_low[][2][10] = {{"INFO", "info"},
                                           {"WARN", "warn"},
                                           {"CRITICAL", "critical"},
                                           {"WARNING", "warning"},
                                           {"ERROR", "error"}};

static const char *severity(const char *name)
{
    for (size_t i = 0; i < COUNT(severity_low); i++)
        if (strcmp(severity_low[i][0], name) == 0)
            return severity_low[i][1];
    return name;
}

/* Of the dump: its first member, the others, and what it is of. */
static const struct {
    const char *name, *members, *text;
} dump_lines[] = {
    {"dump", "`version`, `findings`", "the dump: form 1, the module's version, how many findings"},
    {"finding", "`severity`, `file`, `line`, `host`, `reason`, `mend`",
     "each finding: `error` keeps httpd from starting, or is refused by `-t`; `warning`; `info` is "
     "not logged"},
    {"server", "`file`, `line`, `engine`, `store`, `hsts`, `tls_floor`",
     "each server: the main one, and virtual hosts; `engine` is the strictest of its sections, "
     "`store` its folder, `hsts` what it sends by HTTPS, `tls_floor` its own floor"},
    {"store", "`host`, `master`, `engine`, `state`, `user`, `group`",
     "each server with a store: its folder, where the master key comes from, the state file, and "
     "whom httpd's children are"},
    {"section", "`file`, `line`, `host`, `engine`",
     "each `ApiSecEngine`: the section that it stands in, `null` for the server itself"},
};

static void head(const char *title, const char *from)
{
    printf("# %s\n<!-- written by make docs from %s -->\n\n", title, from);
}

/* A table's cell: a bar would end it. */
static void cell(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            putchar('\\');
        putchar(*text);
    }
}

/* ---- Pages ---- */

static void words(const char *title, const struct word *list, size_t n)
{
    printf("\n## %s\n\n", title);
    for (size_t i = 0; i < n; i++)
        printf("- `%s`: %s\n", list[i].name, list[i].text);
}

static void directives_page(void)
{
    head("Directives", "mod_apisec/directives.def");
    printf(
        "None of them is taken from `.htaccess`, whatever AllowOverride and AllowOverrideList "
        "say; tenants have\n`AuthType ApiSec` and `Require api-*`, which only add. A name that "
        "is not known is an error, and\n`apachectl -t` finds it. Durations have a unit: `250ms`, "
        "`10s`, `5m`, `24h`, `90d`. Each directive stands in one of\n"
        "[conf/examples](../../conf/examples).\n");
    for (size_t p = 0; p < COUNT(places); p++) {
        printf("\n## %s\n", places[p].title);
        for (size_t i = 0; i < COUNT(directives); i++) {
            const struct directive *d = &directives[i];
            if (strcmp(d->where, places[p].name) != 0)
                continue;
            printf("\n### %s\n\n    %s %s\n\n%s\n\n", d->name, d->name, d->form, d->text);
            printf("- Default: `%s`\n- Where: `%s`\n", d->standard, places[p].text);
        }
    }
    words("Requirements", requirements, COUNT(requirements));
    words("Other names", names, COUNT(names));
}

static void reasons_page(void)
{
    head("Reasons", "include/apisec/reasons.def");
    printf(
        "Each decision has one reason. The audit line and `apisecctl explain` show its token; the "
        "client sees the\nstatus and one generic sentence. Events are those of the OWASP Logging "
        "Vocabulary. Each reason has a\ncounter.\n\n"
        "| reason | status | severity | event | meaning |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < COUNT(reasons); i++) {
        printf("| `%s` | %d | %s | `%s` | ", reasons[i].token, reasons[i].status,
               severity(reasons[i].severity), reasons[i].event);
        cell(reasons[i].text);
        printf(" |\n");
    }
}

static void audit_page(void)
{
    head("The audit line", "include/apisec/audit.def");
    printf(
        "`%%^AJ` in LogFormat or CustomLog is one JSON object of at most 3,500 bytes for each "
        "request, also for\nthose that the engine never saw. `%%{FIELD}^AS` is one field as text. "
        "No key, token, body or query value\nis ever in it. Long texts are cut and end with a "
        "mark.\n\n| field | kind | present | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < COUNT(fields); i++) {
        const struct field *f = &fields[i];
        printf("| `%s` | %s | %s | ", f->name,
               strcmp(f->kind, "U64") == 0    ? "number"
               : strcmp(f->kind, "LIST") == 0 ? "list of texts"
               : strcmp(f->kind, "TIME") == 0 ? "time"
                                              : "text",
               strcmp(f->when, "ALWAYS") == 0 ? "always" : "where it is known");
        cell(f->text);
        printf(" |\n");
    }
}

static void metric_rows(const struct metric *rows, size_t n)
{
    printf("| counter | counts |\n|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        printf("| `%s` | ", rows[i].name);
        cell(rows[i].text);
        printf(" |\n");
    }
}

static void metrics_page(void)
{
    head("Counters", "include/apisec/metrics.def");
    printf("They live in the state file, count over graceful restarts, and mod_status shows the "
           "most important of\nthem. Beside them there is one counter for each "
           "[reason](reasons.md). `SetHandler apisec-status` tells all of them as OpenMetrics or "
           "JSON.\n\n");
    metric_rows(metrics, COUNT(metrics));
    printf(
        "\nOf each limit, with the labels `limit`, `of` (`section` or `plan`) and `where`; at most "
        "1,024 limits have\ncounters, and others are counted in `apisec_limit_unlisted`:\n\n");
    metric_rows(limit_metrics, COUNT(limit_metrics));
}

static void exit_codes_page(void)
{
    head("Exit codes of apisecctl", "include/apisec/errors.def");
    printf("On any code but 0 stdout stays empty, but for `explain` and `doctor`, which print what "
           "they "
           "found, and stderr has one\nline that says what is wrong and what is accepted.\n\n"
           "| code | error | meaning |\n|---|---|---|\n");
    for (size_t i = 0; i < COUNT(exits); i++)
        printf("| %d | `%s` | %s |\n", exits[i].code, exits[i].token, exits[i].text);
}

static void findings_page(void)
{
    head("Findings", "mod_apisec/findings.def");
    printf(
        "What a configuration is told of at start and by `apachectl -t`, each in one line of the "
        "error log with its tag,\nthe file and the line, what is wrong and what mends it.\n\n"
        "| finding | tag | meaning |\n|---|---|---|\n");
    for (size_t i = 0; i < COUNT(findings); i++) {
        printf("| `%s` | `%s` | ", findings[i].token, findings[i].tag);
        cell(findings[i].text);
        printf(" |\n");
    }
    printf("\n## The dump\n\n"
           "`apachectl -t -D DUMP_APISEC` prints them and what is configured on standard output, "
           "as JSON, one object on each\nline, which is told by its first member. It has no "
           "secret, and needs root as `-t` does where only root reads the\nmaster key. Members may "
           "be added; `dump` changes when one goes or changes its meaning. Nothing is printed\n"
           "where httpd finds a fault before it asks its modules.\n\n"
           "| first member | other members | one line for |\n|---|---|---|\n");
    for (size_t i = 0; i < COUNT(dump_lines); i++)
        printf("| `%s` | %s | %s |\n", dump_lines[i].name, dump_lines[i].members,
               dump_lines[i].text);
    printf("\n`host` is the ServerName and the port, as in `api.example.org:443`; `file` and "
           "`line` are where the line stands\nthat is to be changed. What is not known is "
           "`null`.\n");
}

/* The words in braces as the reader knows them from usages. */
static void mend(const char *text)
{
    static const char *const marks[][2] = {
        {"{options}", ""}, {"{path}", "PATH"}, {"{name}", "NAME"}, {"{value}", "VALUE"}};

    while (*text != '\0') {
        size_t i = 0;
        while (i < COUNT(marks) && strncmp(text, marks[i][0], strlen(marks[i][0])) != 0)
            i++;
        if (i < COUNT(marks)) {
            printf("%s", marks[i][1]);
            text += strlen(marks[i][0]);
        } else {
            putchar(*text++);
        }
    }
}

static void doctor_page(void)
{
    head("Findings of apisecctl doctor", "apisecctl/doctor.def");
    printf(
        "Each check has an id, which is never given to another meaning. A finding says what was "
        "found and the command\nthat mends it, with the names in it; below, PATH, NAME and VALUE "
        "stand for those, words in capitals beside those for what only\nyou know. [The "
        "guide](../guide-doctor.md) "
        "shows it at work. What httpd finds in its configuration is told under\nits ids, those of "
        "[findings](findings.md).\n\n"
        "| id | severity | what is well | what mends it |\n|---|---|---|---|\n");
    for (size_t i = 0; i < COUNT(checks); i++) {
        printf("| `%s` | %s | ", checks[i].id, severity(checks[i].severity));
        cell(checks[i].text);
        if (strcmp(checks[i].mend, "{value}") == 0) {
            printf(" | depends on what was found |\n");
            continue;
        }
        printf(" | `");
        mend(checks[i].mend);
        printf("` |\n");
    }
}

/* ---- Manual page ---- */

static void man_directive(const struct directive *d, const char *where)
{
    roff_item(d->name, d->form, d->text);
    printf(".br\nDefault: ");
    roff(d->standard);
    printf(".\n.br\nWhere: ");
    roff(where);
    printf(".\n");
}

static void man_page(void)
{
    for (size_t p = 0; p < COUNT(places); p++) {
        printf(p == 0 ? ".SH DIRECTIVES\n.SS %s\n" : ".SS %s\n", places[p].title);
        for (size_t i = 0; i < COUNT(directives); i++)
            if (strcmp(directives[i].where, places[p].name) == 0)
                man_directive(&directives[i], places[p].text);
    }
    printf(".SH REQUIREMENTS\n");
    for (size_t i = 0; i < COUNT(requirements); i++)
        roff_item(requirements[i].name, NULL, requirements[i].text);
    printf(".SH OTHER NAMES\n");
    for (size_t i = 0; i < COUNT(names); i++)
        roff_item(names[i].name, NULL, names[i].text);
    printf(".SH FIELDS OF THE AUDIT LINE\n");
    for (size_t i = 0; i < COUNT(fields); i++)
        roff_item(fields[i].name, NULL, fields[i].text);
    printf(".SH REASONS\n");
    for (size_t i = 0; i < COUNT(reasons); i++) {
        char status[16];
        snprintf(status, sizeof status, "%d", reasons[i].status);
        roff_item(reasons[i].token, status, reasons[i].text);
    }
    printf(".SH SEE ALSO\n\\fBapisecctl\\fR(1), \\fBapachectl\\fR(8), \\fBrotatelogs\\fR(8)\n");
}

static const struct {
    const char *name;
    void (*write)(void);
} pages[] = {
    {"directives", directives_page}, {"reasons", reasons_page},
    {"audit", audit_page},           {"metrics", metrics_page},
    {"exit-codes", exit_codes_page}, {"findings", findings_page},
    {"doctor", doctor_page},         {"man", man_page},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < COUNT(pages); i++)
        if (strcmp(argv[1], pages[i].name) == 0) {
            pages[i].write();
            return fflush(stdout) == 0 ? 0 : 1;
        }
    return 2;
}
