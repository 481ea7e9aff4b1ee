"""What `cmake --install` leaves: a library for strangers, and the program with what belongs to it."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from harness.deadline import LONG_S

HERE = pathlib.Path(__file__).resolve().parent
CONSUMER = HERE / "consumer"
BUILD = os.environ.get("PIPEBRIDGE_BUILD", "")
PREFIX = "/opt/somewhere"
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def run(*command, **environment):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          timeout=4 * LONG_S, check=False, env=os.environ | environment)
    if done.returncode != 0:
        raise AssertionError(f"{command} answered {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class InstallCase(unittest.TestCase):
    """One component, installed below a staging folder as a package is built (DESTDIR)."""

    COMPONENT = ""
    TOOLS = ("cmake",)

    @classmethod
    def setUpClass(cls):
        for tool in cls.TOOLS:
            if not shutil.which(tool):
                raise unittest.SkipTest(f"{tool} is not installed")
        if not BUILD:
            raise unittest.SkipTest("PIPEBRIDGE_BUILD names no build folder: ctest does")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="pb-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        run("cmake", "--install", BUILD, "--component", cls.COMPONENT, "--prefix", PREFIX,
            DESTDIR=str(cls.folder))
        cls.root = cls.folder / PREFIX.lstrip("/")

    def found(self, pattern):
        """The one path below the prefix that matches."""
        paths = list(self.root.rglob(pattern))
        self.assertEqual(len(paths), 1, pattern)
        return paths[0]

    def assert_echo_comes(self, program, **environment):
        self.assertIn("the echo came", run(program, self.folder / f"{program.name}.sock",
                                           **environment))


class CMakePackage(InstallCase):
    COMPONENT = "pipecore"
    TOOLS = ("cmake", "cc", "ninja", "pkg-config")

    def test_a_project_finds_it_and_links_either_library(self):
        build = self.folder / "build"
        run("cmake", "-G", "Ninja", "-S", CONSUMER, "-B", build,
            f"-DCMAKE_PREFIX_PATH={self.root}")
        run("cmake", "--build", build)
        for kind in "shared", "static":
            with self.subTest(kind):
                self.assert_echo_comes(build / f"consumer_{kind}")
        self.assertIn("libpipecore.so.", run("readelf", "-d", build / "consumer_shared"))
        self.assertNotIn("libpipecore.so", run("readelf", "-d", build / "consumer_static"))

    def test_a_project_that_wants_another_minor_version_is_told(self):
        folder = self.folder / "newer"
        folder.mkdir()
        (folder / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.16)\nproject(newer NONE)\n"
            "find_package(pipecore 0.99 REQUIRED)\n", encoding="utf-8")
        with self.assertRaisesRegex(AssertionError, "compatible with requested"):
            run("cmake", "-G", "Ninja", "-S", folder, "-B", folder / "build",
                f"-DCMAKE_PREFIX_PATH={self.root}")


class PkgConfig(InstallCase):
    COMPONENT = "pipecore"
    TOOLS = ("cmake", "cc", "pkg-config")

    def build(self, name, compiler, *flags, is_static=False):
        path = self.found("pipecore.pc").parent
        options = run("pkg-config", "--cflags", "--libs", *(["--static"] if is_static else []),
                      "pipecore", PKG_CONFIG_PATH=str(path)).split()
        program = self.folder / name
        run(*compiler, *STRICT, *flags, CONSUMER / "consumer.c", *options, "-o", program)
        return program

    def test_a_c_program_links_the_shared_library(self):
        folder = self.found("libpipecore.so").parent
        self.assert_echo_comes(self.build("shared", ["cc", "-std=c17", "-D_GNU_SOURCE"]),
                               LD_LIBRARY_PATH=str(folder))

    def test_a_c_program_links_everything_statically(self):
        self.assert_echo_comes(self.build("static", ["cc", "-std=c17", "-D_GNU_SOURCE"], "-static",
                                          is_static=True))

    def test_a_cpp_program_links_it(self):
        if not shutil.which("c++"):
            self.skipTest("c++ is not installed")
        folder = self.found("libpipecore.so").parent
        self.assert_echo_comes(self.build("cpp", ["c++", "-std=c++11", "-x", "c++"]),
                               LD_LIBRARY_PATH=str(folder))

    def test_every_header_compiles_alone_in_cpp(self):
        if not shutil.which("c++"):
            self.skipTest("c++ is not installed")
        headers = sorted((self.root / "include" / "pipecore").glob("*.h"))
        self.assertTrue(headers)
        for header in headers:
            with self.subTest(header.name):
                unit = self.folder / f"{header.stem}.cc"
                unit.write_text(f"#include <pipecore/{header.name}>\n", encoding="utf-8")
                run("c++", "-std=c++11", "-Wconversion", *STRICT, "-fsyntax-only",
                    f"-I{self.root / 'include'}", unit)


def without_comments(text):
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)
    return re.sub(r"^[ \t]*#([^\n]*\\\n)*[^\n]*", "", text, flags=re.M)


def declared(text):
    """Names of the functions and variables that a header's text declares at its top."""
    text = without_comments(text)
    while "{" in text:
        text = re.sub(r"\{[^{}]*\}", " ", text)
    names = set()
    for statement in text.split(";"):
        if re.search(r"\b(typedef|struct|enum|union)\b\s*\w*\s*$", statement) or \
                re.search(r"\btypedef\b", statement):
            continue
        names |= set(re.findall(r"\b(pc_\w+)\s*\(", statement)[:1])
        names |= set(re.findall(r"\bextern\b[^()]*\b(pc_\w+)\s*(?:\[[^\]]*\])?\s*$", statement))
    return names


class Interface(InstallCase):
    """The headers say what the library has, and each thing is explained."""

    COMPONENT = "pipecore"
    TOOLS = ("cmake", "nm")

    def headers(self):
        paths = sorted((self.root / "include" / "pipecore").glob("*.h"))
        return {path.name: path.read_text(encoding="utf-8") for path in paths}

    def test_the_shared_library_shows_what_the_headers_declare_and_nothing_else(self):
        output = run("nm", "-D", "--defined-only", self.found("libpipecore.so"))
        shown = {line.split()[-1].partition("@")[0] for line in output.splitlines()}
        self.assertEqual(shown, set().union(*map(declared, self.headers().values())))

    def test_every_function_has_a_comment_or_is_of_a_group_that_has_one(self):
        silent = []
        count = 0
        for name, text in self.headers().items():
            for paragraph in re.split(r"\n[ \t]*\n", text):
                functions = declared(paragraph) if paragraph.count("{") == paragraph.count("}") \
                    else set()
                count += len(functions)
                if "/*" not in paragraph:
                    silent += [f"{name}: {function}" for function in functions]
        self.assertGreater(count, 40)
        self.assertEqual(silent, [])


class Program(InstallCase):
    COMPONENT = "pipebridge"

    def test_the_program_serves_what_is_installed_with_it(self):
        program = self.root / "bin" / "pipebridge"
        demo = self.root / "share" / "pipebridge" / "demo.json"
        self.assertTrue((demo.parent / "pipebridge.schema.json").exists())
        run(program, "--check-config", "--config", demo, "--runtime-dir", self.folder)

    def test_the_unit_names_the_program_below_the_prefix_of_this_installation(self):
        text = self.found("pipebridge.service").read_text(encoding="utf-8")
        self.assertIn(f"ExecStart={PREFIX}/bin/pipebridge ", text)


del InstallCase  # a base, no test
