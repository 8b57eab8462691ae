"""Recordings: what is in them and what is not, who may see them, and how they end."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from lessons import catalog, cohorts, progress
from lessons.kinds import Status, Verdict
from lessons.models import CheckRun
from sandboxes import lifecycle
from sandboxes.engine.events import EventFacts
from sandboxes.events import store
from sandboxes.models import EngineEvent, Recording, RecordingChoice, Sandbox
from sandboxes.recording import cast, marks, tape
from sandboxes.recording.marks import COMMAND, Mark
from sandboxes.terminal.protocol import encode_size
from tests.conftest import work
from tests.sandboxes.test_terminal import framed, multiplexed, opened

ROW = {"node": "lab", "shell": "principal"}
KEY = "docker-intensivo/hello-world/hello-world"
PROMPT = "\x1b]133;A\x07alumno@lab:~$ \x1b]133;B\x07"


def shell(command: str, output: str = "", code: int = 0) -> str:
    """What a shell with marks sends for a command: its echo, its output, the next prompt."""
    return f"{command}\r\n\x1b]133;C\x07{output}\x1b]133;D;{code}\x07{PROMPT}"


def write(path: Path, *lines: list[Any]) -> Path:
    head = {"version": 3, "term": {"cols": 80, "rows": 24}, "timestamp": 1}
    path.write_text("".join(json.dumps(line) + "\n" for line in (head, *lines)))
    return path


def limits(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> None:
    monkeypatch.setattr(django_settings, "ENV", django_settings.ENV.model_copy(update=changed))


# The file


async def test_cast_holds_output_and_sizes_in_order(tmp_path: Path) -> None:
    made = cast.Cast(tmp_path / "x.cast", columns=80, rows=24, most=1 << 20)
    for byte in "ñandú".encode():
        made.output(bytes([byte]))
    made.resize(100, 30)
    made.close()
    made.close()
    cast.written()
    head, *lines = [json.loads(line) for line in (tmp_path / "x.cast").read_text().splitlines()]
    assert (head["version"], head["term"]["cols"]) == (3, 80)
    assert "".join(text for _, code, text in lines if code == "o") == "ñandú"
    assert lines[-1][1:] == ["r", "100x30"]
    assert all(interval >= 0 for interval, _, _ in lines)


async def test_cast_ends_at_its_size_and_thins_a_flood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flood = cast.Cast(tmp_path / "flood.cast", columns=80, rows=24, most=10 << 20)
    for _ in range(100):
        flood.output(b"y\r\n" * 4096)
    flood.close()
    cast.written()
    assert flood.size < 4 * cast.PER_SECOND
    assert "más de lo que se graba" in (tmp_path / "flood.cast").read_text()
    monkeypatch.setattr(cast, "PER_SECOND", 1 << 30)
    full = cast.Cast(tmp_path / "full.cast", columns=80, rows=24, most=10_000)
    for _ in range(30):
        full.output(b"x" * 70_000)
    full.close()
    cast.written()
    assert full.full
    assert full.size < 10_000 + 100_000
    assert "tamaño máximo" in (tmp_path / "full.cast").read_text().splitlines()[-1]


# The marks


def test_commands_are_read_from_the_screen(tmp_path: Path) -> None:
    text = PROMPT + shell("docker px\b \bs\x1b[K", "NAMES\r\n") + shell("false", code=1) + "\r\n" + PROMPT
    pieces = [[0.5, "o", text[start : start + 7]] for start in range(0, len(text), 7)]
    found = marks.commands(write(tmp_path / "x.cast", *pieces))
    assert [(mark.text, mark.good) for mark in found] == [("docker ps", True), ("false", False)]


def test_what_the_screen_showed_already_is_of_the_recording_before(tmp_path: Path) -> None:
    found_there = marks.RESET + PROMPT + shell("docker ps", "NAMES\r\n") + "docker im"
    rest = "ages\r\n\x1b]133;C\x07" + marks.RESET + "\x1b]133;D;0\x07" + PROMPT
    found = marks.commands(write(tmp_path / "x.cast", [0, "o", found_there], [2, "o", rest]))
    assert [(mark.at, mark.text, mark.good) for mark in found] == [(2.0, "docker images", True)]


def test_marks_split_between_two_pieces_are_no_command_that_was_not_there(tmp_path: Path) -> None:
    found = marks.commands(write(tmp_path / "x.cast", [0, "o", PROMPT], [1, "o", "ls"], [1, "o", "\r\n\x1b]133;C\x07"]))
    assert [(mark.at, mark.text) for mark in found] == [(2.0, "ls")]


def test_player_gets_the_marks_at_their_time(tmp_path: Path) -> None:
    path = write(tmp_path / "x.cast", [1, "o", "a"], [2, "o", "b"])
    found = [Mark(0.5, COMMAND, "uno"), Mark(2, COMMAND, "dos"), Mark(9, COMMAND, "tres")]
    head, *lines = [json.loads(line) for line in marks.merged(path, found)]
    assert head["version"] == 3
    assert lines == [[0.5, "m", "uno"], [0.5, "o", "a"], [1, "m", "dos"], [1, "o", "b"], [6, "m", "tres"], [0.5, "o", ""]]


@pytest.mark.parametrize("text", ["", "{}\n", '{"version":3}\nnonsense\n', '{"version":3}\n[1]\n[]\n', '{"version":3}\n["x","o","y"]\n'])
def test_broken_recording_ends_early(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.cast"
    path.write_text(text)
    assert marks.commands(path) == []
    list(marks.merged(path, []))


def test_cause_is_the_last_command_that_names_what_is_asked() -> None:
    found = [Mark(1, COMMAND, "docker run --name salduo busybox"), Mark(2, "suceso", "salduo: arrancó"), Mark(3, COMMAND, "docker ps")]
    assert marks.cause(found, before=10, words=["busybox"]) == 0
    assert marks.cause(found, before=10, words=["redis"]) == 2
    assert marks.cause(found, before=0.5, words=["redis"]) is None


# A terminal


@pytest.fixture
def sandbox(ana: Any, lab: Any, sent: Any) -> Sandbox:
    sandbox = lifecycle.start(ana, catalog.course().exercises[KEY])
    work(sent)
    return Sandbox.objects.get(pk=sandbox.pk)


@sync_to_async
def rows() -> list[Recording]:
    return list(Recording.objects.order_by("pk"))


async def through(ana: Any, sandbox: Sandbox, lab: Any) -> None:
    """A terminal in which something was typed and something came out."""
    page, holder, writer = await opened(ana, sandbox, lab)
    holder.feed_data(multiplexed(framed(b"R", b"antes") + framed(b"L") + framed(b"D", b"Password: ")))
    for _ in range(3):
        await page.receive_from()
    await page.send_to(bytes_data=b"Isecreto\n")
    await page.send_to(bytes_data=b"S" + encode_size(100, 30))
    while framed(b"S", encode_size(100, 30)) not in writer.written:
        await asyncio.sleep(0.01)
    holder.feed_data(multiplexed(framed(b"D", b"hecho\r\n")))
    await page.receive_from()
    await page.disconnect()


@pytest.mark.django_db(transaction=True)
async def test_terminal_is_recorded_without_what_was_typed(ana: Any, sandbox: Sandbox, lab: Any) -> None:
    await through(ana, sandbox, lab)
    (found,) = await rows()
    text = tape.path_of(found).read_text()
    assert (found.node, found.shell, found.full) == ("lab", "principal", False)
    assert found.ended
    assert found.size == len(text.encode())
    assert "antes" in text
    assert "Password: " in text
    assert "hecho" in text
    assert "100x30" in text
    assert "secreto" not in text


@pytest.mark.django_db(transaction=True)
async def test_terminal_in_which_nothing_happened_is_not_kept(ana: Any, sandbox: Sandbox, lab: Any) -> None:
    page, holder, _ = await opened(ana, sandbox, lab)
    holder.feed_data(multiplexed(framed(b"R", b"antes") + framed(b"L")))
    await page.receive_from()
    await page.receive_from()
    await page.disconnect()
    assert await rows() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("changed", [{"recording": "nunca"}, {"recordings_days": 0}, {}])
async def test_who_is_not_recorded(ana: Any, sandbox: Sandbox, lab: Any, monkeypatch: pytest.MonkeyPatch, changed: Any) -> None:
    if not changed:
        await sync_to_async(RecordingChoice.objects.create)(user=ana, refused=True)
    limits(monkeypatch, **changed)
    await through(ana, sandbox, lab)
    assert await rows() == []


@pytest.mark.django_db(transaction=True)
async def test_terminal_works_where_nothing_can_be_written(ana: Any, sandbox: Sandbox, lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    limits(monkeypatch, recordings_dir="/proc/no")
    await through(ana, sandbox, lab)
    assert await rows() == []


@pytest.mark.django_db(transaction=True)
async def test_refusing_ends_the_recording_at_once(ana: Any, sandbox: Sandbox, lab: Any) -> None:
    page, holder, _ = await opened(ana, sandbox, lab)
    holder.feed_data(multiplexed(framed(b"L") + framed(b"D", b"uno")))
    await page.receive_from()
    await page.receive_from()
    client = Client()
    await sync_to_async(client.force_login)(ana)
    await sync_to_async(client.post)("/grabaciones/elegir/", {"grabar": "0"})
    deadline = time.monotonic() + 5
    while not (await rows())[0].ended and time.monotonic() < deadline:
        await page.receive_nothing(0.02)
    holder.feed_data(multiplexed(framed(b"D", b"dos")))
    await page.receive_from()
    await page.disconnect()
    (found,) = await rows()
    assert "dos" not in tape.path_of(found).read_text()


@pytest.mark.django_db
def test_class_that_always_records_takes_no_refusal(ana: Any, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    limits(monkeypatch, recording="siempre")
    client.force_login(ana)
    assert client.post("/grabaciones/elegir/", {"grabar": "0"}).status_code == 404
    RecordingChoice.objects.create(user=ana, refused=True)
    assert tape.is_recorded(ana.pk)


# The pages


@async_to_sync
async def read(answer: Any) -> str:
    """What a page gets of a file that is sent as it is read."""
    return "".join([piece.decode() async for piece in answer.streaming_content])


@pytest.fixture
def recording(sandbox: Sandbox) -> Recording:
    folder = Path(django_settings.ENV.recordings_dir)
    folder.mkdir(exist_ok=True)
    made = Recording.objects.create(sandbox=sandbox, **ROW, file=f"{sandbox.pk}.cast", ended=timezone.now() + timedelta(minutes=1), size=9)
    text = PROMPT + shell("docker run --name salduo busybox:1.37 echo hola", "hola\r\n") + shell("docker ps <b>", code=1)
    write(folder / made.file, [0.1, "o", text])
    return made


@pytest.mark.django_db
def test_student_sees_theirs_and_a_teacher_their_students(
    ana: Any, bruno: Any, carmen: Any, olga: Any, django_user_model: Any, recording: Recording, client: Client
) -> None:
    url = f"/grabaciones/{recording.pk}/"
    diana = django_user_model.objects.create_user("diana", is_staff=True)
    cohorts.join(cohorts.create(carmen, "Clase"), ana)
    for user, status in ((ana, 200), (carmen, 200), (olga, 200), (bruno, 404), (diana, 404)):
        client.force_login(user)
        assert client.get(url).status_code == status
        assert client.get(f"{url}cast/").status_code == status
        assert ("recording-row" in client.get("/grabaciones/").content.decode()) == (status == 200)
    client.logout()
    assert client.get(url).status_code == 302


@pytest.mark.django_db
def test_player_alone_may_compile(ana: Any, recording: Recording, client: Client) -> None:
    client.force_login(ana)
    assert "'wasm-unsafe-eval'" in client.get(f"/grabaciones/{recording.pk}/").headers["Content-Security-Policy"]
    assert "wasm" not in client.get("/grabaciones/").headers["Content-Security-Policy"]


@pytest.mark.django_db
def test_page_marks_commands_events_and_checks(ana: Any, sandbox: Sandbox, recording: Recording, client: Client) -> None:
    nano = int(recording.started.timestamp() * 1e9) + 10**9
    died = EventFacts(nano=nano, kind="container", action="die", actor="c1", attributes={"name": "salduo"})
    store.add(sandbox, "lab", [died])
    EngineEvent.objects.update(at=recording.started + timedelta(seconds=1))
    store.note(sandbox, "imagen", "passed")
    client.force_login(ana)
    text = client.get(f"/grabaciones/{recording.pk}/").content.decode()
    for said in ("docker run --name salduo", "salduo: terminó", "La imagen busybox:1.37 está en tu motor", "docker ps &lt;b&gt;"):
        assert said in text
    cast_lines = [json.loads(line) for line in read(client.get(f"/grabaciones/{recording.pk}/cast/")).splitlines()]
    marked = [line[2] for line in cast_lines[1:] if line[1] == "m"]
    assert {"salduo: terminó", "docker ps <b>"} < set(marked)
    assert len(marked) == 4


@pytest.mark.django_db
def test_failed_check_leads_to_its_command(ana: Any, bruno: Any, sandbox: Sandbox, recording: Recording, client: Client) -> None:
    exercise = catalog.course().exercises[KEY]
    assert sandbox.attempt
    run = progress.begin_check(sandbox.attempt)
    assert run
    progress.end_check(run, exercise, [("saludo", Verdict(Status.FAILED, "a", "b"))], {})
    CheckRun.objects.update(requested=recording.started + timedelta(seconds=30))
    client.force_login(ana)
    RecordingChoice.objects.create(user=ana, refused=True)  # from now on: what was recorded before still leads there
    assert f"/grabaciones/causa/{run.pk}/saludo/" in client.get(f"/curso/{KEY}/resultado/").content.decode()
    answer = client.get(f"/grabaciones/causa/{run.pk}/saludo/")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/grabaciones/{recording.pk}/?marca=0")
    client.force_login(bruno)
    assert client.get(f"/grabaciones/causa/{run.pk}/saludo/").status_code == 404


# What is kept


@pytest.mark.django_db
def test_old_recordings_and_those_without_room_go(sandbox: Sandbox, recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(django_settings.ENV.recordings_dir)
    old = Recording.objects.create(sandbox=sandbox, **ROW, file="old.cast", started=timezone.now() - timedelta(days=40))
    (folder / "old.cast").write_text("")
    big = Recording.objects.create(
        sandbox=sandbox,
        **ROW,
        file="big.cast",
        started=timezone.now() - timedelta(days=1),
        ended=timezone.now(),
        size=1 << 20,
    )
    tape.sweep()
    assert not Recording.objects.filter(pk=old.pk).exists()
    assert not (folder / "old.cast").exists()
    limits(monkeypatch, recordings_total=1)
    tape.sweep()
    assert not Recording.objects.filter(pk=big.pk).exists()
    assert Recording.objects.filter(pk=recording.pk).exists()
