/* SPDX-License-Identifier: Apache-2.0
 *
 * How long to wait before a request is sent again: twice as long each time, with jitter, so that
 * many exporters do not come back at once; as long as the server says where it says so. No clock,
 * no sleep.
 */
#ifndef SS_EXPORT_RETRY_H
#define SS_EXPORT_RETRY_H

#include <stdint.h>

#define SS_EXPORT_RETRY_FIRST_MS 100u
#define SS_EXPORT_RETRY_MAX_MS   10000u

struct ss_export_retry {   /* all zero: nothing has failed yet */
	uint32_t upper_ms; /* of the last wait */
};

/* retry_after_s: of the answer's Retry-After, 0 for none. random: any 32 bits. Milliseconds. */
uint64_t ss_export_retry_next(struct ss_export_retry *retry, uint64_t retry_after_s,
			      uint32_t random);

#endif
