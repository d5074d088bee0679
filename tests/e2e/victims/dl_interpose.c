/* SPDX-License-Identifier: Apache-2.0
 *
 * libvictim_interpose.so: another preloaded object that wraps vi_one and vi_none in the usual way;
 * what RTLD_NEXT gives it must be the real functions, or each call would be recorded twice.
 */
#include <dlfcn.h>

long vi_one(long a);
long vi_none(void);

long vi_one(long a)
{
	static long (*next)(long);

	if (!next)
		next = (long (*)(long))dlsym(RTLD_NEXT, "vi_one");
	return next(a) + 1;
}

long vi_none(void)
{
	static long (*next)(void);

	if (!next)
		next = (long (*)(void))dlsym(RTLD_NEXT, "vi_none");
	return next() + 1;
}
