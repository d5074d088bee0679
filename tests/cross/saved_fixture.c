/* SPDX-License-Identifier: Apache-2.0
 *
 * What thunk.S refers to beside what call_saved.c tests.
 */
#include <stdlib.h>

#include "shim/intercept/dl.h"
#include "shim/intercept/intercept.h"

void *ss_dl_dlsym, *ss_dl_dlvsym;
int ss_unwind_personality(void);

int ss_unwind_personality(void)
{
	abort();
}

struct ss_enter_result ss_record_enter(struct ss_frame *frame)
{
	abort();
}

void ss_record_exit(struct ss_frame *frame)
{
	abort();
}

void *ss_dl_symbol(void *handle, const char *name, const char *version, void *caller)
{
	abort();
}
