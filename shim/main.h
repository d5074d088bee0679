/* SPDX-License-Identifier: Apache-2.0
 *
 * The one entry of the composition root (main.c), for whoever runs first in the process.
 */
#ifndef SS_MAIN_H
#define SS_MAIN_H

/* Reads the environment and starts tracing if there is anything to trace. Idempotent; with NULL
 * (libc does not know the environment yet) a later call does it. Keeps errno. The loader's thread.
 */
void ss_main_start(char *const *envp);

#endif
