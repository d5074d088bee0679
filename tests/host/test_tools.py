# SPDX-License-Identifier: Apache-2.0
"""Everyday programs, with and without: shells, git, compilers, build tools, interpreters, archivers.

What is not installed here is skipped by name.
"""

import os
import shutil
import unittest

from transparency import SOURCE, Transparency, main, unfit

FIXED = {"GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
         "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "A",
         "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_GLOBAL": "/dev/null",
         "GIT_CONFIG_SYSTEM": "/dev/null", "SOURCE_DATE_EPOCH": "1767323045", "TZ": "UTC"}


def needs(*programs):
    missing = [name for name in programs if not shutil.which(name, path=SYSTEM_PATH)]
    return unittest.skipIf(missing, "not installed: " + ", ".join(missing))


# Debian's programs, not what a version manager puts in front of them
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"

SHELL = r"""
set -u
trap 'echo leaving with $?' EXIT
trap 'echo got USR1' USR1
f() { local n=$1; [ "$n" -le 1 ] && { echo 1; return; }; echo $(( n * $(f $((n - 1))) )); }
f 6
kill -USR1 $$
{ for n in 1 2 3 4 5; do echo "$n" & wait $!; done; } 2>/dev/null | sort -r | tr '\n' ' '; echo
( cd / && pwd; exit 3 ); echo "subshell $?"
seq 1 2000 | awk '{ s += $1 } END { print s }'
cat <<EOF | wc -c
here $(echo document) `echo old` $((6 * 7))
EOF
yes | head -n 1000 | md5sum
{ sleep 60 & pid=$!; kill -TERM $pid; wait $pid; echo "killed $?"; } 2>/dev/null
no-such-command-here 2>/dev/null; echo "missing $?"
test -e nothing || echo nothing > made; umask 027; : > other; mkfifo pipe
(echo through > pipe) & cat < pipe
exec 5> five; echo five >&5; exec 5>&-; cat five
find . -type f | sort
case $0 in *) echo "$(printf '%s-%05.2f' x 3.14159)";; esac
{ sh -c 'kill -SEGV $$'; } 2>/dev/null; echo "child $?"
exit 7
"""

BASH = SHELL.replace("exit 7", r"""
declare -A map=([a]=1 [b]=2); for k in a b; do echo "$k=${map[$k]}"; done
coproc WORK { while read -r line; do echo "<$line>"; done; }
echo asked >&"${WORK[1]}"; read -r answer <&"${WORK[0]}"; echo "$answer"
eval "exec ${WORK[1]}>&-"; wait
mapfile -t lines < <(seq 5); echo "${#lines[@]} ${lines[4]}"
diff <(seq 1 5) <(seq 2 6)
set -o pipefail; false | true; echo "pipe ${PIPESTATUS[*]} $?"
timeout 0.1 sleep 5; echo "timeout $?"
exit 7""")


class Shells(Transparency):
    def test_dash(self):
        self.write("script", SHELL)
        self.compare([["/bin/dash", self.path("script")]], status=7, spans=1000)

    def test_bash(self):
        self.write("script", BASH)
        self.compare([["/bin/bash", self.path("script")]], status=7, spans=1000)

    @unfit("split asks for memory as it may not", "address")
    def test_coreutils(self):
        self.compare([
            ["sh", "-c", "seq 1 20000 | shuf --random-source=/bin/true | sort -n | tac | split -l 5000 - part."],
            ["cp", "-a", os.path.join(SOURCE, "docs"), "copy"], ["ls", "-l", "--time-style=+", "copy"],
            ["du", "-sb", "copy"], ["sh", "-c", "find copy -type f | sort | xargs -P 4 -n 1 sha256sum | sort"],
            ["sh", "-c", "grep -rc span copy | sort"], ["sed", "-n", "s/span/SPAN/gp", "copy/BINDINGS.md"],
            ["sh", "-c", "dd if=/dev/zero bs=64k count=64 status=none | sha1sum"], ["date", "-u", "-d", "@0"],
            ["factor", "18446744073709551557"]], spans=1000)


