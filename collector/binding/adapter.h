/* SPDX-License-Identifier: Apache-2.0
 *
 * What the adapters in shim/python/ trace, in words, for `spanshim bindings NAME`: unlike what a
 * binding declares, it stands in no table. Main thread of the command; prints with stdio.
 */
#ifndef SS_ADAPTER_H
#define SS_ADAPTER_H

#include <stdio.h>

/* Prints the spans of the adapter and the hooks that make them; nothing if it is not known. */
void ss_adapter_explain(FILE *out, const char *name);

#endif
