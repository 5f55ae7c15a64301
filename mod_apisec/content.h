/* content.h - what a section takes as content, and how it is looked at.
 *
 * content_words.c reads the directives, content.c reads content, stage_content.c judges it.  Who
 * judges content by more than these lines, as a description of an API does, asks here for the
 * bytes, reads them, and says what is wrong with them. */
#ifndef MOD_APISEC_CONTENT_H
#define MOD_APISEC_CONTENT_H

#include "mod.h"

#include "apisec/failures.h"
#include "apisec/graphql.h"
#include "apisec/jsonread.h"
#include "apisec/mediatype.h"
#include "apisec/multipart.h"
#include "apisec/param.h"
#include "apisec/sanitize.h"
#include "apisec/schema_judge.h"
#include "apisec/urlencoded.h"
#include "apisec/urlfield.h"
#include "apisec/xml.h"

/* ---- What a section says ---- */

enum mod_read_kind {
    MOD_READ_ANY, /* it is held and decoded, and not read */
    MOD_READ_NONE,
    MOD_READ_JSON,
    MOD_READ_NDJSON,
    MOD_READ_FORM,
    MOD_READ_MULTIPART,
    MOD_READ_XML,
    MOD_READ_GRAPHQL,
    MOD_READ_COUNT
};

/* ApiSecBody */
struct mod_read {
    enum mod_read_kind kind;
    bool optional;                    /* POST, PUT and PATCH may have none */
    bool repeated;                    /* a form, also of parts, may have a name twice */
    uint32_t max;                     /* bytes, as sent and decoded */
    uint32_t lines;                   /* of ndjson */
    uint32_t parts;                   /* of multipart */
    uint32_t part;                    /* bytes of one; 0: `max` */
    struct aps_jsonread_options caps; /* of JSON, and of forms; bytes_max is `max` */
    struct aps_xml_options xml;       /* likewise */
    struct aps_graphql_options graphql;
};

/* ApiSecDecode */
struct mod_decode {
    unsigned codings; /* bits of 1 << enum aps_coding */
    bool original;    /* what is forwarded is what was sent */
    uint32_t ratio;
    const char *accept; /* Accept-Encoding */
};

#define MOD_CODINGS_ALL (1u << APS_CODING_GZIP | 1u << APS_CODING_DEFLATE | 1u << APS_CODING_BR)
#define MOD_RATIO_DEFAULT 200

/* ApiSecContentTypes */
struct mod_types {
    size_t n;
    const struct aps_str *v; /* ranges */
    const char *accept;      /* Accept */
};

/* ApiSecSanitize */
#define MOD_SANITIZE_FIELDS_MAX (APS_SANITIZE_RULES_MAX / 2) /* a description has the others */

struct mod_sanitize {
    bool off;
    uint32_t n;
    struct aps_sanitize_field fields[MOD_SANITIZE_FIELDS_MAX];
};

/* ApiSecUrl */
struct mod_url_fields {
    uint32_t n;
    struct aps_urlfield v[APS_URLFIELD_MAX];
    const struct aps_schema_image *image; /* of all of them; NULL: there are none */
};

struct mod_urls {
    bool off;
    struct mod_url_fields body, query;
};

enum mod_errors { MOD_ERRORS_UNSET, MOD_ERRORS_DETAIL, MOD_ERRORS_STATUS };

/* All of it; what is NULL or 0 is unset. */
struct mod_content {
    unsigned methods; /* bits of enum aps_method */
    const struct mod_types *types;
    const struct mod_read *read;
    const struct mod_decode *decode;
    const char *schema;               /* its name in the store */
    const struct mod_read *by_schema; /* what reads for it, unless `read` is set */
    const struct mod_sanitize *sanitize;
    const struct mod_urls *urls;
    enum mod_errors errors;
};

/* content_words.c: the words of the directives.  NULL and the part of *out, or what is wrong with
 * them. */
const char *mod_content_words_methods(cmd_parms *cmd, int argc, char *const argv[], unsigned *out);
const char *mod_content_words_types(cmd_parms *cmd, int argc, char *const argv[],
                                    const struct mod_types **out);
const char *mod_content_words_read(cmd_parms *cmd, int argc, char *const argv[],
                                   const struct mod_read **out);
