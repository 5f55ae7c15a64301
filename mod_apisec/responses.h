/* responses.h - what a section does with answers that are not as they should be (ApiSecResponses).
 *
 * responses.c reads the directive; stage_response.c holds an answer until it was judged, and sends
 * it, what is left of it, or a refusal; response_fields.c has to do with its fields, and
 * response_leaks.c looks for what no answer should say. */
#ifndef MOD_APISEC_RESPONSES_H
#define MOD_APISEC_RESPONSES_H

#include "mod.h"

enum mod_responses_do {
    MOD_RESPONSES_PASS,
    MOD_RESPONSES_LOG,
    MOD_RESPONSES_MASK,
    MOD_RESPONSES_BLOCK
};

struct mod_responses {
    enum mod_responses_do schema; /* what the API's description does not declare; never MASK */
    enum mod_responses_do leaks;
    unsigned kinds; /* of leaks: bits of 1 << enum aps_leak_kind */
    bool strip;     /* members that the description does not have are taken out */
    bool escape;    /* JSON is written so that it ends nothing within a page */
    uint32_t max;   /* bytes that are held */
};

/* NULL and *out, or what is wrong with the words. */
const char *mod_responses_parse(cmd_parms *cmd, int argc, char *const argv[],
                                const struct mod_responses **out);

/* Whether answers are held, and not just off. */
bool mod_responses_holds(const struct mod_responses *responses);

/* What the handler is not asked for (response_fields.c): parts of an answer, which nobody could
 * judge, and codings that nobody here decodes. */
void mod_response_fields_ask(request_rec *r, struct mod_req *m);
/* The answer's Content-Encoding as it is sent; "" for none.  Lives in the request's pool. */
const char *mod_response_fields_coding(const request_rec *r);
/* Content was changed, and is not coded any more: fields that are true of it as it came go. */
void mod_response_fields_changed(request_rec *r);
/* Nothing of the answer is sent: of fields that go with errors as well `kept` stay. */
void mod_response_fields_clear(request_rec *r, const apr_table_t *kept);

/* Leaks of one answer, in all its texts.  Under `masks` they are written over, in copies, else
 * nothing is changed. */
struct mod_leaks {
    struct mod_req *m;
    unsigned kinds;
    bool masks;
    /* The rest is response_leaks.c's, and zero at first. */
    const struct aps_leak_rules *rules;
    struct range *ranges;
    bool told;
};

/* Its content.  ALLOW, with *io_text changed where *out_masked says so; RESPONSE_LEAK: it must not
 * be sent as it is; INTERNAL.  The first leak is the fault in the log. */
enum aps_reason mod_response_leaks_text(request_rec *r, struct mod_leaks *leaks,
                                        struct aps_str *io_text, bool *out_masked);
/* The values of fields or trailers, in place; NULL: there are none.  As above. */
enum aps_reason mod_response_leaks_fields(request_rec *r, struct mod_leaks *leaks,
                                          const apr_table_t *fields);

/* For the answer of `r`, where its section asks for any of it. */
void mod_stage_response_insert_filter(request_rec *r, struct mod_req *m);
void mod_stage_response_register(void);

#endif
