/* xml_lib.h - libxml2 as its versions have it, and its errors kept apart from other users of it.
 *
 * Errors that belong to no parser go to a handler that each thread has one of.  It is ours for as
 * long as a call of ours lasts, and then what it was.
 * Threads and processes: a guard belongs to one call. */
#ifndef INSPECT_XML_LIB_H
#define INSPECT_XML_LIB_H

#include <libxml/globals.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <libxml/xmlversion.h>

#include "apisec/str.h"

/* What later versions call deprecated has no other name in 2.9. */
#if LIBXML_VERSION >= 21200
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
typedef const xmlError *xml_error;
#else
typedef xmlErrorPtr xml_error;
#endif

struct xml_guard {
    xmlStructuredErrorFunc handler;
    void *context;
};

static inline struct xml_guard xml_guard_take(xmlStructuredErrorFunc handler, void *context)
{
    const struct xml_guard before = {xmlStructuredError, xmlStructuredErrorContext};

    xmlSetStructuredErrorFunc(context, handler);
    return before;
}

static inline void xml_guard_give(const struct xml_guard *before)
{
    xmlSetStructuredErrorFunc(before->context, before->handler);
}

static inline struct aps_str xml_str(const xmlChar *text)
{
    return aps_str((const char *)text);
}

/* What libxml2 has no other type for, and does not write. */
static inline const xmlChar *xml_text(const char *text)
{
    return (const xmlChar *)text;
}

#endif
