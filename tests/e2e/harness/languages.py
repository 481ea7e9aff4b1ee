"""How the programs in programs/ are started."""

import os
import pathlib

from .clients import need_tool

PROGRAMS = pathlib.Path(__file__).resolve().parents[1] / "programs"
STARTERS = {
    ".go": lambda: [need_tool("go"), "run"],
    ".java": lambda: [need_tool("java"), "-XX:TieredStopAtLevel=1"],
    ".mjs": lambda: [need_tool("node")],
    ".pl": lambda: [need_tool("perl")],
    ".py": lambda: [need_tool("python3")],
}


def command(program):
    """What runs programs/`program`; a skip without its tool."""
    path = PROGRAMS / program
    return STARTERS[path.suffix]() + [str(path)]


def environment(folder):
    """Go compiles with a cache beside the build, so that only the first run is slow."""
    cache = pathlib.Path(os.environ.get("PIPEBRIDGE_BUILD", folder)) / "go-cache"
    return os.environ | {"GOCACHE": str(cache), "GOPATH": str(pathlib.Path(folder) / "go"),
                         "CGO_ENABLED": "0", "GO111MODULE": "off", "GOTOOLCHAIN": "local"}
