# SPDX-License-Identifier: Apache-2.0
"""The Debian package: built by scripts/deb from what `meson dist` packs, installed by dpkg, used by a user
who is not root, and purged.

dpkg runs as on any machine, with its scripts, triggers and database, but on a copy of this one: an overlay
over its root in a mount namespace, which ends with the test. That takes root; elsewhere it is skipped.
"""

import os
import platform
import re
import shutil
import subprocess
import tempfile
import unittest

import installed
from harness import SOURCE, Case, Dump, clean_environment, main

NEEDED = ["dpkg-buildpackage", "dh", "meson", "pkg-config"]
# What the package has below /usr otherwise than `meson install`.
RENAMED = {installed.DOC + "/LICENSE": installed.DOC + "/copyright",
           installed.DOC + "/NEWS.md": installed.DOC + "/changelog.gz"}
ADDED = [installed.DOC + "/changelog.Debian.gz", installed.DOC + "/examples",
         "share/lintian/overrides/spanshim"]
SQL = ["sqlite3", ":memory:", "create table t(x); insert into t values (1), (2); select x from t;"]
SPANS = {"session sqlite3": 1, "action sqlite3": 3, "stream sqlite3": 1}
# dpkg's and ldconfig's own, which every package changes.
BOOKS = re.compile(r"var/lib/dpkg/|var/log/|var/cache/|etc/ld\.so\.cache$")

MACHINE = r"""
set -eu
mount -t tmpfs tmpfs "$1"
mkdir "$1/root" "$1/upper" "$1/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount --rbind /dev "$1/root/dev"
mount -t proc proc "$1/root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$1/root/tmp"
echo ready
read -r _ || :
"""


def dpkg_architecture():
    return subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True,
                          check=True).stdout.strip()


class Machine:
    """This machine, to be changed: processes below an overlay. Ends, and is gone, with close()."""

    def __init__(self, directory):
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", MACHINE, "sh", directory],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.inside = directory
        if self.process.stdout.readline() != "ready\n":
            raise unittest.SkipTest("no machine to install on: " + self.process.communicate()[1].strip())
        self.seen = "/proc/%d/root%s" % (self.process.pid, directory)

    def path(self, name):
        """A path of the machine's, seen from here."""
        return self.seen + "/root" + name

    def run(self, *argv, user=0, env=None, cwd="/tmp"):
        """Runs argv there; (stdout, stderr, status)."""
        full = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive",
                **(env or {})}
        done = subprocess.run(
            ["nsenter", "--mount=/proc/%d/ns/mnt" % self.process.pid, "chroot",
             "--userspec=%d:%d" % (user, user), self.inside + "/root", "env", "-i", "-C", cwd,
             *("%s=%s" % item for item in full.items()), *argv],
            capture_output=True, text=True, timeout=120)
        return done.stdout, done.stderr, done.returncode

    def changes(self):
        """What is otherwise than on this machine, but for the books."""
        upper = self.seen + "/upper"
        return [name for name in installed.below(upper) if not BOOKS.match(name)]

    def close(self):
        self.process.communicate()


