/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/symbolize.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#define CACHE_SLOTS 256u

/* Naming a static function reads the object's file, and failing programs fail at the same places.
 * Drain thread only, so no lock. */
static struct {
	uint64_t address;
	char text[SS_FRAME_BYTES];
} * cache;

/* dladdr knows exported functions; libunwind also reads the full symbol table of the file. */
static bool find_name(uint64_t address, const Dl_info *info, char *name, size_t bytes,
		      uint64_t *ret_offset)
{
	unw_context_t context;
	unw_cursor_t cursor;
	unw_word_t offset;

	if (unw_getcontext(&context) == 0 && unw_init_local(&cursor, &context) == 0 &&
	    unw_set_reg(&cursor, UNW_REG_IP, (unw_word_t)address) == 0 &&
	    unw_get_proc_name(&cursor, name, bytes, &offset) == 0) {
		*ret_offset = offset;
		return true;
	}
	if (info->dli_sname == NULL)
		return false;
	snprintf(name, bytes, "%s", info->dli_sname);
	*ret_offset = address - (uint64_t)(uintptr_t)info->dli_saddr;
	return true;
}

typedef char *demangle_fn(const char *mangled, char *output, size_t *length, int *status);

/* Of the host's C++ run time; where that is linked statically, of one for ourselves alone. */
static demangle_fn *find_demangle(void)
{
	static demangle_fn *found;
	static bool tried;
	void *library;

	if (!tried)
		found = (demangle_fn *)dlsym(RTLD_DEFAULT, "__cxa_demangle");
	if (!found && !tried) {
		library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL);
		if (library != NULL)
			found = (demangle_fn *)dlsym(library, "__cxa_demangle");
	}
	tried = true;
	return found;
}

static char *demangle(const char *mangled)
{
	demangle_fn *function = find_demangle();
	char *text;
	int status;

	if (function == NULL)
		return NULL;
	text = function(mangled, NULL, NULL, &status);
	return status == 0 ? text : NULL;
}

static void describe(uint64_t address, char *text)
{
	uint64_t call = address - 1, offset = 0;
	char name[SS_FRAME_BYTES / 2], *plain;
	Dl_info info = { 0 };

	if (dladdr((void *)(uintptr_t)call, &info) == 0)
		info = (Dl_info){ 0 };
	if (!find_name(call, &info, name, sizeof(name), &offset)) {
		snprintf(text, SS_FRAME_BYTES, info.dli_fname ? "0x%llx (%.200s)" : "0x%llx",
			 (unsigned long long)address, info.dli_fname);
		return;
	}
	plain = strncmp(name, "_Z", 2) == 0 ? demangle(name) : NULL;
	snprintf(text, SS_FRAME_BYTES,
		 info.dli_fname ? "0x%llx %.240s+0x%llx (%.200s)" : "0x%llx %.240s+0x%llx",
		 (unsigned long long)address, plain != NULL ? plain : name,
		 (unsigned long long)offset + 1, info.dli_fname);
	free(plain);
}

size_t ss_symbolize_frame(uint64_t address, bool raw, char text[SS_FRAME_BYTES])
{
	uint64_t slot = (address * 0x9e3779b97f4a7c15ull >> 32) % CACHE_SLOTS;

	if (raw || address == 0) {
		snprintf(text, SS_FRAME_BYTES, "0x%llx", (unsigned long long)address);
		return strlen(text);
	}
	if (cache == NULL)
		cache = calloc(CACHE_SLOTS, sizeof(*cache));
	if (cache == NULL) {
		describe(address, text);
		return strlen(text);
	}
	if (cache[slot].address != address) {
		describe(address, cache[slot].text);
		cache[slot].address = address;
	}
	memcpy(text, cache[slot].text, SS_FRAME_BYTES);
	return strlen(text);
}

size_t ss_symbolize_type(const char *mangled, size_t bytes, char *text, size_t text_bytes)
{
	char *plain;

	if (bytes >= text_bytes)
		bytes = text_bytes - 1;
	memcpy(text, mangled, bytes);
	text[bytes] = '\0';
	plain = demangle(text);
	if (plain != NULL)
		snprintf(text, text_bytes, "%s", plain);
	free(plain);
	return strlen(text);
}

int ss_symbolize_backtrace(void **addresses, int count)
{
	int state, n;

	/* libunwind probes memory with calls that are cancellation points. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	n = unw_backtrace(addresses, count);
	pthread_setcancelstate(state, NULL);
#if defined(__aarch64__)
	/* libunwind tells return addresses less one here, unlike elsewhere. */
	for (int i = 0; i < n; i++)
		addresses[i] = (void *)(((uintptr_t)addresses[i] + 3) & ~(uintptr_t)3);
#endif
	return n;
}
