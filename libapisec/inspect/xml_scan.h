/* xml_scan.h - what is refused of an XML text before libxml2 sees it.
 *
 * The bytes come in blocks that end where a character does.  The scanner tells tags, values, text,
 * comments and CDATA sections apart as XML 1.0 2 does; that they are right otherwise is libxml2's
 * to say, of bytes that the scanner has passed.
 * Threads and processes: a scanner belongs to one reader. */
#ifndef INSPECT_XML_SCAN_H
#define INSPECT_XML_SCAN_H

#include "apisec/xml.h"

#define XML_SCAN_HELD 200 /* bytes: the XML declaration is the longest text that is held */

enum xml_scan_state {
    XML_SCAN_START, /* of the text */
    XML_SCAN_TEXT,
    XML_SCAN_MARKUP,      /* behind < */
    XML_SCAN_DECLARATION, /* behind <! */
    XML_SCAN_COMMENT,
    XML_SCAN_CDATA,
    XML_SCAN_FIRST, /* behind <? at the start of the text */
    XML_SCAN_XML,   /* behind <?xml there */
    XML_SCAN_INSTRUCTION,
    XML_SCAN_OPEN, /* in the name of an element */
    XML_SCAN_TAG,  /* behind it */
    XML_SCAN_ATTRIBUTE,
    XML_SCAN_EQUALS,
    XML_SCAN_QUOTE,
    XML_SCAN_VALUE,
    XML_SCAN_EMPTY, /* behind the / of <a/> */
    XML_SCAN_CLOSE,
    XML_SCAN_REFERENCE, /* behind & */
    XML_SCAN_STATES
};

struct xml_scan {
    const struct aps_xml_options *options;
    enum xml_scan_state state;
    enum xml_scan_state back; /* where a reference stands */
    enum aps_xml_fault fault; /* UNDECIDED: none so far */
    uint32_t depth;
    uint32_t nodes;
    uint32_t attributes; /* of this element */
    uint32_t name;       /* bytes of this name, value, text */
    uint32_t value;
    uint32_t text;
    uint32_t spaces;    /* declarations of namespaces that hold here */
    uint32_t *declared; /* of them, those of the element of each depth */
    uint32_t run;       /* dashes, brackets or question marks in a row */
    char quote;
    uint32_t held_n;
    char held[XML_SCAN_HELD];
};

/* False without memory. */
bool aps_xml_scan_init(struct xml_scan *s, apr_pool_t *pool, const struct aps_xml_options *options);

/* The next bytes, valid UTF-8 without NUL.  NULL: they pass; else where the fault is, which is in
 * s->fault. */
const char *aps_xml_scan(struct xml_scan *s, const char *p, const char *end);

/* Bytes of the byte order mark of UTF-8 at the start of a text (0 or 3).  False: the text begins as
 * one of another encoding does (XML 1.0 F.1), or of UTF-7. */
bool aps_xml_scan_start(struct aps_str text, size_t *out_mark);

/* How much of the block is whole characters; a character that its end cuts is not.  `last`: none
 * may be cut.  *out_fault is UTF8, NUL or UNDECIDED: none. */
size_t aps_xml_scan_utf8(struct aps_str block, bool last, enum aps_xml_fault *out_fault);

#endif
