/* finding.h - what is wrong with a configuration, told once.
 *
 * Whoever checks the configuration adds what it finds; it is logged, and kept for the dump of
 * -D DUMP_APISEC.  The table is findings.def. */
#ifndef MOD_APISEC_FINDING_H
#define MOD_APISEC_FINDING_H

#include "mod.h"

#include "util_cfgtree.h"

enum mod_finding_kind {
#define F(name, token, tag, text) MOD_FINDING_##name,
#include "findings.def"
#undef F
};

enum mod_severity {
    MOD_SEVERITY_INFO, /* in the dump alone */
    MOD_SEVERITY_WARNING,
    MOD_SEVERITY_ERROR, /* httpd does not start, or answers 503 */
};

struct mod_finding {
    enum mod_finding_kind kind;
    enum mod_severity severity;
    const server_rec *server;   /* whom it is about */
    const ap_directive_t *line; /* that has to be changed; NULL: none in particular */
    const char *reason;         /* a sentence without its full stop */
    const char *mend;           /* what to do about it; NULL: the reason says so */
};

/* Before the configuration is read. */
int mod_finding_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);
/* Log it, and keep a copy for as long as the configuration; texts are copied. */
void mod_finding_add(const struct mod_finding *finding);
/* In the order in which they were added. */
const apr_array_header_t *mod_finding_all(void); /* of struct mod_finding */
const char *mod_finding_token(enum mod_finding_kind kind);
const char *mod_finding_severity(enum mod_severity severity);

#endif
