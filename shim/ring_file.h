/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes the ring file of a process image and hands its rings to threads. Cold: first event of an
 * image, first event of a thread, end of a thread. Must not: map a page that the file system has
 * not promised (SIGBUS in the host), or open anything that someone else could have put in its
 * place.
 */
#ifndef SS_RING_FILE_H
#define SS_RING_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "shim/bindings/binding.h"
#include "shim/config.h"
#include "shim/ring.h"

#define SS_RING_PATH_BYTES 512

/* What the image says about the process; texts may be "". */
struct ss_ring_file_facts {
	const struct ss_config *config;
	const struct ss_binding_table *table;
	const char *directory;  /* where ring files go, absolute; made if its parent exists */
	const char *cwd;        /* at start, for relative output patterns */
	const char *program;    /* base name */
	const char *executable; /* path */
	/* the process's own, one behind the other, each with its NUL; asked for, and as at start */
	const char *arguments;
	uint32_t arguments_bytes;
	const char *(*python_version)(void); /* NULL: no Python in the process */
	struct ss_sampling sampling;
	uint64_t nonce;
	uint64_t enabled; /* bit per binding */
	uint32_t pid, clock;
};

/* Creates, fills and maps the file; its path goes to `path`. Returns 0, or -errno with nothing left
 * behind
 * (-EPERM: the directory is not ours alone, -ENAMETOOLONG: a path is too long). Any one thread. */
int ss_ring_file_create(const struct ss_ring_file_facts *facts, char *path, size_t path_bytes,
			struct ss_image **ret_image);

/* A free ring for thread `tid`, or NULL when there is none or no space for it. Any thread. */
struct ss_ring *ss_ring_file_claim(struct ss_image *image, uint32_t tid);

/* The thread has no more to say; the drain frees the ring when it has read it. */
void ss_ring_file_retire(struct ss_ring *ring);

/* Default directory for ring files, "/dev/shm/spanshim-UID", into buf. */
void ss_ring_file_default_directory(char *buf, size_t bytes);

#endif
