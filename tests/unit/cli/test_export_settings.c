/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_settings.h"

#include <errno.h>

#include <criterion/criterion.h>

static void assert_headers(const char *list, int expected, unsigned count, const char *last)
{
	struct ss_export_settings settings = { 0 };
	struct ss_export_target *target = &settings.targets[0];

	cr_assert_eq(ss_export_settings_headers(target, list), expected, "%s", list);
	cr_assert_eq(target->header_count, count, "%s: %u", list, target->header_count);
	if (count)
		cr_assert_str_eq(target->headers[count - 1], last);
	ss_export_settings_deinit(&settings);
}

Test(export_settings, headers)
{
	assert_headers("", 0, 0, NULL);
	assert_headers(" , ,", 0, 0, NULL);
	assert_headers("a=b", 0, 1, "a: b");
	assert_headers(" a = b , c\t=\td e ", 0, 2, "c: d e");
	assert_headers("a=b=c==", 0, 1, "a: b=c==");
	assert_headers("a=", 0, 1, "a;");
	assert_headers("a=%20%2c%2C%3d", 0, 1, "a:  ,,=");
	/* What is no escape stays. */
	assert_headers("a=100%", 0, 1, "a: 100%");
	assert_headers("a=%4", 0, 1, "a: %4");
	assert_headers("a=%zz%41", 0, 1, "a: %zzA");
	assert_headers("a=zw\xc3\xb6lf", 0, 1, "a: zw\xc3\xb6lf");
}

Test(export_settings, headers_that_are_none)
{
	assert_headers("a", -EINVAL, 0, NULL);
	assert_headers("=b", -EINVAL, 0, NULL);
	assert_headers("a b=c", -EINVAL, 0, NULL);
	assert_headers("a:=c", -EINVAL, 0, NULL);
	assert_headers("x=1,a=%0d%0aEvil: 1", -EINVAL, 0, NULL);
	assert_headers("a=%00", -EINVAL, 0, NULL);
	assert_headers("a=\x01", -EINVAL, 0, NULL);
	assert_headers("a=%7F", -EINVAL, 0, NULL);
}

Test(export_settings, too_many_headers)
{
	char list[4 * (SS_EXPORT_HEADERS_MAX + 1) + 1] = "";
	unsigned i;

	for (i = 0; i < SS_EXPORT_HEADERS_MAX; i++)
		strcat(list, "a=b,");
	assert_headers(list, 0, SS_EXPORT_HEADERS_MAX, "a: b");
	strcat(list, "a=b");
	assert_headers(list, -E2BIG, 0, NULL);
}

Test(export_settings, loopback)
{
	static const char *const ours[] = {
		"http://localhost",      "HTTPS://LOCALHOST:4318/x", "http://127.0.0.1:1",
		"http://127.1.2.3/?a@b", "http://[::1]:4318",        "http://me:pw@localhost/",
	};
	static const char *const others[] = {
		"http://localhost.example", "http://127.0.0.1.example/", "http://[::2]/",
		"http://localhost@example", "http://10.0.0.1",           "localhost",
	};
	unsigned i;

	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		cr_assert(ss_export_settings_is_loopback(ours[i]), "%s", ours[i]);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		cr_assert_not(ss_export_settings_is_loopback(others[i]), "%s", others[i]);
}
