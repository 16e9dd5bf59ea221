"""Installing the distribution's RabbitMQ without starting a service."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from medtrack_cli import programs
from medtrack_cli.errors import BrokerUnreachable

POLICY = Path("/usr/sbin/policy-rc.d")
TAIL = 8  # log lines shown in an error

# One script, so that `sudo` is asked once and the traps work whatever happens to Python.
# policy-rc.d is how Debian lets an administrator forbid service starts during installation:
# https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt An existing one is kept as
# a hard link and restored; ours counts only while this script runs.
DEBIAN = r"""
policy=$1 saved=$1.medtrack-saved draft=$1.medtrack-draft
mark='# Written by medtrack while it installs RabbitMQ'

restore() {
    rm -f "$draft"
    if [ -e "$saved" ] || [ -L "$saved" ]; then mv -f "$saved" "$policy"
    elif grep -qs "^$mark" "$policy"; then rm -f "$policy"
    fi
}
restore  # what a killed run left behind
trap restore EXIT
trap 'exit 1' HUP INT TERM
cat > "$draft" <<END
#!/bin/sh
$mark: no service starts meanwhile.
kill -0 $$ 2>/dev/null && exit 101
[ -x "$saved" ] && exec "$saved" "\$@"
exit 0
END
chmod 755 "$draft" || exit
if [ -e "$policy" ] || [ -L "$policy" ]; then ln -P "$policy" "$saved" || exit; fi
mv -f "$draft" "$policy" || exit

units=
for unit in rabbitmq-server.service epmd.service epmd.socket; do
    systemctl is-enabled --quiet "$unit" 2>/dev/null || units="$units $unit"
done
export DEBIAN_FRONTEND=noninteractive
wait_for_lock='-oDPkg::Lock::Timeout=120'
apt-get "$wait_for_lock" -q update
apt-get "$wait_for_lock" -q -y install --no-install-recommends rabbitmq-server || exit
# The package enables itself for the next boot; whoever wants that can enable it again.
for unit in $units; do systemctl disable "$unit" || true; done
command -v systemctl >/dev/null || update-rc.d rabbitmq-server disable || true
"""

FEDORA = "dnf -y --setopt=install_weak_deps=False install rabbitmq-server"  # starts no service

MANAGERS = {"apt-get": DEBIAN, "dnf": FEDORA}


def install_package(
    environ: Mapping[str, str], *, announce: Callable[[str], None], log: Path
) -> bool:
    """Install the package `rabbitmq-server`, stopped and disabled; False if that isn't possible.

    It needs apt-get or dnf, and root or a `sudo` that asks for no password. Raises
    BrokerUnreachable, with the log's last lines, when the installation fails.
    """
    path = environ.get("PATH", os.defpath)
    manager = next((name for name in MANAGERS if shutil.which(name, path=path)), None)
    privilege = _privilege(path)
    if manager is None or privilege is None:
        return False
    announce(f"installing the package rabbitmq-server with {manager}, its service off; log: {log}")
    run_manager(manager, privilege, environ, log)
    return True


def run_manager(
    manager: str,
    privilege: Sequence[str],
    environ: Mapping[str, str],
    log: Path,
    policy: Path = POLICY,
) -> None:
    """Let a package manager install RabbitMQ; `privilege` is the command's prefix to be root."""
    command = [*privilege, "/bin/sh", "-c", MANAGERS[manager], "sh", str(policy)]
    complete = f"{environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"  # dpkg insists on these
    if status := _run(command, {**environ, "PATH": complete}, log):
        lines = log.read_text("utf-8", "replace").splitlines()[-TAIL:]
        raise BrokerUnreachable(
            "RabbitMQ could not be installed",
            f"{manager} ended with {status}",
            hint="\n".join(["see why, then install rabbitmq-server yourself:", *lines]),
        )


def _privilege(path: str) -> list[str] | None:
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo", path=path)
    if sudo is None:
        return None
    return None if programs.run([sudo, "-n", "true"]).returncode else [sudo, "-n"]


def _run(command: list[str], environ: Mapping[str, str], log: Path) -> int:
    """Run to the end, even when interrupted: a half-configured package helps nobody.

    A process group of its own keeps the terminal's Ctrl-C from the package manager; the session
    stays, because sudo remembers a password by terminal.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - a constant script
            command,
            env=programs.for_others(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        return process.wait()
    except BaseException:
        process.wait()
        raise
