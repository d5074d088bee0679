/* SPDX-License-Identifier: Apache-2.0
 *
 * What must hold for a line of a dump before it is read as JSON, and what cJSON would let pass: its
 * length, its newline, UTF-8, control characters in strings.
 */
#ifndef SS_CHECK_TEXT_H
#define SS_CHECK_TEXT_H

#include <stdbool.h>

struct ss_check_sink;
struct ss_dump_line;

#define SS_CHECK_LINE_BYTES                                                  \
	(1u << 20) /* newline included: the collector's reader takes no more \
		    */

/* Reports what is wrong with the line. Returns whether it is worth parsing. */
bool ss_check_text_line(const struct ss_dump_line *line, const struct ss_check_sink *sink);

#endif
