/* gen_apisecctl.c - the tables of apisecctl -> its reference page and its manual page.
 *
 *   gen_apisecctl md > reference/apisecctl.md
 *   gen_apisecctl man > man/apisecctl.1 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "roff.h"

struct command {
    const char *usage, *text, *example;
};

struct option {
    const char *name, *value;
    bool global;
    const char *text;
};

struct exit_code {
    int code;
    const char *text;
};

static const struct command commands[] = {
#define C(usage, need, run, text, example) {usage, text, example},
#include "commands.def"
#undef C
};

static const struct option options[] = {
#define O(id, name, value, global, text) {name, value, global, text},
#include "options.def"
#undef O
};

static const struct exit_code meanings[] = {
#define E(name, exit_code, token, text) {exit_code, text},
#include "apisec/errors.def"
#undef E
};

/* What --json prints. */
static const struct {
    const char *command, *json, *note;
} shapes[] = {
    {"init", "{\"store\": PATH, \"master_key\": PATH}",
     "; master_key is a source where it comes from elsewhere than a file"},
    {"master protect", "{\"master_key\": PATH, \"passphrase\": KDF}",
     "; master unprotect prints it with null"},
    {"role show",
     "{\"name\", \"grants\": [], \"denies\": [], \"inherits\": [], \"plan\", \"priority\", "
     "\"max_age\", \"warn\", \"effective\": [{\"grant\" or \"deny\", \"from\"}]}",
     "; role list prints an array of it, and the commands that change a role print it too"},
    {"role delete", "{\"name\", \"deleted\": true}", ""},
    {"plan show",
     "{\"name\", \"description\", \"created_at\", \"keys\", \"roles\": [], \"limits\": [{\"name\", "
     "\"limit\"}], \"earlier\": [{\"limit\", \"changed_at\", \"until\"}]}",
     "; keys is how many name it, roles which do, earlier what limits said before, until that "
     "cannot "
     "matter any more; plan list prints an array of it, plan create and plan set print it too"},
    {"limit grant",
     "{\"key\", \"name\", \"limits\": [{\"limit\", \"by\", \"concerns\", \"bonus\", \"until\", "
     "\"resets\"}]}",
     "; concerns says whom: a limit by user is raised for all keys of that user; limit reset "
     "prints "
     "it too"},
    {"plan delete", "{\"name\", \"deleted\": true}", ""},
    {"key show",
     "{\"id\", \"name\", \"owner\", \"org\", \"status\", \"created_at\", \"not_before\", "
     "\"expires_at\", "
     "\"revoked_at\", \"revoke_reason\", \"roles\": [], \"scopes\": [], \"cidrs\": [], "
     "\"hosts\": [], \"limit\", \"plan\", \"overrides\": [], \"kv\", \"old_valid_until\"}",
     "; status is active, revoked or expired, kv the version of the secret, old_valid_until when "
     "the secret before it ends; key list prints an array of it, with --max {\"keys\": [], "
     "\"next\": the name for --after, or null}, key set and key revoke print it "
     "too, key create and key rotate print it with \"key\""},
    {"key delete", "{\"id\", \"name\", \"deleted\": true}", ""},
    {"explain",
     "{\"decision\": \"allow\" or \"refuse\", \"reason\", \"status\", \"generation\", \"steps\": "
     "[{\"step\", \"result\", \"role\", \"rule\", \"from\", \"detail\"}], \"changes\": [{\"what\", "
     "\"command\"}]}",
     "; status is that of HTTP; changes is what would lift the refusal, or end what is allowed"},
    {"explain --log",
     "{\"lines\": [{\"line\", \"method\", \"path\", \"key\", \"decision\", \"reason\", "
     "\"now_decision\", \"now_reason\", \"same\", \"note\"}], \"same\", \"different\", "
     "\"not_judged\", \"bad\"}",
     "; same is null, with a note, where the line does not tell enough (limits, what a section "
     "asks for, an address that ApiSecLogAddress hides, a text that was cut) or cannot be read. "
     "The exit code is 0 where every line that can be judged is answered as it was, 5 where one is "
     "answered otherwise or cannot be read. One run takes 250,000 lines"},
    {"webhook show",
     "{\"name\", \"scheme\", \"window\", \"signature_field\", \"time_field\", \"prefix\", "
     "\"encoding\", \"created_at\", \"secrets\": [{\"version\", \"created_at\", \"until\"}]}",
     "; secrets are those that work; webhook list prints an array of it, webhook set prints it "
     "too, "
     "webhook add and webhook rotate with \"secret\" where --generate made it"},
    {"key signer list",
     "[{\"keyid\", \"alg\", \"key\", \"key_name\", \"created_at\", \"expires_at\"}]",
     "; key signer add prints one of it, with \"secret\" where --generate made it"},
    {"key signer delete", "{\"keyid\", \"deleted\": true}", ""},
    {"key certificate list", "[{\"certificate\", \"key\", \"key_name\", \"created_at\"}]",
     "; key certificate add prints one of it"},
    {"key certificate delete", "{\"certificate\", \"deleted\": true}", ""},
    {"api show",
     "{\"name\", \"kind\", \"title\", \"version\", \"bytes\", \"digest\", \"release\", "
     "\"created_at\", \"changed_at\", \"gaps\": [], \"documents\": [{\"uri\", \"bytes\"}], "
     "\"operations\": [{\"method\", \"path\", \"id\", \"deprecated\", \"limit\", \"stream\"}]}",
     "; gaps are what is not enforced, digest the SHA-256 of what was compiled, release the "
     "program "
     "that did it; api list prints an array of it without the last three, api import prints it "
     "with "
     "\"documents\" as a number, \"changed\", \"gaps\" and \"warnings\", and api show --documents "
     "[{\"uri\", \"text\"}]"},
    {"api validate",
     "{\"file\", \"kind\", \"title\", \"version\", \"valid\", \"faults\": [], \"gaps\": [], "
     "\"warnings\": []}",
     "; each is a sentence that begins with where it is. The exit code is 5 where valid is false"},
    {"api coverage", "{\"name\", \"kind\", \"complete\", \"gaps\": []}",
     "; the exit code is 5 where complete is false"},
    {"api diff",
     "{\"name\", \"file\", \"breaking\", \"changes\": [{\"change\", \"operation\", \"where\", "
     "\"breaks\"}]}",
     "; change is added, removed or changed, breaking how many break clients. The exit code is 5 "
     "where one does"},
    {"api remove", "{\"name\", \"removed\": true}", ""},
    {"webhook delete", "{\"name\", \"deleted\": true}", ""},
    {"issuer show",
     "{\"name\", \"issuer\", \"audiences\": [], \"algs\": [], \"mixed\", \"plain_typ\", "
     "\"leeway\", "
     "\"max_age\", \"max_life\", \"needs\": [], \"roles\": [], \"scopes\": [], \"keys\", \"jwks\", "
     "\"hosts\": [], \"keys_ttl\", \"keys_stale\", \"fetch_interval\", \"introspect\", "
     "\"client_id\", "
     "\"aud_may_miss\", \"answer_ttl\", \"private\", \"insecure_http\", \"ca\", \"created_at\", "
     "\"client_secret_at\", \"static_keys\": [{\"kid\", \"type\", \"alg\", \"usable\", "
     "\"thumbprint\", "
     "\"fault\"}]}",
     "; keys is static, url, discover or none, static_keys those that the store has, without "
     "secrets; issuer list prints an array of it without the last two, issuer add and issuer set "
     "print it too"},
    {"issuer test",
     "{\"name\", \"issuer\", \"keys\", \"steps\": [{\"check\", \"result\", \"url\", \"address\", "
     "\"detail\"}], \"usable\", \"found_keys\": [as static_keys above], \"passed\"}",
     "; check is metadata, keys or introspection, usable how many keys would be used. The exit "
     "code "
     "is 5 where passed is false"},
    {"token check",
     "{\"accepted\", \"reason\", \"issuer\", \"keys_fetched_at\", \"id\", \"caller\", \"roles\": "
     "[], "
     "\"unknown_roles\": [], \"scopes\": [], \"bound_to\", \"expires_at\", \"steps\": [{\"check\", "
     "\"result\", \"detail\"}]}",
     "; reason is a word of reasons.md. What a section asks for (ApiSecIssuer, ApiSecRequire, a "
     "proof of a bound token) is not judged. The exit code is 5 where accepted is false"},
    {"token revoke", "{\"hash\", \"by\", \"issuer\", \"jti\", \"verified\", \"until\"}",
     "; by is jti or text, verified yes or no for a token that came by stdin, until when it is "
     "forgotten, null for never"},
    {"token gone", "[{\"hash\", \"issuer\", \"until\", \"revoked_at\"}]", ""},
    {"issuer delete", "{\"name\", \"deleted\": true}", ""},
    {"changes",
     "[{\"n\", \"at\", \"uid\", \"login\", \"sudo\", \"tty\", \"host\", \"command\", \"subject\", "
     "\"old\", \"new\"}]",
     "; old and new are objects or null"},
    {"publish", "{\"generation\"}", ""},
    {"status",
     "{\"store\", \"prefix\", \"keys\", \"roles\", \"generation\", \"published_generation\", "
     "\"published_fault\", \"state\", \"state_fault\"}",
     "; state is an object of numbers, or null where there is no state file"},
    {"version", "{\"version\"}", ""},
    {"help", "[{\"command\", \"usage\", \"text\", \"example\", \"options\": [], \"see_also\": []}]",
     ""},
    {"complete", "[{\"word\"}]", ""},
};

