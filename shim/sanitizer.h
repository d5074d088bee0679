/* SPDX-License-Identifier: Apache-2.0
 *
 * For builds of the shim with a sanitizer (GCC, -Db_sanitize=...): parts of it run before any
 * constructor, the sanitizer's own included, and are called by that while it starts. Files that are
 * such as a whole are `early_sources` in meson.build. Without a sanitizer this is nothing.
 */
#ifndef SS_SANITIZER_H
#define SS_SANITIZER_H

/* Of functions that run before the sanitizer is ready. */
#define SS_BEFORE_SANITIZER __attribute__((no_sanitize("address"), no_sanitize("thread")))

/* Of functions that a longjmp or pthread_exit may pass over while they have variables on the stack.
 */
#define SS_LEFT_EARLY __attribute__((no_sanitize("address")))

/* Has the sanitizer's run time ready. Idempotent. */
static inline SS_BEFORE_SANITIZER void ss_sanitizer_start(void)
{
#if defined(__SANITIZE_ADDRESS__)
	extern void __asan_init(void);

	__asan_init();
#elif defined(__SANITIZE_THREAD__)
	extern void __tsan_init(void);

	__tsan_init();
#endif
}

#endif
