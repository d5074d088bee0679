# SPDX-License-Identifier: Apache-2.0
"""`meson install`, `ninja uninstall` and `meson dist`: what is put where, that it works from there, from
elsewhere and beside another one, and that it can be taken away again.

test_plugins builds a plugin from an installation; test_deb makes, installs and purges the package.
"""

import os
import shutil
import subprocess
import tempfile

import installed
from harness import (BUILD, COMMAND, PRELOAD, PROCESS_BINDING, SHIM, SOURCE, Case, clean_environment, main,
                     tallies, unfit, victim)

SQL = ["sqlite3", ":memory:", "create table t(x); insert into t values (1), (2); select x from t;"]
SPANS = {"session sqlite3": 1, "action sqlite3": 3, "stream sqlite3": 1}
BUILT = ["spanshim", "libspanshim.so", "libspanshim-collector.so"]
UNITS = ["config", "elf", "log", "text_line"]  # few sources each
# The command's search for its object, compiled for a layout of its own.
FINDER = """
#include <stdio.h>
#include "collector/cli/preload.h"
int main(void)
{
	char *path = NULL;
	int r = ss_preload_find(&path);
	puts(path ? path : "?");
	return -r;
}
"""


class InstalledCase(Case):
    """self.tree, below self.root, is the test's own: of an installation that is made once."""

    @classmethod
    def setUpClass(cls):
        cls.original = tempfile.mkdtemp(prefix="spanshim-e2e-")
        cls.addClassCleanup(shutil.rmtree, cls.original, ignore_errors=True)
        cls.original_tree = installed.install(cls.original)

    def setUp(self):
        super().setUp()
        self.root = self.path("root")
        shutil.copytree(self.original, self.root, symlinks=True)
        self.tree = self.below(self.root)

    def below(self, root):
        return installed.Tree(self.original_tree.prefix.replace(self.original, root), self.original_tree.libdir)


class Installed(InstalledCase):
    def traced(self, argv, **options):
        """The names of the spans that argv gives; the log must be empty."""
        if os.path.exists(self.out):
            os.remove(self.out)
        result = self.collect(self.execute(argv, self.environment(env=options)))
        self.assertEqual((result.stdout, result.status), (b"1\n2\n", 0), result.stderr)
        self.assertEqual((result.log, self.left_rings()), ("", []))
        return result.dump.names()

    def move(self, name):
        """The tree under another name; nothing is left where it was installed."""
        os.rename(self.root, self.path(name))
        return self.below(self.path(name))

    def test_files(self):
        files = installed.modes(self.tree.prefix)
        self.assertEqual(sorted(files), installed.expected(self.tree.libdir))
        for name, mode in files.items():
            self.assertEqual(mode, 0o755 if name in ("bin/spanshim",) or name.endswith(".so") else 0o644, name)
        # and nothing beside the prefix
        self.assertEqual(len(installed.below(self.root)), len(files))

    def test_stands_alone(self):
        """No part says where it was built, or goes there."""
        for name in installed.PROGRAM:
            path = os.path.join(self.tree.prefix, name.format(libdir=self.tree.libdir))
            if path.endswith((".so", "spanshim")):
                dynamic = subprocess.run(["readelf", "-dW", path], capture_output=True, text=True, check=True)
                self.assertNotIn("PATH)", dynamic.stdout)
            else:
                with open(path, encoding="utf-8") as file:
                    self.assertNotIn(BUILD, file.read())

    def test_in_use(self):
        tree = self.tree
        self.assertEqual(self.traced([tree.command, "run", "--out", self.out, "--", *SQL]), SPANS)
        self.assertEqual(self.traced(SQL, LD_PRELOAD=tree.preload), SPANS)
        directory = os.path.dirname(tree.preload)
        self.assertEqual(self.traced(SQL, LD_PRELOAD="libspanshim.so", LD_LIBRARY_PATH=directory), SPANS)
        # with users' bindings the collector is needed at the start already
        self.assertEqual(self.traced(SQL, LD_PRELOAD=tree.preload,
                                     SPANSHIM_BINDINGS="sqlite3:" + PROCESS_BINDING), SPANS)

    def test_command_by_a_link(self):
        link = os.path.join(self.make_directory("links"), "trace")
        os.symlink(self.tree.command, link)
        found = self.execute([link, "env", "--preload"])
        self.assertEqual(found.visible, (self.tree.preload.encode() + b"\n", b"", 0))
        self.assertEqual(self.traced([link, "run", "--out", self.out, "--", *SQL]), SPANS)

    def test_object_by_a_link(self):
        link = os.path.join(self.make_directory("links"), "shim.so")
        os.symlink(self.tree.preload, link)
        self.assertEqual(self.traced(SQL, LD_PRELOAD=link), SPANS)
        self.assertEqual(self.traced(SQL, LD_PRELOAD="../links/shim.so"), SPANS)

    def test_moved(self):
        tree = self.move("elsewhere")
        self.assertEqual(self.traced([tree.command, "run", "--out", self.out, "--", *SQL]), SPANS)
        self.assertEqual(self.traced(SQL, LD_PRELOAD=tree.preload), SPANS)

    def test_moved_to_where_it_cannot_be_preloaded(self):
        """The loader would split the path, complain on the program's stderr, and trace nothing."""
        tree = self.move("else where")
        for words in (["run", "--", *SQL], ["env", "--preload"], ["env", "--shell"]):
            result = self.execute([tree.command, *words])
            self.assertEqual((result.stdout, result.status), (b"", 2))
            self.assertIn("%s: a path with blanks or colons cannot stand in LD_PRELOAD" % tree.preload,
                          result.stderr.decode())

    def test_objects_alone(self):
        """Both in one directory, as somebody copies them into a container."""
        flat = self.make_directory("flat")
        for name in installed.PROGRAM:
            if name.endswith(".so"):
                shutil.copy(os.path.join(self.tree.prefix, name.format(libdir=self.tree.libdir)), flat)
        shutil.rmtree(self.root)
        self.assertEqual(self.traced(SQL, LD_PRELOAD=os.path.join(flat, "libspanshim.so")), SPANS)

    def test_command_alone(self):
        lone = shutil.copy(self.tree.command, self.make_directory("lone"))
        for words in (["run", "--", *SQL], ["env", "--preload"]):
            result = self.execute([lone, *words])
            self.assertEqual((result.stdout, result.status), (b"", 2))
            self.assertIn("%s/libspanshim.so: No such file or directory" % self.tree.libdir,
                          result.stderr.decode())


