/* killat.h - for a program that has killat.c linked in. */
#ifndef T_KILLAT_H
#define T_KILLAT_H

/* Count from 0 again; die at call `kill_call`, fail at call `fail_call` with errno `error`, and at
 * all after it if `sticky`; 0 is never. */
void killat_arm(long kill_call, long fail_call, int error, int sticky);

/* Calls since then. */
long killat_calls(void);

#endif
