"""Finding RabbitMQ on a machine, and installing it without starting a service."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from medtrack_cli.errors import BrokerUnreachable
from medtrack_cli.private_broker import install, rabbitmq
from medtrack_cli.private_broker.rabbitmq import Kind

FOREIGN_POLICY = "#!/bin/sh\nexit 104\n"


def script(path: Path, text: str = "exit 0") -> Path:
    """Write an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def server(folder: Path) -> Path:
    """Lay out what a RabbitMQ distribution has in its folder of scripts."""
    script(folder / "rabbitmq-env")
    return script(folder / "rabbitmq-server")


@pytest.mark.parametrize(
    "place",
    [
        "usr/lib/rabbitmq/bin",
        "opt/homebrew/opt/rabbitmq/sbin",
        "usr/local/opt/rabbitmq/sbin",
        "opt/rabbitmq_server-4.1.0/sbin",
    ],
)
def test_a_server_is_found_where_systems_put_it(tmp_path: Path, place: str) -> None:
    """The start script is found in each place that packages and archives use."""
    expected = server(tmp_path / place)
    assert rabbitmq.find_server({"PATH": "/nowhere"}, tmp_path) == expected


def test_the_wrapper_that_switches_users_is_passed_over(tmp_path: Path) -> None:
    """A wrapper on PATH is not taken for the server, whose own folder is used instead."""
    expected = server(tmp_path / "usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8/sbin")
    folder = tmp_path / "usr/lib/rabbitmq/bin"
    wrapper = script(folder / "rabbitmq-script-wrapper")
    for name in ("rabbitmq-server", "rabbitmq-env"):
        (folder / name).symlink_to(expected.with_name(name))
    (tmp_path / "usr/sbin").mkdir()
    (tmp_path / "usr/sbin/rabbitmq-server").symlink_to(wrapper)
    environ = {"PATH": str(tmp_path / "usr/sbin")}
    assert rabbitmq.find_server(environ, tmp_path) == expected


def test_what_the_user_chose_goes_before_the_systems(tmp_path: Path) -> None:
    """RABBITMQ_HOME is preferred to PATH, and PATH to the package's folder."""
    system = server(tmp_path / "usr/lib/rabbitmq/bin")
    on_path = server(tmp_path / "path")
    home = server(tmp_path / "home/sbin")
    environ = {"PATH": str(tmp_path / "path"), "RABBITMQ_HOME": str(tmp_path / "home")}
    assert rabbitmq.find_server(environ, tmp_path) == home
    assert rabbitmq.find_server({"PATH": environ["PATH"]}, tmp_path) == on_path
    assert rabbitmq.find_server({"PATH": "/nowhere"}, tmp_path) == system


def test_the_newest_unpacked_archive_is_taken(tmp_path: Path) -> None:
    """Versions of archives in the home folder are compared as numbers."""
    server(tmp_path / "rabbitmq_server-3.9.30/sbin")
    expected = server(tmp_path / "rabbitmq_server-3.13.1/sbin")
    environ = {"PATH": "/nowhere", "HOME": str(tmp_path)}
    assert rabbitmq.find_server(environ, tmp_path / "empty") == expected


def test_an_engine_counts_only_when_it_answers(tmp_path: Path) -> None:
    """A container engine that is installed but not running is passed over for one that runs."""
    script(tmp_path / "docker", "exit 1")
    podman = script(tmp_path / "podman", '[ "$1" = info ]')
    assert rabbitmq.find_engine({"PATH": str(tmp_path)}) == podman
    podman.unlink()
    assert rabbitmq.find_engine({"PATH": str(tmp_path)}) is None


def test_an_installed_server_goes_before_an_engine(tmp_path: Path) -> None:
    """RabbitMQ itself is preferred to a container, since it starts faster."""
    script(tmp_path / "docker")
    expected = server(tmp_path)
    assert rabbitmq.find({"PATH": str(tmp_path)}) == (Kind.SERVER, expected)


@pytest.mark.parametrize("system", ["Debian", "Ubuntu", "Fedora", "macOS", "Windows", "Docker"])
def test_the_hint_says_what_to_install(system: str) -> None:
    """The hint for a machine without RabbitMQ covers each system."""
    assert system in rabbitmq.HOW_TO_INSTALL


class Machine:
    """A folder that stands for a Debian machine: its package manager and service policy."""

    def __init__(self, folder: Path, apt_get: str) -> None:
        self.policy = folder / "sbin" / "policy-rc.d"
        self.policy.parent.mkdir()
        self.calls = folder / "calls"
        self.log = folder / "install.log"
        programs = folder / "bin"
        script(programs / "apt-get", f'echo "apt-get $*" >> {self.calls}\n{apt_get}')
        script(programs / "update-rc.d", f'echo "update-rc.d $*" >> {self.calls}')
        enabled = '[ "$1" = is-enabled ] && [ "$3" = epmd.socket ] && exit 0'
        refused = '[ "$1" = is-enabled ] && exit 1'
        script(
            programs / "systemctl",
            f'{enabled}\n{refused}\necho "systemctl $*" >> {self.calls}',
        )
        self.environ = {"PATH": f"{programs}:{os.environ['PATH']}", "POLICY": str(self.policy)}

    def install(self) -> None:
        """Run the installation with the caller's own rights."""
        install.run_manager("apt-get", [], self.environ, self.log, self.policy)

    def left_over(self) -> set[str]:
        """List what the folder of the policy holds."""
        return {path.name for path in self.policy.parent.iterdir()}


