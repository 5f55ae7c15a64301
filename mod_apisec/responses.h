/* responses.h - what a section does with answers that are not as they should be (ApiSecResponses).
 *
 * responses.c reads the directive; stage_response.c holds an answer until it was judged, and sends
 * it, what is left of it, or a refusal; response_fields.c has to do with its fields. */
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

/* For the answer of `r`, where its section asks for any of it. */
void mod_stage_response_insert_filter(request_rec *r, struct mod_req *m);
void mod_stage_response_register(void);

#endif