const char *mod_content_words_schema(cmd_parms *cmd, int argc, char *const argv[],
                                     struct mod_content *out);
/* graphql_words.c: add the documents whose digests the file lists; `reads`: they have only queries.
 * NULL, or what is wrong, with the line of the file. */
const char *mod_graphql_words_allow(cmd_parms *cmd, const char *path, bool reads,
                                    const struct aps_graphql_list **list);
/* NULL, or why the parts do not go together. */
const char *mod_content_words_check(const struct mod_content *content);
const char *mod_content_words_decode(cmd_parms *cmd, int argc, char *const argv[],
                                     const struct mod_decode **out);
/* An inner section's settings where it has some, else the outer one's; lives in `pool`. */
const struct mod_content *mod_content_join(apr_pool_t *pool, const struct mod_content *outer,
                                           const struct mod_content *inner);
/* With what is usual where nothing was said: what reads it, NULL: nothing; the methods and types of
 * the reader, of `types` NULL: all. */
unsigned mod_content_methods(const struct mod_content *content);
const struct mod_read *mod_content_read(const struct mod_content *content);
const struct mod_types *mod_content_types(const struct mod_content *content);
const struct mod_decode *mod_content_decode(const struct mod_content *content);
/* Whether a handler of the section is given decoded bytes. */
bool mod_content_is_forwarded(const struct mod_dir *dir);
/* Whether what it reads are values and fields with names: JSON and forms. */
bool mod_content_has_fields(const struct mod_read *read);

/* ---- A request's content ---- */

/* Whether the request that is served has some, or says that some will come. */
bool mod_content_is_there(request_rec *r);

/* Content-Type.  *out, borrowed, is set with ALLOW; TYPE_MISSING, TYPE_UNLISTED: it cannot be read,
 * TYPE_REPEATED or CHARSET_REFUSED. */
enum aps_reason mod_content_type(struct mod_req *m, struct aps_mediatype *out);

/* The fields of a message, for who judges them: those of both tables (`more` NULL: of one),
 * borrowed, in a list that lives in `pool`; returns how many.  `type`: Content-Type in place of
 * what they say, NULL: as they say. */
uint32_t mod_content_fields(apr_pool_t *pool, const apr_table_t *fields, const apr_table_t *more,
                            const char *type, const struct aps_param_field **out);

/* All bytes, decoded, in one piece; borrowed until a handler reads.  What is read is capped as
 * `read` says.  After ALLOW mod_body_settle has to be called before a handler runs, unless the
 * section only watches. */
enum aps_reason mod_content_bytes(request_rec *r, struct mod_req *m, const struct mod_read *read,
                                  const struct mod_decode *decode, struct aps_str *out);

/* Read JSON with this child's key into *out, in `pool`.  ALLOW; else the fault was noted. */
enum aps_reason mod_content_json(struct mod_req *m, struct aps_str text,
                                 const struct aps_jsonread_options *options, apr_pool_t *pool,
                                 struct aps_jsonread *out);

/* ---- What is wrong with it ---- */

/* The list that a client is shown who may see it; made when it is first asked for.  It lives as
 * long as the transaction. */
struct aps_failures *mod_content_failures(struct mod_req *m);

/* What the line of the audit log says, without any value: what `reader` has found at byte `at` and
 * calls `token` ("json", "number", 17); of ndjson `at` is the line. */
void mod_content_fault(struct mod_req *m, const char *reader, const char *token, size_t at);
/* Both for what reads content. */
void mod_content_fail(struct mod_req *m, const char *reader, const char *token, size_t at,
                      const char *expected);
/* Both for a schema's verdict, while it stands (POS-21); of the body, and of the query. */
void mod_content_fail_schema(struct mod_req *m, const struct aps_schema_judge *judge,
                             enum aps_schema_verdict verdict);
void mod_content_fail_query(struct mod_req *m, const struct aps_schema_judge *judge,
                            enum aps_schema_verdict verdict);
/* Both for a list that a judge has made: the line has where and by which keyword the first one was
 * found. */
void mod_content_note(struct mod_req *m, const struct aps_failures *failures);
/* The list as JSON for the answer to a refusal of the content; .n 0: this client is told none. */
struct aps_str mod_content_told(struct mod_req *m);

