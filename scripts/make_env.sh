#!/usr/bin/env bash
# Make .venv from requirements/dev.txt, with uv where it is found, else with venv and pip.
# The index, proxy and certificates are those of the user's own uv or pip configuration.
set -euo pipefail
cd "$(dirname "$0")/.."

oldest="3.11"
venv=".venv"

say() { printf 'env: %s\n' "$*" >&2; }

# Say what is done, do it, and show on a terminal that it lives. The command is in the foreground:
# Ctrl-C reaches it.
alive() {
  say "$1"
  shift
  if [ ! -t 2 ]; then
    "$@"
    return
  fi
  tick &
  local ticker=$! status=0
  "$@" || status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  printf '\r\033[K' >&2
  return "$status"
}

tick() {
  local since=$SECONDS
  while sleep 1 && kill -0 $$ 2>/dev/null; do
    printf '\r\033[Kenv: %d s' "$((SECONDS - since))" >&2
  done
}

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
  log="$(mktemp)"
  get_package() {
    {
      "${root[@]}" apt-get update &&
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
          apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=120 "$package"
    } >"$log" 2>&1 </dev/null
  }
  if ! alive "installing $package with apt-get, since $1 has no venv module" get_package; then
    tail -n 20 "$log" >&2
    say "apt-get could not install $package: its last lines are above, all of them in $log"
    exit 1
  fi
  rm -f "$log"
}

make_with_uv() {
  local into=(uv pip install --quiet --python "$venv/bin/python")
  alive "making $venv with uv" \
    uv venv --quiet --clear --python "${python:->=$oldest}" "$venv" &&
    alive "installing requirements/dev.txt" "${into[@]}" --require-hashes -r requirements/dev.txt &&
    alive "installing medtrack itself" "${into[@]}" --no-deps --no-build-isolation --editable .
}

make_with_pip() {
  if [ -z "$python" ]; then
    say "no Python $oldest or newer found. Install one, or uv, then run make again"
    exit 1
  fi
  can_make_venvs "$python" || install_venv_module "$python"
  alive "making $venv with $python and pip" "$python" -m venv --clear "$venv"
  local pip=("$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input)
  alive "installing requirements/dev.txt" "${pip[@]}" --require-hashes -r requirements/dev.txt
  alive "installing medtrack itself" "${pip[@]}" --no-deps --no-build-isolation --editable .
}

python="$(find_python || true)"
if ! command -v uv >/dev/null; then
  make_with_pip
elif ! make_with_uv; then
  say "uv failed: trying pip, which has a configuration of its own"
  make_with_pip
fi
touch "$venv/made"
