/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/intercept/walk.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "reloc.h"
#include "shim/intercept/declared.h"
#include "shim/intercept/dl.h"
#include "shim/intercept/finished.h"
#include "shim/intercept/lock.h"
#include "shim/intercept/objects.h"
#include "shim/intercept/scratch.h"
#include "shim/intercept/slot.h"
#include "shim/sanitizer.h"

#define BATCH   32u
#define PATCHES 64u

static struct ss_lock lock;             /* words being patched, their number, and: */
static struct ss_objects_counts walked; /* the loader's numbers at the last walk over everything */
static struct ss_elf program;
static uint32_t patched_count;
static bool active;

/* ---- one object ---- */

struct patch {
	void **word;
	void *from, *to;
};

struct object_walk {
	const struct ss_elf *elf;
	void *handle; /* of another namespace, for look-ups; NULL: the main one */
	uint32_t count;
	struct patch patches[PATCHES];
	struct ss_objects_closure closure; /* count 0: not needed yet */
};

static bool is_protected(const struct ss_elf *elf, const void *word)
{
	return (uintptr_t)word - elf->relro_low < elf->relro_high - elf->relro_low;
}

/* Stores the collected words, with the read-only-after-relocation pages opened once for all. */
static void commit(struct object_walk *walk)
{
	const struct ss_elf *elf = walk->elf;
	size_t relro_bytes = elf->relro_high - elf->relro_low;
	bool want = false, open = false;

	for (uint32_t i = 0; i < walk->count; i++)
		want |= is_protected(elf, walk->patches[i].word);
	if (!walk->count || !ss_lock_enter(&lock)) {
		walk->count = 0;
		return;
	}
	if (want)
		open = mprotect((void *)elf->relro_low, relro_bytes, PROT_READ | PROT_WRITE) == 0;
	for (uint32_t i = 0; i < walk->count; i++) {
		const struct patch *patch = &walk->patches[i];

		if ((is_protected(elf, patch->word) && !open) || *patch->word != patch->from)
			continue;
		/* Release: the thunk's slot is complete for threads that call through it. */
		__atomic_store_n(patch->word, patch->to, __ATOMIC_RELEASE);
		patched_count++;
	}
	if (open)
		mprotect((void *)elf->relro_low, relro_bytes, PROT_READ);
	ss_lock_leave(&lock);
	walk->count = 0;
}

/* What the loader would bind the word to at the first call. The order of scopes is its; an object
 * that came as a dependency also sees what else came with it, which is left to the loader. */
static void *resolve(struct object_walk *walk, const char *name, size_t symbol)
{
	const char *version = ss_elf_needed_version(walk->elf, symbol);
	void *found;

	if (walk->handle)
		return ss_dl_lookup(walk->handle, name, version);
	found = ss_objects_global(name, version);
	if (!found)
		found = ss_dl_lookup(RTLD_DEFAULT, name, version);
	if (found)
		return found;
	if (!walk->closure.count)
		ss_objects_closure(walk->elf, &walk->closure);
	return ss_objects_closure_find(&walk->closure, name, version);
}

/* A word that leads to a declared function: which real function, and does the way cross a boundary?
 */
static void take(struct object_walk *walk, const ElfW(Rela) * reloc, uint32_t entry)
{
	const struct ss_elf *elf = walk->elf;
	size_t symbol = ELF64_R_SYM(reloc->r_info);
	const char *name = elf->strings + elf->symbols[symbol].st_name;
	void **word = (void **)(elf->base + reloc->r_offset);
	void *now, *real, *thunk;

	if ((uintptr_t)word % sizeof(void *) || !ss_elf_is_writable(elf, word))
		return;
	real = now = __atomic_load_n(word, __ATOMIC_RELAXED);
	/* weak and undefined, or patched */
	if (!now || ss_objects_self_contains(now))
		return;
	if (ss_elf_contains(elf, now)) {
		/* The object's own function, or a stub in it that waits for the first call. */
		if (ELF64_R_TYPE(reloc->r_info) != SS_RELOC_PLT)
			return;
		real = resolve(walk, name, symbol);
		if (!real || ss_elf_contains(elf, real))
			return;
	}
	if (ss_walk_is_plt_entry(name, real))
		return;
	thunk = entry >= SS_DECLARED_REPLACED ? ss_declared_replacement(entry, real)
					      : ss_slot_thunk(entry, real);
	if (thunk == real)
		return;
	if (walk->count == PATCHES)
		commit(walk);
	walk->patches[walk->count++] = (struct patch){ .word = word, .from = now, .to = thunk };
}