def test_no_service_starts_while_installing(tmp_path: Path) -> None:
    """During the installation the policy forbids service starts; afterwards it is gone."""
    machine = Machine(tmp_path, 'sh "$POLICY" rabbitmq-server start; echo "verdict $?"')
    machine.install()
    assert "verdict 101" in machine.log.read_text()
    assert machine.left_over() == set()


def test_the_service_is_left_disabled_and_others_untouched(tmp_path: Path) -> None:
    """What the package enabled is disabled; a unit that was enabled before stays so."""
    machine = Machine(tmp_path, "exit 0")
    machine.install()
    calls = machine.calls.read_text().splitlines()
    assert [call for call in calls if call.startswith("systemctl")] == [
        "systemctl disable rabbitmq-server.service",
        "systemctl disable epmd.service",
    ]
    updated, installed = (call for call in calls if call.startswith("apt-get"))
    assert updated.endswith("update")
    assert "--no-install-recommends rabbitmq-server" in installed


def test_a_foreign_policy_is_put_back_exactly(tmp_path: Path) -> None:
    """A policy of the administrator's is the same file afterwards, also when apt-get fails."""
    machine = Machine(tmp_path, 'sh "$POLICY" x start; echo "verdict $?"; exit 100')
    script(machine.policy).write_text(FOREIGN_POLICY)
    before = machine.policy.stat()
    with pytest.raises(BrokerUnreachable, match="could not be installed") as failure:
        machine.install()
    after = machine.policy.stat()
    assert "verdict 101" in failure.value.hint
    assert machine.policy.read_text() == FOREIGN_POLICY
    assert (before.st_ino, before.st_mode) == (after.st_ino, after.st_mode)
    assert machine.left_over() == {"policy-rc.d"}


def test_a_foreign_policy_survives_a_kill(tmp_path: Path) -> None:
    """After SIGKILL the administrator's policy is obeyed at once and put back by the next run."""
    machine = Machine(tmp_path, 'kill -9 "$PPID"')
    script(machine.policy).write_text(FOREIGN_POLICY)
    with pytest.raises(BrokerUnreachable):
        machine.install()
    verdict = subprocess.run([machine.policy, "x", "start"], check=False)
    assert verdict.returncode == 104
    script(tmp_path / "bin" / "apt-get")
    machine.install()
    assert machine.policy.read_text() == FOREIGN_POLICY
    assert machine.left_over() == {"policy-rc.d"}


def test_a_terminated_installation_restores_the_policy(tmp_path: Path) -> None:
    """SIGTERM to the installation removes its policy before it ends."""
    machine = Machine(tmp_path, 'kill -TERM "$PPID"; sleep 0.2')
    with pytest.raises(BrokerUnreachable):
        machine.install()
    assert machine.left_over() == set()


def test_a_failed_installation_shows_the_logs_end(tmp_path: Path) -> None:
    """The error's hint ends with what the package manager said last."""
    machine = Machine(tmp_path, 'echo "E: no space left"; exit 100')
    with pytest.raises(BrokerUnreachable) as failure:
        machine.install()
    assert failure.value.hint.endswith("E: no space left")
    assert "100" in failure.value.message


def test_an_interrupt_waits_for_the_package_manager(tmp_path: Path) -> None:
    """Ctrl-C is obeyed only after the installation ended, so that no package stays half done."""
    parent = os.getpid()
    done = tmp_path / "done"
    machine = Machine(tmp_path, f"[ $3 = update ] && kill -INT {parent}; sleep 0.5; touch {done}")
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            machine.install()
    finally:
        signal.signal(signal.SIGINT, previous)
    assert done.exists()
    assert machine.left_over() == set()


def test_without_a_package_manager_nothing_is_installed(tmp_path: Path) -> None:
    """On a system with neither apt-get nor dnf the answer is no, and nothing is announced."""
    said: list[str] = []
    environ = {"PATH": str(tmp_path)}
    assert not install.install_package(environ, announce=said.append, log=tmp_path / "log")
    assert said == []


def test_the_script_names_no_other_package() -> None:
    """Only rabbitmq-server is ever asked of a package manager."""
    for text in (install.DEBIAN, install.FEDORA):
        assert re.findall(r"install (?:-\S+ )*(\S+)", text) == ["rabbitmq-server"]
