/* SPDX-License-Identifier: Apache-2.0
 *
 * A ring file, looked at from the drain's side: checked once, then reached through the copies of
 * its offsets kept here, so that a file that changes (or was torn, or forged) cannot lead outside
 * itself. Drain only, in a live process or in `spanshim recover`. Must not: trust any number in the
 * file that ss_image_attach has not checked.
 */
#ifndef SS_IMAGE_H
#define SS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/bindings/binding.h"
#include "shim/ring.h"

struct ss_image_view {
	struct ss_image *image;
	uint64_t mapped_bytes; /* of the file, from its start */
	int fd;                /* the ring file, in recovery; -1 in a live process */
	const char *path;      /* of the ring file */
	bool live;             /* false: recovery; code addresses mean nothing */
	bool names_damaged;    /* recovery: strings or table are not what they were */
	uint32_t ring_count;
	struct ss_ring *rings;
	const char *strings; /* starts with a copy of the binding table's */
	uint64_t strings_bytes;
	const struct ss_binding *bindings;
	const struct ss_entry *entries;
	const struct ss_code *codes;
	const struct ss_constant *constants;
	uint32_t binding_count, entry_count, code_count, constant_count;
};

/* Checks the header, all rings and the table of a live process's `image`, of which file_bytes are
 * mapped. 0, or -EINVAL with a reason (a static phrase) in *ret_reason. Takes over nothing. */
int ss_image_attach(struct ss_image *image, struct ss_image_view *ret_view,
		    const char **ret_reason);

/* Opens and maps the ring file of a process that is to be recovered and attaches to it. 0; -EINVAL
 * with a reason; -ENODATA when it was never finished (its maker died, or is still at it); or what
 * open, fstat or mmap said, with a reason. *ret_view owns mapping and descriptor; give it to
 * ss_image_close. */
int ss_image_open(const char *path, struct ss_image_view *ret_view, const char **ret_reason);
void ss_image_close(struct ss_image_view *view);

/* A descriptor of the ring file for a moment's use: a host may close numbers it does not know, so
 * none is kept. -ESTALE when another file has the path by now, or what open said. Caller closes. */
int ss_image_reopen(const struct ss_image_view *view);

/* True when process image->pid still maps this file: it is not ours to recover. */
bool ss_image_alive(const struct ss_image_view *view);

/* The string at `offset`; "" when there is none. Lives as long as the mapping. */
const char *ss_image_string(const struct ss_image_view *view, uint64_t offset);

/* Entry `index`, or NULL. */
static inline const struct ss_entry *ss_image_entry(const struct ss_image_view *view,
						    uint32_t index)
{
	return index < view->entry_count ? &view->entries[index] : NULL;
}

/* The binding of an entry, or NULL; and the name of one of its result codes, or NULL. */
const struct ss_binding *ss_image_binding(const struct ss_image_view *view,
					  const struct ss_entry *entry);
const char *ss_image_code_name(const struct ss_image_view *view, const struct ss_entry *entry,
			       int64_t code);

/* The entry's symbol; Python's "pkg.mod:Class.method" in the semantic conventions' form, as far as
 * it fits in the buffer, which is used for that alone. */
const char *ss_image_function(const struct ss_image_view *view, const struct ss_entry *entry,
			      char *buffer, size_t bytes);

/* Brings view->ring_count of a live image up to date: rings that no thread ever claimed are passed
 * over, and their pages never touched. Drain only. */
void ss_image_count_rings(struct ss_image_view *view);

#endif
