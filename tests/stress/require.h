/* SPDX-License-Identifier: Apache-2.0
 *
 * What a stress test must find, else it ends with a message and status 1. Any thread.
 */
#ifndef STRESS_REQUIRE_H
#define STRESS_REQUIRE_H

#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition)                                                                      \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                                                \
		}                                                                               \
	} while (0)

#endif
