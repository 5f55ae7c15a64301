/* pause.c - places where a test stops a process. */
#include "pause.h"

#include <stddef.h>

void (*aps_pause_hook)(unsigned point) = NULL;
