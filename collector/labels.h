/* SPDX-License-Identifier: Apache-2.0
 *
 * Labels of a measurement (the attributes of a metric's data point), and the text that a set of
 * them is kept and looked up as. The text may come from a ring file: parsing believes nothing.
 * Any thread; keeps nothing.
 */
#ifndef SS_LABELS_H
#define SS_LABELS_H

#include <stdbool.h>
#include <stdint.h>

#define SS_LABELS_MAX     8u
#define SS_LABEL_KEY_MAX  64u
#define SS_LABEL_TEXT_MAX 1024u /* bytes of one label's text; cut at a character */

enum ss_label_type { SS_LABEL_STRING, SS_LABEL_BOOL };

/* `text` need not end in NUL. */
struct ss_label {
	const char *key; /* SS_LABEL_KEY_MAX bytes at most */
	const char *text;
	uint32_t bytes;
	uint8_t type; /* enum ss_label_type */
	uint8_t flag; /* BOOL */
};

/* Label with a text that ends in NUL. */
static inline struct ss_label ss_label_text(const char *key, const char *text)
{
	return (struct ss_label){ .key = key,
				  .text = text,
				  .bytes = (uint32_t)__builtin_strlen(text) };
}

/* Each label: 8 bytes, its key, NUL, its text. */
#define SS_LABELS_BYTES_MAX (SS_LABELS_MAX * (9u + SS_LABEL_KEY_MAX + SS_LABEL_TEXT_MAX))

/* Writes the labels' text, SS_LABELS_BYTES_MAX at most, in the order given. Returns its bytes. */
uint32_t ss_labels_spell(const struct ss_label *labels, uint32_t count, char *to);

/* The labels of a text, into which they point. False: it makes no sense. */
bool ss_labels_parse(const char *text, uint32_t bytes, struct ss_label ret_labels[SS_LABELS_MAX],
		     uint32_t *ret_count);

/* Never 0. */
uint64_t ss_labels_hash(const char *text, uint32_t bytes);

#endif
