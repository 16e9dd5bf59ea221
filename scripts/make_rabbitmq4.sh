#!/bin/sh
# Makes a Debian 13 in a folder, for its RabbitMQ 4. Nothing in it is started, now or later, but
# by the tests. Usage: make_rabbitmq4.sh FOLDER [MIRROR]
set -eu
root=$1 draft=$1.new

fail() {
    echo "make rabbitmq4: $1" >&2
    exit 1
}

# debootstrap lets nothing start while it works; policy-rc.d forbids it from then on.
make_system() {
    debootstrap --variant=minbase --include=rabbitmq-server trixie "$1" ${2:+"$2"} &&
        printf '#!/bin/sh\nexit 101\n' > "$1/usr/sbin/policy-rc.d" &&
        chmod 755 "$1/usr/sbin/policy-rc.d" &&
        chroot "$1" apt-get clean
}

if [ -d "$root" ]; then
    echo "$root is there already"
else
    [ "$(id -u)" = 0 ] || fail 'only root may make a system in a folder: sudo make rabbitmq4'
    command -v debootstrap >/dev/null || fail 'needs debootstrap: apt-get install debootstrap'
    echo "fetching a Debian 13 with RabbitMQ 4 into $root: about 400 MB, a minute or two"
    rm -rf --one-file-system "$draft"
    mkdir -p "$(dirname "$root")"
    said=$(make_system "$draft" "${2:-}" 2>&1) || fail "$said"
    mv "$draft" "$root"
fi
echo "try it: MEDTRACK_TEST_RABBITMQ4_ROOT=$root make test-faults"
