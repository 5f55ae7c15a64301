/* Fields of an answer that is held, and of the request for it.
 *
 * A program's fields lie among those that go with errors as well (util_script), a proxy's do not,
 * and httpd's own files have their coding beside both: what is sent is all of them. */
#include "responses.h"

#include <apr_strings.h>

#include "apisec/coding.h"

/* ---- What the handler is asked for ---- */

static bool is_known(char *element)
{
    enum aps_coding coding;
    struct aps_str name = {element, strcspn(element, ";")};
    return aps_str_trim(name).n != 0 &&
           aps_coding_parse(aps_str_trim(name), &coding) == APS_CODING_OK;
}

static void ask_for_codings(request_rec *r, const char *accepted)
{
    char *rest = apr_pstrdup(r->pool, accepted), *state = NULL;
    const char *kept = NULL;
    for (char *element = apr_strtok(rest, ",", &state); element != NULL;
         element = apr_strtok(NULL, ",", &state))
        if (is_known(element))
            kept = kept == NULL ? element : apr_pstrcat(r->pool, kept, ",", element, NULL);
    apr_table_setn(r->headers_in, "Accept-Encoding", kept != NULL ? kept : "identity");
}

void mod_response_fields_ask(request_rec *r, struct mod_req *m)
{
    static const char *const parts[] = {"Range", "If-Range", "Request-Range"};
    const char *accepted = apr_table_get(r->headers_in, "Accept-Encoding");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        mod_req_unset_field(r, m, parts[i]);
    if (accepted != NULL)
        ask_for_codings(r, accepted);
}

/* ---- What it has said ---- */

const char *mod_response_fields_coding(const request_rec *r)
{
    const char *own = apr_table_getm(r->pool, r->err_headers_out, "Content-Encoding");
    const char *field = r->content_encoding != NULL
                            ? r->content_encoding /* takes the field's place when it is sent */
                            : apr_table_getm(r->pool, r->headers_out, "Content-Encoding");
    if (own != NULL && field != NULL)
        return apr_pstrcat(r->pool, own, ",", field, NULL);
    return own != NULL ? own : field != NULL ? field : "";
}

void mod_response_fields_changed(request_rec *r)
{
    static const char *const gone[] = {"Content-Encoding", "Content-MD5", "Content-Digest",
                                       "Digest",           "Repr-Digest", "ETag",
                                       "Accept-Ranges"};
    r->content_encoding = NULL;
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
        apr_table_unset(r->headers_out, gone[i]);
        apr_table_unset(r->err_headers_out, gone[i]);
    }
}

void mod_response_fields_clear(request_rec *r, const apr_table_t *kept)
{
    r->content_encoding = NULL;
    apr_table_clear(r->headers_out);
    apr_table_clear(r->err_headers_out);
    apr_table_overlap(r->err_headers_out, kept, APR_OVERLAP_TABLES_SET);
    if (r->trailers_out != NULL)
        apr_table_clear(r->trailers_out);
}
