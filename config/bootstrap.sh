#!/usr/bin/env bash
# Two commands for a fresh checkout: `run` and `test`; `build` is the first half of both. See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'END'
usage: config/bootstrap.sh build | run [ARGUMENT...] | test

  build   installs what building needs and makes build/release/bin/pipebridge
  run     builds, then serves the demonstration pipes (config/demo.json) in the foreground until
          Ctrl-C; ARGUMENTs go to pipebridge, for example --listen 127.0.0.1:8080
  test    installs what the tests need, then builds and tests everything: debug, address and thread
          sanitizers, clang with warnings as errors, fuzzers, release with the end-to-end and browser
          tests, and the linters

On Debian and Ubuntu only missing packages are installed (with sudo where not root); elsewhere what is
missing is named, and nothing is installed.
END
}

die() {
  printf 'bootstrap: %s\n' "$*" >&2
  exit 1
}

say() {
  printf '\n== %s\n' "$*"
}

# What each command needs, one a line: how to look for it, its name, the Debian package that has it.
build_needs='
command cc gcc
header stdio.h libc6-dev
command cmake cmake
command ninja ninja-build
command pkg-config pkg-config
module jansson libjansson-dev
module libmicrohttpd libmicrohttpd-dev
module libpcre2-8 libpcre2-dev
module nettle nettle-dev
module zlib zlib1g-dev
module liburing liburing-dev
command node nodejs
command npm npm
'
run_needs='
command socat socat
command curl curl
'
test_needs='
module cmocka libcmocka-dev
command clang clang
command c++ g++
command clang-format clang-format
command clang-tidy clang-tidy
runtime fuzzer libclang-rt-dev
command cppcheck cppcheck
command shellcheck shellcheck
command git git
command python3 python3
python jsonschema python3-jsonschema
python websocket python3-websocket
python websockets python3-websockets
file /usr/share/nodejs/ws node-ws
command socat socat
command curl curl
command nc netcat-openbsd
command mpv mpv
command nvim neovim
command ps procps
command chromium chromium
command spin spin
'

# Whether what a line names is there.
is_there() {
  case "$1" in
  command) command -v "$2" >/dev/null ;;
  module) command -v pkg-config >/dev/null && pkg-config --exists "$2" ;;
  file) [ -e "$2" ] ;;
  header) command -v cc >/dev/null && cc -E - <<<"#include <$2>" >/dev/null 2>&1 ;;
  # Debian's modules are for Debian's Python, which the tests prefer too.
  python) PATH=/usr/bin:$PATH python3 -c "import $2" 2>/dev/null ;;
  runtime) command -v clang >/dev/null && [ -e "$(clang -print-file-name="libclang_rt.$2-$(uname -m).a")" ] ;;
  *) die "unknown kind of need: $1" ;;
  esac
}

# Sets missing_names and missing_packages from a list of needs.
find_missing() {
  missing_names=()
  missing_packages=()
  local kind name package
  while read -r kind name package; do
    if [ -n "$kind" ] && ! is_there "$kind" "$name"; then
      missing_names+=("$kind $name")
      missing_packages+=("$package")
    fi
  done <<<"$1"
}

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >build/apt.log 2>&1
}

