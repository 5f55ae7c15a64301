/* carry.h - what was consumed under an earlier definition of a bucket goes over to the new one. */
#ifndef APISEC_LIMIT_CARRY_H
#define APISEC_LIMIT_CARRY_H

#include "meter.h"

/* The caller has no cell of ask->limit: make one with what he consumed under its earlier
 * definitions, if he has a cell of one of those, and make that one refuse. */
void aps_carry_begin(const struct meter_call *call, const struct aps_rate_ask *ask,
                     struct meter_charge *c);

#endif
