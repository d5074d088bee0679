/* SPDX-License-Identifier: Apache-2.0
 *
 * Gives a fuzz target the files and directories that are its arguments, where no fuzzer does.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int replay(const char *path)
{
	static uint8_t data[2 << 20];
	FILE *file = fopen(path, "re");
	size_t bytes;

	if (!file)
		return 0;
	bytes = fread(data, 1, sizeof(data), file);
	fclose(file);
	LLVMFuzzerTestOneInput(data, bytes);
	return 1;
}

static int replay_directory(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *item;
	char name[4096];
	int count = 0;

	if (!directory)
		return replay(path);
	while ((item = readdir(directory))) {
		if (item->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, item->d_name);
		count += replay(name);
	}
	closedir(directory);
	return count;
}

int main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++)
		count += replay_directory(argv[i]);
	printf("%d inputs\n", count);
	return count > 0 ? 0 : 1;
}
