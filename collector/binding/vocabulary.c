/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/binding/vocabulary.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

const char *const ss_vocabulary_roles[SS_ROLE_COUNT] = {
	[SS_ROLE_SESSION] = "session",
	[SS_ROLE_ACTION] = "action",
	[SS_ROLE_STREAM] = "stream",
	[SS_ROLE_CHAT] = "chat",
};

const char *const ss_vocabulary_whens[SS_WHEN_COUNT] = {
	[SS_WHEN_CALL] = "call",   [SS_WHEN_OPEN] = "open",         [SS_WHEN_CLOSE] = "close",
	[SS_WHEN_EVENT] = "event", [SS_WHEN_REGISTER] = "register",
};

const char *const ss_vocabulary_types[SS_TYPE_COUNT] = {
	[SS_TYPE_NONE] = "nothing",    [SS_TYPE_INT] = "int",       [SS_TYPE_UINT] = "uint",
	[SS_TYPE_INT64] = "int64",     [SS_TYPE_UINT64] = "uint64", [SS_TYPE_BOOL] = "bool",
	[SS_TYPE_FLOAT] = "float",     [SS_TYPE_DOUBLE] = "double", [SS_TYPE_STRING] = "string",
	[SS_TYPE_POINTER] = "pointer",
};

const struct ss_vocabulary_hooks ss_vocabulary_hooks[SS_ROLE_COUNT] = {
	[SS_ROLE_SESSION] = { SS_HOOK_SESSION_POST_INIT, SS_HOOK_STREAMING_EVENT,
			      SS_HOOK_SESSION_CLEANUP, SS_HOOK_SESSION_CLEANUP },
	[SS_ROLE_ACTION] = { SS_HOOK_COMPONENT_PRE_EXECUTE, SS_HOOK_STREAMING_EVENT,
			     SS_HOOK_COMPONENT_POST_SUCCESS, SS_HOOK_COMPONENT_POST_ERROR },
	[SS_ROLE_STREAM] = { SS_HOOK_STREAMING_START, SS_HOOK_STREAMING_EVENT,
			     SS_HOOK_STREAMING_END, SS_HOOK_STREAMING_END },
	[SS_ROLE_CHAT] = { SS_HOOK_GENERATION_PRE_CALL, SS_HOOK_GENERATION_EVENT,
			   SS_HOOK_GENERATION_POST_CALL, SS_HOOK_GENERATION_ERROR },
};

const char *const ss_vocabulary_adapters[SS_ADAPTERS] = { "mellea" };

uint8_t ss_vocabulary_type(const char *name)
{
	for (uint8_t type = SS_TYPE_INT; type < SS_TYPE_COUNT; type++)
		if (strcmp(ss_vocabulary_types[type], name) == 0)
			return type;
	return strcmp(name, "size") == 0 ? SS_TYPE_UINT64 : SS_TYPE_NONE;
}

uint32_t ss_vocabulary_type_bytes(uint8_t type)
{
	switch (type) {
	case SS_TYPE_BOOL:
		return 1;
	case SS_TYPE_INT:
	case SS_TYPE_UINT:
	case SS_TYPE_FLOAT:
		return 4;
	default:
		return 8;
	}
}

#define TWICE    "it returns twice, or leaves frames without returning"
#define UNWINDER "it belongs to the unwinding of exceptions, which spanshim watches by itself"
#define OURS     "spanshim takes it over itself"
#define TLS      "it has a calling convention of its own"
#define ALLOC    "allocators run inside the dynamic loader and before threads are set up"
#define NORETURN "it does not return; spanshim ends open spans there by itself"
#define STARTUP  "it runs before or after everything that can be traced"

