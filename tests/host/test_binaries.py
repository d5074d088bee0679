# SPDX-License-Identifier: Apache-2.0
"""Programs built in unusual ways, and unusual company: sanitizers, allocators, debuggers, set-user-ID.

What cannot be built here is skipped by name.
"""

import glob
import os
import re
import shutil
import stat
import subprocess
import unittest

import packages
from transparency import COMMAND, PRELOAD, Transparency, main

HERE = os.path.dirname(os.path.abspath(__file__))
SQLITE = ["-pthread", "-lsqlite3", "-lm", "-ldl"]
STATEMENTS = 5 * (200 + 2)  # of four threads and a child

GO = """
package main
import ("fmt"; "net"; "net/http"; "net/http/httptest"; "os"; "os/exec"; "os/signal"; "sync"; "syscall"; "io")
func main() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "served ", r.URL.Path) }))
	var wait sync.WaitGroup
	results := make([]string, 20)
	for n := range results {
		wait.Add(1)
		go func(n int) { defer wait.Done(); a, _ := http.Get(fmt.Sprint(server.URL, "/", n)); b, _ := io.ReadAll(a.Body); results[n] = string(b) }(n)
	}
	wait.Wait(); server.Close(); fmt.Println(results)
	told := make(chan os.Signal, 1); signal.Notify(told, syscall.SIGUSR1); syscall.Kill(os.Getpid(), syscall.SIGUSR1); fmt.Println(<-told)
	out, err := exec.Command("sh", "-c", "echo child; exit 4").Output(); fmt.Println(string(out), err)
	_, err = net.LookupHost("localhost"); fmt.Println(err)
	defer func() { fmt.Println("recovered:", recover()); os.Exit(9) }()
	var none *int; fmt.Println(*none)
}
"""

RUST = """
use std::{process::Command, sync::mpsc, thread, panic};
fn main() {
    let (tx, rx) = mpsc::channel();
    let all: Vec<_> = (0..8u64).map(|n| { let tx = tx.clone(); thread::spawn(move || tx.send((1..=n * 1000).sum::<u64>()).unwrap()) }).collect();
    for t in all { t.join().unwrap(); }
    let mut sums: Vec<u64> = rx.try_iter().collect(); sums.sort(); println!("{:?}", sums);
    let child = Command::new("sh").args(["-c", "echo child; exit 4"]).output().unwrap(); println!("{:?} {:?}", child.status.code(), child.stdout);
    panic::set_hook(Box::new(|_| eprintln!("a panic")));
    println!("{}", panic::catch_unwind(|| { let v: Vec<i32> = vec![]; v[0] }).is_err());
    std::fs::write("made", "by rust").unwrap();
    println!("{:?}", thread::spawn(|| panic!("in a thread")).join().is_err());
    std::process::exit(6);
}
"""


def library(name):
    """A shared object where Debian puts it, or None."""
    found = sorted(glob.glob("/usr/lib/*-linux-gnu*/" + name))
    return found[0] if found else None