@needs("git")
class Git(Transparency):
    def test_clone_commit_log(self):
        """A real repository, over git's own transport: this project's, if it was cloned, else one made here."""
        origin = self.path("origin")
        setup = [["git", "init", "-q", "-b", "main", origin], ["cp", "-r", os.path.join(SOURCE, "collector"), origin],
                 ["git", "-C", origin, "add", "-A"], ["git", "-C", origin, "commit", "-q", "-m", "all of it"]]
        for step in setup:
            self.assertEqual(self.execute(step, env={**os.environ, **FIXED}).status, 0)
        git = ["git", "-C", "clone", "-c", "gc.auto=0"]
        self.compare([
            ["git", "clone", "-q", "--no-local", "file://" + origin, "clone"],
            [*git, "mv", "collector/drain.c", "collector/moved.c"], ["sh", "-c", "echo line >> clone/collector/json.c"],
            [*git, "add", "-A"], [*git, "commit", "-m", "a change"], [*git, "log", "--stat", "--format=fuller"],
            [*git, "diff", "-M", "HEAD~1"], [*git, "blame", "collector/json.c"], [*git, "checkout", "-q", "-b", "side", "HEAD~1"],
            ["sh", "-c", "echo other > clone/other"], [*git, "add", "other"], [*git, "commit", "-q", "-m", "side"],
            [*git, "merge", "-q", "--no-edit", "main"], [*git, "repack", "-adq", "--threads=1"], [*git, "fsck", "--full"],
            [*git, "archive", "-o", "../archive.tar", "HEAD"], [*git, "push", "-q", "origin", "side"],
            ["git", "-C", origin, "branch", "-D", "side", "-q"]],
            spans=500, ignored=("/index", "clone/.git/objects/pack/", "/logs/"), **FIXED)


@needs("gcc", "g++")
class Compilers(Transparency):
    def test_gcc_and_gxx(self):
        """The whole collector, and templates; objects and programs are the same to the byte."""
        self.write("templates.cc", "#include <regex>\n#include <iostream>\n#include <map>\n#include <thread>\n"
                   "int main() { std::map<std::string, int> m; std::regex r(\"(a|b)+\"); int n = 0;\n"
                   "std::thread([&] { n = std::regex_match(\"abba\", r); }).join();\n"
                   "try { std::regex(\"(\"); } catch (const std::regex_error &e) { m[\"error\"] = e.code(); }\n"
                   "std::cout << n << m.size() << std::endl; }\n")
        sources = sorted(name for name in os.listdir(os.path.join(SOURCE, "collector")) if name.endswith(".c"))
        gcc = "gcc -std=gnu11 -D_GNU_SOURCE -DSS_VERSION='\"0\"' -I{0} -I{0}/shim/intercept/arch/x86_64 -O2 -c {0}/collector/".format(SOURCE)
        self.compare([["sh", "-c", gcc + name] for name in sources[:12]] + [
            ["g++", "-O1", "-g", "-pthread", "-o", "templates", self.path("templates.cc")], ["./templates"],
            ["sh", "-c", "echo 'int main(void) { return x; }' | gcc -x c - 2>&1; echo $?"],
            ["sh", "-c", "echo 'int f(void) { return 1; }' | gcc -O2 -pipe -flto=2 -shared -fPIC -o lto.so -x c -"]], spans=500)

    @needs("make", "cmake", "ninja")
    def test_build_tools(self):
        """make -j, cmake with Makefiles and with ninja; a failing target too."""
        def prepare(directory):
            lines = ["all:"]
            for number in range(40):
                with open(os.path.join(directory, "u%d.c" % number), "w", encoding="utf-8") as file:
                    file.write("int u%d(void) { return %d; }\n" % (number, number))
                lines.append("all: u%d.o" % number)
            lines += ["bad:", "\tfalse", "shell := $(shell echo asked)", "$(info $(shell))"]
            for name, text in {
                    "Makefile": "\n".join(lines) + "\n",
                    "CMakeLists.txt": "cmake_minimum_required(VERSION 3.10)\nproject(p C)\nfile(GLOB s u*.c)\n"
                                      "add_library(p ${s})\nadd_custom_command(TARGET p POST_BUILD COMMAND ${CMAKE_COMMAND} -E echo built)\n"
            }.items():
                with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                    file.write(text)
        self.compare([["make", "-s", "-j", "4", "-O"], ["sh", "-c", "make -k bad; echo $?"]], prepare=prepare, spans=500)
        self.compare([["cmake", "-G", "Ninja", "-S", ".", "-B", "n", "-DCMAKE_C_COMPILER_WORKS=1"],
                      ["sh", "-c", "ninja -C n -j 1 | tail -n 1"], ["sh", "-c", "ninja -C n | tail -n 1"],
                      ["cmake", "-S", ".", "-B", "m", "-DCMAKE_C_COMPILER_WORKS=1"],
                      ["make", "-s", "-C", "m"]],
                     prepare=prepare, spans=500, ignored=(".ninja_log", ".ninja_deps", "CMakeFiles/", "CMakeCache"))


