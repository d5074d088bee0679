/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting for the drain: a host thread asks by a number in the ring file, and the drain answers
 * with it. Host threads, on cold paths only. Must not: wait without bound.
 */
#ifndef SS_FLUSH_H
#define SS_FLUSH_H

#include <stdbool.h>

#include "shim/ring.h"

/* Waits until the drain has written out what there is, as long as it makes progress. False: it has
 * not, which has been said where that is not as it must be. */
bool ss_flush(struct ss_image *image);

#endif
