/* SPDX-License-Identifier: Apache-2.0
 *
 * A page's data: a row for each span in the order of the tree, in blocks of class "rows", and what
 * the dump says of each, as it stands there, a line each, in blocks of class "spans". Memory is
 * that of a block. What the fields mean: html/data.js. One thread.
 */
#ifndef SS_HTML_ROWS_H
#define SS_HTML_ROWS_H

#include <stdint.h>

#include "collector/cli/html_cut.h"
#include "collector/cli/html_pack.h"
#include "collector/cli/tree_print.h"
#include "collector/cli/tree_read.h"
#include "collector/json.h"

struct ss_html_rows {
	struct ss_tree_reading *reading;
	const struct ss_html_cut *cut;
	struct ss_html_pack *pack;
	struct ss_tree_style style;
	struct ss_tree_printer printer; /* words: as those of `spanshim tree` */
	struct ss_json rows, spans;
	const struct ss_tree_trace *trace;
	uint32_t rows_waiting, spans_waiting; /* in the block that is being made */
	uint64_t count;                       /* of rows so far */
};

/* reading is linked, and cut says what is not in it. Returns 0 or -ENOMEM. */
int ss_html_rows_init(struct ss_html_rows *rows, struct ss_tree_reading *reading,
		      const struct ss_html_cut *cut, struct ss_html_pack *pack);
void ss_html_rows_deinit(struct ss_html_rows *rows);

/* All rows of a trace of the view. Returns how many they are. */
uint32_t ss_html_rows_trace(struct ss_html_rows *rows, uint32_t trace);

/* Writes what is left in unfinished blocks. */
void ss_html_rows_flush(struct ss_html_rows *rows);

#endif
