/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/plugin_load.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SYMBOL "spanshim_plugin"

/* Bytes of the object that `address` is the start of; 0: it is none. */
static uint64_t object_bytes(const void *address)
{
	Dl_info info;
#if defined(__GLIBC__)
	const ElfW(Sym) *symbol = NULL;

	if (!dladdr1(address, &info, (void **)(void *)&symbol, RTLD_DL_SYMENT) || symbol == NULL ||
	    info.dli_saddr != address || ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT)
		return 0;
	return symbol->st_size;
#else /* musl tells the name only */
	if (!dladdr(address, &info) || info.dli_saddr != address)
		return 0;
	return sizeof(struct spanshim_plugin);
#endif
}

static bool check_struct(const struct ss_plugin *plugin)
{
	const struct spanshim_plugin *own = plugin->own;
	uint64_t bytes = object_bytes(own);

	if (bytes < offsetof(struct spanshim_plugin, name)) {
		ss_plugin_say(plugin, SYMBOL " is no struct spanshim_plugin: not used");
		return false;
	}
	if (own->abi != SPANSHIM_PLUGIN_ABI) {
		ss_plugin_say(plugin, "made for ABI version %u, expected %u: not used", own->abi,
			      SPANSHIM_PLUGIN_ABI);
		return false;
	}
	if (own->size < bytes)
		bytes = own->size;
	if (bytes < sizeof(*own)) {
		ss_plugin_say(plugin, SYMBOL " has %llu bytes, expected at least %zu: not used",
			      (unsigned long long)bytes, sizeof(*own));
		return false;
	}
	return true;
}

static bool check_members(const struct ss_plugin *plugin)
{
	const struct spanshim_plugin *own = plugin->own;

	if (own->name == NULL || own->name[0] == '\0')
		ss_plugin_say(plugin, "its name is missing: not used");
	else if (own->on_event == NULL)
		ss_plugin_say(plugin, "its on_event is NULL: not used");
	else if (own->hooks == 0)
		ss_plugin_say(plugin, "its hooks are 0, expected at least one: not used");
	else
		return true;
	return false;
}

static bool load(struct ss_plugin *plugin, ss_open_fn open, const struct ss_plugin *others,
		 uint32_t count)
{
	void *library = open(plugin->file, RTLD_NOW | RTLD_LOCAL);
	uint32_t i;

	if (library == NULL) {
		ss_plugin_say(plugin, "cannot be loaded: %s", dlerror());
		return false;
	}
	plugin->own = dlsym(library, SYMBOL);
	if (plugin->own == NULL) {
		ss_plugin_say(plugin, "has no symbol " SYMBOL ": not used");
		return false;
	}
	for (i = 0; i < count; i++) {
		if (others[i].own == plugin->own) {
			ss_plugin_say(plugin, "is loaded already, as %s: not used again",
				      others[i].file);
			return false;
		}
	}
	return check_struct(plugin) && check_members(plugin);
}

static void fill_host(struct ss_plugin *plugin, const struct ss_image_view *view)
{
	plugin->host.size = sizeof(plugin->host);
	plugin->host.pid = view->image->pid;
	plugin->host.content = view->image->content != 0;
	plugin->host.program = ss_image_string(view, view->image->program_str);
	plugin->host.version = SS_VERSION;
	plugin->host.log = ss_plugin_log;
	snprintf(plugin->name, sizeof(plugin->name), "%s", plugin->own->name);
}

uint32_t ss_plugin_load(const struct ss_image_view *view, ss_open_fn open, ss_log_fn log,
			struct ss_buffer *files, struct ss_plugin *plugins)
{
	const char *list = ss_image_string(view, view->image->plugins_str);
	char *rest, *file;
	uint32_t count = 0;

	if (list[0] == '\0' || ss_buffer_reserve(files, strlen(list) + 1) != 0)
		return 0;
	rest = strcpy(files->base, list);
	while ((file = strsep(&rest, ":")) != NULL) {
		struct ss_plugin *plugin = &plugins[count];

		if (file[0] == '\0')
			continue;
		if (count == SS_PLUGINS_MAX) {
			log("plugins: only the first 16 are used");
			break;
		}
		*plugin = (struct ss_plugin){ .image = view->image, .log = log, .file = file };
		if (!load(plugin, open, plugins, count))
			continue;
		fill_host(plugin, view);
		count++;
	}
	return count;
}