PERL = r"""
use strict; use warnings; use POSIX ":sys_wait_h"; use Time::Local;
$SIG{ALRM} = sub { print "alarm\n" }; alarm 1; select(undef, undef, undef, 1.5);
my %count; $count{$_ % 7}++ for 1..10000; print join(",", map { "$_=$count{$_}" } sort keys %count), "\n";
my $pid = open(my $pipe, "-|") // die; if (!$pid) { print "from the child $_\n" for 1..3; exit 4 }
print while <$pipe>; close $pipe; print "status ", $? >> 8, "\n";
print "back: ", `echo quoted; exit 5`, $? >> 8, "\n"; system("exit 9"); print $? >> 8, "\n";
my $text = "span " x 1000; print scalar(() = $text =~ /(?:s|p)a?n?/g), "\n";
local $! = 2; print "$!\n"; eval { die { code => 3 } }; print $@->{code}, "\n";
open(my $file, ">", "made by perl") or die; print $file "x" x 70000; close $file; print -s "made by perl", "\n";
printf "%.15g %s\n", atan2(1, 1) * 4, scalar gmtime(86400 * 365);
fork // die; wait; exit 11;
"""

NODE = r"""
const { Worker, isMainThread, parentPort } = require('worker_threads');
const fs = require('fs'), zlib = require('zlib'), crypto = require('crypto'), http = require('http');
const { execFileSync, spawn } = require('child_process');
if (!isMainThread) { parentPort.postMessage([...Array(1000).keys()].reduce((a, b) => a + b)); }
else (async () => {
  console.log(await Promise.all([1, 2, 3].map(() => new Promise(r => new Worker(__filename).on('message', r)))));
  const packed = zlib.gzipSync('span '.repeat(10000)); console.log(packed.length, zlib.gunzipSync(packed).length);
  console.log(crypto.createHash('sha256').update(packed.subarray(10)).digest('hex'));
  console.log(execFileSync('sh', ['-c', 'echo child']).toString().trim());
  await new Promise(r => spawn('sh', ['-c', 'kill -TERM $$']).on('exit', (c, s) => { console.log(c, s); r(); }));
  const server = http.createServer((q, a) => a.end('served ' + q.url)).listen(0, '127.0.0.1');
  await new Promise(r => server.once('listening', r));
  for (let n = 0; n < 5; n++) await new Promise(r => http.get({ port: server.address().port, host: '127.0.0.1', path: '/' + n },
    a => a.on('data', d => console.log(d.toString())).on('end', r)));
  server.close(); fs.mkdirSync('made/by/node', { recursive: true }); fs.writeFileSync('made/by/node/file', packed.subarray(10));
  try { null.x } catch (e) { console.log(e.constructor.name) }
  process.on('exit', c => console.log('exit', c)); process.exitCode = 6;
})();
"""


