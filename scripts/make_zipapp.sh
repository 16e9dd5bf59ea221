#!/usr/bin/env bash
# Make dist/medtrack-….pyz, one file with all that is needed but Python, and run the smoke suite on it.
# Usage: make_zipapp.sh PYTHON; shiv is on PYTHONPATH, the wheel in dist/.
set -euo pipefail
cd "$(dirname "$0")/.."
python="$1"
read -r name target bare < <("$python" -c '
import os, sys, sysconfig
version = "{}.{}".format(*sys.version_info)
platform = sysconfig.get_platform().replace("-", "_")
bare = os.path.dirname(os.path.realpath(sys._base_executable))
print(f"python{version}", f"cp{version}-{platform}".replace(".", ""), bare)')
wheel=(dist/*.whl)
version="$(basename "${wheel[0]}" | cut -d - -f 2)"
file="dist/medtrack-$version-$target.pyz"

packages="$(mktemp -d)"
trap 'rm -rf "$packages"' EXIT
install=("$python" -m pip install --quiet --disable-pip-version-check --target "$packages")
if command -v uv >/dev/null; then
  install=(uv pip install --quiet --python "$python" --target "$packages")
fi
"${install[@]}" --only-binary :all: --require-hashes -r requirements/runtime.txt
"${install[@]}" --no-deps "${wheel[0]}"
# The demo starts medtrack anew: --extend-pythonpath lets that find its packages.
"$python" -m shiv --reproducible --compressed --extend-pythonpath \
  --python "/usr/bin/env $name" --site-packages "$packages" --console-script medtrack \
  --output-file "$file" > "$packages/said" 2>&1 || { cat "$packages/said"; exit 1; }
PATH="$bare:$PATH" env -u PYTHONPATH scripts/smoke_suite.sh "$PWD/$file" > /dev/null
echo "$file runs on $name"
