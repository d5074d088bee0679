/* SPDX-License-Identifier: Apache-2.0
 *
 * Not a plugin: with -DFUNCTION its spanshim_plugin is a function, with -DNUMBER a number.
 */
#define EXPORTED __attribute__((visibility("default")))

#if defined(FUNCTION)
EXPORTED int spanshim_plugin(void);
int spanshim_plugin(void)
{
	return 1;
}
#elif defined(NUMBER)
extern EXPORTED const int spanshim_plugin;
const int spanshim_plugin = 1;
#else
extern EXPORTED const int something_else;
const int something_else = 1;
#endif
