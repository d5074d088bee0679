/* SPDX-License-Identifier: Apache-2.0
 *
 * A host with functions of its own that bear cJSON's names, exported as those of a program linked
 * with -rdynamic are: the collector must use the real ones. Three acts; status 3 if anybody calls
 * ours.
 */
#include <unistd.h>

#include "load.h"

#define OURS(name)                                              \
	__attribute__((visibility("default"))) void name(void); \
	void name(void)                                         \
	{                                                       \
		_exit(3);                                       \
	}

OURS(cJSON_Parse)
OURS(cJSON_ParseWithLengthOpts)
OURS(cJSON_ParseWithOpts)
OURS(cJSON_ParseWithLength)
OURS(cJSON_Delete)
OURS(cJSON_GetErrorPtr)
OURS(cJSON_InitHooks)
OURS(cJSON_malloc)
OURS(cJSON_free)
OURS(cJSON_IsString)
OURS(cJSON_IsObject)
OURS(cJSON_IsArray)
OURS(cJSON_IsNumber)
OURS(cJSON_GetObjectItemCaseSensitive)

int main(void)
{
	for (int i = 0; i < 3; i++)
		if (load_act(0, i))
			return 1;
	return 0;
}
