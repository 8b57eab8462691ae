"""What `make run` refuses, what `make uninstall` takes away, and which bundles `make run BUNDLE=` refuses."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from host import instance, lab

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A checkout in which nothing was installed by its own Python, and programs that only say how they were called."""
    clone = tmp_path / "clone"
    shutil.copytree(ROOT / "host", clone / "host")
    for folder in (".venv/lib", "node_modules/x", "static/build", "static/js"):
        (clone / folder).mkdir(parents=True)
    programs = tmp_path / "bin"
    programs.mkdir()
    (tmp_path / "installed").write_text("base-files\n")
    said = {
        # Of what is installed, apt finds useless what "useless" says; nothing is taken away where it is "broken".
        "apt-get": f"""echo "$@" >>{tmp_path}/apt-calls
/usr/sbin/policy-rc.d docker-registry stop
echo $? >{tmp_path}/policy
echo "apt says why" >&2
case $1 in
    update) exit ;;
    -s) sed 's/.*/Remv & [1.0]/' {tmp_path}/useless; exit ;;
esac
[ ! -e {tmp_path}/broken ] || exit 1
for each; do sed -i "/^$each$/d" {tmp_path}/installed; done""",
        "apt-mark": f'echo "$@" >>{tmp_path}/apt-marks',
        "dpkg-query": f"sed 's/^/ii /' {tmp_path}/installed",
        "userdel": f'echo "user $1" >>{tmp_path}/deleted',
        "groupdel": f'echo "group $1" >>{tmp_path}/deleted',
    }
    for name, script in said.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    return clone


def add(clone: Path, *asked: str, along: tuple[str, ...] = (), useful: tuple[str, ...] = ()) -> Path:
    """The lab's folder after these packages were installed, some of which something else uses by now."""
    state = clone.parent / "state"
    state.mkdir()
    (state / "added-packages").write_text("".join(f"{name}\n" for name in asked))
    (state / "came-along").write_text("".join(f"{name}\n" for name in along))
    there = [*dict.fromkeys(asked), *(name.removeprefix("package:") for name in along if name.startswith("package:"))]
    (clone.parent / "installed").write_text("".join(f"{name}\n" for name in ("base-files", *there)))
    # Also one that nobody uses, and that was there before.
    (clone.parent / "useless").write_text("".join(f"{name}\n" for name in ("old-library", *there) if name not in useful))
    return state


