/* SPDX-License-Identifier: Apache-2.0
 *
 * Leaves acts by every way but return, and acts once more after each; knows nothing of spanshim.
 */
#include <cstdio>
#include <cstring>
#include <csetjmp>
#include <cxxabi.h>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <unistd.h>

extern "C" {
#include "tests/e2e/load/load.h"
}

namespace shop
{
struct refused : std::runtime_error {
	using std::runtime_error::runtime_error;
};
} // namespace shop

static int destroyed;
static jmp_buf target;

struct witness {
	~witness()
	{
		destroyed++;
	}
};

static void throw_standard(void *)
{
	witness w;

	throw std::runtime_error("no such thing");
}

static void throw_own(void *)
{
	throw shop::refused("not today");
}

static void throw_int(void *)
{
	throw 7;
}

static void throw_through_two(void *)
{
	load_around(2, throw_own, nullptr);
}

static void catch_and_rethrow(void *)
{
	try {
		load_around(2, throw_own, nullptr);
	} catch (...) {
		throw;
	}
}

static void throw_and_catch_inside(void *)
{
	try {
		throw 1;
	} catch (int) {
	}
}

static void leave_by_longjmp(void *)
{
	longjmp(target, 1);
}

static void longjmp_through_two(void *)
{
	load_around(2, leave_by_longjmp, nullptr);
}

static void leave_by_pthread_exit(void *)
{
	witness w;

	pthread_exit(nullptr);
}

static void wait_for_cancel(void *arg)
{
	witness w;

	pthread_barrier_wait(static_cast<pthread_barrier_t *>(arg));
	for (;;)
		pause();
}

static int catching(load_fn fn)
{
	try {
		load_around(1, fn, nullptr);
	} catch (const std::exception &e) {
		printf("caught %s\n", e.what());
	} catch (int i) {
		printf("caught %d\n", i);
	}
	return 0;
}

static int jumping(load_fn fn)
{
	if (!setjmp(target))
		load_around(1, fn, nullptr);
	else
		printf("jumped\n");
	return 0;
}

static void *exiting_thread(void *)
{
	load_around(1, leave_by_pthread_exit, nullptr);
	return nullptr;
}

static void *waiting_thread(void *barrier)
{
	load_around(1, wait_for_cancel, barrier);
	return nullptr;
}

static int exiting(load_fn)
{
	pthread_t thread;

	pthread_create(&thread, nullptr, exiting_thread, nullptr);
	pthread_join(thread, nullptr);
	return 0;
}

static int cancelling(load_fn)
{
	pthread_barrier_t barrier;
	pthread_t thread;
	void *result;

	pthread_barrier_init(&barrier, nullptr, 2);
	pthread_create(&thread, nullptr, waiting_thread, &barrier);
	pthread_barrier_wait(&barrier);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	printf(result == PTHREAD_CANCELED ? "cancelled\n" : "not cancelled\n");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(load_fn fn);
		load_fn fn;
	} modes[] = {
		{ "standard", catching, throw_standard },
		{ "own", catching, throw_own },
		{ "int", catching, throw_int },
		{ "two", catching, throw_through_two },
		{ "rethrow", catching, catch_and_rethrow },
		{ "inside", catching, throw_and_catch_inside },
		{ "longjmp", jumping, leave_by_longjmp },
		{ "longjmp-two", jumping, longjmp_through_two },
		{ "pthread_exit", exiting, nullptr },
		{ "cancel", cancelling, nullptr },
	};

	for (const auto &mode : modes) {
		if (argc < 2 || strcmp(argv[1], mode.name))
			continue;
		mode.run(mode.fn);
		load_act(0, 0);
		printf("destroyed %d\n", destroyed);
		return 0;
	}
	fprintf(stderr, "usage: unwind MODE\n");
	return 2;
}
