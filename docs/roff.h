/* roff.h - text for manual pages, to stdout.
 *
 * For the generators of this folder alone. */
#ifndef APISEC_DOCS_ROFF_H
#define APISEC_DOCS_ROFF_H

#include <stddef.h>
#include <stdio.h>

/* Plain text: no hyphens where minus signs are meant, no escapes, no requests. */
static inline void roff(const char *text)
{
    if (text[0] == '.' || text[0] == '\'')
        printf("\\&");
    for (; *text != '\0'; text++) {
        if (*text == '-')
            printf("\\-");
        else if (*text == '\\')
            printf("\\e");
        else if (*text == '\'')
            printf("\\(aq");
        else
            putchar(*text);
    }
}

/* A tagged paragraph; `value` may be NULL. */
static inline void roff_item(const char *tag, const char *value, const char *text)
{
    printf(".TP\n\\fB");
    roff(tag);
    printf("\\fR");
    if (value != NULL) {
        printf(" \\fI");
        roff(value);
        printf("\\fR");
    }
    printf("\n");
    roff(text);
    printf("\n");
}

#endif
