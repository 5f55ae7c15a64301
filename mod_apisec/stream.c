/* ApiSecStream: sections whose content is passed on as it comes, and never held. */
#include "mod.h"

#include <apr_strings.h>

#include "api.h"
#include "content.h"
#include "responses.h"
#include "sections.h"

const char *mod_stream_fault(const struct mod_dir *dir)
{
    if (!mod_stream_is_on(dir) || dir->engine == MOD_ENGINE_OFF)
        return NULL;
    const struct mod_requires *requires = mod_config_requires(dir);
    if (requires->webhook != NULL)
        return "ApiSecWebhook";
    if (dir->signature != NULL && !dir->signature->off && !requires->is_public)
        return "ApiSecSignature";
    if (dir->api != NULL && !dir->api->none)
        return "ApiSecApi";
    const struct mod_read *read = dir->content != NULL ? mod_content_read(dir->content) : NULL;
    if (read != NULL && read->kind != MOD_READ_NONE)
        return read == dir->content->read ? "ApiSecBody" : "ApiSecSchema";
    if (dir->responses != NULL && mod_responses_holds(dir->responses))
        return "ApiSecResponses";
    return NULL;
}

/* What would hold on its own: mod_proxy a body without a length, which it can pass on in chunks as
 * well, and filters that compress the answer, which they do block by block. */
void mod_stream_begin(request_rec *r)
{
    static const char *const variables[] = {"proxy-sendchunked", "no-gzip", "no-brotli"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        apr_table_setn(r->subprocess_env, variables[i], "1");
}

/* ---- The configuration ---- */

static const char *judge(apr_pool_t *pool, const struct mod_dir *dir)
{
    const char *holder = mod_stream_fault(dir);
    return holder == NULL ? NULL
                          : apr_pstrcat(pool, holder,
                                        " holds the content until it is judged, and ApiSecStream "
                                        "On says that nothing does",
                                        NULL);
}

const char *mod_stream_check(apr_pool_t *pool, server_rec *main_server)
{
    return mod_sections_check(pool, main_server, judge);
}
