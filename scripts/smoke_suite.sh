#!/usr/bin/env bash
# See that an installed medtrack works: every --help, and the four verbs against a private broker.
# Usage: smoke_suite.sh MEDTRACK
set -euo pipefail
medtrack="$1"
folder="$(mktemp -d)"
cd "$folder"
export PATH="$PATH:/usr/sbin:/sbin" HOME="$folder" NO_COLOR=1
unset XDG_STATE_HOME XDG_CONFIG_HOME XDG_CACHE_HOME "${!MEDTRACK_@}"

end() {
  "$medtrack" broker stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap end EXIT
fail() { echo "smoke: $*" >&2; exit 1; }
expect() { # CODE COMMAND…
  local code=0
  "${@:2}" || code=$?
  [[ $code -eq $1 ]] || fail "exit code $code, and not $1: ${*:2}"
}

"$medtrack" --version
count=0
while read -ra words; do
  expect 0 "$medtrack" "${words[@]:1}" --help > help
  grep --quiet "^Usage: ${words[*]}" help || fail "no help: ${words[*]}"
  count=$((count + 1))
done < <("$medtrack" spec | grep -o '"name":"medtrack[^"]*"' | cut -d '"' -f 4)
[[ $count -gt 40 ]] || fail "spec names $count commands"

"$medtrack" samples .
expect 0 "$medtrack" validate sample-events morning.ndjson
sed 's/first_name/first_nmae/' sample-events/student.created.json > typo.json
expect 1 "$medtrack" validate typo.json
expect 0 "$medtrack" schema check schemas

"$medtrack" broker start --install
to=(--profile private)
"$medtrack" "${to[@]}" listen --record received.ndjson --count 4 --timeout 60 > received 2> listening &
listener=$!
for _ in {1..300}; do
  if grep --quiet '"kind":"listening"' received || grep --quiet '^listening' listening; then break; fi
  sleep 0.1
done
expect 0 "$medtrack" "${to[@]}" publish -f sample-events/registration.yaml
expect 0 "$medtrack" "${to[@]}" replay morning.ndjson --speed max --limit 2
wait "$listener" || fail "listen: $(cat listening)"
expect 0 "$medtrack" "${to[@]}" replay received.ndjson --dry-run
"$medtrack" broker stop
echo "$count commands"
