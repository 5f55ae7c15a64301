/* What is wrong with a configuration: the log's line, and the list for the dump. */
#include "finding.h"

#include <apr_strings.h>

static const struct {
    const char *token, *tag;
} rows[] = {
#define F(name, token, tag, text) {token, tag},
#include "findings.def"
#undef F
};

static apr_array_header_t *all; /* of the configuration that is being read */

int mod_finding_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    all = apr_array_make(pconf, 4, sizeof(struct mod_finding));
    return OK;
}

static void tell(const struct mod_finding *f)
{
    const bool error = f->severity == MOD_SEVERITY_ERROR;
    const char *place = f->line != NULL ? apr_psprintf(all->pool, "%s line %d: ", f->line->filename,
                                                       f->line->line_num)
                                        : "";
    ap_log_error(APLOG_MARK, error ? APLOG_EMERG | APLOG_STARTUP : APLOG_WARNING, 0, f->server,
                 "%s: %s%s%s%s", rows[f->kind].tag, place, f->reason, f->mend != NULL ? ": " : "",
                 f->mend != NULL ? f->mend : "");
}

void mod_finding_add(const struct mod_finding *finding)
{
    struct mod_finding *f = apr_array_push(all);
    *f = *finding;
    f->reason = apr_pstrdup(all->pool, f->reason);
    f->mend = apr_pstrdup(all->pool, f->mend);
    if (f->severity != MOD_SEVERITY_INFO)
        tell(f);
}

const apr_array_header_t *mod_finding_all(void)
{
    return all;
}

const char *mod_finding_token(enum mod_finding_kind kind)
{
    return rows[kind].token;
}

const char *mod_finding_severity(enum mod_severity severity)
{
    static const char *const words[] = {"info", "warning", "error"};
    return words[severity];
}
