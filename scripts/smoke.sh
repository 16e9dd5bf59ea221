#!/usr/bin/env bash
# Install what `make build` made as users do, and run the smoke suite on it: with pip, pipx and uv,
# on each Python that is found. Usage: smoke.sh [VERSION…]
# Pythons come from PATH, pyenv, uv, and last from a Debian in the folder MEDTRACK_SMOKE_ROOT
# (`make pythons`), entered by chroot. Those that can't be had are named, and an error
# only where VERSION asks for them.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
asked="$*"
versions=("${@:-3.11 3.12 3.13 3.14 3.15}")
read -ra versions <<< "${versions[*]}"
root="${MEDTRACK_SMOKE_ROOT:-}"
kit="$(mktemp -d "${root:+$root}/tmp/medtrack-smoke-XXXXXX")"
trap 'rm -rf --one-file-system "$kit"' EXIT
failed=0

# Say where a version is; a name on PATH may be a shim of a version that isn't there.
find_python() {
  local path
  for path in "$(command -v "python$1" || true)" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
    if [[ -x $path ]] && "$path" -c '' 2>/dev/null; then
      echo "$path"
      return
    fi
  done
  uv python find --no-project --no-python-downloads "$1" 2>/dev/null && return
  UV_PYTHON_INSTALL_DIR="$kit/pythons" UV_HTTP_TIMEOUT=20 \
    uv python install --no-bin "$1" 2>"$kit/uv.log" &&
    UV_PYTHON_INSTALL_DIR="$kit/pythons" uv python find --no-project "$1"
}

fill_kit() {
  cp "$here"/../dist/* "$here/smoke_one.sh" "$here/smoke_suite.sh" "$here/../requirements/runtime.txt" "$kit"
  if [[ -n $root ]]; then # what leads to the package index
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
    cp "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$kit/ca.pem"
  fi
}

in_root() {
  local inside="${kit#"$root"}"
  unshare --mount sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$root" \
    env -u PIP_FIND_LINKS "PIP_CERT=$inside/ca.pem" "SSL_CERT_FILE=$inside/ca.pem" \
    HOME="$inside" PATH=/usr/sbin:/usr/bin:/sbin:/bin bash "$inside/smoke_one.sh" "$@"
}

smoke() {
  local version="$1" python
  if python="$(find_python "$version")"; then
    bash "$kit/smoke_one.sh" "$python"
  elif [[ -n $root && -x $root/usr/bin/python$version ]]; then
    in_root "/usr/bin/python$version"
  else
    echo "Python $version: skipped, not on this machine; uv can't fetch it either:" \
      "$(grep -v '^$' "$kit/uv.log" | tail -n 1 | sed 's/^ *//')"
    [[ -z $asked ]] # what was asked for by name has to be there
  fi
}

fill_kit
for version in "${versions[@]}"; do
  smoke "$version" || failed=1
done
exit "$failed"
