#!/usr/bin/env bash
# Try a wheel as its users get it: try_wheel.sh dist/medtrack-1.0.0-py3-none-any.whl
# Only the runtime requirements are installed, so one that is missing shows; the working
# directory is another, so the source tree can't stand in for a file the wheel lacks.
set -euo pipefail
wheel="$(realpath "$1")"
requirements="$(realpath "$(dirname "$0")/../requirements/runtime.txt")"

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

"${PYTHON:-python3}" -m venv venv
pip=(venv/bin/python -m pip install -qq --disable-pip-version-check --no-input)
"${pip[@]}" --require-hashes -r "$requirements"
"${pip[@]}" --no-deps "$wheel"
venv/bin/python -m pip check

venv/bin/medtrack --version
venv/bin/medtrack samples samples
venv/bin/medtrack validate samples/sample-events samples/morning.ndjson
venv/bin/medtrack schema check samples/schemas
