/* learn_kind.h - does a segment of a path look like an id, and of which kind? */
#ifndef APISECCTL_LEARN_KIND_H
#define APISECCTL_LEARN_KIND_H

#include "apisec/str.h"

enum ctl_learn_kind {
    CTL_LEARN_WORD, /* no id: part of the API's own words */
    CTL_LEARN_INTEGER,
    CTL_LEARN_UUID,
    CTL_LEARN_DATE,
    CTL_LEARN_TEXT, /* an id of any other form */
};

enum ctl_learn_kind ctl_learn_kind_of(struct aps_str segment);

/* What both are: the same kind, else TEXT. */
enum ctl_learn_kind ctl_learn_kind_join(enum ctl_learn_kind a, enum ctl_learn_kind b);

#endif
