/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/intercept/objects.h"

#include <string.h>
#include <sys/auxv.h>

#include "shim/intercept/lock.h"

#define STARTUP_MAX 256u
/* Made by the linker; hidden, so that they are ours and no relocation is needed. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

static struct ss_lock startup_lock;
static bool startup_listed;
static uint32_t startup_count;
static struct ss_elf startup[STARTUP_MAX];

bool ss_objects_self_contains(const void *address)
{
	return (const char *)address >= __ehdr_start && (const char *)address < _end;
}

bool ss_objects_is_self(const struct ss_elf *elf)
{
	return elf->low == (uintptr_t)__ehdr_start;
}

/* The loader's list, as debuggers find it. */
static const struct link_map *link_maps(void)
{
	const ElfW(Phdr) *headers = (const void *)getauxval(AT_PHDR);
	size_t count = getauxval(AT_PHNUM);
	const ElfW(Dyn) *dynamic = NULL;
	uintptr_t base = 0;

	for (size_t i = 0; headers && i < count; i++) {
		if (headers[i].p_type == PT_PHDR)
			base = (uintptr_t)headers - headers[i].p_vaddr;
		if (headers[i].p_type == PT_DYNAMIC)
			dynamic = (const void *)(base + headers[i].p_vaddr);
	}
	for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++)
		if (dynamic->d_tag == DT_DEBUG && dynamic->d_un.d_ptr)
			return ((const struct r_debug *)dynamic->d_un.d_ptr)->r_map;
	return NULL;
}

/* Of the object that starts programs: libc. */
static void *libcs(const char *name)
{
	const struct link_map *map;
	struct ss_elf elf;

	for (map = link_maps(); map; map = map->l_next) {
		const ElfW(Sym) * symbol;

		if (!map->l_ld || ss_elf_read_dynamic(&elf, map->l_addr, map->l_ld) != 0 ||
		    !ss_elf_lookup(&elf, "__libc_start_main", NULL))
			continue;
		symbol = ss_elf_lookup(&elf, name, NULL);
		if (symbol)
			return ss_elf_address(&elf, symbol);
	}
	return NULL;
}

int ss_objects_iterate(ss_objects_callback callback, void *arg)
{
	static int (*libcs_own)(ss_objects_callback, void *);
	int (*iterate)(ss_objects_callback, void *) = __atomic_load_n(&libcs_own, __ATOMIC_RELAXED);

	if (!iterate) {
		iterate = libcs("dl_iterate_phdr");
		if (!iterate)
			iterate = dl_iterate_phdr;
		__atomic_store_n(&libcs_own, iterate, __ATOMIC_RELAXED);
	}
	return iterate(callback, arg);
}

static int read_counts(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct ss_objects_counts *counts = arg;

	(void)size;
	counts->added = info->dlpi_adds;
	counts->removed = info->dlpi_subs;
	return 1;
}

void ss_objects_counts(struct ss_objects_counts *ret_counts)
{
	ss_objects_iterate(read_counts, ret_counts);
}

static int add_startup(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	if (startup_count < STARTUP_MAX && ss_elf_read(&startup[startup_count], info->dlpi_addr,
						       info->dlpi_phdr, info->dlpi_phnum) == 0)
		startup_count++;
	return startup_count == STARTUP_MAX;
}

static void list_startup(void)
{
	/* Acquire: partner of the release below. */
	if (__atomic_load_n(&startup_listed, __ATOMIC_ACQUIRE) || !ss_lock_enter(&startup_lock))
		return;
	if (!startup_listed) {
		ss_objects_iterate(add_startup, NULL);
		/* Release: the list is complete. */
		__atomic_store_n(&startup_listed, true, __ATOMIC_RELEASE);
	}
	ss_lock_leave(&startup_lock);
}

static void *find_from(uint32_t first, const char *name, const char *version)
{
	for (uint32_t i = first; i < startup_count; i++) {
		const ElfW(Sym) * symbol;

		if (ss_objects_is_self(&startup[i]))
			continue;
		symbol = ss_elf_lookup(&startup[i], name, version);
		if (symbol)
			return ss_elf_address(&startup[i], symbol);
	}
	return NULL;
}

void *ss_objects_next(const char *name)
{
	uint32_t self = 0;

	list_startup();
	while (self < startup_count && !ss_objects_is_self(&startup[self]))
		self++;
	return find_from(self + 1, name, NULL);
}

void *ss_objects_global(const char *name, const char *version)
{
	list_startup();
	return find_from(0, name, version);
}

const char *ss_objects_name(const struct ss_elf *elf, const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	if (elf->soname)
		return elf->soname;
	return slash ? slash + 1 : path;
}

/* Adds the object if one of the closure is linked to it. */
static int add_linked(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct ss_objects_closure *closure = arg;
	bool linked = false;
	struct ss_elf elf;
	const char *name;

	(void)size;
	if (closure->count == SS_CLOSURE_MAX)
		return 1;
	if (ss_elf_read(&elf, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum) != 0)
		return 0;
	name = ss_objects_name(&elf, info->dlpi_name);
	for (uint32_t i = 0; i < closure->count; i++) {
		if (closure->objects[i].dynamic == elf.dynamic)
			return 0;
		linked |= name && ss_elf_is_linked_to(&closure->objects[i], name);
	}
	if (linked)
		closure->objects[closure->count++] = elf;
	return 0;
}

void ss_objects_closure(const struct ss_elf *first, struct ss_objects_closure *ret_closure)
{
	uint32_t before;

	ret_closure->objects[0] = *first;
	ret_closure->count = 1;
	do {
		before = ret_closure->count;
		ss_objects_iterate(add_linked, ret_closure);
	} while (ret_closure->count > before);
}

void *ss_objects_closure_find(const struct ss_objects_closure *closure, const char *name,
			      const char *version)
{
	for (uint32_t i = 0; i < closure->count; i++) {
		const ElfW(Sym) *symbol = ss_elf_lookup(&closure->objects[i], name, version);

		if (symbol)
			return ss_elf_address(&closure->objects[i], symbol);
	}
	return NULL;
}

struct place {
	uintptr_t address;
	ss_objects_visit visit;
	void *arg;
};

static int visit_place(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct place *place = arg;
	struct ss_elf elf;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];

		if (header->p_type != PT_LOAD ||
		    place->address - (info->dlpi_addr + header->p_vaddr) >= header->p_memsz)
			continue;
		if (ss_elf_read(&elf, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum) != 0)
			return 0;
		place->visit(&elf, place->arg);
		return 1;
	}
	return 0;
}

bool ss_objects_at(const void *address, ss_objects_visit visit, void *arg)
{
	struct place place = { .address = (uintptr_t)address, .visit = visit, .arg = arg };

	return ss_objects_iterate(visit_place, &place) != 0;
}
