/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/process.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/clocks.h"
#include "shim/drain_thread.h"
#include "shim/emit.h"
#include "shim/flush.h"
#include "shim/intercept/intercept.h"
#include "shim/intercept/objects.h"
#include "shim/log.h"
#include "shim/ring_file.h"
#include "shim/shadow.h"

/* Values of *ss_generation that are no image's nonce. */
#define GENERATION_NONE     0ull /* before the first event, and in a forked child */
#define GENERATION_UNRINGED 1ull /* no ring file could be made: count and go on */

#define LOAD_PATIENCE_MS 50 /* a first event, for the collector to be loaded */
#define FORK_PATIENCE_MS 200
#define PARK_PATIENCE_MS 500 /* how long the host waits for the drain thread to end */
#define LOCK_YIELDS      100
#define LOCK_PAUSES      30000 /* of 50 us: longer than anybody holds it */

#if defined(__GLIBC__)
extern int __register_atfork(void (*)(void), void (*)(void), void (*)(void), void *)
	__attribute__((weak));
#endif

static uint64_t no_generation;
volatile uint64_t *ss_generation = &no_generation;
struct ss_image *ss_image;
const struct ss_binding_table *ss_table;
uint64_t ss_enabled;
bool ss_retired;

static struct ss_ring_file_facts facts;
static char ring_path[SS_RING_PATH_BYTES];
static char default_directory[sizeof("/dev/shm/spanshim-4294967295")];
static pthread_key_t thread_key;
static bool thread_key_made, active, finished, main_left, may_lose_threads;
static pid_t announced_pid;
static uint32_t alone_count; /* calls that want no drain thread; with image_lock */
static bool alone_parked;
static __thread bool forks_alone; /* is in a fork that wants none */
static uint32_t image_lock;       /* pid of the holder; a parent's, after fork, means nothing */
static bool drainless; /* the next image gets no drain for now: the shim is about to retire */
static uint64_t drainless_nonce; /* the image that was made so */

/* What ss_process_unretire puts back. */
static struct {
	bool restart;
	uint32_t drain_state, stacks;
} before;

bool ss_process_active(void)
{
	return active && !ss_retired;
}