/* ---- GraphQL ---- */

/* stage_graphql.c: a request without content, and one with `text`; what is read is in `pool`. */
enum aps_reason mod_stage_graphql_query(request_rec *r, struct mod_req *m,
                                        const struct mod_read *read);
enum aps_reason mod_stage_graphql_content(request_rec *r, struct mod_req *m, struct aps_str text,
                                          const struct mod_read *read, apr_pool_t *pool);

/* ---- Values ---- */

/* What the values of a content are judged by; NULL: by nothing. */
struct mod_values {
    struct mod_req *m;
    const struct aps_schema_image *schema; /* ApiSecSchema */
    const struct aps_schema_image *urls;   /* ApiSecUrl */
    struct aps_schema_judge *judge;        /* NULL: both are */
};

/* A JSON value, by both.  ALLOW; BODY_INVALID, BODY_OVER, URL_REFUSED; INTERNAL. */
enum aps_reason mod_stage_content_value(const struct mod_values *by,
                                        const struct aps_jsonread *reader);

/* stage_form.c: fields of a form and of parts: read strictly, and then members of one object, by
 * both.  Also BODY_MALFORMED. */
enum aps_reason mod_stage_form(const struct mod_values *by, struct aps_str text,
                               const struct mod_read *read, apr_pool_t *pool);
enum aps_reason mod_stage_form_parts(const struct mod_values *by, struct aps_str text,
                                     const struct mod_read *read, apr_pool_t *pool);

/* ---- URLs ---- */

/* urls.c: one more line of a section, whose lines so far *io is; NULL: none.  NULL, or what is
 * wrong. */
const char *mod_urls_words(cmd_parms *cmd, int argc, char *const argv[],
                           const struct mod_urls **io);
/* What fields of content, and parameters of the query, are judged by; NULL: by nothing. */
const struct aps_schema_image *mod_urls_body(const struct mod_urls *urls);
const struct aps_schema_image *mod_urls_query(const struct mod_urls *urls);
/* NULL, or where ApiSecUrl stands with nothing that reads fields. */
const char *mod_urls_check(apr_pool_t *pool, server_rec *main_server);
/* stage_url.c: hold pairs as one object; false without memory. */
bool mod_stage_url_object(const struct aps_urlencoded *pairs, struct aps_jsonread *reader);
/* A value, and the query of the target.  ALLOW; URL_REFUSED; INTERNAL. */
enum aps_reason mod_stage_url_value(const struct mod_values *by, const struct aps_jsonread *reader);
enum aps_reason mod_stage_url_query(request_rec *r, struct mod_req *m, const struct mod_urls *urls);

/* ---- The stages ---- */

/* Once for each of the sections that a transaction comes to: ALLOW, or why not.  What the handler
 * reads is settled with it. */
enum aps_reason mod_stage_content(request_rec *r, struct mod_req *m, const struct mod_dir *dir);
/* The same of a text that the handler is to be given in place of the content, by `read` and the
 * schema alone (NEG-20). */
enum aps_reason mod_stage_content_again(request_rec *r, struct mod_req *m,
                                        const struct mod_content *content, struct aps_str text);

/* sanitize.c, stage_sanitize.c: what ApiSecSanitize and descriptions change of content. */
/* One more line of a section, whose lines so far *io is; NULL: none.  NULL, or what is wrong. */
const char *mod_sanitize_words(cmd_parms *cmd, int argc, char *const argv[],
                               const struct mod_sanitize **io);
/* The directive by which a section has content that nobody may change; NULL: none. */
const char *mod_sanitize_fault(const struct mod_dir *dir);
/* NULL, or where ApiSecSanitize stands with one of those, or with nothing that reads (NEG-23). */
const char *mod_sanitize_check(apr_pool_t *pool, server_rec *main_server);
/* After all have judged the content, and where the engine is On: once in a transaction for each
 * rule.  ALLOW; SANITIZE_BARRED; why the changed text is refused; INTERNAL. */
enum aps_reason mod_stage_sanitize(request_rec *r, struct mod_req *m, const struct mod_dir *dir);

#endif
