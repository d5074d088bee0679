/* SPDX-License-Identifier: Apache-2.0
 *
 * Ring files in the short form that fuzz_ring.c takes and its corpus is kept in: what is put where,
 * over nothing or over a file that a busy program left. A long, mostly empty file is a few hundred
 * bytes of it, and one change is one place.
 */
#ifndef SS_FUZZ_RING_FILE_H
#define SS_FUZZ_RING_FILE_H

#include <stddef.h>
#include <stdint.h>

#define RING_FILE_BYTES_MAX (4u << 20)

/* First byte of the short form: what the parts are put over, and whether the sums stay as they were
 * before. Then parts: a head, then its bytes. */
enum { RING_OVER_NOTHING, RING_OVER_BUSY, RING_BASES };
#define RING_UNSEALED 0x80

enum ring_part {
	RING_BYTES, /* at `offset` of the file */
	RING_EVENT, /* put at the head of ring `offset`: its first record, then payload */
	RING_SIZE,  /* the file is `offset` bytes long */
	RING_FILL,  /* from `offset` on so many (32 bits) bytes of a kind (the fifth byte) */
	RING_OUT,   /* stands at the end of the output file already */
	RING_PARTS,
};

struct ring_part_head {
	uint8_t part; /* enum ring_part */
	uint8_t reserved;
	uint16_t bytes; /* that follow */
	uint32_t offset;
};

struct ring_file {
	size_t bytes;
	size_t touched; /* bytes that may not be zero */
	size_t out_bytes;
	char *image; /* RING_FILE_BYTES_MAX */
	char out[1 << 16];
};

/* Makes the file's bytes of its short form; what does not fit is left out. */
void ring_file_expand(struct ring_file *file, const uint8_t *data, size_t bytes);

/* libFuzzer's: changes a short form in its own terms, or leaves that to `mutate`. */
size_t ring_file_mutate(uint8_t *data, size_t bytes, size_t max, unsigned int seed,
			size_t (*mutate)(uint8_t *data, size_t bytes, size_t max));

#endif