static bool lock_image(void)
{
	uint32_t pid = (uint32_t)syscall(SYS_getpid);

	for (int i = 0; i < LOCK_YIELDS + LOCK_PAUSES; i++) {
		uint32_t holder = 0;

		if (__atomic_compare_exchange_n(&image_lock, &holder, pid, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
		/* Held at a fork, by a thread that does not exist here. */
		if (holder != pid)
			__atomic_compare_exchange_n(&image_lock, &holder, 0, false,
						    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		if (i < LOCK_YIELDS)
			sched_yield();
		else
			ss_clocks_sleep_us(50);
	}
	return false;
}

static void unlock_image(void)
{
	__atomic_store_n(&image_lock, 0, __ATOMIC_RELEASE);
}

static uint64_t random_word(void)
{
	uint64_t word = 0;

	if (syscall(SYS_getrandom, &word, sizeof(word), GRND_NONBLOCK) != sizeof(word))
		word = ss_now_slow() * 0x9e3779b97f4a7c15ull ^ (uint64_t)syscall(SYS_getpid) << 32;
	return word;
}

/* The image of this very process: not a parent's seen from a forked or vforked child. None once the
 * shim has retired. */
static struct ss_image *own_image(void)
{
	/* Acquire: ss_image is that generation's. Partner: make_image. */
	uint64_t generation = __atomic_load_n(ss_generation, __ATOMIC_ACQUIRE), drain_tid;
	struct ss_image *image;

	if (ss_retired || generation <= SS_GENERATION_FINISHED)
		return NULL;
	image = ss_image;
	if (image->nonce != generation || image->pid != (uint32_t)syscall(SYS_getpid))
		return NULL;
	drain_tid = __atomic_load_n(&image->drain_tid, __ATOMIC_RELAXED);
	return (uint64_t)syscall(SYS_gettid) == drain_tid ? NULL : image;
}

bool ss_process_sampled(const struct ss_span_ref *span)
{
	if (span->span_id == ss_remote_parent.span_id)
		return facts.sampling.parent_sampled;
	return ss_is_sampled(&facts.sampling, span->trace_hi, span->trace_lo);
}

bool ss_process_drains(void)
{
	struct ss_image *image = own_image();
	uint32_t state = image ? __atomic_load_n(&image->drain_state, __ATOMIC_ACQUIRE) : 0;

	return state == SS_DRAIN_STARTING || state == SS_DRAIN_RUNNING;
}

/* libc announced this child: its own locks are in order here, and the loader's is not our drain's.
 * The page is wiped already, but for emulators that only say so (qemu-user). */
static void in_forked_child(void)
{
	if (!ss_retired)
		announced_pid = (pid_t)syscall(SYS_getpid);
	__atomic_store_n(ss_generation, GENERATION_NONE, __ATOMIC_RELAXED);
	forks_alone = false;
}

static void before_fork(void)
{
	const struct ss_image *image = own_image();

	if (!image)
		return;
	ss_drain_thread_settle(image, FORK_PATIENCE_MS);
	/* AddressSanitizer's malloc, of GCC 12 for one, does not see forks coming: a lock of it
	 * that the drain has would be held in the child for ever. */
	if (ss_objects_global("__asan_init", NULL))
		forks_alone = ss_process_alone();
}

static void after_fork(void)
{
	if (!forks_alone)
		return;
	forks_alone = false;
	ss_process_drain_again();
}

void ss_process_main_leaves(void)
{
	struct ss_image *image = own_image();
	int saved_errno = errno;

	main_left = true;
	if (image) {
		__atomic_store_n(&image->main_left, 1, __ATOMIC_RELEASE);
		ss_image_wake_drain(image);
	}
	errno = saved_errno;
}

static void end_thread(void *arg)
{
	struct ss_thread *thread = arg;
	void *pool = thread->pool;
	bool quiet = ss_retired;
	sigset_t all, mask;

	/* A handler must not write to the ring once another thread may have it. */
	sigfillset(&all);
	if (!quiet)
		pthread_sigmask(SIG_SETMASK, &all, &mask);
	if (thread->tid == facts.pid)
		ss_process_main_leaves();
	if (ss_thread_ready(thread)) {
		ss_record_thread_end(thread);
		if (thread->ring)
			ss_ring_file_retire(thread->ring);
	}
	thread->guard++;
	thread->generation = GENERATION_NONE;
	thread->ring = NULL;
	thread->pool = NULL;
	thread->current = thread->free_shadow = NULL;
	thread->fresh_shadow = 0;
	if (pool && !quiet)
		munmap(pool, SS_DEPTH * sizeof(struct ss_shadow));
	thread->guard--;
	if (!quiet)
		pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

/* Once per process (a child keeps both). */
static void make_hooks(void)
{
	if (thread_key_made)
		return;
	thread_key_made = pthread_key_create(&thread_key, end_thread) == 0;
#if defined(__GLIBC__) /* what pthread_atfork is; see main.c for why it is weak */
	__register_atfork(before_fork, after_fork, in_forked_child, NULL);
#else
	pthread_atfork(before_fork, after_fork, in_forked_child);
#endif
}

/* With image_lock. */
static void start_drain(struct ss_image *image)
{
	int r = ss_drain_thread_start(image);

	/* While it loads the collector it holds the loader's lock, which a child forked by a bare
	 * system call would find held for ever. Also, the ring need not take what comes meanwhile,
	 * and the first stack can be taken. */
	if (!r)
		ss_drain_thread_settle(image, LOAD_PATIENCE_MS);
	else
		ss_log("no drain thread (%s); run 'spanshim recover' when the process has ended",
		       strerror(-r));
}

/* In a forked child. One forked by a bare system call may have copied a lock of the loader held:
 * starting a thread could hang it. And ThreadSanitizer ends a child that starts one, if its parent
 * had several, of which the drain's is one. */
static bool may_start_thread(void)
{
	return announced_pid == syscall(SYS_getpid) && !ss_drain_thread_sanitized();
}

/* First event of the image. With image_lock. */
static void make_image(void)
{
	struct ss_image *parents = ss_image, *image = NULL;
	uint64_t generation = GENERATION_UNRINGED;
	int r;

	ss_image = NULL;
	alone_count = 0;
	alone_parked = false;
	if (parents) /* forked: their ring file is theirs */
		munmap(parents, parents->file_bytes);
	make_hooks();
	facts.pid = (uint32_t)syscall(SYS_getpid);
	/* By now: a daemon may have given up root since it began. */
	ss_ring_file_default_directory(default_directory, sizeof(default_directory));
	facts.directory = facts.config->dir[0] ? facts.config->dir : default_directory;
	facts.clock = ss_clock = ss_clocks_choose();
	do {
		facts.nonce = random_word();
	} while (facts.nonce <= SS_GENERATION_FINISHED);
	r = ss_ring_file_create(&facts, ring_path, sizeof(ring_path), &image);
	if (r) {
		ss_log("nothing is recorded: cannot make a ring file in %s: %s", facts.directory,
		       r == -EPERM ? "it is another user's, or others may write to it"
				   : strerror(-r));
	} else {
		image->main_left = main_left;
		image->may_lose_threads = may_lose_threads;
		ss_image = image;
		generation = facts.nonce;
		/* Its ring file is for whoever recovers it. */
		if (drainless || (parents && !may_start_thread()))
			image->drain_state = SS_DRAIN_FAILED;
		else
			start_drain(image);
		drainless_nonce = drainless ? image->nonce : 0;
	}
	/* Publishes ss_image; partner: ss_thread_ready, then ss_process_join on other threads. */
	__atomic_store_n(ss_generation, generation, __ATOMIC_RELEASE);
}

static bool on_alternate_stack(void)
{
	stack_t now;

	return !syscall(SYS_sigaltstack, NULL, &now) && (now.ss_flags & SS_ONSTACK);
}

/* The thread's own stack: for its first thread from the kernel's words at its top, for others from
 * the thread descriptor, which libc puts at the top. */
static void find_stack(struct ss_thread *thread)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	uint64_t bytes = 8u << 20;
	struct rlimit limit;

	if (thread->stack_high)
		return;
	if (!getrlimit(RLIMIT_STACK, &limit) && limit.rlim_cur != RLIM_INFINITY)
		bytes = limit.rlim_cur;
	if (thread->tid == facts.pid)
		thread->stack_high = (getauxval(AT_RANDOM) + SS_PAGE_BYTES) & ~(SS_PAGE_BYTES - 1);
	else
		thread->stack_high = (uintptr_t)pthread_self();
	thread->stack_low = thread->stack_high - bytes;
	/* Elsewhere, as in a coroutine, it is not sure; in a signal handler that is no matter. */
	if ((here < thread->stack_low || here >= thread->stack_high) && !on_alternate_stack())
		thread->stack_low = thread->stack_high = 0;
}

static void forget_parents_spans(struct ss_thread *thread)
{
	struct ss_shadow *shadow = thread->current;

	for (; shadow; shadow = shadow->outer)
		shadow->own_id = shadow->stream_id = 0;
}

static void attach_thread(struct ss_thread *thread, uint64_t generation)
{
	void *pool;

	thread->tid = (uint32_t)syscall(SYS_gettid);
	thread->random = random_word();
	thread->ring = NULL;
	find_stack(thread);
	if (thread->pool) {
		forget_parents_spans(thread);
	} else {
		pool = mmap(NULL, SS_DEPTH * sizeof(struct ss_shadow), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		thread->pool = pool == MAP_FAILED ? NULL : pool;
	}
	if (generation > SS_GENERATION_FINISHED)
		thread->ring = ss_ring_file_claim(ss_image, thread->tid);
	if (thread_key_made)
		pthread_setspecific(thread_key, thread);
	thread->generation = generation;
}

/* While a thread does what others wait for, and what takes system calls. */
struct seclusion {
	sigset_t mask;
	int cancellation, saved_errno;
};

/* A signal handler now would find us half-way, or jump out with the lock held: it waits a moment. A
 * cancellation would find its points in a call that has none, and leave the lock held. */
static void seclude(struct seclusion *seclusion)
{
	sigset_t all;

	seclusion->saved_errno = errno;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &seclusion->cancellation);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &seclusion->mask);
	ss_guard_enter();
}

static void end_seclusion(const struct seclusion *seclusion)
{
	ss_guard_leave();
	pthread_sigmask(SIG_SETMASK, &seclusion->mask, NULL);
	errno = seclusion->saved_errno;
	/* Last: the thread may end in it. */
	pthread_setcancelstate(seclusion->cancellation, NULL);
}

void ss_process_join(void *arg)
{
	struct ss_thread *thread = arg;
	struct seclusion seclusion;
	uint64_t generation;

	if (ss_retired) { /* a new thread, or a forked child: it counts in its parent's file */
		if (ss_image)
			__atomic_fetch_add(&ss_image->dropped[SS_DROP_NO_RING][SS_EVENT_OPEN], 1,
					   __ATOMIC_RELAXED);
		return;
	}
	seclude(&seclusion);
	if (ss_generation_now() == GENERATION_NONE && active &&
	    !__atomic_load_n(&finished, __ATOMIC_RELAXED) && lock_image()) {
		if (ss_generation_now() == GENERATION_NONE)
			make_image();
		unlock_image();
	}
	generation = __atomic_load_n(ss_generation, __ATOMIC_ACQUIRE);
	if (generation != GENERATION_NONE && thread->generation != generation)
		attach_thread(thread, generation);
	end_seclusion(&seclusion);
}

void ss_process_flush(void)
{
	struct ss_image *image = own_image();
	int saved_errno = errno;

	if (image) {
		ss_guard_enter();
		ss_flush(image);
		ss_guard_leave();
	}
	errno = saved_errno;
}

void ss_process_finish(void)
{
	struct ss_image *image = own_image();
	int saved_errno;

	if (!image || __atomic_exchange_n(&finished, true, __ATOMIC_ACQ_REL))
		return;
	saved_errno = errno;
	ss_guard_enter();
	/* From here on other threads' events go nowhere, so that the last drain sees all. */
	__atomic_store_n(ss_generation, SS_GENERATION_FINISHED, __ATOMIC_RELAXED);
	__atomic_store_n(&image->finish, 1, __ATOMIC_RELEASE);
	ss_flush(image);
	ss_guard_leave();
	errno = saved_errno;
}

void ss_process_before_exec(const char **ret_ring_file)
{
	struct ss_image *image = own_image();

	*ret_ring_file = "";
	if (!image)
		return;
	ss_process_flush();
	__atomic_store_n(&image->exec_pending, 1, __ATOMIC_RELEASE);
	*ret_ring_file = ring_path;
}

void ss_process_after_exec(void)
{
	struct ss_image *image = own_image();

	if (image)
		__atomic_store_n(&image->exec_pending, 0, __ATOMIC_RELEASE);
}

/* How many calls want to be alone: changes by `change`. False: there is no drain, or no lock. */
static bool change_alone(int change)
{
	struct ss_image *image = own_image();
	struct seclusion seclusion;
	bool locked;

	if (!image)
		return false;
	seclude(&seclusion);
	locked = lock_image();
	if (locked) {
		alone_count += change;
		if (change > 0 && alone_count == 1)
			alone_parked = ss_drain_thread_stop(image, PARK_PATIENCE_MS, true);
		if (change < 0 && alone_count == 0 && alone_parked) {
			alone_parked = false;
			start_drain(image);
		}
		unlock_image();
	}
	end_seclusion(&seclusion);
	return locked;
}

bool ss_process_alone(void)
{
	return change_alone(1);
}

void ss_process_drain_again(void)
{
	change_alone(-1);
}

/* In a child of vfork all that is changed is its parent's. */
static bool is_vfork_child(void)
{
	return ss_image && *ss_generation == ss_image->nonce &&
	       ss_image->pid != (uint32_t)syscall(SYS_getpid);
}

/* With image_lock. */
static void retire_locked(bool blind, const char *why, const char *what)
{
	struct ss_image *image = own_image();

	before.restart = false;
	before.stacks = ss_stacks;
	if (image) {
		before.drain_state = image->drain_state;
		before.restart = drainless_nonce == image->nonce ||
				 ss_drain_thread_stop(image, PARK_PATIENCE_MS, false);
		/* As if it had never started: the file is for whoever recovers it. */
		__atomic_store_n(&image->drain_state, SS_DRAIN_FAILED, __ATOMIC_RELEASE);
	}
	ss_log("%s%s: nothing more is %s by this process%s%s", why, what,
	       blind ? "recorded" : "written out",
	       image ? "; when it has ended, run 'spanshim recover' with " : "",
	       image ? ring_path : "");
	ss_stacks = SS_STACKS_OFF;
	if (blind && image) /* no thread is ready from here on: all calls are counted in join */
		*ss_generation = GENERATION_UNRINGED;
	ss_retired = true;
}

bool ss_process_retire(bool blind, const char *why, const char *what)
{
	struct ss_intercept_stats stats;
	struct seclusion seclusion;
	bool locked;

	if (!active || finished || ss_retired || is_vfork_child())
		return false;
	ss_intercept_stats(&stats);
	drainless = true;
	/* What comes is recorded, by this thread at least. */
	if (stats.slots || facts.python_version)
		ss_process_join(&ss_thread);
	seclude(&seclusion);
	locked = lock_image();
	if (locked) {
		retire_locked(blind, why, what);
		unlock_image();
	}
	drainless = false;
	end_seclusion(&seclusion);
	return locked;
}

void ss_process_unretire(void)
{
	int saved_errno = errno;
	struct ss_image *image;

	ss_retired = false;
	ss_stacks = before.stacks;
	ss_log("the kernel refused that: all goes on as before");
	if (ss_image) /* may have been blind */
		*ss_generation = ss_image->nonce;
	image = own_image();
	if (image && before.restart && lock_image()) {
		start_drain(image);
		unlock_image();
	} else if (image) {
		__atomic_store_n(&image->drain_state, before.drain_state, __ATOMIC_RELEASE);
	}
	errno = saved_errno;
}

void ss_process_may_lose_threads(void)
{
	struct ss_image *image = own_image();

	may_lose_threads = true;
	if (image) {
		__atomic_store_n(&image->may_lose_threads, 1, __ATOMIC_RELEASE);
		ss_image_wake_drain(image);
	}
}

int ss_process_init(const struct ss_ring_file_facts *about)
{
	void *page = mmap(NULL, SS_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	if (page == MAP_FAILED)
		return -errno;
	if (madvise(page, SS_PAGE_BYTES, MADV_WIPEONFORK)) {
		int r = -errno;

		munmap(page, SS_PAGE_BYTES);
		return r;
	}
	facts = *about;
	ss_table = about->table;
	ss_enabled = about->enabled;
	ss_generation = page;
	active = true;
	return 0;
}