class Twice(InstalledCase):
    """A checkout's spanshim and an installed one in one process: one traces, the other says why not."""

    def both(self, argv, first, second, bindings=None):
        result = self.collect(self.execute(
            argv, self.environment(bindings, env={"LD_PRELOAD": first + ":" + second})))
        self.assertEqual(self.left_rings(), [])
        self.assertEqual(result.dump.inconsistencies(), [])
        said = {line.split("]: ", 1)[1] for line in result.log.splitlines()}
        self.assertEqual(said, {"nothing is traced by this libspanshim.so: %s is preloaded as well, and first"
                                % first.split(":")[0]})
        return result

    def test_one_traces(self):
        for first, second in ((PRELOAD, self.tree.preload), (self.tree.preload, PRELOAD)):
            result = self.both(SQL, first, second)
            self.assert_same_as_untraced(SQL, result)
            self.assertEqual(result.dump.names(), SPANS)
            self.assertEqual(result.log.count("\n"), 1)
            os.remove(self.out)
            os.remove(self.log)

    @unfit("forked children have no drain", "thread")
    def test_threads_forks_and_execs(self):
        """What one wraps of libc's goes through the other."""
        for argv in (["proc_fork", "twice", "_exit"], ["proc_exec", "idle", "3"],
                     ["thread_acts", "under-act", "pthread", "4", "50"]):
            result = self.both([victim("process/" + argv[0]), *argv[1:]], PRELOAD, self.tree.preload,
                               PROCESS_BINDING)
            self.assertEqual(result.status, 0, result.stderr)
            self.assert_tally(result.dump, tallies(result.stdout), images=argv[0] == "proc_exec")
            if argv[0] == "thread_acts":
                root, = result.dump.roots()
                self.assertEqual(len(result.dump.children(root)), 4 * 50)
            os.remove(self.out)
            os.remove(self.log)

    @unfit("its run time stands in the list")
    def test_run_in_run(self):
        """The launcher leaves out what it finds: the inner one traces, and nothing needs to be said."""
        argv = [self.tree.command, "run", "--", COMMAND, "run", "--", *SQL]
        result = self.collect(self.execute(argv, self.environment()))
        self.assert_same_as_untraced(SQL, result)
        self.assertEqual((result.dump.names(), result.log), (SPANS, ""))
        env = self.environment(env={"LD_PRELOAD": "libm.so.6 %s:libspanshim.so" % self.tree.preload})
        result = self.execute([COMMAND, "run", "--", "printenv", "LD_PRELOAD"], env)
        self.assertEqual(result.visible, (b"%s:libm.so.6\n" % SHIM.encode(), b"", 0))


