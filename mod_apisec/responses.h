/* responses.h - what a section does with answers that are not as they should be (ApiSecResponses).
 *
 * responses.c reads the directive; stage_response.c holds an answer until it was judged, and sends
 * it, what is left of it, or a refusal. */
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

/* For the answer of `r`, where its section asks for any of it. */
void mod_stage_response_insert_filter(request_rec *r, struct mod_req *m);
void mod_stage_response_register(void);

#endif
