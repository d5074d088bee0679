/* SPDX-License-Identifier: Apache-2.0
 *
 * Code addresses and mangled type names -> text. Drain thread of the process the addresses belong
 * to; in recovery only `raw` works. Must not: bring libstdc++ into the host, or fail: what has no
 * name stays a number.
 */
#ifndef SS_SYMBOLIZE_H
#define SS_SYMBOLIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SS_FRAME_BYTES 512u

/* "0xADDR symbol+0xOFF (object)", as much as is known, NUL-terminated; raw: "0xADDR" alone. Return
 * addresses are looked up one byte lower, where the call is. Returns the length. */
size_t ss_symbolize_frame(uint64_t address, bool raw, char text[SS_FRAME_BYTES]);

/* "St13runtime_error" -> "std::runtime_error", NUL-terminated, cut to `text_bytes`; unchanged when
 * the process has no demangler. Returns the length. */
size_t ss_symbolize_type(const char *mangled, size_t bytes, char *text, size_t text_bytes);

/* Return addresses of the calling thread, innermost first; how many. Any thread. */
int ss_symbolize_backtrace(void **addresses, int count);

#endif
