/* SPDX-License-Identifier: Apache-2.0
 *
 * The wrapped call of the benchmark: as short as a call can be, in a library of its own, so that
 * what is measured is what wrapping it costs.
 */
#ifndef SS_BENCH_FOO_H
#define SS_BENCH_FOO_H

/* Returns x + 1. Any thread. */
int foo(int x);

#endif