JAVA = r"""
import java.util.*; import java.util.concurrent.*; import java.util.stream.*;
public class Program {
  static int depth(int n) { return depth(n + 1) + 1; }
  public static void main(String[] arguments) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(8); List<Future<Long>> all = new ArrayList<>();
    for (int i = 0; i < 100; i++) { final int k = i; all.add(pool.submit(() -> LongStream.range(0, 20000).map(x -> x * k % 7).sum())); }
    long sum = 0; for (var one : all) sum += one.get(); pool.shutdown(); System.out.println(sum);
    try { depth(0); } catch (StackOverflowError e) { System.out.println("overflow"); }
    try { Object none = null; none.hashCode(); } catch (NullPointerException e) { System.out.println("null"); }
    List<byte[]> much = new ArrayList<>();
    try { while (true) much.add(new byte[1 << 22]); } catch (OutOfMemoryError e) { much = null; System.out.println("memory"); }
    System.out.println(new ProcessBuilder("sh", "-c", "echo child; exit 4").inheritIO().start().waitFor());
    Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook"))); System.exit(3);
  }
}
"""


class Interpreters(Transparency):
    @needs("java", "javac")
    def test_java(self):
        """Its own signal handlers, guard pages and stacks: overflow, null and full heap are faults it expects."""
        self.write("Program.java", JAVA)
        self.compare([["sh", "-c", "javac -d . %s && java -Xmx64m -XX:-UsePerfData -cp . Program; echo $?" % self.path("Program.java")]],
                     spans=1000)

    @needs("perl")
    def test_perl(self):
        self.write("script.pl", PERL)
        self.compare([["perl", self.path("script.pl")]], status=11, spans=100)

    @needs("node")
    def test_node(self):
        self.write("script.js", NODE)
        self.compare([["node", self.path("script.js")]], status=6, spans=100)

    @needs("npm")
    def test_npm(self):
        def prepare(directory):
            os.makedirs(os.path.join(directory, "package"))
            for name, text in {"package.json": '{"name": "p", "version": "1.0.0", "main": "i.js", "scripts": {"test": "node i.js"}}',
                               "i.js": "console.log('p runs', process.argv.length)\n"}.items():
                with open(os.path.join(directory, "package", name), "w", encoding="utf-8") as file:
                    file.write(text)
        quiet = ["--offline", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error", "--cache", self.path("npm")]
        self.compare([["npm", "pack", "./package", *quiet], ["sh", "-c", "npm install ./p-1.0.0.tgz " + " ".join(quiet) + " | sed 's/ in .*s$//'"],
                      ["npm", "ls", *quiet], ["npm", "run", "--silent", "--prefix", "package", "test", *quiet]],
                     prepare=prepare, spans=100, HOME=self.directory)

    @needs("tclsh")
    def test_tcl(self):
        self.write("script.tcl", "after 50 {set done 1}; vwait done; puts [expr {2**100}]; puts [exec echo child]\n"
                   "set f [open made w]; puts $f [string repeat x 9999]; close $f; exit 8\n")
        self.compare([["tclsh", self.path("script.tcl")]], status=8, spans=10)

    def test_python(self):
        """Debian's, with the standard library compiled, a thread pool, processes, tracebacks."""
        self.write("script.py", "import asyncio, concurrent.futures, json, multiprocessing, random, sqlite3, subprocess, sys, threading\n"
                   "random.seed(7); print(random.sample(range(1000), 5))\n"
                   "with concurrent.futures.ThreadPoolExecutor(4) as p: print(list(p.map(lambda n: n * n, range(20))))\n"
                   "with multiprocessing.get_context('fork').Pool(2) as p: print(p.map(abs, range(-5, 5)))\n"
                   "async def f(n): await asyncio.sleep(0); return n\n"
                   "async def g(): return await asyncio.gather(*(f(n) for n in range(50)))\n"
                   "print(sum(asyncio.run(g())))\n"
                   "db = sqlite3.connect('made.db'); db.execute('create table t(x)')\n"
                   "db.executemany('insert into t values (?)', ((n,) for n in range(999))); db.commit()\n"
                   "print(db.execute('select count(*), sum(x) from t').fetchone(), json.loads('[1, 2.5]'))\n"
                   "print(subprocess.run(['sh', '-c', 'exit 3']).returncode, sorted(sys.modules) == sorted(set(sys.modules)))\n"
                   "print(threading.active_count(), sys.getrefcount(None) > 0, [m for m in sys.modules if 'spanshim' in m and m != '_spanshim'])\n"
                   "raise ValueError('shown with its traceback')\n")
        self.compare([["/usr/bin/python3", self.path("script.py")]], status=1, spans=1000)
        self.compare([["/usr/bin/python3", "-m", "compileall", "-q", "-d", "x", "-j", "1", "."]],
                     prepare=lambda d: shutil.copytree("/usr/lib/python3.11/json", os.path.join(d, "json"))
                     if os.path.isdir("/usr/lib/python3.11/json") else None, spans=10, ignored=("__pycache__",))


class Data(Transparency):
    @needs("openssl")
    def test_openssl(self):
        self.compare([["openssl", "dgst", "-sha256", "/bin/sh"],
                      ["sh", "-c", "openssl genrsa 2048 2>/dev/null | openssl rsa -check -noout"]], spans=100)

    @needs("apt-cache", "apt-get", "dpkg")
    def test_apt(self):
        """What libapt-pkg reads, and its methods' processes; nothing is changed."""
        self.compare([["dpkg", "-l", "bash"], ["apt-cache", "policy", "bash"], ["apt-get", "-s", "-q", "check"]], spans=1000)

    @needs("tar", "gzip", "xz", "bzip2")
    def test_archives(self):
        tar = ["tar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "-C", SOURCE]
        self.compare([[*tar, "-cf", "a.tar", "collector", "shim"], ["gzip", "-nk9", "a.tar"], ["xz", "-kT2", "a.tar"],
                      ["bzip2", "-k", "a.tar"], ["sh", "-c", "gzip -dc a.tar.gz | cmp - a.tar && xz -dc a.tar.xz | cmp - a.tar"],
                      ["mkdir", "out"], ["tar", "-C", "out", "-xzf", "a.tar.gz"], ["sh", "-c", "gzip -t a.tar; echo $?"]], spans=500)

    @needs("sqlite3")
    def test_sqlite(self):
        self.write("script.sql", "CREATE TABLE t(a, b);\nWITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c WHERE x<5000)\n"
                   "INSERT INTO t SELECT x, x * x FROM c;\nSELECT count(*), sum(b) FROM t;\n.mode json\nSELECT * FROM t WHERE a % 999 = 0;\n"
                   ".dump\nSELECT no_such FROM t;\n.shell echo out; exit 2\n.backup copy.db\nPRAGMA integrity_check;\n")
        self.compare([["sqlite3", "made.db", ".read " + self.path("script.sql")]], status=None, spans=10)

    @needs("curl")
    def test_curl(self):
        """file:// and a refused connection; servers are in test_servers.py."""
        self.write("body", "x" * 100000)
        url = "file://" + self.path("body")
        self.compare([["curl", "-sS", "-o", "copy", url], ["curl", "-sS", "--no-progress-meter", "--parallel", url, url, "-o", "a", "-o", "b"],
                      ["sh", "-c", "curl -sS file:///nothing/here; echo $?"],
                      ["curl", "-sS", "-I", url, "-w", "%{size_download} %{http_code}\\n", "-o", "/dev/null"]], spans=5)


if __name__ == "__main__":
    main()
