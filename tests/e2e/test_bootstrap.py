"""config/bootstrap.sh: its words, and that it does nothing where nothing is missing."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from harness.case import BridgeCase
from harness.deadline import LONG_S, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "config" / "bootstrap.sh"


def bootstrap(*arguments, **options):
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False,
                          timeout=LONG_S, stdin=subprocess.DEVNULL, **options)


class Words(BridgeCase):
    def test_help_names_the_commands(self):
        done = bootstrap("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for command in ("build", "run", "test"):
            self.assertRegex(done.stdout, rf"(?m)^  {command} ")

    def test_no_or_an_unknown_command_is_told_with_the_usage(self):
        for arguments in ([], ["frobnicate"]):
            done = bootstrap(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn("usage: config/bootstrap.sh", done.stderr)
        self.assertIn('"frobnicate"', done.stderr)

    def test_surplus_arguments_are_told(self):
        done = bootstrap("build", "fast")
        self.assertEqual(done.returncode, 1)
        self.assertIn("build takes no arguments", done.stderr)

    def test_shellcheck_finds_nothing(self):
        if not shutil.which("shellcheck"):
            self.skipTest("shellcheck is not installed")
        subprocess.run(["shellcheck", SCRIPT, ROOT / ".ci" / "run", ROOT / "config" / "lint.sh"],
                       check=True, timeout=LONG_S)


class Needs(BridgeCase):
    """With a PATH of its own: what is found there is all that there is."""

    def path_with(self, **scripts):
        folder = self.folder / "bin"
        folder.mkdir()
        for name in ("bash", "sh", "dirname", "mkdir", "cat", "id", "env", "tail", "uname"):
            if name not in scripts:
                (folder / name).symlink_to(shutil.which(name))
        for name, text in scripts.items():
            path = folder / name.replace("_", "-")
            path.write_text("#!/bin/sh\n" + text)
            path.chmod(0o755)
        return os.environ | {"PATH": str(folder)}

    def test_without_apt_get_what_is_missing_is_named(self):
        done = bootstrap("build", env=self.path_with())
        self.assertEqual(done.returncode, 1)
        self.assertIn("missing: command cmake", done.stderr)
        self.assertIn("missing: module libmicrohttpd", done.stderr)
        self.assertRegex(done.stderr, r"no apt-get.*Debian's names: .*libmicrohttpd-dev")

    def test_without_apt_get_it_goes_on_when_all_is_there(self):
        log = self.folder / "built"
        there = {name: "exit 0\n" for name in ("ninja", "pkg_config", "cc", "node", "npm")}
        done = bootstrap("build", env=self.path_with(cmake=f'echo "$@" >>{log}\n', **there))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("--build build/release", log.read_text())

    def test_only_what_is_missing_is_asked_for_and_a_failure_is_told(self):
        log = self.folder / "asked"
        fake = f'echo "$@" >>{log}\necho "no such package"\nexit 100\n'
        there = "exit 0\n"
        done = bootstrap("build", env=self.path_with(
            apt_get=fake, sudo='exec "$@"\n', cmake=there, ninja=there, pkg_config=there, cc=there,
            node=there))
        self.assertEqual(done.returncode, 1)
        asked = log.read_text().splitlines()
        self.assertEqual(asked[0], "-q -y install --no-install-recommends npm")
        self.assertEqual(asked[1], "-q -y update")
        self.assertEqual(len(asked), 2)
        self.assertIn("apt-get update failed: no such package", done.stderr)

    def test_with_neither_root_nor_sudo_the_packages_are_named(self):
        environment = self.path_with(apt_get="exit 0\n", id="echo 1000\n")
        done = bootstrap("build", env=environment)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"needs root or sudo\. Have these installed.*cmake")


class Again(BridgeCase):
    def test_run_on_a_built_tree_starts_in_two_seconds_and_ends_by_ctrl_c(self):
        if not (ROOT / "build" / "release" / "bin" / "pipebridge").exists():
            self.skipTest("build/release is not built")
        if subprocess.run(["ninja", "-n", "pipebridge"], cwd=ROOT / "build" / "release", timeout=LONG_S,
                          capture_output=True, text=True, check=False).stdout.count("\n") > 2:
            self.skipTest("build/release is not up to date")
        for name in ("socat", "curl"):
            if not shutil.which(name):
                self.skipTest(f"{name} is not installed")
        begin = time.monotonic()
        log = self.folder / "log"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                [SCRIPT, "run", "--listen", "127.0.0.1:0", "--runtime-dir", self.folder / "run"],
                stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        said = wait_until(lambda: "Ctrl-C" in log.read_text() and log.read_text(), "the hints")
        self.assertLess(time.monotonic() - begin, 2.0)
        self.assertTrue(re.search(r"dashboard +http://127\.0\.0\.1:\d+/\n", said))
        self.assertTrue(re.search(r"echo hello \| socat - UNIX-CONNECT:/\S+", said))
        self.assertTrue(re.search(r"curl .*/api/v1/pipes/demo/messages", said))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(LONG_S), 0)
