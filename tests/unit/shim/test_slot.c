/* SPDX-License-Identifier: Apache-2.0
 *
 * Slots, without the thunks themselves: a table of entries is made by hand, functions are libc's,
 * and an unloaded object is one that dlclose unloads.
 */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "shim/bindings/binding.h"
#include "shim/intercept/declared.h"
#include "shim/intercept/objects.h"
#include "shim/intercept/slot.h"

bool ss_retired; /* shim/hot.h */

char ss_thunks[SS_SLOTS * SS_THUNK_BYTES] __attribute__((aligned(64)));

enum { FIRST, SECOND, CALLBACK, DISABLED, ENTRIES };
enum { CAPTURE_GETTER, CAPTURE_MESSAGE, CAPTURES };
enum { GETTER_STRLEN, GETTER_QSORT, GETTERS };

static struct {
	struct ss_binding_table head;
	struct ss_binding bindings[2];
	struct ss_entry entries[ENTRIES];
	struct ss_capture captures[CAPTURES];
	struct ss_getter getters[GETTERS];
	char strings[256];
} block;

static uint32_t text(const char *value)
{
	static uint32_t used = 64;
	uint32_t offset = used;

	strcpy(block.strings + offset, value);
	used += (uint32_t)strlen(value) + 1;
	return offset;
}

#define ARRAY(member)                                                  \
	{                                                              \
		(uint32_t) offsetof(typeof(block), member),            \
			sizeof(block.member) / sizeof(block.member[0]) \
	}

static void make_table(void)
{
	block.head = (struct ss_binding_table){
		.magic = SS_BINDING_MAGIC,
		.version = SS_BINDING_VERSION,
		.bytes = sizeof(block),
		.bindings = ARRAY(bindings),
		.entries = ARRAY(entries),
		.captures = ARRAY(captures),
		.getters = ARRAY(getters),
		.strings = ARRAY(strings),
	};
	for (uint32_t i = 0; i < ENTRIES; i++)
		block.entries[i] = (struct ss_entry){ .next_same_symbol = SS_NO_INDEX,
						      .error_message = SS_NO_INDEX };
	block.entries[FIRST].symbol = block.entries[SECOND].symbol = text("atoi");
	block.entries[FIRST].next_same_symbol = SECOND;
	block.entries[FIRST].stack_words = 2;
	block.entries[FIRST].capture_count = 1;
	block.entries[FIRST].first_capture = CAPTURE_GETTER;
	block.entries[SECOND].stack_words = 5;
	block.entries[SECOND].error_message = CAPTURE_MESSAGE;
	block.entries[CALLBACK].symbol = text("atol");
	block.entries[CALLBACK].flags = SS_ENTRY_CALLBACK;
	block.entries[DISABLED].symbol = text("atoll");
	block.entries[DISABLED].binding = 1;
	block.captures[CAPTURE_GETTER].getter = GETTER_STRLEN;
	block.captures[CAPTURE_MESSAGE].getter = GETTER_QSORT;
	block.getters[GETTER_STRLEN].symbol = text("strlen");
	block.getters[GETTER_QSORT].symbol = text("qsort");
	cr_assert_eq(ss_declared_set(&block.head, 1), 0);
}

TestSuite(slot, .init = make_table);

static struct ss_slot *slot_of(void *thunk)
{
	return &ss_slots[((char *)thunk - ss_thunks) / SS_THUNK_BYTES];
}

Test(slot, only_enabled_symbols_are_declared)
{
	cr_expect_eq(ss_declared_find("atoi"), FIRST);
	cr_expect_eq(ss_declared_find("atol"), SS_NO_INDEX, "a callback is no symbol");
	cr_expect_eq(ss_declared_find("atoll"), SS_NO_INDEX, "its binding is off");
	cr_expect_eq(ss_declared_find("atoi2"), SS_NO_INDEX);
	cr_expect_eq(ss_declared_find("ato"), SS_NO_INDEX);
	cr_expect_eq(ss_declared_find(""), SS_NO_INDEX);
}

Test(slot, one_thunk_for_an_entry_and_a_function)
{
	void *thunk = ss_slot_thunk(FIRST, (void *)atoi);

	cr_assert_neq(thunk, (void *)atoi);
	cr_expect_eq(ss_slot_thunk(FIRST, (void *)atoi), thunk);
	cr_expect_neq(ss_slot_thunk(FIRST, (void *)atol), thunk, "another function");
	cr_expect_neq(ss_slot_thunk(CALLBACK, (void *)atoi), thunk, "another entry");
	cr_expect_eq(ss_slot_thunk(FIRST, thunk), thunk, "no thunk for a thunk");
}

Test(slot, real_function_behind_a_thunk)
{
	void *thunk = ss_slot_thunk(FIRST, (void *)atoi);

	cr_expect_eq(ss_slot_real(thunk), (void *)atoi);
	cr_expect_eq(ss_slot_real((char *)thunk + 1), (char *)thunk + 1);
	cr_expect_eq(ss_slot_real((void *)atol), (void *)atol);
	cr_expect_null(ss_slot_real(NULL));
}

Test(slot, own_functions_get_no_thunk)
{
	cr_expect_eq(ss_slot_thunk(FIRST, (void *)make_table), (void *)make_table);
}

