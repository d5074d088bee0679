/* SPDX-License-Identifier: Apache-2.0
 *
 * From 3.12 on CPython warns when a process with several threads forks, and counts them in
 * /proc/self/stat. The drain thread is no thread of the program's: what opens that file by fopen,
 * as CPython does, is shown one less.
 */
#ifndef SS_PYTHON_FORKWARN_H
#define SS_PYTHON_FORKWARN_H

/* Before interception starts; whether Python is traced or not. */
void ss_python_forkwarn_prepare(void);

#endif