/* A name that ends in '*' is a prefix. */
static const struct {
	const char *names, *reason;
} denied[] = {
	{ "setjmp _setjmp __setjmp sigsetjmp __sigsetjmp longjmp _longjmp siglongjmp "
	  "__longjmp_chk getcontext setcontext swapcontext makecontext vfork __vfork clone "
	  "__clone __clone2 clone3 __clone3 fork __fork __libc_fork _Fork",
	  TWICE },
	{ "_Unwind_* __cxa_* __gxx_personality_* __gcc_personality_* __register_frame* "
	  "__deregister_frame* unw_* _ULx86_64_* _Ux86_64_* _ULaarch64_* _Uaarch64_* backtrace",
	  UNWINDER },
	{ "dlopen dlmopen dlsym dlvsym dlclose dlerror dlinfo dladdr dladdr1 dl_iterate_phdr "
	  "pthread_create thrd_create execve execv execvp execvpe execl execlp execle fexecve "
	  "execveat posix_spawn posix_spawnp system popen daemon setuid setgid seteuid setegid "
	  "setreuid setregid setresuid setresgid setgroups initgroups unshare setns "
	  "ss_collector_*",
	  OURS },
	{ "__tls_get_addr ___tls_get_addr __tls_get_addr_slow _dl_* _rtld_* mcount _mcount "
	  "__fentry__ __gnu_mcount_nc __cyg_profile_func_* __stack_chk_fail __restore_rt",
	  TLS },
	{ "malloc free calloc realloc reallocarray memalign aligned_alloc posix_memalign valloc "
	  "pvalloc cfree malloc_usable_size",
	  ALLOC },
	{ "exit _exit _Exit quick_exit abort pthread_exit thrd_exit __assert_fail __assert "
	  "__chk_fail __fortify_fail",
	  NORETURN },
	{ "__libc_start_main __libc_start_call_main __gmon_start__ _init _fini _start "
	  "__libc_csu_init __libc_csu_fini atexit at_quick_exit on_exit",
	  STARTUP },
};

static bool is_listed(const char *names, const char *symbol, size_t length)
{
	while (*names) {
		size_t n = strcspn(names, " ");

		if (names[n - 1] == '*' ? strncmp(names, symbol, n - 1) == 0
					: n == length && memcmp(names, symbol, n) == 0)
			return true;
		names += n + strspn(names + n, " ");
	}
	return false;
}

const char *ss_vocabulary_denied(const char *symbol)
{
	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		if (is_listed(denied[i].names, symbol, strlen(symbol)))
			return denied[i].reason;
	return NULL;
}

#define MAIN    "\"__main__\" is run and not imported; what it imports can be wrapped"
#define BUILTIN "the interpreter has imported its module before anything can be wrapped"
#define LOOKING "spanshim itself would call it, when it looks at an object"
#define MAKING  "it makes what is not yet an object; name the class's __init__ instead"
#define DYING   "it runs at any moment, in the middle of other calls"

static const struct {
	const char *names, *reason;
} denied_modules[] = {
	{ "__main__", MAIN },
	{ "_spanshim", OURS },
	{ "builtins sys io codecs encodings encodings.utf_8 encodings.aliases abc marshal posix "
	  "zipimport importlib._bootstrap importlib._bootstrap_external _abc _codecs "
	  "_frozen_importlib _frozen_importlib_external _imp _io _signal _thread _warnings "
	  "_weakref",
	  BUILTIN },
}, denied_functions[] = {
	{ "__getattribute__ __getattr__ __class__ __dict__ __hash__ __eq__", LOOKING },
	{ "__new__", MAKING },
	{ "__del__", DYING },
};

const char *ss_vocabulary_denied_python(const char *target)
{
	size_t module = strcspn(target, ":");
	const char *dot = strrchr(target + module, '.'), *name = dot ? dot + 1 : target + module;

	for (size_t i = 0; i < sizeof(denied_modules) / sizeof(denied_modules[0]); i++)
		if (is_listed(denied_modules[i].names, target, module))
			return denied_modules[i].reason;
	for (size_t i = 0; i < sizeof(denied_functions) / sizeof(denied_functions[0]); i++)
		if (is_listed(denied_functions[i].names, name, strlen(name)))
			return denied_functions[i].reason;
	return NULL;
}