static const char *const notes[] = {
    "Options may stand before and after the other words; --opt VALUE and --opt=VALUE are the same, "
    "and -- ends the options. A key is named by its id or its name. Options that list things "
    "(--role, "
    "--scope, --cidr, --host) take several with commas between, or may be given again.",
    "Each command that changes the store commits the change together with its row in the change "
    "log, and publishes to httpd before it returns; httpd needs no reload. The change log records "
    "the real user, the sudo user, the terminal and the host; no option changes that.",
    "The text of a key is printed by key create and key rotate to stdout, once; the store keeps "
    "nothing from which it could be printed again. No option takes a secret.",
    "delete asks on a terminal and needs --yes elsewhere; revoke and rotate never ask. With "
    "--dry-run the answer carries \"dry_run\": true and nothing is changed.",
    "On a terminal headings and the words of a status have colours, and what is longer than the "
    "screen is shown by $PAGER, or by less where PAGER is not set; who has become root by sudo "
    "gets less "
    "alone, without its ways to a shell. The text of a new key never goes through a pager. A role "
    "or a key that is not there is answered by the one that was probably meant.",
    "With --json stdout carries one JSON document and nothing else, and nothing at all where the "
    "command fails; what is not set is null. Times are RFC 3339, UTC.",
};

static const struct {
    const char *name, *text;
} files[] = {
    {"DIR/store.db", "the store, mode 0600; only apisecctl opens it"},
    {"DIR/pub/store.db", "the published copy, mode 0640, group of httpd's children"},
    {"DIR/master.key", "the master key, mode 0600, unless --master-key names another place"},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Whether the usage names the option. */
static bool takes(const struct command *c, const struct option *o)
{
    const char *at = strstr(c->usage, o->name);
    char after = '\0';

    if (at != NULL)
        after = at[strlen(o->name)];
    return at != NULL && (after == ' ' || after == ']' || after == '\0');
}

/* Length of the words that a usage begins with. */
static int words(const char *usage)
{
    size_t n = 0;

    while (usage[n] == ' ' || (usage[n] >= 'a' && usage[n] <= 'z'))
        n++;
    while (n > 0 && usage[n - 1] == ' ')
        n--;
    return (int)n;
}

static bool is_first_of_code(size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (meanings[k].code == meanings[i].code)
            return false;
    return true;
}

/* ---- Markdown ---- */

static void md_options(const struct command *c)
{
    for (size_t i = 0; i < COUNT(options); i++) {
        const struct option *o = &options[i];

        if (c != NULL ? takes(c, o) : o->global)
            printf("- `%s%s%s`: %s\n", o->name, o->value != NULL ? " " : "",
                   o->value != NULL ? o->value : "", o->text);
    }
}

static void md_commands(void)
{
    printf("## Commands\n");
    for (size_t i = 0; i < COUNT(commands); i++) {
        const struct command *c = &commands[i];

        printf("\n### %.*s\n", words(c->usage), c->usage);
        printf("    apisecctl %s\n\n", c->usage);
        printf("%c%s. Example:\n\n    %s\n", c->text[0] - 'a' + 'A', c->text + 1, c->example);
        if (strstr(c->usage, "--") != NULL)
            printf("\n");
        md_options(c);
    }
}

static void md_exit_codes(void)
{
    printf("\n## Exit codes\n");
    for (size_t i = 0; i < COUNT(meanings); i++) {
        if (!is_first_of_code(i))
            continue;
        printf("- %d: %s", meanings[i].code, meanings[i].text);
        for (size_t k = i + 1; k < COUNT(meanings); k++)
            if (meanings[k].code == meanings[i].code)
                printf("; %s", meanings[k].text);
        printf("\n");
    }
}

static void md(void)
{
    printf("# apisecctl\n<!-- written by make docs from apisecctl/*.def and docs/gen_apisecctl.c "
           "-->\n\n"
           "    apisecctl [OPTION]... COMMAND [ARGUMENT]... [OPTION]...\n");
    for (size_t i = 0; i < COUNT(notes); i++)
        printf("\n%s\n", notes[i]);
    printf("\n## Options of all commands\n");
    md_options(NULL);
    printf("\n");
    md_commands();
    printf("\n## Documents of --json\n");
    for (size_t i = 0; i < COUNT(shapes); i++)
        printf("- %s: `%s`%s\n", shapes[i].command, shapes[i].json, shapes[i].note);
    md_exit_codes();
    printf("\n## Files\n");
    for (size_t i = 0; i < COUNT(files); i++)
        printf("- `%s`: %s\n", files[i].name, files[i].text);
}

/* ---- Manual page ---- */

static void man_commands(void)
{
    printf(".SH COMMANDS\n");
    for (size_t i = 0; i < COUNT(commands); i++) {
        printf(".TP\n\\fB%.*s\\fR", words(commands[i].usage), commands[i].usage);
        roff(commands[i].usage + words(commands[i].usage));
        printf("\n");
        roff(commands[i].text);
        printf(".\n");
    }
}

static void man_exit_codes(void)
{
    printf(".SH EXIT STATUS\n");
    for (size_t i = 0; i < COUNT(meanings); i++) {
        if (!is_first_of_code(i))
            continue;
        printf(".TP\n%d\n", meanings[i].code);
        roff(meanings[i].text);
        for (size_t k = i + 1; k < COUNT(meanings); k++)
            if (meanings[k].code == meanings[i].code) {
                printf("; ");
                roff(meanings[k].text);
            }
        printf("\n");
    }
}

static void man(void)
{
    printf(".\\\" written by make docs from apisecctl/*.def and docs/gen_apisecctl.c\n"
           ".TH APISECCTL 1 \"\" mod_apisec\n"
           ".SH NAME\napisecctl \\- manage API keys and roles of mod_apisec\n"
           ".SH SYNOPSIS\n\\fBapisecctl\\fR [\\fIOPTION\\fR]... \\fICOMMAND\\fR "
           "[\\fIARGUMENT\\fR]... [\\fIOPTION\\fR]...\n.SH DESCRIPTION\n");
    for (size_t i = 0; i < COUNT(notes); i++) {
        printf(i > 0 ? ".PP\n" : "");
        roff(notes[i]);
        printf("\n");
    }
    man_commands();
    printf(".SH OPTIONS\n");
    for (size_t i = 0; i < COUNT(options); i++)
        roff_item(options[i].name, options[i].value, options[i].text);
    man_exit_codes();
    printf(".SH FILES\n");
    for (size_t i = 0; i < COUNT(files); i++)
        roff_item(files[i].name, NULL, files[i].text);
    printf(".SH EXAMPLES\n.nf\n");
    for (size_t i = 0; i < COUNT(commands); i++) {
        roff(commands[i].example);
        printf("\n");
    }
    printf(".fi\n.SH SEE ALSO\n\\fBmod_apisec\\fR(5), \\fBapachectl\\fR(8)\n");
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "md") == 0)
        md();
    else if (argc == 2 && strcmp(argv[1], "man") == 0)
        man();
    else
        return 2;
    return fflush(stdout) == 0 ? 0 : 1;
}
