/* SPDX-License-Identifier: Apache-2.0
 *
 * For test_python_native.py: native code that goes on, with a wrapped call, after Python that it
 * called has returned.
 */
#include "vict_proc.h"

__attribute__((visibility("default"))) long vict_mix(void (*callback)(void), long n);

long vict_mix(void (*callback)(void), long n)
{
	callback();
	return vict_act(n);
}
