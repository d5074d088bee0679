/* SPDX-License-Identifier: Apache-2.0
 *
 * The tracing subscribers, one per hook family; `self` is the struct ss_spans that they open, close
 * and annotate. Drain only.
 */
#ifndef SS_TRACING_H
#define SS_TRACING_H

#include "collector/dispatch.h"

extern const struct ss_subscriber ss_tracing_session;
extern const struct ss_subscriber
	ss_tracing_component; /* actions; and hooks left open (HOOK_NONE) */
extern const struct ss_subscriber ss_tracing_streaming;
extern const struct ss_subscriber ss_tracing_generation; /* chats */

#endif
