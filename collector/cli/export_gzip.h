/* SPDX-License-Identifier: Apache-2.0
 *
 * One body as a gzip member (RFC 1952), by zlib. Any thread.
 */
#ifndef SS_EXPORT_GZIP_H
#define SS_EXPORT_GZIP_H

#include <stddef.h>

/* *ret_packed is malloc'ed. Returns 0 or -ENOMEM. */
int ss_export_gzip(const char *text, size_t bytes, char **ret_packed, size_t *ret_bytes);

#endif