static void walk_relocs(struct object_walk *walk, const ElfW(Rela) * relocs, size_t count)
{
	const struct ss_elf *elf = walk->elf;

	for (size_t i = 0; i < count; i++) {
		uint64_t type = ELF64_R_TYPE(relocs[i].r_info);
		size_t index = ELF64_R_SYM(relocs[i].r_info);
		const ElfW(Sym) *symbol = &elf->symbols[index];
		uint32_t entry;

		if (!index || symbol->st_shndx != SHN_UNDEF ||
		    (type != SS_RELOC_PLT && type != SS_RELOC_GOT &&
		     (type != SS_RELOC_ADDRESS || relocs[i].r_addend)))
			continue;
		if (ELF64_ST_TYPE(symbol->st_info) == STT_OBJECT ||
		    ELF64_ST_TYPE(symbol->st_info) == STT_TLS)
			continue;
		entry = ss_declared_find(elf->strings + symbol->st_name);
		if (entry != SS_NO_INDEX)
			take(walk, &relocs[i], entry);
	}
}

/* Whether the object imports a declared symbol at all; spares most objects the longer way through
 * their relocations. What comes before the hash table's first symbol is what the object does not
 * define. Says yes when the table does not tell: it is empty (GNU ld then has 1 there), or the
 * object is an executable for a fixed address, with imports among its definitions
 * (ss_elf_plt_entry). */
static bool imports_declared(const struct ss_elf *elf)
{
	if (!elf->gnu_hash || elf->gnu_hash[1] <= 1 || !elf->base)
		return true;
	for (size_t i = 1; i < elf->gnu_hash[1]; i++) {
		if (ss_declared_find(elf->strings + elf->symbols[i].st_name) != SS_NO_INDEX)
			return true;
	}
	return false;
}

static void walk_object(struct object_walk *walk, const struct ss_elf *elf, void *handle)
{
	if (!imports_declared(elf)) {
		ss_finished_add(elf, !active);
		return;
	}
	walk->elf = elf;
	walk->handle = handle;
	walk->count = 0;
	walk->closure.count = 0;
	walk_relocs(walk, elf->plt_relocs, elf->plt_reloc_count);
	walk_relocs(walk, elf->relocs + elf->relative_count,
		    elf->reloc_count - elf->relative_count);
	commit(walk);
	ss_finished_add(elf, !active);
}

/* ---- which objects ---- */

