/* SPDX-License-Identifier: Apache-2.0
 *
 * What stays of a dump with more spans than a page can hold: first those with errors and those that
 * are unfinished, then the longest, each with all that is above it. What does not is counted where
 * it would have been. One thread.
 */
#ifndef SS_HTML_CUT_H
#define SS_HTML_CUT_H

#include <stdint.h>

struct ss_tree;

struct ss_html_cut {        /* all zero: nothing is left out */
	uint32_t *of_span;  /* by position: spans left out below it; NULL: none at all */
	uint32_t *of_trace; /* by position: those that nothing that stays is above of */
	uint64_t spans, errors, longest_ns; /* of what is left out; errors: unfinished ones too */
};

/* Takes what is too much out of what matches, so that ss_tree_link shows at most max spans; 0: as
 * many as there are. Returns 0 or -ENOMEM. */
int ss_html_cut_choose(struct ss_html_cut *cut, struct ss_tree *tree, uint32_t max);
void ss_html_cut_deinit(struct ss_html_cut *cut);

#endif
