/* api.h - a section that is an API of the store (ApiSecApi), and what its description says of a
 * request.
 *
 * api_words.c reads the directive.  stage_api.c finds the operation, and asks for the caller that
 * its security wants, while the decision is made; stage_api_judge.c judges parameters and content,
 * after all of access control. */
#ifndef MOD_APISEC_API_H
#define MOD_APISEC_API_H

#include "mod.h"

#include "apisec/api.h"

struct mod_read;

/* ApiSecApi */
struct mod_api {
    bool none;
    struct aps_str name; /* in the store */
    struct aps_str at;   /* the path that the description's paths begin below; empty: / */
    bool undeclared;     /* query parameters that nobody declares pass */
};

/* What one of them has found of the request. */
struct mod_api_use {
    const struct mod_api *want;
    const struct aps_api *api; /* of the request's view; NULL: it cannot be used */
    struct aps_str path;       /* below `at`, percent-encoded */
    struct aps_api_match match;
    enum aps_reason reason;
    enum aps_reason judged;            /* of parameters and content; UNDECIDED: not yet */
    const struct aps_api_media *media; /* that the content is of; NULL: it has none, or no known */
    enum aps_api_kind kind;            /* how that was read */
    struct mod_api_use *next;
};

/* api_words.c: NULL and *out, or what is wrong with the words. */
const char *mod_api_words(cmd_parms *cmd, int argc, char *const argv[], const struct mod_api **out);

/* The operation that the request asks for, and whether the caller may: once for each API that a
 * transaction comes to.  ALLOW; API_PATH, API_METHOD; why nobody or not this caller may; API_DOWN,
 * STORE_DOWN. */
enum aps_reason mod_stage_api(struct mod_req *m, const struct mod_api *want);

/* What that has found; NULL: it was not asked. */
struct mod_api_use *mod_stage_api_use(const struct mod_req *m, const struct mod_api *want);

/* Whether that operation passes content on as it comes (x-apisec-stream). */
bool mod_stage_api_streams(const struct mod_req *m, const struct mod_dir *dir);

/* stage_api_judge.c: whether parameters and content are as the operation declares them, once for
 * each API; after access control.  ALLOW, what mod_stage_api says, a reason of content.h, or an
 * API_ one, with its failures. */
enum aps_reason mod_stage_api_judge(request_rec *r, struct mod_req *m, const struct mod_dir *dir);
/* The same of a text that the handler is to be given in place of the content (NEG-20). */
enum aps_reason mod_stage_api_judge_again(struct mod_req *m, const struct mod_dir *dir,
                                          struct aps_str text);
/* What reads content where the section says nothing of it. */
const struct mod_read *mod_stage_api_judge_read(void);

/* The name of the plan that the operation binds (x-apisec-limit); NULL: none. */
const char *mod_stage_api_plan(const struct mod_req *m, const struct mod_api *want);

#endif
