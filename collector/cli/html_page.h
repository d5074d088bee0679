/* SPDX-License-Identifier: Apache-2.0
 *
 * One page: the part of it that is always the same (html/, made a C source by html/embed.py), the
 * title, and data blocks. Where the frame stands in the way of what a dump says: html_pack.h. One
 * thread. Must not: print messages.
 */
#ifndef SS_HTML_PAGE_H
#define SS_HTML_PAGE_H

#include <stdint.h>
#include <stdio.h>

struct ss_html_cut;
struct ss_tree_reading;

struct ss_html_about {
	const char *title;
	const char *const *filters; /* options by which spans were chosen */
	unsigned filter_count;
};

/* The frame: title and data blocks stand between its parts. */
extern const char ss_html_before_title[], ss_html_before_data[], ss_html_after_data[];

/* Of a reading that is linked. Write errors stay in file. Returns 0 or -ENOMEM. */
int ss_html_page_write(struct ss_tree_reading *reading, const struct ss_html_cut *cut,
		       const struct ss_html_about *about, FILE *file);

/* Text as HTML: what is markup is escaped; controls, overrides and bytes that are no UTF-8 are
 * replaced. */
void ss_html_page_text(const char *text, FILE *file);

#endif
