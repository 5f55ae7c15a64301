/* cmd_key_pattern.c - what a secret scanner is told about the texts of this store. */
#include <apr_strings.h>

#include "apisec/keytext.h"
#include "ctl.h"

enum aps_err ctl_key_pattern(struct ctl *c)
{
    struct aps_str prefix = aps_store_prefix(c->store);
    const char *search =
        apr_psprintf(c->pool, "%.*s_[0-9A-Za-z]{%d}_[0-9A-Za-z]{%d}", APS_STR_ARG(prefix),
                     APS_KEYTEXT_ID_LEN, APS_KEYTEXT_SECRET_LEN + APS_KEYTEXT_CHECK_LEN);

    ctl_output_row(c->out);
    ctl_output_str(c->out, "description",
                   aps_str(apr_psprintf(c->pool, "API key of mod_apisec with the prefix %.*s",
                                        APS_STR_ARG(prefix))));
    ctl_output_str(c->out, "prefix", prefix);
    ctl_output_str(c->out, "pattern", aps_str(apr_pstrcat(c->pool, "^", search, "$", NULL)));
    ctl_output_str(c->out, "search", aps_str(search));
    ctl_output_u64(c->out, "length", prefix.n + APS_KEYTEXT_MAX - APS_KEYTEXT_PREFIX_MAX);
    ctl_output_str(c->out, "checksum",
                   APS_STR_LIT("the last 6 characters are the CRC-32 (IEEE) of what stands between "
                               "the first underscore and them, in base62 (0-9A-Za-z), padded with "
                               "0 on the left"));
    ctl_output_end(c->out);
    return APS_OK;
}
