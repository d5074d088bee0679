/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/labels.h"

#include <stddef.h>
#include <string.h>

/* Before each label. */
struct head {
	uint16_t key_bytes; /* without the NUL */
	uint8_t type, flag;
	uint32_t bytes; /* of the text */
};
_Static_assert(sizeof(struct head) == 8, "as SS_LABELS_BYTES_MAX has it");

/* Not in the middle of a UTF-8 character. */
static uint32_t cut(const struct ss_label *label)
{
	uint32_t bytes = label->bytes;

	if (label->type == SS_LABEL_BOOL)
		return 0;
	if (bytes <= SS_LABEL_TEXT_MAX)
		return bytes;
	for (bytes = SS_LABEL_TEXT_MAX; bytes > SS_LABEL_TEXT_MAX - 4; bytes--) {
		if (((unsigned char)label->text[bytes] & 0xc0) != 0x80)
			return bytes;
	}
	return SS_LABEL_TEXT_MAX; /* no UTF-8 at all */
}

uint32_t ss_labels_spell(const struct ss_label *labels, uint32_t count, char *to)
{
	const char *start = to;
	uint32_t i;

	for (i = 0; i < count && i < SS_LABELS_MAX; i++) {
		struct head head = { .type = labels[i].type,
				     .flag = labels[i].flag != 0,
				     .bytes = cut(&labels[i]) };

		head.key_bytes = (uint16_t)strnlen(labels[i].key, SS_LABEL_KEY_MAX);
		to = mempcpy(to, &head, sizeof(head));
		to = mempcpy(to, labels[i].key, head.key_bytes);
		*to++ = '\0';
		if (head.bytes > 0)
			to = mempcpy(to, labels[i].text, head.bytes);
	}
	return (uint32_t)(to - start);
}

/* Moves *at behind the label. */
static bool parse(const char **at, const char *end, struct ss_label *ret_label)
{
	const char *key = *at + sizeof(struct head);
	struct head head;

	if (end - *at < (ptrdiff_t)sizeof(head))
		return false;
	memcpy(&head, *at, sizeof(head));
	if (head.key_bytes > SS_LABEL_KEY_MAX || head.bytes > SS_LABEL_TEXT_MAX ||
	    head.type > SS_LABEL_BOOL || end - key < head.key_bytes + 1 + (ptrdiff_t)head.bytes ||
	    memchr(key, '\0', head.key_bytes + 1) != key + head.key_bytes)
		return false;
	*ret_label = (struct ss_label){ .key = key,
					.text = key + head.key_bytes + 1,
					.bytes = head.bytes,
					.type = head.type,
					.flag = head.flag };
	*at = ret_label->text + head.bytes;
	return true;
}

bool ss_labels_parse(const char *text, uint32_t bytes, struct ss_label ret_labels[SS_LABELS_MAX],
		     uint32_t *ret_count)
{
	const char *end = text + bytes;
	uint32_t count;

	for (count = 0; text < end; count++) {
		if (count == SS_LABELS_MAX || !parse(&text, end, &ret_labels[count]))
			return false;
	}
	*ret_count = count;
	return true;
}

/* FNV-1a. */
uint64_t ss_labels_hash(const char *text, uint32_t bytes)
{
	uint64_t hash = 0xcbf29ce484222325ull;
	uint32_t i;

	for (i = 0; i < bytes; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3ull;
	return hash | 1;
}
