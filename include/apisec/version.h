/* version.h - which release this is. */
#ifndef APISEC_VERSION_H
#define APISEC_VERSION_H

/* Such as "0.1.0".  Static text. */
const char *aps_version(void);

#endif
