/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/binding/compile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int ss_compile_texts(enum ss_arch arch, const struct ss_binding_text *texts, uint32_t count,
		     struct ss_binding_table **ret_table, char *error, size_t error_bytes)
{
	struct ss_compiler *compiler = calloc(1, sizeof(*compiler));
	int ret = compiler ? ss_block_init(&compiler->block) : -ENOMEM;

	if (ret < 0)
		goto out;
	compiler->arch = arch;
	for (uint32_t i = 0; i < count; i++) {
		ret = ss_binding_file_read(compiler, &texts[i], error, error_bytes);
		if (ret < 0)
			goto out;
	}
	ret = ss_block_finish(&compiler->block, ret_table);
out:
	if (ret == -ENOMEM)
		snprintf(error, error_bytes, "bindings: out of memory");
	if (compiler)
		ss_block_deinit(&compiler->block);
	free(compiler);
	return ret;
}