# Installs what is missing of a list of needs; quick when nothing is.
ensure() {
  find_missing "$1"
  [ ${#missing_packages[@]} -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null; then
    printf 'bootstrap: missing: %s\n' "${missing_names[@]}" >&2
    die "no apt-get on this system: install these in its own way (Debian's names: ${missing_packages[*]})"
  fi
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      die "installing needs root or sudo. Have these installed, then run this again: ${missing_packages[*]}"
    as_root=(sudo)
  fi
  say "installing ${missing_packages[*]}"
  # Package lists are fetched only when the ones at hand do not do.
  apt install --no-install-recommends "${missing_packages[@]}" || {
    apt update || die "apt-get update failed: $(tail -n 5 build/apt.log)"
    apt install --no-install-recommends "${missing_packages[@]}" ||
      die "apt-get install failed: $(tail -n 15 build/apt.log)"
  }
  find_missing "$1"
  [ ${#missing_names[@]} -eq 0 ] || die "installed, but still not found: ${missing_names[*]}"
}

compile() {
  cmake --build "$1" -- --quiet
}

build() {
  ensure "$build_needs"
  # Once configured, the build itself notices what changed.
  [ -e build/release/build.ninja ] || cmake --preset release -DBUILD_TESTING=OFF -Wno-dev
  compile build/release
}

# Where the demonstration's pipes go for a user without a runtime directory of his own.
runtime_dir_arguments() {
  if [ "$(id -u)" -ne 0 ] && [ -z "${PIPEBRIDGE_RUNTIME_DIR:-}" ] && [ ! -w "${XDG_RUNTIME_DIR:-/nonexistent}" ]; then
    printf -- '--runtime-dir=%s/pipebridge-%s' "${TMPDIR:-/tmp}" "$(id -u)"
  fi
}

run() {
  build
  ensure "$run_needs"
  local runtime_dir
  runtime_dir=$(runtime_dir_arguments)
  exec build/release/bin/pipebridge --config config/demo.json --hints ${runtime_dir:+"$runtime_dir"} "$@"
}

failed_stages=()
junit_files=()

# Runs a step of the tests; goes on after a failure, so that one run tells all.
stage() {
  local name=$1 started=$SECONDS
  shift
  say "$name"
  if "$@"; then
    printf '== %s: done in %d s\n' "$name" $((SECONDS - started))
  else
    printf '== %s: FAILED after %d s\n' "$name" $((SECONDS - started))
    failed_stages+=("$name")
  fi
}

# test_folder FOLDER CTEST-ARGUMENT...
test_folder() {
  local folder=$1
  shift
  local junit=$PWD/$folder/junit${#junit_files[@]}.xml
  rm -f "$junit"
  junit_files+=("$junit")
  ctest --test-dir "$folder" --output-on-failure --no-tests=error --output-junit "$junit" "$@"
}

preset_stage() {
  local preset=$1
  shift
  cmake --preset "$preset" -DBUILD_TESTING=ON -Wno-dev >/dev/null && compile "build/$preset" &&
    test_folder "build/$preset" "$@"
}

# The browser and the benchmark want the cores for themselves.
release_stage() {
  local alone='browser|bench' result=0
  preset_stage release -j4 -LE "$alone" || result=1
  test_folder build/release -j1 -L "$alone" || result=1
  return $result
}

clang_stage() {
  CC=clang cmake -S . -B build/clang -G Ninja -DCMAKE_BUILD_TYPE=Debug -DPIPEBRIDGE_WERROR=ON \
    -DPIPEBRIDGE_FUZZ=ON -Wno-dev >/dev/null && compile build/clang && test_folder build/clang -j2 -L fuzz
}

run_tests() {
  ensure "$build_needs$test_needs"
  # What needs seconds runs in every build; the program as a process also under the sanitizers; the browser, the
  # model checker and the benchmark once. Many tests wait for time to pass: more run at once than there are cores.
  local once='browser|bench|model|lint'
  stage "debug: gcc, unit and conformance tests" preset_stage debug -j4 -LE "e2e|$once"
  stage "address sanitizer" preset_stage asan -j4 -LE "$once"
  stage "thread sanitizer" preset_stage tsan -j4 -LE "$once"
  stage "clang, warnings as errors, fuzzers" clang_stage
  stage "release: all tests" release_stage
  stage "lint" cmake --build build/debug --target lint -- --quiet
  say "summary"
  python3 config/test_summary.py "${junit_files[@]}" -- "${failed_stages[@]}"
}

mkdir -p build
case "${1:-}" in
build)
  [ $# -eq 1 ] || die "build takes no arguments (see --help)"
  build
  ;;
run)
  shift
  run "$@"
  ;;
test)
  [ $# -eq 1 ] || die "test takes no arguments (see --help)"
  run_tests
  ;;
-h | --help | help)
  usage
  ;;
"")
  usage >&2
  exit 2
  ;;
*)
  printf 'bootstrap: unknown command "%s"\n' "$1" >&2
  usage >&2
  exit 2
  ;;
esac
