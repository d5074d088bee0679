/* SPDX-License-Identifier: Apache-2.0
 *
 * libvictim_bare.so: a plugin that is linked without the C library's start files, so that nothing
 * of it runs when it is loaded. vi_bare_run calls vi_one once.
 */
#include "abi.h"

long vi_bare_run(void);

long vi_bare_run(void)
{
	return vi_one(3000);
}
