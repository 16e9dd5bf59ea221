#!/usr/bin/env bash
# Make .venv from requirements/dev.txt, with uv where it is found, else with venv and pip.
# The index, proxy and certificates are those of the user's own uv or pip configuration.
set -euo pipefail
cd "$(dirname "$0")/.."

oldest="3.11"
venv=".venv"

say() { printf 'env: %s\n' "$*" >&2; }

is_right_version() {
  "$1" -c "import sys; sys.exit(sys.version_info < tuple(map(int, '$oldest'.split('.'))))" \
    >/dev/null 2>&1
}

# A name on PATH may be a shim of a version that isn't there: only running it tells.
find_python() {
  local name
  for name in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3}; do
    if is_right_version "$name"; then
      command -v "$name"
      return
    fi
  done
  return 1
}

can_make_venvs() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

# Debian and Ubuntu split venv and ensurepip off into a package of their own.
install_venv_module() {
  local package root=() log
  package="$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
  if [ "$(id -u)" -ne 0 ]; then root=(sudo -n); fi
  if ! command -v apt-get >/dev/null || ! "${root[@]}" true 2>/dev/null; then
    say "$1 has no venv module. Install it, then run make again:"
    say "  sudo apt-get install $package"
    exit 1
  fi
  say "installing $package with apt-get, since $1 has no venv module"
  log="$(mktemp)"
  if ! {
    "${root[@]}" apt-get update &&
      "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=120 "$package"
  } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    say "apt-get could not install $package: its last lines are above, all of them in $log"
    exit 1
  fi
  rm -f "$log"
}

make_with_uv() {
  say "making $venv with uv"
  uv venv --quiet --clear --python "${python:->=$oldest}" "$venv" &&
    uv pip install --quiet --python "$venv/bin/python" --require-hashes -r requirements/dev.txt &&
    uv pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable .
}

make_with_pip() {
  if [ -z "$python" ]; then
    say "no Python $oldest or newer found. Install one, or uv, then run make again"
    exit 1
  fi
  can_make_venvs "$python" || install_venv_module "$python"
  say "making $venv with $python and pip"
  "$python" -m venv --clear "$venv"
  local pip=("$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input)
  "${pip[@]}" --require-hashes -r requirements/dev.txt
  "${pip[@]}" --no-deps --no-build-isolation --editable .
}

python="$(find_python || true)"
if ! command -v uv >/dev/null; then
  make_with_pip
elif ! make_with_uv; then
  say "uv failed: trying pip, which has a configuration of its own"
  make_with_pip
fi
touch "$venv/made"
