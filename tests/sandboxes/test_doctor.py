"""The doctor's judges, its record, and what the web makes of it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from host import seccomp
from lessons import catalog
from sandboxes import doctor
from sandboxes.doctor import host, runner, syscalls
from sandboxes.doctor.attacks import attacks
from sandboxes.doctor.attempt import ANSWERS, KILLED, NOTHING, Attack, Seen, counts, says, spared
from sandboxes.engine import Death, EngineError, ExecResult
from sandboxes.models import DoctorRun

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_call_that_the_profile_refuses_is_tried(machine: str) -> None:
    refused = {name for names in seccomp.REFUSED.values() for name in names} | set(seccomp.WITHOUT_KEYRINGS)
    only_x86 = {"iopl", "ioperm", "uselib", "ustat", "sysfs"} if machine == "aarch64" else set()
    assert set(syscalls.REFUSED[machine]) == refused - only_x86
    assert len(set(syscalls.REFUSED[machine].values())) == len(syscalls.REFUSED[machine])
    assert (syscalls.FILTERED, syscalls.ABSENT) == (seccomp.EREMCHG, seccomp.ENOSYS)


def test_silence_or_more_words_are_not_a_refusal() -> None:
    judge = says(NOTHING)
    assert judge(Seen(0, f"{NOTHING}\n"))
    assert not judge(Seen(0, ""))
    assert not judge(Seen(0, f"montado /dev/vda {NOTHING}"))
    assert not judge(Seen(127, "sh: not found"))


@pytest.mark.parametrize(("said", "held"), [("creados 374: 11", True), ("creados 9000: 11", False), ("creados 0: 11", False), ("", False)])
def test_counts_wants_a_number_that_is_neither_nothing_nor_too_much(said: str, held: bool) -> None:
    assert counts(r"creados (\d+): 11", most=400)(Seen(0, said)) is held


def test_spared_wants_a_neighbour_that_answers_in_time() -> None:
    judge = spared(says("fin"))
    assert judge(Seen(0, "fin", slowest=ANSWERS))
    assert not judge(Seen(0, "fin", slowest=ANSWERS + 0.1))
    assert not judge(Seen(0, "fin", slowest=0.1, neighbour_failed="código 1"))
    assert not judge(Seen(0, "otra cosa", slowest=0.1))


def test_no_attack_is_held_by_silence_and_names_are_unique() -> None:
    assert not [attack.name for attack in attacks() if attack.judge(Seen(0, ""))]
    assert len({attack.name for attack in attacks()}) == len(attacks())


@pytest.fixture
def prepared(lab: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A fake lab whose sandboxes have an address and say what a test wants."""
    lab.says = NOTHING

    def run(name: str, argv: list[str], *, user: str = "root", seconds: float = 20) -> ExecResult:
        lab._call("run", name, among=("running",))
        return ExecResult(0, b"127.0.0.1\n" if argv == ["hostname", "-i"] else lab.says.encode())

    monkeypatch.setattr(lab, "run", run)
    attack = Attack("prueba", "Probar", "true", NOTHING, says(NOTHING))
    asked = Attack("vecina", "Molestar", "true", NOTHING, spared(says(NOTHING)), neighbour="docker ps")
    monkeypatch.setattr(doctor, "attacks", lambda: (attack, asked))
    return lab


