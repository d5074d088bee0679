/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests that do not look at test points.
 */
#include "collector/testpoint.h"

void ss_testpoint(const char *name)
{
	(void)name;
}