class Package(Case):
    @classmethod
    def setUpClass(cls):
        missing = [name for name in NEEDED if not shutil.which(name)]
        if missing:
            raise unittest.SkipTest("not installed: %s (scripts/setup --package)" % ", ".join(missing))
        cls.made = tempfile.mkdtemp(prefix="spanshim-deb-")
        cls.addClassCleanup(shutil.rmtree, cls.made, ignore_errors=True)
        changed = subprocess.run(["git", "-C", SOURCE, "status", "--porcelain"], capture_output=True)
        # what is not committed yet is not in the tarball
        tree = SOURCE if changed.returncode or changed.stdout else installed.unpacked_dist(cls.made)
        print("building from " + ("the tree" if tree == SOURCE else "the tarball"))
        built = subprocess.run([os.path.join(tree, "scripts", "deb"), os.path.join(cls.made, "deb")],
                               env=clean_environment(), capture_output=True, text=True)
        if built.returncode:
            raise AssertionError(built.stdout + built.stderr)
        cls.deb = built.stdout.strip()
        cls.triplet = "lib/%s-linux-gnu" % platform.machine()

    def control(self, field):
        return subprocess.run(["dpkg-deb", "--field", self.deb, field], capture_output=True, text=True,
                              check=True).stdout.strip()

    def files(self):
        """Below usr/."""
        names = [RENAMED.get(name, name) for name in installed.expected(self.triplet)]
        names = [name + ".gz" if "/man/" in name else name for name in names]
        return sorted([name.replace("zsh/site-functions", "zsh/vendor-completions") for name in names] + ADDED)

    def test_package(self):
        self.assertRegex(os.path.basename(self.deb), r"^spanshim_[0-9.]+-1_%s\.deb$" % dpkg_architecture())
        depends = {word.split()[0] for word in self.control("Depends").split(", ")}
        self.assertEqual(depends, {"libc6", "libcjson1", "libunwind8", "zlib1g"})
        self.assertIn("libcurl4", self.control("Recommends"))
        directory = self.path("unpacked")
        subprocess.run(["dpkg-deb", "--extract", self.deb, directory], check=True)
        self.assertEqual(installed.below(directory + "/usr"), self.files())
        self.assertEqual(os.listdir(directory), ["usr"])
        for name, mode in installed.modes(directory + "/usr").items():
            self.assertEqual(mode, 0o755 if name == "bin/spanshim" else 0o644, name)
        self.assert_hardened(directory + "/usr")

    def assert_hardened(self, usr):
        """The distribution's flags are in force and have spoilt nothing. (check_hot ran in the build: its
        object has been stripped since.)"""
        library = os.path.join(usr, self.triplet)
        objects = {"shim": library + "/libspanshim.so",
                   "collector": library + "/spanshim/libspanshim-collector.so"}
        for kind, path in objects.items():
            done = self.execute([os.path.join(SOURCE, "scripts", "check_exports"), kind, path])
            self.assertEqual(done.visible, (b"", b"", 0))
        with open(os.path.join(os.path.dirname(self.deb), "build.log"), encoding="utf-8") as file:
            self.assertIn("check_hot --linked", file.read())
        for path in (*objects.values(), usr + "/bin/spanshim"):
            said = subprocess.run(["readelf", "-hldSW", path], capture_output=True, text=True, check=True).stdout
            self.assertRegex(said, r"BIND_NOW|Flags: NOW", path)
            self.assertIn("GNU_RELRO", said)
            self.assertIn("DYN (", said)
            self.assertNotIn(".debug_info", said)
            self.assertNotIn("PATH)", said)

    def test_usage(self):
        script = os.path.join(SOURCE, "scripts", "deb")
        shown = self.execute([script, "--help"])
        self.assertEqual((shown.stderr, shown.status), (b"", 0))
        self.assertIn(b"Usage: scripts/deb [DIRECTORY]", shown.stdout)
        self.assertEqual(self.execute([script, "--fast"]).visible,
                         (b"", b"deb: unknown option --fast; see --help\n", 2))

    @unittest.skipUnless(shutil.which("lintian"), "lintian is not installed (scripts/setup --package)")
    def test_lintian(self):
        suppressed = [] if installed.pages() else ["--suppress-tags", "no-manual-page"]
        done = subprocess.run(["lintian", "--allow-root", "--display-info", "--pedantic", *suppressed,
                               "--fail-on", "error,warning,info,pedantic", self.deb], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual((done.stdout, done.returncode), ("", 0))

    @unittest.skipIf(os.geteuid(), "dpkg installs as root only")
    def test_installed_used_and_purged(self):
        machine = Machine(self.make_directory("machine"))
        self.addCleanup(machine.close)
        shutil.copy(self.deb, machine.path("/tmp/spanshim.deb"))
        self.assertEqual(machine.changes(), [])
        for _ in range(2):  # the second time over the first, as an upgrade
            said, wrong, status = machine.run("dpkg", "--install", "/tmp/spanshim.deb")
            self.assertEqual((wrong, status), ("", 0), said)
        status = machine.run("dpkg-query", "-W", "-f", "${db:Status-Abbrev}", "spanshim")[0]
        self.assertEqual(status, "ii ")
        self.assertEqual([name for name in machine.changes() if not name.startswith("usr/")], [])
        self.assertEqual([name[4:] for name in machine.changes()], self.files())
        self.assertEqual(machine.run("dpkg", "--verify", "spanshim"), ("", "", 0))
        self.use(machine)
        said, wrong, status = machine.run("dpkg", "--purge", "spanshim")
        self.assertEqual((wrong, status), ("", 0), said)
        self.assertEqual(machine.changes(), [])
        self.assertEqual(machine.run("dpkg-query", "-W", "spanshim")[2], 1)
        self.assertFalse(os.path.exists(machine.path("/usr/include/spanshim")))

    def use(self, machine):
        """As a user without rights, who knows no path."""
        def user(*argv, **env):
            return machine.run(*argv, user=65534, env=env)

        expected = ("1\n2\n", "", 0)
        self.assertEqual(user("spanshim", "run", "--out", "run.jsonl", "--", *SQL), expected)
        self.assertEqual(Dump(machine.path("/tmp/run.jsonl")).names(), SPANS)
        self.assertEqual(user("spanshim", "check", "run.jsonl")[2], 0)
        tree, wrong, status = user("spanshim", "tree", "run.jsonl")
        self.assertEqual((wrong, status, tree.count("action sqlite3")), ("", 0, 3))
        # /usr/lib/TRIPLET is where the loader looks
        self.assertEqual(user(*SQL, LD_PRELOAD="libspanshim.so", SPANSHIM_OUT="name.jsonl"), expected)
        self.assertEqual(Dump(machine.path("/tmp/name.jsonl")).names(), SPANS)
        example = "/usr/share/doc/spanshim/examples/plugin/slow_acts.c"
        build = "cc -shared -fPIC -o acts.so %s $(pkg-config --cflags spanshim-plugin)" % example
        self.assertEqual(user("sh", "-c", build), ("", "", 0))
        self.assertEqual(user("spanshim", "run", "--out", "plugin.jsonl", "--plugin", "acts.so", "--", *SQL,
                              SLOW_ACTS_MS="0", SLOW_ACTS_OUT="acts.csv"), expected)
        with open(machine.path("/tmp/acts.csv"), encoding="utf-8") as file:
            self.assertEqual(len(file.readlines()), sum(SPANS.values()))


if __name__ == "__main__":
    main()