class Layouts(Case):
    """Prefixes and library directories other than this build's, without compiling all of it anew."""

    def configure(self, prefix, libdir):
        build = self.path("build")
        installed.meson("setup", build, SOURCE, "--prefix", prefix, "-Dlibdir=" + libdir, "-Dtests=disabled",
                        "--buildtype=release")
        for name in BUILT:
            shutil.copy(os.path.join(BUILD, name), build)
        source = self.write("find.c", FINDER)
        subprocess.run(["cc", "-D_GNU_SOURCE", "-I", build, "-I", SOURCE, "-o", self.path("find"), source,
                        os.path.join(SOURCE, "collector", "cli", "preload.c")], check=True)
        return build

    def check(self, root, prefix, libdir):
        tree = installed.Tree(root + prefix, libdir)
        self.assertEqual(installed.below(tree.prefix), installed.expected(libdir))
        finder = shutil.copy(self.path("find"), os.path.join(tree.prefix, "bin"))
        self.assertEqual(self.execute([finder]).visible, (tree.preload.encode() + b"\n", b"", 0))
        os.remove(finder)
        self.assertEqual(tree.pkg_config("--cflags", "spanshim-plugin", root=root),
                         ["-I%s%s/include" % (root, prefix)])
        self.assertEqual(tree.pkg_config("--variable=plugin_abi", "spanshim-plugin"), ["1"])

    def uninstall(self, build, **variables):
        done = subprocess.run(["ninja", "-C", build, "uninstall"], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env={**clean_environment(), **variables})
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_lib64_below_a_destdir(self):
        root = self.path("root")
        build = self.configure("/usr", "lib64")
        installed.install(root, build)
        self.check(root, "/usr", "lib64")
        self.uninstall(build)
        self.assertFalse(os.path.exists(root), "left: %s" % installed.below(root))

    def test_lib_in_place(self):
        """Straight to a prefix where others live, twice, as for an upgrade: what is not ours stays, and no
        file of ours. (Meson takes away the directories that the last installation made.)"""
        prefix = self.make_directory("prefix")
        os.makedirs(os.path.join(prefix, "lib", "pkgconfig"))
        others = os.path.join(prefix, "lib", "pkgconfig", "other.pc")
        with open(others, "w", encoding="utf-8"):
            pass
        build = self.configure(prefix, "lib")
        for _ in range(2):
            installed.meson("install", "-C", build, "--no-rebuild")
        os.remove(others)
        self.check("", prefix, "lib")
        with open(others, "w", encoding="utf-8"):
            pass
        self.uninstall(build)
        self.assertEqual(installed.below(prefix), ["lib/pkgconfig/other.pc"])


class Dist(Case):
    """What `meson dist` packs: all that git has, and enough to configure, build and test without git."""

    def setUp(self):
        super().setUp()
        self.tree = installed.unpacked_dist(self.directory)

    def test_tarball(self):
        listed = subprocess.run(["git", "-C", SOURCE, "ls-tree", "-r", "--name-only", "HEAD"], check=True,
                                capture_output=True, text=True).stdout.splitlines()
        self.assertEqual(installed.below(self.tree), sorted(
            name for name in listed if not name.startswith((".ci/", ".gitattributes", ".gitignore"))))
        for rule in ("layers", "sizes", "paths", "format"):
            done = self.execute([os.path.join(SOURCE, "scripts", "check_" + rule), self.tree])
            self.assertIn(done.status, (0, 77), done.visible)
        build = self.path("build")
        installed.meson("setup", build, self.tree)
        said = installed.meson("test", "-C", build, "--suite", "unit", *UNITS)
        self.assertRegex(said, r"Ok: +%d *\n" % len(UNITS))


if __name__ == "__main__":
    main()
