# SPDX-License-Identifier: Apache-2.0
"""Programs that sandbox themselves, without and with: ctags, chronyd, sshd, man, bubblewrap.

Their filters know what they call, not what we call. tests/e2e/test_sandbox.py has the small print.
"""

import os
import shutil
import signal
import socket
import struct
import subprocess
import time
import unittest

import packages
from transparency import PRELOAD, Transparency, clean_environment, main

RETIRED = r"a seccomp filter forbids \w+: nothing more is written out by this process; when it has ended, run 'spanshim recover'"
PAGE = ".TH TRIAL 1\n.SH NAME\ntrial \\- a page\n.SH DESCRIPTION\nA page with \\fBsome\\fP text, and one line more.\n"
SOURCE = "int x; int f(void) { return x; }\n"
SSHD = """
HostKey %(dir)s/host
AuthorizedKeysFile %(dir)s/user.pub
UsePAM no
StrictModes no
PidFile none
ListenAddress 127.0.0.1:%(port)d
"""
# sshd wants a user of its own and a directory; where there is none, in a mount namespace
ALONE = "mount --bind '%s' /etc/passwd && mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec \"$@\""


def filter_program(calls, action):
    """A filter that does `action` at these calls, and lets all others pass: what bwrap --seccomp reads."""
    lines = [(0x20, 0, 0, 0)]
    for number in calls:
        lines += [(0x15, 0, 1, number), (0x06, 0, 0, action)]
    lines.append((0x06, 0, 0, 0x7fff0000))
    return b"".join(struct.pack("HBBI", *line) for line in lines)


class Sandboxes(Transparency):
    def unpack(self, program, *names):
        """The program's path and the environment that it needs; skips where it cannot be had."""
        root = packages.unpack(names[0], *names)
        if not root:
            self.skipTest("cannot be had: " + " ".join(names))
        path = os.path.join(root, program)
        env = {"LD_LIBRARY_PATH": ":".join(os.path.join(root, place, "x86_64-linux-gnu") for place in ("usr/lib", "lib"))}
        if b"not found" in self.execute(["ldd", path], dict(clean_environment(), **env)).stdout:
            self.skipTest("what %s needs is not installed" % names[0])
        return path, env

    def test_ctags(self):
        """Kills itself by thread at whatever is not reading and writing; requests come on stdin."""
        path, env = self.unpack("usr/bin/ctags-universal", "universal-ctags")
        request = '{"command":"generate-tags","filename":"trial.c","size":%d}\n%s' % (len(SOURCE), SOURCE)
        script = "printf '%%s' '%s' | '%s' --_interactive=sandbox" % (request, path)
        plain, _ = self.compare([["sh", "-c", script]], said=RETIRED, timeout=30, **env)
        self.assertIn(b'"name": "f"', plain[0][1])

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_chronyd(self):
        path, env = self.unpack("usr/sbin/chronyd", "chrony")
        config = self.write("chrony.conf", "server 127.0.0.1 port 9 iburst\ncmdport 0\nbindcmdaddress /\npidfile %s/pid\n" % self.directory)
        script = "('%s' -Q -t 1 -F 1 -u root -f '%s'; echo $?) 2>&1 | sed 's/^[0-9TZ:-]* //'" % (path, config)
        plain, _ = self.compare([["sh", "-c", script]], spans=100, said=RETIRED, timeout=30, **env)
        self.assertIn(b"Loaded seccomp filter", plain[0][1])

    def test_man(self):
        """Has its helpers executed under a filter, which refuses."""
        if not shutil.which("man") or b"page" not in self.execute(["man", "-l", self.write("trial.1", PAGE)]).stdout:
            self.skipTest("not installed: man")
        self.compare([["man", "-l", self.path("trial.1")], ["man", "-Tlatin1", "-l", self.path("trial.1")]], spans=100,
                     said="nothing is recorded: cannot make a ring file in .*: Function not implemented")

    @unittest.skipUnless(os.uname().machine == "x86_64", "numbers of system calls")
    def test_bubblewrap(self):
        """Executes programs under a filter that it is given: here of membarrier, ftruncate, fallocate."""
        path, env = self.unpack("usr/bin/bwrap", "bubblewrap")
        bwrap = [path, "--dev-bind", "/", "/", "--proc", "/proc"]
        if self.execute([*bwrap, "true"], dict(clean_environment(), **env)).status:
            self.skipTest("no namespaces here")
        for action in 0x80000000, 0, 0x00030000:
            with self.subTest(action=hex(action)):
                for name in self.log, self.out:
                    if os.path.exists(name):
                        os.unlink(name)
                with open(self.path("filter"), "wb") as file:
                    file.write(filter_program([324, 77, 285], action))
                script = "exec 9< '%s'; exec %s --seccomp 9 sqlite3 :memory: 'SELECT 6*7'" % (self.path("filter"), " ".join(bwrap))
                plain, _ = self.compare([["sh", "-c", script]], said=RETIRED, timeout=30, **env)
                self.assertEqual(plain[0][1], b"42\n")

    # --- sshd ---

    def serve(self, server, env, port, client):
        """The server's log and what the client got; the server runs meanwhile."""
        process = self.start(server, env)
        for _ in range(300):
            if process.poll() is not None:
                self.fail("the server ended: %r" % (process.communicate(),))
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        got = [self.execute(words, input=b"x" * 300000, timeout=60).visible for words in client]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, got, b"fatal" in err, err

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("ssh") and shutil.which("unshare"), "needs root, ssh and unshare")
    def test_sshd(self):
        """Its child of before the log-in kills itself at what it does not need."""
        path, env = self.unpack("usr/sbin/sshd", "openssh-server", "libwrap0")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        for name in "host", "user":
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path(name)], check=True)
        config = self.write("sshd.conf", SSHD % {"dir": self.directory, "port": port})
        with open("/etc/passwd", encoding="utf-8") as file:
            passwd = self.write("passwd", file.read() + "sshd:x:64999:65534::/run/sshd:/usr/sbin/nologin\n")
        ssh = ["ssh", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
               "-o", "IdentitiesOnly=yes", "-i", self.path("user"), "-p", str(port), "root@127.0.0.1"]
        client = [ssh + ["echo hello; echo trouble >&2; exit 3"], ssh + ["wc -c"]]
        prefix, outcomes = ["unshare", "-m", "sh", "-c", ALONE % passwd, "sh"], []
        if self.execute(prefix + ["true"]).status:
            self.skipTest("no mount namespaces here")
        for traced in False, True:
            words = [path, "-D", "-e", "-f", config]
            full = dict(self.traced_environment() if traced else clean_environment(), **env)
            full.pop("LD_PRELOAD", None)
            outcomes.append(self.serve(prefix + (["env", "LD_PRELOAD=" + PRELOAD] if traced else []) + words, full, port, client))
        self.assertEqual(outcomes[1][:4], outcomes[0][:4], outcomes)
        self.assertEqual([got[2] for got in outcomes[0][2]], [3, 0])
        self.assertEqual(outcomes[0][2][1][0], b"300000\n")
        self.assertEqual(self.command("recover", self.rings).status, 0)
        self.assertGreater(self.count_spans(), 500)


if __name__ == "__main__":
    main()
