#!/usr/bin/env python3
"""Runs a benchmark for a moment and looks whether its output is what it says: smoke.py PROGRAM [ARGUMENT...]

The numbers mean nothing then; that there is one of each kind, and that the table shows every row, does. Exit code
77 where the benchmark itself says by it that this system lacks what it measures."""

import json
import math
import pathlib
import subprocess
import sys
import tempfile


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode == 77:
        print(done.stderr)
        sys.exit(77)
    if done.returncode != 0:
        sys.exit(f"{command} answered {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def main():
    program, arguments = sys.argv[1], sys.argv[2:]
    listed = dict(line.split(maxsplit=1) for line in run(program, "--list").splitlines())
    assert len(listed) > 1, "nothing is listed"
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "out.json"
        table = run(program, "--quick", "--json", str(path), *arguments)
        report = json.loads(path.read_text(encoding="utf-8"))
    assert report["rounds"] >= 1 and report["machine"]["cpus"] >= 1, report
    assert set(report["rows"]) == set(listed), f"rows: {sorted(report['rows'])}"
    for row, columns in report["rows"].items():
        assert columns, f"{row} has no column"
        assert listed[row] in table, f"the table has no line of {row}:\n{table}"
        for column, rounds in columns.items():
            assert len(rounds) == report["rounds"], f"{row}, {column}: {len(rounds)} rounds"
            for metrics in rounds:
                assert metrics, f"{row}, {column}: no numbers"
                for name, value in metrics.items():
                    assert math.isfinite(value) and value >= 0, f"{row}, {column}: {name} {value}"
                assert metrics.get("messages_per_s", 1) > 0, f"{row}, {column}: nothing was said"
    print(table)


if __name__ == "__main__":
    main()
