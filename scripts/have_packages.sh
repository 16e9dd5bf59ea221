#!/usr/bin/env bash
# Install packages that tests need, where one is missing and this user may.
# usage: have_packages.sh WHAT-NEEDS-THEM PACKAGE=PROGRAM-OR-FILE...
set -euo pipefail

needs=$1 missing=()
for each in "${@:2}"; do
  [ -e "${each#*=}" ] || command -v "${each#*=}" >/dev/null || missing+=("${each%%=*}")
done
if [ ${#missing[@]} -eq 0 ]; then exit; fi

root=() log="$(mktemp)"
if [ "$(id -u)" -ne 0 ]; then root=(sudo -n); fi
if command -v apt-get >/dev/null; then
  install=(env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends
    -o DPkg::Lock::Timeout=120)
elif command -v dnf >/dev/null; then
  install=(dnf -y --setopt=install_weak_deps=False install)
else
  install=()
fi
if [ ${#install[@]} -eq 0 ] || ! "${root[@]}" true 2>/dev/null; then
  echo "$needs needs ${missing[*]}: install that, then run make again" >&2
  exit 1
fi
echo "installing ${missing[*]}, which $needs needs" >&2
# A list of packages that is old, or was never fetched, is fetched only when it has to be.
if ! "${root[@]}" "${install[@]}" "${missing[@]}" >"$log" 2>&1 </dev/null &&
  ! { command -v apt-get && "${root[@]}" apt-get update &&
    "${root[@]}" "${install[@]}" "${missing[@]}"; } >>"$log" 2>&1 </dev/null; then
  tail -n 20 "$log" >&2
  echo "they could not be installed: the last lines are above, all of them in $log" >&2
  exit 1
fi
rm -f "$log"