Test(slot, whole_chain_says_what_a_slot_needs)
{
	struct ss_slot *slot = slot_of(ss_slot_thunk(FIRST, (void *)atoi));

	cr_expect_eq(slot->entry, FIRST);
	cr_expect_eq(slot->stack_words, 5);
	cr_expect_eq(slot->getter_index[0], GETTER_STRLEN + 1);
	cr_expect_eq(slot->getter_index[1], GETTER_QSORT + 1);
	cr_expect_eq(slot->getter_index[2], 0);
	cr_expect_eq(slot->getter[0], dlsym(RTLD_DEFAULT, "strlen"));
	cr_expect_eq(slot->getter[1], (void *)qsort);
}

/* libm lacks both getters: they come from elsewhere. */
Test(slot, getters_of_a_function_whose_object_has_none)
{
	void *libm = dlopen("libm.so.6", RTLD_NOW);
	struct ss_slot *slot = slot_of(ss_slot_thunk(FIRST, dlsym(libm, "ldexp")));

	cr_expect_eq(slot->getter[0], dlsym(RTLD_DEFAULT, "strlen"));
	cr_expect_eq(slot->getter[1], (void *)qsort);
}

static void counts_are(uint32_t used, uint32_t refused)
{
	uint32_t used_now, refused_now;

	ss_slot_counts(&used_now, &refused_now);
	cr_expect_eq(used_now, used, "%u used", used_now);
	cr_expect_eq(refused_now, refused, "%u refused", refused_now);
}

Test(slot, full_table_refuses_and_still_finds)
{
	void *outside =
		malloc(16 * (SS_SLOTS + 2)); /* belongs to no object, like made at run time */
	char *first = outside;
	void *thunk = ss_slot_thunk(FIRST, first);

	for (uint32_t i = 1; i < SS_SLOTS; i++)
		cr_assert_neq(ss_slot_thunk(FIRST, first + 16 * i), first + 16 * i);
	cr_expect_eq(ss_slot_thunk(FIRST, first + 16 * SS_SLOTS), first + 16 * SS_SLOTS);
	counts_are(SS_SLOTS, 1);
	cr_expect_eq(ss_slot_thunk(FIRST, first), thunk);
	ss_slot_forget();
	counts_are(SS_SLOTS, 1); /* nobody tells when such functions end */
	free(outside);
}

Test(slot, unloaded_function_gives_its_slot_back)
{
	void *library = dlopen("libBrokenLocale.so.1", RTLD_NOW);
	void *function, *kept, *thunk;

	cr_assert_not_null(library, "%s", dlerror());
	function = dlsym(library, "__ctype_get_mb_cur_max");
	cr_assert_not_null(function);
	kept = ss_slot_thunk(FIRST, (void *)atoi);
	thunk = ss_slot_thunk(FIRST, function);
	cr_assert_neq(thunk, function);
	ss_slot_forget();
	counts_are(2, 0);
	cr_assert_eq(dlclose(library), 0);
	cr_assert_null(dlopen("libBrokenLocale.so.1", RTLD_NOW | RTLD_NOLOAD));
	ss_slot_forget();
	counts_are(1, 0);
	cr_expect_eq(ss_slot_thunk(FIRST, (void *)atoi), kept);
	cr_expect_null(ss_slot_real(thunk));
	cr_expect_eq(ss_slot_thunk(FIRST, (void *)atol), thunk, "the freed slot is used again");
}

static struct {
	void *address, *thunk; /* of the function of the library that comes back */
	bool armed;
} race;

bool __real_ss_objects_at(const void *address, ss_objects_visit visit, void *arg);
bool __wrap_ss_objects_at(const void *address, ss_objects_visit visit, void *arg);

/* Once somebody has seen that the function is not there, another thread loads it again. */
bool __wrap_ss_objects_at(const void *address, ss_objects_visit visit, void *arg)
{
	bool there = __real_ss_objects_at(address, visit, arg);
	void *library;

	if (!race.armed || address != race.address)
		return there;
	race.armed = false;
	cr_assert_not(there);
	library = dlopen("libBrokenLocale.so.1", RTLD_NOW);
	cr_assert_not_null(library, "%s", dlerror());
	if (dlsym(library, "__ctype_get_mb_cur_max") == address)
		race.thunk = ss_slot_thunk(CALLBACK, race.address);
	return there;
}

Test(slot, function_comes_back_while_it_is_forgotten)
{
	void *library = dlopen("libBrokenLocale.so.1", RTLD_NOW);

	cr_assert_not_null(library, "%s", dlerror());
	block.entries[CALLBACK].symbol = text("__ctype_get_mb_cur_max");
	race.address = dlsym(library, "__ctype_get_mb_cur_max");
	ss_slot_thunk(CALLBACK, race.address);
	cr_assert_eq(dlclose(library), 0);
	race.armed = true;
	ss_slot_forget();
	cr_assert_not(race.armed, "nobody looked");
	if (!race.thunk)
		cr_skip_test("the library came back elsewhere");
	cr_expect_eq(ss_slot_real(race.thunk), race.address);
	cr_expect_eq(ss_slot_thunk(CALLBACK, race.address), race.thunk);
	counts_are(1, 0);
}

static void *make_many(void *arg)
{
	void **thunks = arg;

	for (uint32_t i = 0; i < 200; i++)
		thunks[i] = ss_slot_thunk(FIRST, (char *)(uintptr_t)0x1000 + 16 * i);
	return NULL;
}

Test(slot, threads_agree)
{
	static void *thunks[4][200];
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, make_many, thunks[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 1; i < 4; i++)
		cr_expect_arr_eq(thunks[i], thunks[0], sizeof(thunks[0]));
	counts_are(200, 0);
}
