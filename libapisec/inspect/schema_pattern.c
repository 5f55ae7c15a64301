/* schema_pattern.c - the door to PCRE2. */
#include "schema_impl.h"

#define CODE_MAX 65536u /* bytes of compiled code that is worth machine code */

/* As ECMA-262 has it: $ is the end alone, a back reference to a group that took no part is empty.
 * \C, which cuts characters, does not exist. */
#define OPTIONS                                                                                    \
    (PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C)

pcre2_code *aps_schema_pattern_compile(struct aps_str text, bool fast, char out_why[128])
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    pcre2_code *code;
    PCRE2_SIZE at = 0, size = 0;
    int error = 0;

    if (context == NULL) {
        (void)pcre2_get_error_message(PCRE2_ERROR_NOMEMORY, (PCRE2_UCHAR *)out_why, 128);
        return NULL;
    }
    /* None of these can fail. */
    (void)pcre2_set_parens_nest_limit(context, 100);
    (void)pcre2_set_max_pattern_length(context, 1 << 18);
    /* The text may have come from a block that is damaged, so its UTF-8 is looked at. */
    code = pcre2_compile((PCRE2_SPTR)text.p, text.n, OPTIONS, &error, &at, context);
    pcre2_compile_context_free(context);
    if (code == NULL) {
        /* A sentence that is cut is still one. */
        (void)pcre2_get_error_message(error, (PCRE2_UCHAR *)out_why, 128);
        return NULL;
    }
    if (fast && pcre2_pattern_info(code, PCRE2_INFO_SIZE, &size) == 0 && size < CODE_MAX)
        (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without it, slower */
    return code;
}
