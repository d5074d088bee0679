# SPDX-License-Identifier: Apache-2.0
"""Debian source packages, with packages of the same version beside them, for programs' own test suites.

They come through this machine's apt, from where its packages come, by way of lists of their own: nothing of
the machine's is changed. What was fetched and built stays in $XDG_CACHE_HOME/spanshim/sources (~/.cache
without it); deleting that is safe.
"""

import contextlib
import fcntl
import functools
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile


class Unavailable(Exception):
    """Why something cannot be had here."""


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "spanshim", "sources")


def run(argv, cwd):
    """stdout; Unavailable, with the end of what it said, where it fails."""
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False, errors="replace",
                          stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"})
    if done.returncode:
        raise Unavailable("%s: %s" % (shlex.join(argv)[:200], (done.stderr or done.stdout)[-2000:].strip()))
    return done.stdout


@contextlib.contextmanager
def made_once(path):
    """Yields a directory to fill, which is then renamed to path; None where path is there already."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(path):
            yield None
            return
        work = tempfile.mkdtemp(dir=os.path.dirname(path), prefix=".making-")
        try:
            yield work
            os.chmod(work, 0o755)
            os.rename(work, path)
        finally:
            shutil.rmtree(work, ignore_errors=True)


class Apt:
    """apt with the machine's own sources, asked for source packages, and lists below a directory."""

    def __init__(self, directory):
        if not shutil.which("apt-get") or not shutil.which("dpkg-source"):
            raise Unavailable("no apt-get, or no dpkg-source")
        parts = os.path.join(directory, "parts")
        for name in (parts, os.path.join(directory, "lists", "partial"), os.path.join(directory, "archives", "partial")):
            os.makedirs(name)
        where = dict(re.findall(r"(\w+)='(.*)'", run(["apt-config", "shell", "LIST", "Dir::Etc::sourcelist/f",
                                                      "PARTS", "Dir::Etc::sourceparts/d"], directory)))
        lists = [where.get("LIST", "")] + [entry.path for entry in os.scandir(where.get("PARTS") or parts)]
        for path in lists:
            if path.endswith((".list", ".sources")) and os.path.isfile(path):
                with open(path, encoding="utf-8") as file:
                    text = re.sub(r"(?m)^Types:.*$", "Types: deb-src", file.read())
                    text = re.sub(r"(?m)^deb(-src)?(?=[ \t])", "deb-src", text)
                with open(os.path.join(parts, os.path.basename(path)), "w", encoding="utf-8") as file:
                    file.write(text)
        self.options = ["-q", "-o", "Acquire::http::Timeout=30", "-o", "Dir::Etc::SourceList=/dev/null",
                        "-o", "Dir::Etc::SourceParts=" + parts, "-o", "Dir::State::Lists=" + os.path.join(directory, "lists"),
                        "-o", "Dir::Cache=" + directory]
        if os.geteuid() == 0:  # apt's own user may not reach this directory
            self.options += ["-o", "APT::Sandbox::User=root"]
        # some of the machine's sources may have no source packages: what matters is what is then found
        told = subprocess.run(["apt-get", *self.options, "update"], capture_output=True, text=True, check=False,
                              env={**os.environ, "LC_ALL": "C.UTF-8"})
        self.troubles = re.findall(r"(?m)^[EW]: .*$", told.stderr)

    def versions(self, source):
        """Those that are listed, the newest first."""
        told = run(["apt-cache", *self.options, "showsrc", "--only-source", source], None)
        found = set(re.findall(r"(?m)^Version: (\S+)$", told))
        return sorted(found, reverse=True, key=functools.cmp_to_key(
            lambda one, other: 1 if not subprocess.call(["dpkg", "--compare-versions", one, "gt", other]) else -1))

    def fetch(self, source, version, directory):
        run(["apt-get", *self.options, "source", "--download-only", "--only-source", "%s=%s" % (source, version)], directory)
        description, = [name for name in os.listdir(directory) if name.endswith(".dsc")]
        run(["dpkg-source", "-x", description, "source"], directory)


def unpack(source, *packages):
    """Directory that has source/, the patched source package, and packages/, those of the same version.

    A mirror may have only one of the two of the newest version: an older one of both is taken then.
    """
    path = os.path.join(cache(), source)
    with made_once(path) as work:
        if not work:
            return path
        with tempfile.TemporaryDirectory() as directory:
            apt = Apt(directory)
            troubles = apt.troubles
            for version in apt.versions(source):
                try:
                    with tempfile.TemporaryDirectory(dir=work) as got:
                        apt.fetch(source, version, got)
                        if packages:
                            run(["apt-get", "download", "-q", *("%s=%s" % (name, version) for name in packages)], got)
                        os.rename(os.path.join(got, "source"), os.path.join(work, "source"))
                        for name in sorted(os.listdir(got)):
                            if name.endswith(".deb"):
                                run(["dpkg-deb", "-x", os.path.join(got, name), os.path.join(work, "packages")], got)
                    return path
                except Unavailable as trouble:
                    troubles.append(str(trouble))
            raise Unavailable("the source package %s cannot be had: %s" % (source, "; ".join(troubles)[-1500:] or "not listed"))


def build(directory, *commands):
    """Directory in which the commands, argument vectors, were run once. The source is ../source then."""
    key = hashlib.sha256(repr(commands).encode()).hexdigest()[:12]
    path = os.path.join(directory, "build-" + key)
    with made_once(path) as work:
        for command in commands if work else ():
            run(command, work)
    return path
