/* SPDX-License-Identifier: Apache-2.0
 *
 * How a victim tells that something came out wrong: one line on stderr, and exit status 1.
 */
#ifndef VICTIM_CHECK_H
#define VICTIM_CHECK_H

#include <stdio.h>

static int check_failures;

#define CHECK(condition)                                                                \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			check_failures++;                                               \
		}                                                                       \
	} while (0)

/* The last statement of main. */
static inline int check_report(const char *name)
{
	printf("%s %s\n", name, check_failures ? "FAILED" : "ok");
	return check_failures != 0;
}

#endif
