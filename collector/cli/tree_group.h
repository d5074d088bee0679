/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups of spans: whose they are, and what their process says it lost. Lines repeat them word for
 * word, so each text is looked at once. One thread.
 */
#ifndef SS_TREE_GROUP_H
#define SS_TREE_GROUP_H

#include <stdint.h>

#include "collector/cli/tree_scan.h"

struct ss_tree;

/* The group of these two objects, and adds up what they say was lost. Returns 0 or -ENOMEM. */
int ss_tree_group_add(struct ss_tree *tree, struct ss_tree_slice resource,
		      struct ss_tree_slice scope, uint32_t *ret_group);

#endif
