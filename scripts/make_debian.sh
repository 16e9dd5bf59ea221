#!/bin/sh
# Makes a Debian with some packages in a folder. Nothing in it is started, now or later, but by
# those who use it. Usage: make_debian.sh FOLDER SUITE PACKAGE,PACKAGE… [MIRROR]
set -eu
root=$1 suite=$2 packages=$3 mirror=${4:-} draft=$1.new

fail() {
    echo "make_debian.sh: $1" >&2
    exit 1
}

# debootstrap lets nothing start while it works; policy-rc.d forbids it from then on.
make_system() {
    debootstrap --variant=minbase --include="$packages" "$suite" "$draft" ${mirror:+"$mirror"} &&
        printf '#!/bin/sh\nexit 101\n' > "$draft/usr/sbin/policy-rc.d" &&
        chmod 755 "$draft/usr/sbin/policy-rc.d" &&
        chroot "$draft" apt-get clean
}

if [ -d "$root" ]; then
    echo "$root is there already"
    exit
fi
[ "$(id -u)" = 0 ] || fail 'only root may make a system in a folder: use sudo'
command -v debootstrap >/dev/null || fail 'needs debootstrap: apt-get install debootstrap'
echo "fetching a Debian $suite with $packages into $root: about 400 MB, a minute or two"
rm -rf --one-file-system "$draft"
mkdir -p "$(dirname "$root")"
said=$(make_system 2>&1) || fail "$said"
mv "$draft" "$root"
