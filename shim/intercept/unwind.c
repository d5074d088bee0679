/* SPDX-License-Identifier: Apache-2.0
 *
 * The personality routine of the thunk's frame: how a wrapped call learns that an exception, a
 * cancellation or pthread_exit is going through it. Called by whichever unwinder the host uses, on
 * the host's thread, between the frames it removes.
 * Must not: call any function of an unwinder (libgcc's and LLVM's differ inside, and the process
 * may have several), stop the unwinding, run code of the host (what()), or allocate.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/event.h"
#include "shim/intercept/intercept.h"
#include "shim/probe.h"

/* Itanium C++ ABI, level I; the same in libgcc and LLVM's libunwind. */
enum { REASON_FATAL_PHASE1_ERROR = 3, REASON_CONTINUE = 8 };
enum { ACTION_CLEANUP_PHASE = 2, ACTION_FORCE_UNWIND = 8 };

/* Eight characters, vendor and language, the first one most significant. */
#define CLASS_GNU  0x474e5543432b2b00ull /* "GNUCC++\0" */
#define CLASS_LLVM 0x434c4e47432b2b00ull /* "CLNGC++\0" */
#define CLASS_RUST 0x4d4f5a0052555354ull /* "MOZ\0RUST" */
#define DEPENDENT  1ull                  /* last character: rethrown from a std::exception_ptr */

struct unwind_exception {
	uint64_t class;
	void *cleanup;
	uint64_t private_1, private_2;
} __attribute__((aligned(16)));

/* What both C++ runtimes put in front of the unwinder's header (libstdc++ unwind-cxx.h, libc++abi
 * cxa_exception.h; LP64): __cxa_exception, from its exceptionType on. */
struct cxx_header {
	const void *const *type; /* std::type_info; in libstdc++'s dependent ones: the object */
	void *other[9];
	struct unwind_exception unwind;
};
_Static_assert(offsetof(struct cxx_header, unwind) == 80, "__cxa_exception");
_Static_assert(sizeof(struct cxx_header) == 112, "the thrown object follows");

int ss_unwind_personality(int version, int actions, uint64_t class,
			  struct unwind_exception *exception, void *context);

static bool is_readable(const void *p)
{
	return p && (uintptr_t)p % sizeof(void *) == 0 && ss_probe_word((uintptr_t)p);
}

static const struct cxx_header *primary_header(uint64_t class,
					       const struct unwind_exception *exception)
{
	const struct cxx_header *header =
		(const void *)((const char *)exception - offsetof(struct cxx_header, unwind));
	const void *const *object;

	if (!(class & DEPENDENT))
		return header;
	/* libc++abi has it where its primary ones have their reference count. */
	object = (const void *)&header->type;
	if ((class & ~0xffull) == CLASS_LLVM)
		object--;
	if (!is_readable(object) || !*object)
		return NULL;
	/* By numbers: a damaged header may give anything. */
	return (const struct cxx_header *)((uintptr_t)*object - sizeof(struct cxx_header));
}

/* std::type_info: virtual table, name. */
static const char *type_name(uint64_t class, const struct unwind_exception *exception)
{
	const struct cxx_header *header;
	const char *name;

	if (class == CLASS_RUST)
		return "rust panic";
	if ((class & ~0xffull) != CLASS_GNU && (class & ~0xffull) != CLASS_LLVM)
		return NULL;
	header = primary_header(class, exception);
	if (!is_readable(header) || !is_readable(header->type) || !is_readable(header->type + 1))
		return NULL;
	name = header->type[1];
	/* libstdc++ marks names that are not unique in the process. */
	return name && *name == '*' ? name + 1 : name;
}

/* In phase 2 every frame of a wrapped call that is removed gets here once, innermost first. */
int ss_unwind_personality(int version, int actions, uint64_t class,
			  struct unwind_exception *exception, void *context)
{
	uintptr_t sp = (uintptr_t)__builtin_frame_address(0);
	int saved_errno = errno;

	(void)context;
	if (version != 1)
		return REASON_FATAL_PHASE1_ERROR;
	if (!(actions & ACTION_CLEANUP_PHASE))
		return REASON_CONTINUE;
	if (actions & ACTION_FORCE_UNWIND)
		ss_record_unwound(sp, SS_STATUS_CANCELLED, NULL, NULL);
	else
		ss_record_unwound(sp, SS_STATUS_EXCEPTION, type_name(class, exception), NULL);
	errno = saved_errno;
	return REASON_CONTINUE;
}
