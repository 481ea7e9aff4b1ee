#!/usr/bin/env python3
"""Runs end-to-end tests: run.py --program build/debug/bin/pipebridge [test_api test_clients.Socat]

Exit code 77 when every test was skipped, so that CTest says so. The reasons stand in the output."""

import argparse
import os
import pathlib
import sys
import unittest


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True, type=pathlib.Path)
    parser.add_argument("names", nargs="*", help="modules, classes or tests; none: all")
    options = parser.parse_args()
    if not options.program.exists():
        parser.error(f"{options.program} is not there: build it first")
    os.environ["PIPEBRIDGE_PROGRAM"] = str(options.program.resolve())
    folder = pathlib.Path(__file__).resolve().parent
    sys.path.insert(0, str(folder))

    loader = unittest.defaultTestLoader
    if options.names:
        suite = loader.loadTestsFromNames(options.names)
    else:
        suite = loader.discover(str(folder))
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    if answers := os.environ.get("PIPEBRIDGE_ANSWERS"):
        from harness import description
        description.save(answers)
    if not result.wasSuccessful():
        return 1
    if not result.testsRun:
        print("no test of that name")
        return 1
    return 77 if len(result.skipped) == result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
