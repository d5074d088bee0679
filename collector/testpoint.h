/* SPDX-License-Identifier: Apache-2.0
 *
 * Named places where a test looks at (or copies) the state a kill would leave. Nothing in a normal
 * build.
 */
#ifndef SS_TESTPOINT_H
#define SS_TESTPOINT_H

#ifdef SS_TESTPOINTS
/* Defined by the test. */
void ss_testpoint(const char *name);
#else
static inline void ss_testpoint(const char *name)
{
	(void)name;
}
#endif

#endif
