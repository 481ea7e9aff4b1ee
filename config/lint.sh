#!/usr/bin/env bash
# Looks over our own files without running them.
#
# usage: lint.sh BUILD-FOLDER [format|tidy|cppcheck|shell|python|json|openapi|dashboard]...   all steps by default
# The build folder is a configured one: its compile_commands.json tells what is compiled, and how.
# A tool that is not installed makes a step a skip with a note, or a failure where CI is set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=${1:?usage: config/lint.sh BUILD-FOLDER [STEP...]}
shift
[ $# -gt 0 ] || set -- format tidy cppcheck shell python json openapi dashboard

# ours PATTERN...: our files of these names, without what was fetched.
ours() {
  local names=(-false) pattern
  for pattern in "$@"; do
    names+=(-o -name "$pattern")
  done
  find pipecore web bridge tests config .ci -name node_modules -prune -o -type f \( "${names[@]}" \) -print | sort
}

# Our sources that this configuration compiles, and not what it generated.
compiled() {
  grep -o '"file": "[^"]*"' "$build/compile_commands.json" | cut -d'"' -f4 | sed "s#^$PWD/##" |
    grep -v "^$build/\|^/" | sort -u
}

check_tidy() {
  # To stderr it says how many warnings of system headers it left out; only if it fails is that of interest.
  compiled | xargs -P "$(nproc)" -n 2 clang-tidy -p "$build" --quiet 2>"$build/tidy.err" || {
    grep -v 'warnings\? generated\|^Suppressed\|^Use -header-filter' "$build/tidy.err"
    return 1
  }
}

# Style is clang-tidy's; what cppcheck adds is the flow of values.
check_values() {
  mkdir -p "$build/cppcheck"
  cppcheck --quiet -j "$(nproc)" \
    --project="$build/compile_commands.json" -i tests -i "$build" --cppcheck-build-dir="$build/cppcheck" \
    --enable=warning,performance,portability --inline-suppr --suppress=missingIncludeSystem \
    --std=c11 --error-exitcode=1
}

check_python() {
  ours '*.py' | xargs python3 -c '
import ast, sys
for name in sys.argv[1:]:
    ast.parse(open(name, encoding="utf-8").read(), name)'
}

# Well-formed, and no lock file names where packages came from: each machine has a registry of its own.
check_json() {
  ours '*.json' | xargs python3 -c '
import json, pathlib, sys
wrong = []
for name in sys.argv[1:]:
    text = pathlib.Path(name).read_text(encoding="utf-8")
    json.loads(text)
    if name.endswith("package-lock.json") and "\"resolved\"" in text:
        wrong.append(f"{name}: names a registry; npm config: omit-lockfile-registry-resolved")
sys.exit("\n".join(wrong) or 0)'
}

check_openapi() {
  PATH=/usr/bin:$PATH python3 config/lint_openapi.py bridge/openapi.json
}

check_dashboard() {
  PIPEBRIDGE_NODE_MODULES="$PWD/$build/../dashboard/node_modules" npm --prefix web/dashboard run --silent check
}

# The tool that a step cannot do without.
tool_of() {
  case "$1" in
  format) echo clang-format ;;
  tidy) echo clang-tidy ;;
  cppcheck) echo cppcheck ;;
  shell) echo shellcheck ;;
  python | json | openapi) echo python3 ;;
  dashboard) echo npm ;;
  *)
    echo "lint: unknown step \"$1\"" >&2
    exit 2
    ;;
  esac
}

run_step() {
  case "$1" in
  format) ours '*.c' '*.h' | xargs clang-format --dry-run --Werror ;;
  tidy) check_tidy ;;
  cppcheck) check_values ;;
  shell) { ours '*.sh' && echo .ci/run; } | xargs shellcheck ;;
  python) check_python ;;
  json) check_json ;;
  openapi) check_openapi ;;
  dashboard) check_dashboard ;;
  esac
}

failed=0
for name in "$@"; do
  started=$SECONDS
  tool=$(tool_of "$name")
  if ! command -v "$tool" >/dev/null; then
    echo "lint: $name skipped: $tool is not installed"
    [ -z "${CI:-}" ] || failed=1
  elif run_step "$name"; then
    echo "lint: $name ok ($((SECONDS - started)) s)"
  else
    echo "lint: $name FAILED"
    failed=1
  fi
done
exit "$failed"
