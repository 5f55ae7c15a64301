/* t_step.h - how many calls lie between two at which a run is killed, or its disk fails.
 *
 * Each call is tried where the program runs as it is shipped.  A sanitizer makes a run some eight
 * times as long and looks for other faults, for which a part of the calls is enough. */
#ifndef APISEC_T_STEP_H
#define APISEC_T_STEP_H

#ifdef __SANITIZE_ADDRESS__
enum { T_STEP = 9 };
#else
enum { T_STEP = 1 };
#endif

#endif
