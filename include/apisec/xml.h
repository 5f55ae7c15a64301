/* xml.h - the one XML reader: strict, in pieces, nothing fetched and nothing expanded.
 *
 * A scanner of our own goes over the bytes before libxml2 sees any of them.  It refuses what makes
 * an XML reader dangerous - document types and all other declarations, references to entities,
 * encodings other than UTF-8, processing instructions - and keeps the caps.  libxml2's push parser
 * then says whether the text is well-formed (XML 1.0, Namespaces in XML 1.0), and hands on the
 * elements.  docs/xml.md has the table.
 * The verdict, and all that a sink is given, are the same however the text is cut into pieces: the
 * scanner and libxml2 are given blocks of one size.
 * Memory: what libxml2 keeps is bounded by the caps, and freed with the pool or by aps_xml_close.
 * Threads and processes: a reader belongs to one caller; aps_xml_start comes first.  No state of
 * libxml2 that other users of it in the process share is changed. */
#ifndef APISEC_XML_H
#define APISEC_XML_H

#include <apr_pools.h>

#include "apisec/err.h"
#include "apisec/str.h"

/* Zero refuses. */
enum aps_xml_fault {
#define F(name, token, text) APS_XML_##name,
#include "apisec/xml.def"
#undef F
    APS_XML_COUNT
};

/* What a text may be.  Zeroed options refuse every text. */
struct aps_xml_options {
    uint32_t bytes_max;
    uint32_t depth_max;      /* of elements within each other, the outermost one counted */
    uint32_t nodes_max;      /* elements, attributes, comments, CDATA sections, instructions */
    uint32_t attributes_max; /* of one element, declarations of namespaces included */
    uint32_t value_max;      /* bytes of an attribute's value, as written */
    uint32_t name_max;       /* bytes of an element's or attribute's name, with its prefix */
    uint32_t text_max;       /* bytes of text and CDATA between two tags, as written */
    uint32_t namespaces_max; /* declarations that hold at one place */
    uint32_t names_max;      /* different names, prefixes and namespaces of the text */
    bool instructions;       /* processing instructions are passed over */
};

/* For what comes from outside: 1 MiB, depth 32, 100,000 nodes, 64 attributes with values of
 * 16 KiB, names of 256 bytes, text of 256 KiB, 64 namespaces, 2,000 names; no instructions. */
extern const struct aps_xml_options aps_xml_strict;

/* For files of the configuration: 16 MiB, depth 256, 1,000,000 nodes, 256 attributes, values and
 * text of 1 MiB, names of 1,000 bytes, 1,000 namespaces, 100,000 names; instructions are passed
 * over. */
extern const struct aps_xml_options aps_xml_plain;

/* Each text in it is ended by a NUL behind its last byte; the empty `uri`: no namespace. */
struct aps_xml_name {
    struct aps_str local;
    struct aps_str prefix;
    struct aps_str uri;
};

struct aps_xml_attribute {
    struct aps_xml_name name;
    struct aps_str value; /* normalised, references resolved; no NUL behind it */
};

struct aps_xml_namespace {
    struct aps_str prefix; /* empty: the default one; ended by a NUL, as is uri */
    struct aps_str uri;    /* empty: the default one ends to hold */
};

struct aps_xml_element {
    struct aps_xml_name name;
    const struct aps_xml_attribute *attributes; /* without declarations of namespaces */
    uint32_t attributes_n;
    const struct aps_xml_namespace *namespaces; /* declared here */
    uint32_t namespaces_n;
};

/* Who takes what is read, in its order; everything is borrowed for the call.  False: the reader
 * stops with APS_XML_STOPPED.  A text may come in several pieces.  Names of one text are the same
 * pointer if they are the same. */
struct aps_xml_sink {
    bool (*open)(void *self, const struct aps_xml_element *element);
    bool (*text)(void *self, struct aps_str text, bool cdata);
    bool (*close)(void *self, const struct aps_xml_name *name);
    void *self;
};

struct aps_xml;

/* Once in each process that reads XML, before it has a second thread: libxml2's tables are made. */
void aps_xml_start(void);

/* "libxml2 2.9.14", the library that is loaded; NULL: this build reads no XML (POS-17). */
const char *aps_xml_version(apr_pool_t *pool);

/* A reader of one text, lives in `pool`; NULL without memory.  Keeps options and sink; `sink` may
 * be NULL. */
struct aps_xml *aps_xml_new(apr_pool_t *pool, const struct aps_xml_options *options,
                            const struct aps_xml_sink *sink);

/* The next bytes of the text; borrowed.  False: it is refused already, and aps_xml_finish says
 * why. */
bool aps_xml_feed(struct aps_xml *x, struct aps_str piece);

/* The text is at its end: the verdict, APS_XML_OK or why not. */
APS_MUST_CHECK enum aps_xml_fault aps_xml_finish(struct aps_xml *x);

/* Give the library's memory back before the pool does; the fault may still be explained. */
void aps_xml_close(struct aps_xml *x);

/* Read a text that is there as a whole. */
APS_MUST_CHECK enum aps_xml_fault aps_xml(apr_pool_t *pool, struct aps_str text,
                                          const struct aps_xml_options *options,
                                          const struct aps_xml_sink *sink, struct aps_diag *diag);

/* "doctype"; "unknown" for a value outside of the table. */
const char *aps_xml_fault_name(enum aps_xml_fault fault);

/* What is wrong, and what is accepted, as the table has it. */
const char *aps_xml_fault_text(enum aps_xml_fault fault);

/* A sentence about the fault: near which byte, what is wrong, what is accepted.  `diag` may be
 * NULL. */
void aps_xml_fault_explain(const struct aps_xml *x, struct aps_diag *diag);

#endif
