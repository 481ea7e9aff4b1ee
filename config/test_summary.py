#!/usr/bin/env python3
"""Sums up CTest's JUnit files: test_summary.py JUNIT... -- FAILED_STAGE...

Prints each skipped test with its reason, each failed test and stage, and the totals as the last line.
Exits non-zero if anything failed, or if a stage left no report."""
import pathlib
import sys
import xml.etree.ElementTree as xml


def last_line(text):
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def main():
    split = sys.argv.index("--")
    files, failed_stages = sys.argv[1:split], sys.argv[split + 1:]
    passed = failed = skipped = 0
    for name in files:
        path = pathlib.Path(name)
        if not path.exists():
            print(f"no report: {path.parent.name}")
            failed += 1
            continue
        for case in xml.parse(path).getroot().iter("testcase"):
            label = f"{path.parent.name}/{case.get('name')}"
            status = case.get("status")
            if status == "run":
                passed += 1
            elif status == "fail":
                failed += 1
                print(f"FAILED  {label}")
            else:
                skipped += 1
                print(f"skipped {label}: {last_line(case.findtext('system-out'))}")
    for stage in failed_stages:
        print(f"FAILED  stage: {stage}")
    if failed_stages and failed == 0:
        failed = len(failed_stages)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
