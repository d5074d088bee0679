/* SPDX-License-Identifier: Apache-2.0
 *
 * How far a file has been sent to an endpoint: one small file each, below
 * $XDG_STATE_HOME/spanshim/export
 * (~/.local/state), replaced as a whole. It knows the file by device and inode, so that renaming
 * does not matter, and by what stands before the place, so that another file in its place is
 * noticed. One thread. Must not: say that something was sent which was not.
 */
#ifndef SS_EXPORT_STATE_H
#define SS_EXPORT_STATE_H

#include <stdint.h>
#include <sys/types.h>

struct ss_export_place {
	uint64_t offset; /* bytes that are done with */
	uint64_t line;   /* lines that these are */
};

struct ss_export_state {
	char *path; /* NULL: nothing is kept */
	int lock;   /* descriptor; -1: never locked */
};

/* endpoint: a hash of where the file goes. Makes the directory. Returns 0 or -errno (-ENOENT: no
 * home directory). */
int ss_export_state_init(struct ss_export_state *state, dev_t device, ino_t inode,
			 uint64_t endpoint);
void ss_export_state_deinit(struct ss_export_state *state);

/* One exporter at a time sends a file to an endpoint. Returns 0, -EWOULDBLOCK when another one does
 * now, or another -errno. */
int ss_export_state_lock(struct ss_export_state *state);
void ss_export_state_unlock(struct ss_export_state *state);

/* fd: the file. Returns 0, -ENOENT when nothing was sent yet, -ESTALE when the file is not what it
 * was, -EBADMSG when the state cannot be understood, or another -errno. */
int ss_export_state_load(const struct ss_export_state *state, int fd,
			 struct ss_export_place *ret_place);

/* file: its name, for people who look. Returns 0 or -errno; the older state is in force then. */
int ss_export_state_save(const struct ss_export_state *state, int fd, const char *file,
			 const struct ss_export_place *place);

#endif