/* The loader itself, the kernel's object, and what is ours. */
static bool is_off_limits(const struct ss_elf *elf)
{
	static const char *const names[] = { "ld-linux", "linux-vdso", "libspanshim-collector.so" };

	if (ss_objects_is_self(elf))
		return true;
	for (size_t i = 0; elf->soname && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(elf->soname, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

struct batch {
	const struct link_map *handle; /* only this and what it depends on; NULL: all */
	uint32_t count;
	struct ss_elf objects[BATCH];
};

/* Whether an object of the batch is linked to this one. An object comes behind the first one that
 * needed it, so one pass along the list finds all that came with the handle. */
static bool is_needed(const struct batch *batch, const struct ss_elf *elf, const char *path)
{
	const char *name = ss_objects_name(elf, path);

	for (uint32_t i = 0; name && i < batch->count; i++) {
		if (ss_elf_is_linked_to(&batch->objects[i], name))
			return true;
	}
	return false;
}

static void consider(struct batch *batch, const struct ss_elf *elf, const char *path)
{
	if (batch->count == BATCH || is_off_limits(elf) || ss_finished_has(elf))
		return;
	if (batch->handle && batch->handle->l_ld != elf->dynamic && !is_needed(batch, elf, path))
		return;
	batch->objects[batch->count++] = *elf;
}

static int collect(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct batch *batch = arg;
	struct ss_elf elf;

	(void)size;
	if (ss_elf_read(&elf, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum) == 0)
		consider(batch, &elf, info->dlpi_name);
	return batch->count == BATCH;
}

/* dl_iterate_phdr shows one namespace only; its lock, though, is that of all. */
static int collect_namespace(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct batch *batch = arg;
	const struct link_map *map = batch->handle;
	struct ss_elf elf;

	(void)size;
	while (map->l_prev)
		map = map->l_prev;
	for (; map; map = map->l_next) {
		if (map->l_addr && ss_elf_read_image(&elf, (const void *)map->l_addr) == 0 &&
		    elf.dynamic == map->l_ld)
			consider(batch, &elf, map->l_name);
	}
	return 1;
}

static int is_listed(struct dl_phdr_info *info, size_t size, void *arg)
{
	const struct link_map *map = arg;
	struct ss_elf elf;

	(void)size;
	return ss_elf_read(&elf, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum) == 0 &&
	       elf.dynamic == map->l_ld;
}

/* Whether anything was loaded or unloaded since the last walk over everything. */
static bool has_changed(struct ss_objects_counts *ret_counts)
{
	bool unloaded;

	ss_objects_counts(ret_counts);
	if (!ss_lock_enter(&lock))
		return false;
	unloaded = ret_counts->removed != walked.removed;
	if (unloaded)
		ss_finished_forget();
	walked.removed = ret_counts->removed;
	ss_lock_leave(&lock);
	if (unloaded)
		ss_slot_forget();
	return unloaded || ret_counts->added != __atomic_load_n(&walked.added, __ATOMIC_RELAXED);
}

struct scratch {
	struct batch batch;
	struct object_walk walk;
};

static void walk_batch(struct scratch *scratch, void *foreign_handle)
{
	for (uint32_t i = 0; i < scratch->batch.count; i++)
		walk_object(&scratch->walk, &scratch->batch.objects[i], foreign_handle);
}

void ss_walk_loaded(void)
{
	struct ss_objects_counts counts;
	struct scratch *scratch;
	struct batch *batch;

	if (!has_changed(&counts))
		return;
	scratch = ss_scratch_new(sizeof(*scratch));
	if (!scratch)
		return;
	batch = &scratch->batch;
	do {
		batch->count = 0;
		ss_objects_iterate(collect, batch);
		walk_batch(scratch, NULL);
	} while (batch->count == BATCH && ss_finished_has_room());
	ss_scratch_free(scratch, sizeof(*scratch));
	__atomic_store_n(&walked.added, counts.added, __ATOMIC_RELAXED);
}

/* The counts cover all namespaces, a walk over everything only its own: another thread's walk may
 * have taken note of objects of a new namespace without having seen them. */
static bool is_walked(const struct link_map *map)
{
	struct ss_elf elf = { .dynamic = map->l_ld };

	return ss_finished_has(&elf);
}

void ss_walk_handle(void *handle)
{
	struct ss_objects_counts counts;
	struct scratch *scratch;
	bool foreign;

	if (!has_changed(&counts) && is_walked(handle))
		return;
	scratch = ss_scratch_new(sizeof(*scratch));
	if (!scratch)
		return;
	scratch->batch.handle = handle;
	foreign = ss_objects_iterate(is_listed, handle) == 0;
	ss_objects_iterate(foreign ? collect_namespace : collect, &scratch->batch);
	walk_batch(scratch, foreign ? handle : NULL);
	ss_scratch_free(scratch, sizeof(*scratch));
}

static int read_program(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	ss_elf_read(&program, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum);
	return 1;
}

void ss_walk_start(void)
{
	ss_objects_iterate(read_program, NULL);
	ss_walk_loaded();
	/* Release: the declarations are complete. Partner: ss_walk_is_active. */
	__atomic_store_n(&active, true, __ATOMIC_RELEASE);
}

SS_BEFORE_SANITIZER bool ss_walk_is_active(void)
{
	return __atomic_load_n(&active, __ATOMIC_ACQUIRE);
}

bool ss_walk_is_plt_entry(const char *name, const void *address)
{
	return ss_walk_is_program(address) && ss_elf_plt_entry(&program, name) == address;
}

bool ss_walk_is_program(const void *address)
{
	return ss_elf_contains(&program, address);
}

void ss_walk_counts(uint32_t *ret_objects, uint32_t *ret_patched)
{
	*ret_objects = ss_finished_count();
	*ret_patched = __atomic_load_n(&patched_count, __ATOMIC_RELAXED);
}
