/* SPDX-License-Identifier: Apache-2.0
 *
 * libvictim_versions.so: one function in two versions; dl_versions.map. VI_2 is the default one.
 */
long vi_versioned_1(void);
long vi_versioned_2(void);

__attribute__((symver("vi_versioned@VI_1"))) long vi_versioned_1(void)
{
	return 1;
}

__attribute__((symver("vi_versioned@@VI_2"))) long vi_versioned_2(void)
{
	return 2;
}
