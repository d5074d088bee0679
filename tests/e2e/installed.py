# SPDX-License-Identifier: Apache-2.0
"""An installed spanshim: what belongs to it, where, and installing it somewhere to be used.

What it consists of is listed here once, for `meson install` (test_install) and for the Debian package
(test_deb). Pages and completions are taken from the sources, so that none is forgotten.
"""

import fcntl
import glob
import json
import os
import stat
import subprocess
import tarfile
import unittest

from harness import BUILD, SOURCE, clean_environment

# Below the prefix; {libdir} as Meson was told.
PROGRAM = [
    "bin/spanshim",
    "{libdir}/libspanshim.so",
    "{libdir}/spanshim/libspanshim-collector.so",
    "{libdir}/pkgconfig/spanshim-plugin.pc",
    "include/spanshim/event.h",
    "include/spanshim/plugin.h",
]
DOC = "share/doc/spanshim"
COMPLETIONS = {
    "spanshim.bash": "share/bash-completion/completions/spanshim",
    "_spanshim": "share/zsh/site-functions/_spanshim",
    "spanshim.fish": "share/fish/vendor_completions.d/spanshim.fish",
}


def below(directory):
    """The files and links below a directory, as paths relative to it."""
    return sorted(os.path.relpath(os.path.join(at, name), directory)
                  for at, directories, names in os.walk(directory) for name in directories + names
                  if name in names or os.path.islink(os.path.join(at, name)))


def pages():
    """(path, section) of the manual pages."""
    man = os.path.join(SOURCE, "docs", "man")
    return [(name, name[-1]) for name in below(man) if name[-2:-1] == "."]


def expected(libdir):
    """All that `meson install` puts below its prefix."""
    files = [name.format(libdir=libdir) for name in PROGRAM]
    files += [DOC + "/" + name for name in ("CONTRIBUTING.md", "LICENSE", "NEWS.md", "README.md")]
    files += [DOC + "/docs/" + name for name in below(os.path.join(SOURCE, "docs"))
              if name != "meson.build" and not name.startswith("man/")]
    files += ["share/man/man%s/%s" % (section, name) for name, section in pages()]
    files += [path for name, path in COMPLETIONS.items()
              if os.path.exists(os.path.join(SOURCE, "scripts", "completions", name))]
    return sorted(files)


def modes(directory):
    """{path: permissions} of what is below a directory, links and directories left out."""
    return {name: stat.S_IMODE(os.stat(os.path.join(directory, name)).st_mode)
            for name in below(directory) if not os.path.islink(os.path.join(directory, name))}


def meson(*words, **options):
    """Runs meson; what it said, or an AssertionError with it."""
    done = subprocess.run(["meson", *words], env=clean_environment(), text=True, timeout=300,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if done.returncode:
        raise AssertionError("meson %s: %s" % (" ".join(words), done.stdout))
    return done.stdout


def option(build, name):
    """The value of one of Meson's options in a build directory."""
    options = json.loads(subprocess.run(["meson", "introspect", build, "--buildoptions"], check=True,
                                        capture_output=True, text=True).stdout)
    value, = (entry["value"] for entry in options if entry["name"] == name)
    return value


class Tree:
    """An installation: the paths of its parts, which need not be below the root of the file system."""

    def __init__(self, prefix, libdir):
        self.prefix, self.libdir = prefix, libdir
        self.command = os.path.join(prefix, "bin", "spanshim")
        self.preload = os.path.join(prefix, libdir, "libspanshim.so")
        self.example = os.path.join(prefix, DOC, "docs", "examples", "plugin", "slow_acts.c")

    def pkg_config(self, *words, root=None):
        """What pkg-config says; root: what stands before the prefix that was configured."""
        env = {**clean_environment(), "PKG_CONFIG_LIBDIR": os.path.join(self.prefix, self.libdir, "pkgconfig")}
        if root:
            env["PKG_CONFIG_SYSROOT_DIR"] = root
        return subprocess.run(["pkg-config", *words], env=env, capture_output=True, text=True,
                              check=True).stdout.split()


def install(root, build=BUILD):
    """Installs what a build directory holds, with DESTDIR=root."""
    meson("install", "-C", build, "--destdir", root, "--no-rebuild", "--quiet")
    return Tree(root + option(build, "prefix"), option(build, "libdir"))


def unpacked_dist(directory):
    """Makes the tarball of what is committed and unpacks it; the path of its tree. Skips without git."""
    if not os.path.exists(os.path.join(SOURCE, ".git")):
        raise unittest.SkipTest("no git here: this is a tarball's tree")
    with open(os.path.join(BUILD, "meson-dist.lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test may make the same file
        meson("dist", "-C", BUILD, "--no-tests", "--formats", "gztar", "--allow-dirty")
        tarball, = glob.glob(os.path.join(BUILD, "meson-dist", "spanshim-*.tar.gz"))
        with tarfile.open(tarball) as tar:
            tar.extractall(directory)
    tree, = glob.glob(os.path.join(directory, "spanshim-*"))
    return tree