@pytest.mark.django_db
def test_closed_lab_passes_is_remembered_and_leaves_nothing(prepared: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("lab_doctor")
    assert DoctorRun.objects.get().passed
    assert "✓ Probar" in capsys.readouterr().out
    assert not prepared.boxes
    assert not prepared.nets


@pytest.mark.django_db
def test_breach_ends_in_an_error_is_remembered_and_leaves_nothing(prepared: Any) -> None:
    prepared.says = "montado /dev/vda"
    with pytest.raises(CommandError, match=r"prueba, vecina"):
        call_command("lab_doctor", "--json")
    assert not DoctorRun.objects.get().passed
    assert not prepared.boxes


@pytest.mark.django_db
def test_doctor_that_cannot_try_says_so_and_remembers_nothing(prepared: Any) -> None:
    prepared.broken = {"start"}
    with pytest.raises(CommandError, match="No se pudo revisar"):
        call_command("lab_doctor")
    assert not DoctorRun.objects.exists()
    assert not prepared.boxes


def test_attack_that_cannot_be_tried_does_not_count_as_held(prepared: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Seen:
        raise EngineError("no responde")

    monkeypatch.setattr(runner, "_try", fail)
    findings = runner.examine(prepared, doctor.attacks())
    assert [finding.held for finding in findings] == [False, False]
    assert "no se pudo probar" in findings[0].observed


def test_a_killed_sandbox_is_started_again_once_docker_knows_that_it_is_dead(prepared: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter((False, False, True))

    def run(name: str, argv: list[str], *, user: str = "root", seconds: float = 20) -> ExecResult:
        return ExecResult(KILLED if "todo" in argv[-1] else 0, b"127.0.0.1\n")

    def death(name: str) -> Death | None:
        if next(looks):
            prepared.boxes[name].state = "exited"
            return Death(name, prepared.boxes[name].created, killed=True)
        return None

    states = []
    start = prepared.start
    monkeypatch.setattr(prepared, "run", run)
    monkeypatch.setattr(prepared, "death", death)
    monkeypatch.setattr(prepared, "start", lambda name: (states.append(prepared.boxes[name].state), start(name)))
    (finding,) = runner.examine(prepared, (Attack("bomba", "Tomarlo", "todo", "lo paran", lambda seen: seen.code == KILLED),))
    assert finding.held
    assert states == ["created", "created", "exited"]


def test_lacks_are_what_the_machine_has_not_got(tmp_path: Path) -> None:
    assert [lack.what for lack in host.lacks(frozenset({"userns"}), [], root=tmp_path)] == [
        "IPVS",
        "cgroups v2",
        "AppArmor",
        "cuotas simples de btrfs",
    ]
    for file in ("proc/net/ip_vs", "sys/fs/cgroup/cgroup.controllers", "sys/fs/btrfs/some-disk/qgroups/mode"):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_text("squota\n")
    assert host.lacks(frozenset({"userns", "apparmor"}), [], root=tmp_path) == []


def test_a_lack_names_the_exercises_that_it_touches(tmp_path: Path) -> None:
    one, *_ = catalog.course().exercises.values()
    services = replace(one, slug="malla", solutions=("docker swarm init\ndocker service create --name w busybox:1.37",))
    plain = replace(one, slug="sin-malla", solutions=("docker ps",))
    ipvs, *others = host.lacks(frozenset(), [plain, services], root=tmp_path)
    assert (ipvs.what, ipvs.exercises) == ("IPVS", "malla")
    assert {lack.exercises for lack in others} == {"ninguno"}


@pytest.mark.django_db
class TestRefuseUnsafe:
    def test_nothing_known_is_no_reason(self, lab: Any) -> None:
        doctor.refuse_unsafe()

    def test_failed_last_run_refuses_and_says_what_failed(self, lab: Any) -> None:
        DoctorRun.objects.create(passed=False, report={"findings": [{"name": "red", "held": False}, {"name": "disco", "held": True}]})
        with pytest.raises(ImproperlyConfigured, match="falló en red:"):
            doctor.refuse_unsafe()

    def test_only_the_last_run_counts(self, lab: Any) -> None:
        DoctorRun.objects.create(passed=False)
        DoctorRun.objects.create(passed=True)
        doctor.refuse_unsafe()

    def test_engine_that_does_not_remap_refuses(self, lab: Any) -> None:
        lab.options = frozenset({"seccomp"})
        with pytest.raises(ImproperlyConfigured, match="no remapea"):
            doctor.refuse_unsafe()

    @pytest.mark.parametrize("gates", [frozenset(), frozenset({"docker-intensivo-otro"})])
    def test_engine_without_this_labs_gate_refuses(self, lab: Any, gates: frozenset[str]) -> None:
        lab.asked = gates
        with pytest.raises(ImproperlyConfigured, match="no tiene la puerta de este laboratorio"):
            doctor.refuse_unsafe()

    def test_what_an_unreachable_engine_means_is_the_callers_to_say(self, lab: Any) -> None:
        lab.down = True
        with pytest.raises(EngineError):
            doctor.refuse_unsafe()


@pytest.mark.parametrize("debug", ["0", "1"])
def test_web_does_not_start_over_a_failed_run_unless_it_is_for_development(tmp_path: Path, debug: str) -> None:
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "labsite.settings",
        "LAB_DATABASE_URL": f"sqlite:///{tmp_path}/lab.sqlite3",
        "LAB_ENGINE_URL": f"unix://{tmp_path}/none.sock",
        "LAB_DEBUG": debug,
    }
    script = """
import asyncio, django
django.setup()
from django.core.management import call_command
call_command("migrate", "sandboxes", verbosity=0)
from sandboxes.models import DoctorRun
DoctorRun.objects.create(passed=False, report={"findings": [{"name": "red", "held": False}]})
async def start():
    import labsite.asgi
asyncio.run(start())
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, capture_output=True, text=True)
    assert (done.returncode == 0) is (debug == "1"), done.stderr
    assert ("(lab_doctor) falló en red" in done.stderr) is (debug == "0")
