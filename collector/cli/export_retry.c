/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_retry.h"

#define RETRY_AFTER_MAX_S 86400u /* a server that says more is asked again after a day */

uint64_t ss_export_retry_next(struct ss_export_retry *retry, uint64_t retry_after_s,
			      uint32_t random)
{
	uint32_t upper = retry->upper_ms ? 2 * retry->upper_ms : SS_EXPORT_RETRY_FIRST_MS;

	if (upper > SS_EXPORT_RETRY_MAX_MS)
		upper = SS_EXPORT_RETRY_MAX_MS;
	retry->upper_ms = upper;
	if (retry_after_s > RETRY_AFTER_MAX_S)
		retry_after_s = RETRY_AFTER_MAX_S;
	if (retry_after_s)
		return retry_after_s * 1000 + random % SS_EXPORT_RETRY_FIRST_MS;
	/* From half of it on: a wait that jitter made nothing is none. */
	return upper / 2 + random % (upper - upper / 2 + 1);
}
