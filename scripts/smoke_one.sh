#!/usr/bin/env bash
# Install the wheel and the source archive beside this file with one Python, in clean environments
# without development packages, and run the smoke suite on each. Usage: smoke_one.sh PYTHON
set -euo pipefail
kit="$(cd "$(dirname "$0")" && pwd)"
python="$1"
version="$("$python" -c 'import platform; print(platform.python_version())')"
wheel=("$kit"/*.whl)
archive=("$kit"/*.tar.gz)

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder" # the source tree can't stand in for a file that is missing
unset PYTHONPATH VIRTUAL_ENV
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
export PIPX_HOME="$folder/pipx" PIPX_BIN_DIR="$folder/pipx/bin" PIPX_MAN_DIR="$folder/pipx/man"
export UV_TOOL_DIR="$folder/uv" UV_TOOL_BIN_DIR="$folder/uv/bin" UV_PYTHON_DOWNLOADS=never

new_venv() {
  "$python" -m venv "$1" &&
    "$1/bin/python" -m pip install --quiet "${@:2}"
}

with_pip() {
  new_venv "$folder/pip" "${wheel[0]}" &&
    ls "$folder"/pip/share/{man/man1/medtrack-publish.1,bash-completion/completions/medtrack} \
      "$folder"/pip/share/{zsh/site-functions/_medtrack,fish/vendor_completions.d/medtrack.fish}
}
with_hashes() {
  new_venv "$folder/hashes" --only-binary :all: --require-hashes -r "$kit/runtime.txt" &&
    "$folder/hashes/bin/python" -m pip install --quiet --no-deps "${wheel[0]}"
}
with_archive() { new_venv "$folder/archive" "${archive[0]}"; }
with_pipx() {
  tools/bin/pipx install --quiet --python "$python" "${wheel[0]}" &&
    ls "$PIPX_MAN_DIR/man1/medtrack-publish.1"
}
with_uv() { tools/bin/uv tool install --quiet --python "$python" "${wheel[0]}"; }

# Run a step with its output kept for when it fails.
quietly() { "$@" >"$folder/log" 2>&1 </dev/null || { cat "$folder/log"; return 1; }; }

try() { # NAME COMMAND
  local since=$SECONDS
  if quietly "with_$1" && quietly "$kit/smoke_suite.sh" "$2"; then
    echo "Python $version, $1: ok, $(tail -n 1 "$folder/log") ($((SECONDS - since)) s)"
  else
    echo "Python $version, $1: FAILED"
    return 1
  fi
}

quietly new_venv "$folder/tools" pipx uv # the newest of each, as users have them
status=0
try pip "$folder/pip/bin/medtrack" || status=1
try hashes "$folder/hashes/bin/medtrack" || status=1
try archive "$folder/archive/bin/medtrack" || status=1
try pipx "$PIPX_BIN_DIR/medtrack" || status=1
try uv "$UV_TOOL_BIN_DIR/medtrack" || status=1
exit "$status"
