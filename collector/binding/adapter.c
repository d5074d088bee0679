/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/binding/adapter.h"

#include <string.h>

static const struct {
	const char *name, *opened, *closed, *events, *versions;
} mellea_spans[] = {
	{ "start_session", "startup_begin", "startup_end", "", "" },
	{ "session", "session_enter", "session_exit", "", "" },
	{ "action", "component_pre_execute", "component_post_success or component_post_error", "",
	  "" },
	{ "sampling", "sampling_loop_start", "sampling_loop_end", "iteration, repair",
	  "after 0.7" },
	{ "validation", "validation_pre_check", "validation_post_check", "", "after 0.7" },
	{ "execute_tool TOOL", "tool_pre_invoke", "tool_post_invoke", "", "after 0.7" },
	{ "stream", "streaming_start", "streaming_end",
	  "chunk, quick_check, streaming_done, full_validation, error, completed",
	  "up to 0.7: stream_with_chunking" },
	{ "chat MODEL", "generation_pre_call", "generation_post_call or generation_error",
	  "chunk_processed", "up to 0.7: chat, without events" },
	{ "text_completion MODEL", "generation_batch_pre_call",
	  "generation_batch_post_call or generation_batch_error", "",
	  "up to 0.7: text_completion" },
};

void ss_adapter_explain(FILE *out, const char *name)
{
	if (strcmp(name, "mellea") != 0)
		return;
	fputs("  built into spanshim: follows Mellea's hooks, in the spelling of the Mellea version "
	      "that it finds\n",
	      out);
	for (size_t i = 0; i < sizeof(mellea_spans) / sizeof(mellea_spans[0]); i++) {
		const char *versions = mellea_spans[i].versions;

		fprintf(out, "  span \"%s\"%s%s%s\n      from %s to %s\n", mellea_spans[i].name,
			versions[0] ? " (" : "", versions, versions[0] ? ")" : "",
			mellea_spans[i].opened, mellea_spans[i].closed);
		if (mellea_spans[i].events[0])
			fprintf(out, "      events: %s\n", mellea_spans[i].events);
	}
}