def uninstall(clone: Path, state: Path, *, code: int = 0) -> str:
    if os.geteuid() != 0:
        pytest.fail("the lab's scripts need root, and so do their tests")
    env = {**os.environ, "LAB_STATE": str(state), "PATH": f"{clone.parent}/bin:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "host/bootstrap.sh", "uninstall"], cwd=clone, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_what_was_added_and_only_that_goes(clone: Path, tmp_path: Path) -> None:
    state = add(clone, "docker.io", "dnsmasq-base", "docker.io", along=("package:runc", "user:games", "group:games", "user:nunca"))
    assert "Se quedan" not in uninstall(clone, state)
    asked, going = (tmp_path / "apt-marks").read_text().split(), (tmp_path / "apt-calls").read_text().splitlines()[-1].split()
    assert asked == ["auto", "dnsmasq-base", "docker.io"]
    assert going == ["purge", "-yq", "dnsmasq-base", "docker.io", "runc"]
    assert (tmp_path / "installed").read_text() == "base-files\n"
    assert (tmp_path / "deleted").read_text().splitlines() == ["user games", "group games"]
    assert not state.exists()
    assert sorted(path.name for path in clone.iterdir()) == ["host", "static"]
    assert [path.name for path in (clone / "static").iterdir()] == ["js"]


def test_what_something_else_uses_by_now_stays_and_is_told(clone: Path, tmp_path: Path) -> None:
    state = add(clone, "docker.io", "redis-server", along=("package:runc", "group:games"), useful=("redis-server",))
    assert "Se quedan, que otro programa los usa ya: redis-server" in uninstall(clone, state)
    assert (tmp_path / "installed").read_text() == "base-files\nredis-server\n"
    assert not (tmp_path / "deleted").exists()  # it may be theirs


def test_what_an_installation_that_was_cut_short_brought_goes_too(clone: Path, tmp_path: Path) -> None:
    state = add(clone, "docker.io", along=("package:runc",))
    (state / "came-along").unlink()
    inventory = "package:base-files\n" + "".join(f"user:{line.split(':')[0]}\n" for line in Path("/etc/passwd").read_text().splitlines())
    inventory += "".join(f"group:{line.split(':')[0]}\n" for line in Path("/etc/group").read_text().splitlines())
    (state / "before").write_text("".join(sorted(inventory.splitlines(keepends=True))))
    uninstall(clone, state)
    assert (tmp_path / "installed").read_text() == "base-files\n"
    assert not (tmp_path / "deleted").exists()


def test_no_service_is_started_or_stopped_meanwhile_and_no_policy_stays(clone: Path, tmp_path: Path) -> None:
    """docker-registry's removal fails if its service, which never ran, is to be stopped."""
    policy = Path("/usr/sbin/policy-rc.d")
    had = policy.exists()
    uninstall(clone, add(clone, "docker-registry"))
    assert (tmp_path / "policy").read_text().strip() == "101"
    assert policy.exists() == had


def test_packages_that_do_not_go_are_said_and_can_be_tried_again(clone: Path, tmp_path: Path) -> None:
    state = add(clone, "docker-registry")
    (tmp_path / "broken").touch()
    assert f"el registro está en {state}/apt.log" in uninstall(clone, state, code=1)
    assert "apt says why" in (state / "apt.log").read_text()
    (tmp_path / "broken").unlink()
    assert "Desinstalado" in uninstall(clone, state)
    assert not state.exists()


def test_a_machine_that_had_everything_keeps_it(clone: Path, tmp_path: Path) -> None:
    uninstall(clone, tmp_path / "state")
    assert not (tmp_path / "apt-calls").exists()


def test_the_labs_of_another_folder_keep_what_they_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, ours = tmp_path / "run", tmp_path / "state"
    for module in (instance, lab):
        monkeypatch.setattr(module, "RUN", run)
        monkeypatch.setattr(module, "STATE", ours)
    for folder in (run / "nuestro/gate", run / "ajeno/gate", ours / "nuestro/compose"):
        folder.mkdir(parents=True)
    downed, removed = [], []
    monkeypatch.setattr(lab, "_down", lambda one: downed.append(one.name))
    monkeypatch.setattr(lab.accounts, "remove", lambda: removed.append("users"))
    other = subprocess.Popen(["sh", "-c", "read line", "host.lab"], stdin=subprocess.PIPE)
    (run / "ajeno.pid").write_text(str(other.pid))
    lab._uninstall()
    assert (downed, removed) == (["nuestro"], [])
    assert sorted(path.name for path in run.iterdir()) == ["ajeno", "ajeno.pid"]
    assert (run / "ajeno/gate").is_dir()
    other.communicate()
    lab._uninstall()
    assert removed == ["users"]


def start_from(clone: Path, bundle: Path, state: Path) -> str:
    env = {**os.environ, "LAB_STATE": str(state), "BUNDLE": str(bundle), "LAB_MIN_DISK_MB": "1"}
    done = subprocess.run(
        ["sh", "host/bootstrap.sh", "up", "--name", "nunca"], cwd=clone, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    return done.stderr


def test_a_bundle_that_cannot_be_used_is_refused_by_one_sentence(clone: Path, tmp_path: Path) -> None:
    state, bundle = tmp_path / "state", tmp_path / "aula.tar.gz"
    shutil.copy(ROOT / "requirements.lock", clone)
    assert "no se puede leer" in start_from(clone, bundle, state)
    bundle.write_bytes(b"not an archive")
    assert "está dañado" in start_from(clone, bundle, state)
    (tmp_path / "about").write_text("potato sparc 0123456789abcdef\n")
    subprocess.run(["tar", "-C", str(tmp_path), "-czf", str(bundle), "about"], check=True)
    assert "hazlo de nuevo con «make bundle»" in start_from(clone, bundle, state)
    assert not (state / "added-packages").exists()


def starting(clone: Path, *before: str, script: str = "", **given: str) -> str:
    """What `make run` says on a machine that `before` and `script` make another, where it can't go on."""
    command = f"{script}exec sh host/bootstrap.sh up --name nunca"
    env = {**os.environ, "LAB_STATE": str(clone.parent / "state"), **given}
    done = subprocess.run([*before, "sh", "-ec", command], cwd=clone, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1, done.stdout
    said = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(said) == 1, done.stderr
    return said[0]


def test_who_is_not_root_is_told(clone: Path) -> None:
    assert "hace falta ser root" in starting(clone, "unshare", "--user")


def test_a_system_that_is_not_debian_is_told_by_its_name(clone: Path) -> None:
    (clone / "release").write_text('ID=fedora\nPRETTY_NAME="Fedora Linux 43"\n')
    said = starting(clone, "unshare", "--mount", script="mount --bind release /etc/os-release; ")
    assert "no es Debian ni deriva de él (Fedora Linux 43)" in said


def test_a_kernel_without_user_namespaces_is_told(clone: Path) -> None:
    (clone / "none").write_text("0\n")
    said = starting(clone, "unshare", "--mount", script="mount --bind none /proc/sys/user/max_user_namespaces; ")
    assert "sysctl -w user.max_user_namespaces=15000" in said


def test_a_full_disk_is_told_with_what_is_missing(clone: Path) -> None:
    assert "hacen falta 999999999: libera espacio o pon LAB_STATE en otro disco" in starting(clone, LAB_MIN_DISK_MB="999999999")


def test_a_folder_that_cannot_be_written_is_told(clone: Path) -> None:
    assert "no se puede escribir en /proc/laboratorio" in starting(clone, LAB_STATE="/proc/laboratorio")


@pytest.mark.parametrize("engine", [True, False], ids=["another-engine", "no-engine"])
def test_an_engine_of_another_vendor_is_left_alone(clone: Path, engine: bool) -> None:
    programs = clone.parent / "bin"
    for name in ("sh", "id", "cat", "df", "awk", "mkdir", "grep", "cut", "dirname", "rm", "chmod", "python3", "ls", "sed", "sort", "comm"):
        (programs / name).symlink_to(shutil.which(name) or "")
    others = {"dpkg-query": "un", "npm": ""} | ({"dockerd": "Docker CE"} if engine else {})
    for name, said in others.items():
        (programs / name).write_text(f"#!/bin/sh\necho '{said}'\n")
        (programs / name).chmod(0o755)
    (clone.parent / "broken").touch()
    # The script looks in the system's own folders whatever it is given: this machine's engine is not there.
    (clone / "none").touch()
    hidden = "for each in /usr/local/sbin /usr/sbin; do [ ! -e $each/dockerd ] || /bin/mount --bind none $each/dockerd; done; "
    said = starting(clone, shutil.which("unshare") or "", "--mount", script=hidden, PATH=str(programs), LAB_MIN_DISK_MB="1")
    assert "no se pudieron instalar los paquetes" in said
    asked = (clone.parent / "apt-calls").read_text().split()
    assert "btrfs-progs" in asked
    assert ("docker.io" in asked) is not engine
    assert not [word for word in asked if word in ("remove", "purge")]


def test_a_copy_that_installed_nothing_does_not_take_away_what_another_did(clone: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    (state / "lab").mkdir(parents=True)
    (state / "lab" / "env").touch()
    assert "en la carpeta desde la que se arrancó" in uninstall(clone, state, code=1)
    assert (state / "lab" / "env").exists()