class Binaries(Transparency):
    def build(self, name, *arguments, compiler="gcc", source=os.path.join(HERE, "host.c"), libraries=SQLITE):
        """Path of a program, in the test's directory."""
        if not shutil.which(compiler):
            self.skipTest("not installed: " + compiler)
        path = self.path(name)
        done = subprocess.run([compiler, "-O1", "-g", "-D_GNU_SOURCE", *arguments, "-o", path, source, *libraries],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            self.skipTest("cannot be built here: " + done.stderr.strip().splitlines()[-1])
        return path

    def assert_transparent(self, program, *arguments, spans=STATEMENTS, **options):
        return self.compare([[program, *arguments]], spans=spans, **options)

    def test_plain(self):
        for name, flags in {"pie": [], "no-pie": ["-no-pie", "-fno-pie"], "lazy": ["-Wl,-z,lazy", "-Wl,-z,norelro"],
                            "now": ["-Wl,-z,now"], "cet": ["-fcf-protection=full"], "O3": ["-O3", "-flto"]}.items():
            with self.subTest(name):
                self.assert_transparent(self.build(name, *flags))

    def test_static(self):
        """Nothing can be seen, and nothing may change."""
        for name, flags in {"static": ["-static"], "static-pie": ["-static-pie"]}.items():
            with self.subTest(name):
                # its children are traced: /bin/sh
                self.assert_transparent(self.build(name, *flags), spans=True)

    def test_go(self):
        self.write("main.go", GO)
        for cgo in "0", "1":
            with self.subTest(cgo=cgo):
                go = shutil.which("go")
                if not go:
                    self.skipTest("not installed: go")
                program = self.path("go" + cgo)
                done = subprocess.run([go, "build", "-o", program, self.path("main.go")], capture_output=True, text=True,
                                      env=dict(os.environ, CGO_ENABLED=cgo, GOFLAGS="-mod=mod", GOTOOLCHAIN="local"), check=False)
                if done.returncode:
                    self.skipTest("cannot be built here: " + done.stderr.strip()[-200:])
                self.compare([[program]], status=9)

    def test_rust(self):
        self.write("main.rs", RUST)
        rustc = shutil.which("rustc")
        done = rustc and subprocess.run([rustc, "-O", "-o", self.path("rust"), self.path("main.rs")], capture_output=True, check=False)
        if not done or done.returncode:
            self.skipTest("no rustc that works")
        self.compare([[self.path("rust")]], status=6)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root and setpriv")
    def test_set_user_id(self):
        """The loader leaves the preload out: no trace of us, and no message either."""
        program = self.build("setuid")
        os.chmod(program, 0o4755)
        os.chmod(self.directory, 0o755)
        os.chmod(self.cwd, 0o755)
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program]
        plain, traced = self.both([as_nobody], prepare=lambda d: os.chmod(d, 0o777))
        self.assertEqual(traced, plain)
        self.assertEqual(plain[0][0][3], 0, plain)
        # setpriv itself is traced, the program and what it starts is not
        if os.path.exists(self.out):
            with open(self.out, "rb") as file:
                self.assertNotIn(b"sqlite3", file.read())

    def test_allocators(self):
        """Preloaded as well, before us and behind us."""
        program = self.build("allocated")
        seen = 0
        for name in "libjemalloc.so.2", "libmimalloc.so.2", "libtcmalloc_minimal.so.4":
            path = library(name)
            if not path:
                print("not installed: " + name)
                continue
            seen += 1
            for preload in ":".join((PRELOAD, path)), ":".join((path, PRELOAD)):
                for command in [program], ["/usr/bin/python3", "-c", "import sqlite3, threading, json\nprint(json.loads('[1]'))\n"
                                           "db = sqlite3.connect(':memory:')\nprint(db.execute('select 6*7').fetchall())"]:
                    with self.subTest(name, preload=preload, command=command[0]):
                        plain = self.execute(command, dict(self.plain_environment(), LD_PRELOAD=path))
                        traced = self.execute(command, dict(self.traced_environment(), LD_PRELOAD=preload))
                        self.assertEqual(traced.visible, plain.visible)
                        self.assertEqual(plain.status, 0, plain.visible)
        if not seen:
            self.skipTest("no allocator is installed")
        self.assertGreater(self.count_spans(), seen * 2 * STATEMENTS)

    def test_interposer(self):
        """A preloaded object with a dlsym, dlopen and pthread_create of its own, before us and behind us."""
        program = self.build("interposed")
        other = self.build("other.so", "-shared", "-fPIC", source=os.path.join(HERE, "interposer.c"), libraries=["-ldl"])
        plain = self.execute([program], dict(self.plain_environment(), LD_PRELOAD=other))
        self.assertEqual(plain.status, 0, plain.visible)
        self.assertIn(b"interposer: 4 threads", plain.stderr)
        # preloaded behind us it is asked for the drain's thread as well: SAFETY.md
        with_ours = plain.visible[0], plain.visible[1].replace(b": 4 threads", b": 5 threads"), 0
        for preload in ":".join((PRELOAD, other)), ":".join((other, PRELOAD)):
            with self.subTest(preload):
                traced = self.execute([program], dict(self.traced_environment(), LD_PRELOAD=preload))
                self.assertEqual(traced.visible, with_ours if preload.startswith(PRELOAD) else plain.visible)
        self.assertGreaterEqual(self.count_spans(), 2 * STATEMENTS)

    def test_sanitizers(self):
        """A program under AddressSanitizer has to be run by the launcher: see README, Limits."""
        for compiler in "gcc", "clang":
            for kind in "address", "thread", "undefined":
                with self.subTest(compiler, kind=kind):
                    program = self.build("%s-%s" % (compiler, kind), "-fsanitize=" + kind, compiler=compiler)
                    randomness = ["setarch", "-R"] if kind == "thread" else []
                    plain = self.execute([*randomness, program], self.plain_environment())
                    if plain.status:
                        print("%s -fsanitize=%s does not run here: %s" % (compiler, kind, plain.stderr[-200:]))
                        continue
                    traced = self.execute([*randomness, COMMAND, "run", "--bindings", "auto:" + self.wide, "--", program],
                                          self.environment())
                    self.assertEqual(traced.visible, plain.visible)
                    self.assertGreaterEqual(self.count_spans(), STATEMENTS)
                    os.unlink(self.out)

    def test_llvm_unwinder(self):
        """LLVM's libunwind and libc++ instead of GCC's."""
        source = self.write("throw.cc", "#include <stdexcept>\n#include <iostream>\n#include <thread>\n#include <sqlite3.h>\n"
                            "static int refuse(void *, int, char **, char **) { throw std::runtime_error(\"thrown through\"); }\n"
                            "static void go() { sqlite3 *db; sqlite3_open(\":memory:\", &db);\n"
                            "for (int n = 0; n < 50; n++) try { sqlite3_exec(db, \"SELECT 1\", refuse, nullptr, nullptr); }\n"
                            "catch (const std::exception &e) { if (n == 49) std::cout << e.what() << std::endl; } }\n"
                            "int main() { go(); std::thread(go).join(); }\n")
        # not installed: they conflict with the libunwind that the build needs
        root = packages.unpack("llvm", "libc++-14-dev", "libc++1-14", "libc++abi-14-dev", "libc++abi1-14", "libunwind-14",
                               "libunwind-14-dev")
        if not root:
            self.skipTest("LLVM's libc++ cannot be had")
        llvm, libraries = root + "/usr/lib/llvm-14", root + "/usr/lib/x86_64-linux-gnu"
        program = self.build("llvm", "-nostdinc++", "-isystem", llvm + "/include/c++/v1", "-nostdlib++", "-L" + libraries,
                             "-L" + llvm + "/lib", "-Wl,-rpath," + libraries, "-Wl,-rpath," + llvm + "/lib", compiler="clang++",
                             source=source, libraries=["-lsqlite3", "-pthread", "-lunwind", "-lc++", "-lc++abi"])
        with open(program, "rb") as file:
            self.assertIn(b"libunwind.so.1", file.read())
        self.assert_transparent(program, spans=100)

    @unittest.skipUnless(shutil.which("gdb"), "not installed: gdb")
    def test_gdb(self):
        """A debugger sees the same: breakpoints, backtraces to main, the program's end."""
        program = self.build("debugged")
        gdb = ["gdb", "-q", "-nx", "-batch", "-ex", "set startup-with-shell off", "-ex", "set debuginfod enabled off", "-ex", "set print thread-events off",
               "-ex", "handle SIGPROF SIGUSR1 nostop noprint", "-ex", "break sum_of_host", "-ex", "run", "-ex", "backtrace",
               "-ex", "delete", "-ex", "continue", program]
        outputs = []
        for traced in False, True:
            if traced:
                gdb[gdb.index("run"):gdb.index("run")] = ["set environment LD_PRELOAD " + PRELOAD, "-ex"]
            done = self.execute(gdb, self.environment("auto:" + self.wide) if traced else self.plain_environment())
            text = done.stdout.decode()
            self.assertIn("exited normally", text, done.stderr)
            self.assertIn("hit Breakpoint 1, sum_of_host", text)
            text = text[text.index("hit Breakpoint"):]
            frames = re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\w+)", text, re.M)
            outputs.append([line for line in text.splitlines() if re.match(r"(thread|child|forked|spawned|signals)", line)])
            self.assertEqual((frames[0], [f for f in frames if f in ("sqlite3_exec", "work")]), ("sum_of_host", ["sqlite3_exec", "work"]), text)
        self.assertEqual(*outputs)
        self.assertGreaterEqual(self.count_spans(), STATEMENTS)

    @unittest.skipUnless(shutil.which("valgrind"), "not installed: valgrind")
    def test_valgrind(self):
        """memcheck finds nothing that it would not find without: of probes for what pointers point to, neither."""
        steps = [["valgrind", "-q", "--error-exitcode=9", "sqlite3", ":memory:", "select 'one'; select * from missing;"],
                 ["valgrind", "-q", "--error-exitcode=9", "--tool=memcheck", "/bin/ls", "/"]]
        (plain, _), (traced, _) = self.both(steps)
        self.assertEqual(traced, plain)
        self.assertEqual([result[3] for result in plain], [1, 0])
        self.assertGreaterEqual(self.count_spans(), 10)

    @unittest.skipUnless(shutil.which("strace"), "not installed: strace")
    def test_strace(self):
        program = self.build("followed")
        plain = self.execute(["strace", "-f", "-o", "/dev/null", program], self.plain_environment())
        self.assertEqual(plain.status, 0, plain.visible)
        env = self.environment("auto:" + self.wide)
        traced = self.execute(["strace", "-f", "-o", "/dev/null", "-E", "LD_PRELOAD=" + PRELOAD, program], env)
        self.assertEqual(traced.visible, plain.visible)
        self.assertGreaterEqual(self.count_spans(), STATEMENTS)


if __name__ == "__main__":
    main()
