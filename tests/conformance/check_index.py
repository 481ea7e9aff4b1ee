#!/usr/bin/env python3
"""Where each of the 55 cases is: compares README.md with what the programs list, and both with what must be there.

check_index.py [--write] README.md --low T=PROGRAM O=PROGRAM C=PROGRAM --server NAME=PROGRAM...
A number that a program lacks is an error; so is a table that is not what the programs say (--write renews it)."""

import argparse
import collections
import pathlib
import re
import subprocess
import sys

BEGIN, END = "<!-- index: check_index.py --write -->\n", "<!-- end of index -->\n"
SERVERS_EXEMPT = {"fake"}  # has no files, processes or threads

# Title, forms of the low level that must have it (T threads, O overlapped, C completion), S: servers.
CASES = """
1 absent-open TOC|2 bad-name TOCS|3 message-read-on-byte TOC|4 connect-before-accept TOCS|5 connect-pending TOCS
6 client-vanishes-early TOCS|7 empty-session TOCS|8 echo-1 TOCS|9 message-boundaries TOCS|10 byte-glue TOCS
11 partial-read TOC|12 partial-two-threads TOC|13 partial-then-next TOC|14 zero-message TOCS
15 zero-message-then-close TOCS|16 zero-write-when-full TOC|17 zero-read TOC|18 too-big TOCS|19 big-with-reader TOC
20 write-backpressure TOCS|21 write-queue-limit S|22 slow-reader-isolated S|23 atomic-writers TOCS
24 concurrent-send TOCS|25 full-duplex TOCS|26 disconnect-discards TOC|27 close-keeps TOCS
28 close-with-unread-input TOCS|29 flush-waits TOC|30 flush-peer-dies TOC|31 flush-timeout TOC
32 reuse-after-disconnect TOCS|33 second-disconnect TOC|34 max-instances TOC|35 full-queue TOCS|36 wait-wakes TOC
37 first-instance TOCS|38 stale-socket TOCS|39 cancel-read TOCS|40 cancel-write OCS|41 close-with-pending TOCS
42 not-before-alertable C|43 routine-order C|44 nested-wait C|45 post-wakes CS|46 event-and-routine C
47 no-starvation S|48 over-64 TOCS|49 peer-identity TOCS|50 peer-exits TOCS|51 peek TOC|52 transact TOC
53 call-one-shot TOC|54 stop-with-traffic S|55 events-contract S
"""


def cases_required():
    required = {}
    for line in re.split(r"[|\n]", CASES.strip()):
        number, title, places = line.split()
        required[int(number)] = (title, places)
    assert sorted(required) == list(range(1, 56))
    return required


def tests_listed(program):
    done = subprocess.run([program, "--list"], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()


def numbered(programs):
    """{number: {test without its number: [programs that have it]}}"""
    found = collections.defaultdict(dict)
    for name, program in programs.items():
        for test in tests_listed(program):
            match = re.fullmatch(r"case_(\d\d)_(\w+)", test)
            if match:
                found[int(match[1])].setdefault(match[2], []).append(name)
    return found


def has(tests, program):
    return any(program in programs for programs in tests.values())


def missing(required, low, server, servers):
    for number, (title, places) in required.items():
        for form in places.replace("S", ""):
            if not has(low[number], form):
                yield f"case {number} ({title}) is not in the low level's program {form}"
        for name in servers if "S" in places else ():
            if name not in SERVERS_EXEMPT and not has(server[number], name):
                yield f"case {number} ({title}) is not in the servers' program {name}"
    for number in sorted((low.keys() | server.keys()) - required.keys()):
        yield f"case {number} is not in the table"


def cell(tests, everywhere):
    """Names; behind each the programs that have it, where not all do."""
    parts = []
    for name, programs in sorted(tests.items()):
        lacking = [program for program in everywhere if program not in programs]
        some = f" ({' '.join(programs)})" if lacking else ""
        if set(lacking) == SERVERS_EXEMPT:
            some = f" (not {' '.join(lacking)})"
        parts.append(f"`{name}`{some}")
    return "<br>".join(parts)


def table(required, low, server, servers):
    lines = ["| # | case | low level | servers |", "|---|---|---|---|"]
    for number, (title, _) in required.items():
        lines.append(f"| {number} | {title} | {cell(low[number], 'TOC')} | "
                     f"{cell(server[number], servers)} |")
    return "\n".join(lines) + "\n"


def pairs(words):
    return dict(word.split("=", 1) for word in words)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("readme", type=pathlib.Path)
    parser.add_argument("--low", nargs="+", required=True)
    parser.add_argument("--server", nargs="+", required=True)
    options = parser.parse_args()
    low, servers = numbered(pairs(options.low)), pairs(options.server)
    server, required = numbered(servers), cases_required()
    errors = list(missing(required, low, server, servers))
    text = options.readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    wanted = before + BEGIN + table(required, low, server, servers) + END + rest.split(END)[1]
    if options.write:
        options.readme.write_text(wanted, encoding="utf-8")
    elif wanted != text:
        errors.append(f"{options.readme.name} is not what the programs list: build the target "
                      "conformance_index_write")
    print("\n".join(errors))
    print(f"{sum(map(len, low.values()))} tests of the low level and "
          f"{sum(map(len, server.values()))} of servers have a number")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
