/* The words of ApiSecResponses. */
#include "responses.h"

#include <apr_strings.h>

#include "apisec/leak.h"
#include "apisec/num.h"

#define MAX_DEFAULT (1u << 20)
#define MAX_MAX (256u << 20)

static const char *set_do(cmd_parms *cmd, const char *word, const char *value, bool masks,
                          enum mod_responses_do *out)
{
    static const char *const names[] = {"off", "log", "mask", "block"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(value, names[i]) == 0 && (masks || i != MOD_RESPONSES_MASK)) {
            *out = (enum mod_responses_do)i;
            return NULL;
        }
    return apr_psprintf(cmd->pool, "%s: want off, log%s or block", word, masks ? ", mask" : "");
}

static const char *set_flag(cmd_parms *cmd, const char *word, const char *value, const char *yes,
                            const char *no, bool *out)
{
    if (strcmp(value, yes) != 0 && strcmp(value, no) != 0)
        return apr_psprintf(cmd->pool, "%s: want %s or %s", word, yes, no);
    *out = strcmp(value, yes) == 0;
    return NULL;
}

static const char *set_kinds(cmd_parms *cmd, const char *word, const char *value, unsigned *out)
{
    struct aps_str rest = aps_str(value), name;
    *out = 0;
    while (aps_str_next(&rest, ',', &name)) {
        unsigned kind = 0;
        while (kind < APS_LEAK_KINDS &&
               !aps_str_eq(name, aps_str(aps_leak_kind_name((enum aps_leak_kind)kind))))
            kind++;
        if (kind == APS_LEAK_KINDS)
            break;
        *out |= 1u << kind;
    }
    if (rest.n == 0 && *out != 0 && aps_str_eq(name, aps_str(value + strlen(value) - name.n)))
        return NULL;
    const char *names = aps_leak_kind_name((enum aps_leak_kind)0);
    for (unsigned kind = 1; kind < APS_LEAK_KINDS; kind++)
        names =
            apr_pstrcat(cmd->pool, names, ",", aps_leak_kind_name((enum aps_leak_kind)kind), NULL);
    return apr_psprintf(cmd->pool, "%s: want some of %s", word, names);
}

static const char *set_max(cmd_parms *cmd, const char *word, const char *value, uint32_t *out)
{
    struct aps_diag diag = {{0}};
    uint64_t n;
    if (aps_num_parse_size(aps_str(value), &n, &diag) != APS_OK)
        return apr_psprintf(cmd->pool, "%s: %s", word, diag.text);
    if (n == 0 || n > MAX_MAX)
        return apr_psprintf(cmd->pool, "%s: want 1 to 256m bytes", word);
    *out = (uint32_t)n;
    return NULL;
}

static const char *set_word(cmd_parms *cmd, const char *word, struct mod_responses *out)
{
    const char *sign = strchr(word, '='), *value = sign != NULL ? sign + 1 : "";
    size_t n = sign != NULL ? (size_t)(sign - word) : 0;
    struct aps_str name = {word, n};
    if (aps_str_eq(name, APS_STR_LIT("schema")))
        return set_do(cmd, word, value, false, &out->schema);
    if (aps_str_eq(name, APS_STR_LIT("leaks")))
        return set_do(cmd, word, value, true, &out->leaks);
    if (aps_str_eq(name, APS_STR_LIT("kinds")))
        return set_kinds(cmd, word, value, &out->kinds);
    if (aps_str_eq(name, APS_STR_LIT("undeclared")))
        return set_flag(cmd, word, value, "remove", "keep", &out->strip);
    if (aps_str_eq(name, APS_STR_LIT("escape")))
        return set_flag(cmd, word, value, "on", "off", &out->escape);
    if (aps_str_eq(name, APS_STR_LIT("max")))
        return set_max(cmd, word, value, &out->max);
    return apr_psprintf(
        cmd->pool,
        "\"%s\": want schema=, leaks=, kinds=, undeclared=, escape= or max=, or off "
        "alone",
        word);
}

const char *mod_responses_parse(cmd_parms *cmd, int argc, char *const argv[],
                                const struct mod_responses **out)
{
    struct mod_responses *responses = apr_pcalloc(cmd->pool, sizeof *responses);
    responses->max = MAX_DEFAULT;
    responses->kinds = (1u << APS_LEAK_KINDS) - 1;
    *out = responses;
    if (argc == 1 && strcmp(argv[0], "off") == 0)
        return NULL;
    for (int i = 0; i < argc; i++) {
        const char *fault = set_word(cmd, argv[i], responses);
        if (fault != NULL)
            return fault;
    }
    return argc != 0 ? NULL : "want schema=, leaks=, undeclared= or escape=, or off";
}

bool mod_responses_holds(const struct mod_responses *responses)
{
    return responses->schema != MOD_RESPONSES_PASS || responses->leaks != MOD_RESPONSES_PASS ||
           responses->strip || responses->escape;
}
