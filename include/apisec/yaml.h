/* yaml.h - YAML -> JSON text.
 *
 * YAML 1.2 with the core schema, as far as JSON has it: one document, whose keys are scalars and
 * stand for the text that they are.  Numbers keep their digits.  Refused: a key that stands twice,
 * tags beyond the core schema, .inf and .nan, and the merge key <<, which YAML 1.2 has not.
 * An alias is written out, so what one text comes to is bounded, not only the text.
 * Threads and processes: a call belongs to one caller. */
#ifndef APISEC_YAML_H
#define APISEC_YAML_H

#include <apr_pools.h>

#include "apisec/err.h"
#include "apisec/str.h"

#define APS_YAML_BYTES_MAX (16u << 20) /* of the text */
#define APS_YAML_JSON_MAX (32u << 20)  /* bytes of the JSON text, aliases written out */
#define APS_YAML_NODES_MAX 2000000u    /* values, aliases written out */
#define APS_YAML_DEPTH_MAX 100u        /* of collections within each other, before that */

/* *out_json lives in `pool`; where the text is JSON already, it is the text itself. APS_ERR_FORMAT:
 * `diag` names the line and the reason; APS_ERR_RANGE: over a bound. */
APS_MUST_CHECK enum aps_err aps_yaml_to_json(struct aps_str yaml, apr_pool_t *pool,
                                             struct aps_str *out_json, struct aps_diag *diag);

#endif
