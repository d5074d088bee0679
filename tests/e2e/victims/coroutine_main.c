/* SPDX-License-Identifier: Apache-2.0
 *
 * Coroutines (ucontext) whose stacks end at a guard page, among them one whose first function is a
 * wrapped one: nothing above its return address may be read. Two more coroutines leave wrapped
 * calls in another order than they entered them. Wrapped calls: vi_one 11, vi_call 3; all return.
 */
#include "abi.h"
#include "check.h"

#include <sys/mman.h>
#include <ucontext.h>

#define STACK_BYTES 65536
#define PAGE_BYTES  4096

static ucontext_t scheduler, coroutines[2];
static int current, steps;

static void yield(void)
{
	swapcontext(&coroutines[current], &scheduler);
}

static void step(void *arg)
{
	for (long i = 0; i < 3; i++) {
		CHECK(vi_one((long)arg * 100 + i) == (long)arg * 100 + i + 1);
		steps++;
		yield();
	}
}

static void run(long number)
{
	vi_call(step, (void *)number);
	CHECK(vi_one(1000 + number) == 1001 + number);
}

static void tiny(void)
{
	CHECK(vi_one(5) == 6);
}

static void prepare(ucontext_t *context)
{
	char *stack = mmap(NULL, STACK_BYTES + PAGE_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(stack != MAP_FAILED);
	mprotect(stack + STACK_BYTES, PAGE_BYTES, PROT_NONE);
	getcontext(context);
	context->uc_stack.ss_sp = stack;
	context->uc_stack.ss_size = STACK_BYTES;
	context->uc_link = &scheduler;
}

static void schedule(void *arg)
{
	(void)arg;
	for (int round = 0; round < 4; round++) {
		for (current = 0; current < 2; current++)
			swapcontext(&scheduler, &coroutines[current]);
	}
}

int main(void)
{
	prepare(&coroutines[0]);
	makecontext(&coroutines[0], tiny, 0);
	swapcontext(&scheduler, &coroutines[0]);
	prepare(&coroutines[0]);
	makecontext(&coroutines[0], (void (*)(void))vi_one, 1, 7);
	swapcontext(&scheduler, &coroutines[0]);
	for (long i = 0; i < 2; i++) {
		prepare(&coroutines[i]);
		makecontext(&coroutines[i], (void (*)(void))run, 1, i);
	}
	vi_call(schedule, NULL);
	CHECK(steps == 6);
	CHECK(vi_one(9999) == 10000);
	return check_report("coroutine");
}
