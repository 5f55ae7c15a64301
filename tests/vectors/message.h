/* message.h - an HTTP/1.1 message as a text. */
#ifndef T_MESSAGE_H
#define T_MESSAGE_H

#include "apisec/httpsig.h"

/* Read a message's start line and fields; what follows them is not looked at.  `scheme` is the
 * origin's, unless the request target names one.  Borrows `text`; lives in `pool`.  False: it is no
 * message. */
bool t_message_read(struct aps_str text, struct aps_str scheme, apr_pool_t *pool,
                    struct aps_httpsig_message *out);

#endif
