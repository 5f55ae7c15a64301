/* Parameters and content, judged by the operation that the request asks for.
 *
 * A judge has memory of its own that it uses again; a child keeps as many as its threads have
 * needed at once. */
#include "api.h"
#include "content.h"

#include <apr_strings.h>

#include "apisec/request_body.h"
#include "judges.h"

/* ---- The request ---- */

static const struct mod_content no_content;

static const struct mod_read usual_read = {.kind = MOD_READ_ANY, .optional = true, .max = 1u << 20};

const struct mod_read *mod_stage_api_judge_read(void)
{
    return &usual_read;
}

static enum aps_reason judge(struct mod_req *m, struct mod_api_use *use,
                             const struct mod_read *read, struct aps_request *request)
{
    struct aps_request_result result;
    apr_pool_t *pool = m->first->pool;
    struct mod_judges *judges = mod_judges_take();
    if (judges == NULL)
        return APS_REASON_INTERNAL;
    const struct aps_jsonread_options *caps =
        read != &usual_read ? &read->caps : &aps_jsonread_strict;
    struct aps_request_body readers = {judges->lines, caps, &aps_xml_strict, mod_process.hash_key};
    const struct aps_request_options options = {.json = caps,
                                                .multipart = &aps_multipart_usual,
                                                .undeclared = !use->want->undeclared,
                                                .head = true,
                                                .xml = aps_request_body_xml,
                                                .lines = aps_request_body_lines,
                                                .context = &readers};
    enum aps_reason reason =
        aps_request_judge(judges->request, pool, use->api, request, &options, &result);
    if (reason != APS_REASON_ALLOW)
        mod_content_note(m, &result.failures);
    use->media = result.media;
    use->kind = result.kind;
    mod_judges_give(judges, request->body.n);
    return reason;
}

/* What an operation streams is passed as it comes: only its type is asked. */
static enum aps_reason read_body(request_rec *r, struct mod_req *m, const struct mod_api_use *use,
                                 const struct mod_read *read, struct aps_request *request)
{
    request->body = (struct aps_str){NULL, 0};
    if (!mod_content_is_there(r))
        return APS_REASON_ALLOW;
    request->unread = use->match.operation->stream;
    if (request->unread)
        return APS_REASON_ALLOW;
    return mod_content_bytes(r, m, read, mod_content_decode(m->content), &request->body);
}

static const struct mod_read *reader_of(const struct mod_content *content)
{
    return content->read != NULL ? content->read : &usual_read;
}

static enum aps_reason judge_text(struct mod_req *m, struct mod_api_use *use,
                                  const struct mod_read *read, struct aps_request *request)
{
    request->method = m->method;
    request->path = use->path;
    request->query = aps_str(m->first->args);
    request->fields_n =
        mod_content_fields(m->first->pool, mod_body_fields(m), NULL, NULL, &request->fields);
    return judge(m, use, read, request);
}

enum aps_reason mod_stage_api_judge_again(struct mod_req *m, const struct mod_dir *dir,
                                          struct aps_str text)
{
    struct aps_request request = {.body = text};
    m->content = dir->content != NULL ? dir->content : &no_content;
    return judge_text(m, mod_stage_api_use(m, dir->api), reader_of(m->content), &request);
}

enum aps_reason mod_stage_api_judge(request_rec *r, struct mod_req *m, const struct mod_dir *dir)
{
    const struct mod_api *want = dir->api;
    const struct mod_content *before = m->content;
    if (want == NULL || want->none || r->main != NULL)
        return APS_REASON_ALLOW;
    enum aps_reason reason = mod_stage_api(m, want);
    if (reason != APS_REASON_ALLOW)
        return reason;
    struct mod_api_use *use = mod_stage_api_use(m, want);
    if (use->judged != APS_REASON_UNDECIDED)
        return use->judged;
    m->content = dir->content != NULL ? dir->content : &no_content;
    const struct mod_read *read = reader_of(m->content);
    struct aps_request request = {.unread = false};
    use->judged = read_body(r, m, use, read, &request);
    if (use->judged == APS_REASON_ALLOW)
        use->judged = judge_text(m, use, read, &request);
    if (use->judged == APS_REASON_ALLOW)
        m->content = before;
    return use->judged;
}
