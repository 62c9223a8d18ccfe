#pragma once

#include "base/err.h"

/*
 * Places where tests end the process or pretend an error; see t/fault/points.c.  A
 *build without --enable-failpoints has nothing of them.  The environment says which:
 *
 *	MAILLAYER_FAILPOINT=claim.rows:3	SIGKILL at the third pass
 *	MAILLAYER_FAILPOINT=settle.rows:error	the error, at every pass
 *	MAILLAYER_FAILPOINT=settle.rows:error:3	the error, at the third pass only
 */
#ifdef FAILPOINTS
/* Dies, or not. */
#define FAILPOINT(name) failpoint_pass("failpoint " name, OK)
/* The same, where an error can be told: `e` or OK. */
#define FAILPOINT_ERR(name, e) failpoint_pass("failpoint " name, (e))

enum err failpoint_pass(const char *name, enum err e);
#else
#define FAILPOINT(name) ((void)0)
#define FAILPOINT_ERR(name, e) (OK)
#endif
