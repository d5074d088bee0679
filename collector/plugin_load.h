/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds and loads the plugins that are listed, and believes nothing that they say of themselves
 * before it was checked. What cannot be used is told in one line each and left out. Drain thread
 * only. Must not: unload anything; a plugin may have left threads, or pointers, behind.
 */
#ifndef SS_PLUGIN_LOAD_H
#define SS_PLUGIN_LOAD_H

#include <stdint.h>

#include "collector/buffer.h"
#include "collector/collector.h"
#include "collector/image.h"
#include "collector/plugin_call.h"

#define SS_PLUGINS_MAX 16u

/* Loads what image->plugins_str lists into `plugins` (SS_PLUGINS_MAX of them); returns how many.
 * `files` keeps their names, and must outlive them. */
uint32_t ss_plugin_load(const struct ss_image_view *view, ss_open_fn open, ss_log_fn log,
			struct ss_buffer *files, struct ss_plugin *plugins);

#endif
