/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

static char home[] = "/tmp/spanshim-state-XXXXXX";
static struct ss_export_state state;
static int file = -1;

static void set_up(void)
{
	cr_assert(mkdtemp(home));
	setenv("XDG_STATE_HOME", home, 1);
	file = open(home, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	cr_assert_geq(file, 0);
	cr_assert_eq(write(file, "0123456789", 10), 10);
	cr_assert_eq(ss_export_state_init(&state, 0x12, 0x34, 0x56), 0);
}

static void tear_down(void)
{
	char command[128];

	ss_export_state_deinit(&state);
	close(file);
	snprintf(command, sizeof(command), "rm -r %s", home);
	cr_assert_eq(system(command), 0);
}

TestSuite(export_state, .init = set_up, .fini = tear_down);

static int load(uint64_t *ret_offset, uint64_t *ret_line)
{
	struct ss_export_place place = { 111, 222 };
	int r = ss_export_state_load(&state, file, &place);

	*ret_offset = place.offset;
	*ret_line = place.line;
	return r;
}

static void save(uint64_t offset, uint64_t line)
{
	const struct ss_export_place place = { offset, line };

	cr_assert_eq(ss_export_state_save(&state, file, "a \"file\"\n", &place), 0);
}

static void put(const char *text)
{
	FILE *out = fopen(state.path, "we");

	cr_assert(out);
	cr_assert_eq(fputs(text, out) < 0, 0);
	fclose(out);
}

Test(export_state, what_is_saved_is_loaded)
{
	uint64_t offset, line;

	cr_assert_eq(load(&offset, &line), -ENOENT);
	save(7, 3);
	cr_assert_eq(load(&offset, &line), 0);
	cr_assert_eq(offset, 7);
	cr_assert_eq(line, 3);
	save(0, 0);
	cr_assert_eq(load(&offset, &line), 0);
	cr_assert_eq(offset, 0);
}

Test(export_state, another_file_is_noticed)
{
	uint64_t offset, line;

	save(7, 3);
	/* Behind the place: more was written, that is all. */
	cr_assert_eq(pwrite(file, "x", 1, 7), 1);
	cr_assert_eq(load(&offset, &line), 0);
	cr_assert_eq(pwrite(file, "x", 1, 6), 1);
	cr_assert_eq(load(&offset, &line), -ESTALE);
	cr_assert_eq(offset, 111, "untouched on failure");
	cr_assert_eq(pwrite(file, "6", 1, 6), 1);
	cr_assert_eq(load(&offset, &line), 0);
	cr_assert_eq(ftruncate(file, 6), 0);
	cr_assert_eq(load(&offset, &line), -ESTALE);
}

Test(export_state, each_endpoint_and_file_its_own)
{
	struct ss_export_state other;
	struct ss_export_place place;
	uint64_t key;

	save(7, 3);
	for (key = 0; key < 3; key++) {
		cr_assert_eq(ss_export_state_init(&other, key == 0 ? 0x13 : 0x12,
						  key == 1 ? 0x35 : 0x34, key == 2 ? 0x57 : 0x56),
			     0);
		cr_assert_eq(ss_export_state_load(&other, file, &place), -ENOENT);
		ss_export_state_deinit(&other);
	}
}

Test(export_state, damaged)
{
	static const char *const texts[] = {
		"",
		"{",
		"7",
		"[]",
		"{}",
		"{\"offset\":7,\"line\":\"3\",\"before\":\"1\"}",
		"{\"offset\":\"-7\",\"line\":\"3\",\"before\":\"1\"}",
		"{\"offset\":\"07\",\"line\":\"3\",\"before\":\"1\"}",
		"{\"offset\":\"18446744073709551615\",\"line\":\"3\",\"before\":\"1\"}",
		"{\"offset\":\"7\",\"line\":\"3\"}",
	};
	uint64_t offset, line;
	unsigned i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put(texts[i]);
		cr_assert_eq(load(&offset, &line), -EBADMSG, "%s", texts[i]);
	}
	put("{\"offset\":\"9223372036854775807\",\"line\":\"3\",\"before\":\"1\"}");
	cr_assert_eq(load(&offset, &line), -ESTALE);
}

Test(export_state, one_at_a_time)
{
	struct ss_export_state other;

	cr_assert_eq(ss_export_state_init(&other, 0x12, 0x34, 0x56), 0);
	cr_assert_eq(ss_export_state_lock(&state), 0);
	cr_assert_eq(ss_export_state_lock(&state), 0, "it is ours already");
	cr_assert_eq(ss_export_state_lock(&other), -EWOULDBLOCK);
	save(7, 3);
	cr_assert_eq(ss_export_state_lock(&other), -EWOULDBLOCK,
		     "the state is replaced, not the lock");
	ss_export_state_unlock(&state);
	cr_assert_eq(ss_export_state_lock(&other), 0);
	cr_assert_eq(ss_export_state_lock(&state), -EWOULDBLOCK);
	ss_export_state_deinit(&other);
	cr_assert_eq(ss_export_state_lock(&state), 0);
}

/* The older state stays, whole, when a new one cannot be written. */
Test(export_state, replaced_as_a_whole)
{
	const struct ss_export_place place = { 9, 4 };
	char path[256];
	uint64_t offset, line;

	save(7, 3);
	snprintf(path, sizeof(path), "%s.new", state.path);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_neq(ss_export_state_save(&state, file, "f", &place), 0);
	cr_assert_eq(load(&offset, &line), 0);
	cr_assert_eq(offset, 7);
}
