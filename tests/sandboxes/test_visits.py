"""Who may be in another's sandbox, for how long, and what they may do there; with a scripted holder behind the fake engine."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from django.test import Client
from django.utils import timezone

from lessons import catalog, cohorts
from lessons.models import Cohort
from sandboxes import lifecycle, visits
from sandboxes.models import Recording, Sandbox, Visit
from sandboxes.routing import websocket_urlpatterns
from sandboxes.terminal import guest
from sandboxes.terminal.protocol import encode, encode_size
from tests.conftest import work
from tests.sandboxes.test_terminal import close_code, connect, framed, multiplexed, reached
from tests.sockets import PageSocket

pytestmark = pytest.mark.django_db(transaction=True)
HELLO = "docker-intensivo/hello-world/hello-world"
PRACTICE = "docker-intensivo/hello-world/laboratorio"
NUMBERS = bytes(range(24))
SIZE = encode_size(80, 24)


@pytest.fixture
def cohort(ana: Any, carmen: Any) -> Cohort:
    made = cohorts.create(carmen, "Clase")
    cohorts.join(made, ana)
    return made


def start(user: Any, sent: Any, key: str = HELLO) -> Sandbox:
    found = catalog.exercise(key)
    assert found
    sandbox = lifecycle.start(user, found)
    work(sent)
    return Sandbox.objects.get(pk=sandbox.pk)


@pytest.fixture
def sandbox(ana: Any, lab: Any, sent: Any) -> Sandbox:
    return start(ana, sent)


def modes(sandbox: Sandbox) -> list[tuple[str, str, str]]:
    return [
        (visit.visitor.username if visit.visitor else "", visit.mode, visit.outcome)
        for visit in Visit.objects.filter(sandbox=sandbox).order_by("pk")
    ]


def asked(sandbox: Sandbox) -> Visit:
    return Visit.objects.get(sandbox=sandbox, mode="type", ended=None)


# What begins, and how it ends


def test_teacher_watches_their_student_and_nobody_elses(ana: Any, bruno: Any, carmen: Any, sandbox: Sandbox, cohort: Cohort) -> None:
    assert visits.watch(carmen, sandbox)
    assert visits.watch(carmen, sandbox)
    assert visits.mode_of(carmen.pk, sandbox.pk) == "read"
    assert not visits.watch(bruno, sandbox)
    assert not visits.watch(ana, sandbox)
    assert modes(sandbox) == [("carmen", "read", "")]


def test_teacher_of_another_class_may_not_watch(carmen: Any, sandbox: Sandbox) -> None:
    assert not visits.watch(carmen, sandbox)


def test_typing_along_begins_when_the_student_accepts_and_ends_when_they_say(
    ana: Any, bruno: Any, carmen: Any, sandbox: Sandbox, cohort: Cohort
) -> None:
    assert not visits.ask(carmen, sandbox)
    visits.watch(carmen, sandbox)
    assert visits.ask(carmen, sandbox)
    assert visits.mode_of(carmen.pk, sandbox.pk) == "read"
    assert not visits.answer(asked(sandbox).pk, bruno, yes=True)
    assert not visits.answer(asked(sandbox).pk, carmen, yes=True)
    assert visits.answer(asked(sandbox).pk, ana, yes=True)
    assert not visits.answer(asked(sandbox).pk, ana, yes=False)
    assert visits.mode_of(carmen.pk, sandbox.pk) == "type"
    assert not visits.dismiss(asked(sandbox).pk, bruno)
    assert visits.dismiss(asked(sandbox).pk, ana)
    assert visits.mode_of(carmen.pk, sandbox.pk) is None
    assert modes(sandbox) == [("carmen", "read", "dismissed"), ("carmen", "type", "dismissed")]


def test_refused_teacher_goes_on_watching_and_may_ask_again(ana: Any, carmen: Any, sandbox: Sandbox, cohort: Cohort) -> None:
    visits.watch(carmen, sandbox)
    visits.ask(carmen, sandbox)
    assert visits.answer(asked(sandbox).pk, ana, yes=False)
    assert visits.mode_of(carmen.pk, sandbox.pk) == "read"
    visits.ask(carmen, sandbox)
    assert modes(sandbox) == [("carmen", "read", ""), ("carmen", "type", "refused"), ("carmen", "type", "")]


def test_invitation_admits_one_person_once(ana: Any, bruno: Any, carmen: Any, lab: Any, sent: Any) -> None:
    shared = start(ana, sent, PRACTICE)
    invited = visits.invite(shared)
    assert invited
    assert visits.invite(shared) == invited
    assert not visits.take(invited, ana)
    assert visits.take(invited, bruno)
    assert not visits.take(invited, carmen)
    assert visits.invitation(str(invited.code)) is None
    assert visits.mode_of(bruno.pk, shared.pk) == "type"
    assert visits.invite(shared) is None
    assert visits.leave(bruno.pk, shared.pk)
    assert visits.invite(shared) != invited


def test_withdrawn_invitation_admits_nobody(ana: Any, bruno: Any, lab: Any, sent: Any) -> None:
    shared = start(ana, sent, PRACTICE)
    invited = visits.invite(shared)
    assert invited
    assert visits.dismiss(invited.pk, ana)
    assert visits.invitation(str(invited.code)) is None
    assert not visits.take(invited, bruno)


def test_exercise_that_is_for_one_is_not_shared(sandbox: Sandbox) -> None:
    assert visits.invite(sandbox) is None


def test_end_of_the_sandbox_ends_its_visits(carmen: Any, sandbox: Sandbox, cohort: Cohort) -> None:
    visits.watch(carmen, sandbox)
    lifecycle.stop(sandbox, reason="")
    assert visits.mode_of(carmen.pk, sandbox.pk) is None
    assert modes(sandbox) == [("carmen", "read", "over")]


def test_leaving_the_class_ends_what_its_teacher_has_open(ana: Any, carmen: Any, sandbox: Sandbox, cohort: Cohort) -> None:
    visits.watch(carmen, sandbox)
    cohorts.leave(cohort, ana.pk)
    assert modes(sandbox) == [("carmen", "read", "unentitled")]


def test_losing_the_role_ends_it_too(carmen: Any, sandbox: Sandbox, cohort: Cohort) -> None:
    visits.watch(carmen, sandbox)
    carmen.is_staff = False
    carmen.save()
    assert modes(sandbox) == [("carmen", "read", "unentitled")]


def test_sweep_ends_what_has_no_page_or_no_sandbox_but_not_a_classmate(
    ana: Any, bruno: Any, carmen: Any, cohort: Cohort, lab: Any, sent: Any
) -> None:
    shared = start(ana, sent, PRACTICE)
    invited = visits.invite(shared)
    assert invited
    visits.take(invited, bruno)
    visits.watch(carmen, shared)
    visits.sweep()
    assert visits.mode_of(carmen.pk, shared.pk) == "read"
    Visit.objects.update(seen=timezone.now() - timedelta(minutes=5))
    visits.sweep()
    assert visits.mode_of(carmen.pk, shared.pk) is None
    assert visits.mode_of(bruno.pk, shared.pk) == "type"
    Sandbox.objects.filter(pk=shared.pk).update(state="failed")
    visits.sweep()
    assert modes(shared) == [("bruno", "type", "over"), ("carmen", "read", "lost")]


def test_page_that_comes_back_keeps_its_visit(carmen: Any, sandbox: Sandbox, cohort: Cohort) -> None:
    visits.watch(carmen, sandbox)
    left = timezone.now()
    visits.note_seen(carmen.pk, sandbox.pk)
    visits.end_unseen(carmen.pk, sandbox.pk, since=left)
    assert visits.mode_of(carmen.pk, sandbox.pk) == "read"
    visits.end_unseen(carmen.pk, sandbox.pk, since=timezone.now())
    assert modes(sandbox) == [("carmen", "read", "lost")]


# The terminal


async def opened(user: Any, sandbox: Sandbox, lab: Any) -> tuple[PageSocket, asyncio.StreamReader, Any]:
    before = len(lab.streams)
    page = connect(user, sandbox.pk)
    await page.connect()
    await page.send_to(bytes_data=b"N" + SIZE + NUMBERS)
    return page, *await reached(lab, before=before)


async def reaches(writer: Any, wanted: bytes) -> None:
    async with asyncio.timeout(5):
        while wanted not in writer.written:
            await asyncio.sleep(0.01)


async def test_visitor_watches_without_taking_the_shell_and_nothing_they_send_arrives(
    carmen: Any, sandbox: Sandbox, lab: Any, cohort: Cohort
) -> None:
    await sync_to_async(visits.watch)(carmen, sandbox)
    page, holder, writer = await opened(carmen, sandbox, lab)
    await reaches(writer, framed(b"W", SIZE + b"principal"))
    for message in (b"Irm -rf /\n", b"S" + encode_size(10, 10), b"X"):
        await page.send_to(bytes_data=message)
    await page.send_to(bytes_data=b"P")
    assert await page.receive_from() == b"P"
    holder.feed_data(multiplexed(framed(b"S", encode_size(132, 43)) + framed(b"D", b"hola")))
    assert await page.receive_from() == b"S" + encode_size(132, 43)
    assert await page.receive_from() == b"Dhola"
    assert writer.written == framed(b"W", SIZE + b"principal")
    await page.disconnect()
    assert not await Recording.objects.aexists()


async def test_acceptance_lets_the_open_terminal_type_and_dismissal_closes_it_at_once(
    ana: Any, carmen: Any, sandbox: Sandbox, lab: Any, cohort: Cohort
) -> None:
    await sync_to_async(visits.watch)(carmen, sandbox)
    page, _, writer = await opened(carmen, sandbox, lab)
    await sync_to_async(visits.ask)(carmen, sandbox)
    visit = await sync_to_async(asked)(sandbox)
    await page.send_to(bytes_data=b"Iantes\n")
    await page.send_to(bytes_data=b"P")
    assert await page.receive_from() == b"P"  # what came before it has been taken, or not
    await sync_to_async(visits.answer)(visit.pk, ana, yes=True)
    async with asyncio.timeout(5):
        while framed(b"I", b"juntos\n") not in writer.written:
            await page.send_to(bytes_data=b"Ijuntos\n")
            await asyncio.sleep(0.02)
    assert b"antes" not in writer.written
    await page.send_to(bytes_data=b"X")
    await page.send_to(bytes_data=b"S" + encode_size(10, 10))
    await sync_to_async(visits.dismiss)(visit.pk, ana)
    assert (await page.receive_output(2))["code"] == 4411
    assert framed(b"X") not in writer.written
    assert encode_size(10, 10) not in writer.written
    assert await close_code(connect(carmen, sandbox.pk)) == 4403


async def test_a_visit_that_is_over_closes_its_terminal_though_nobody_says_so(
    ana: Any, carmen: Any, sandbox: Sandbox, lab: Any, cohort: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guest, "ASK_EVERY", 0.02)
    await sync_to_async(visits.watch)(carmen, sandbox)
    page, _, _ = await opened(carmen, sandbox, lab)
    monkeypatch.setattr(visits, "_tell", lambda _: None)
    await sync_to_async(visits.leave)(carmen.pk, sandbox.pk)
    assert (await page.receive_output(5))["code"] == 4411


async def test_nobody_gets_in_without_a_visit(bruno: Any, carmen: Any, olga: Any, sandbox: Sandbox, cohort: Cohort) -> None:
    for user in (bruno, carmen, olga):
        assert await close_code(connect(user, sandbox.pk)) == 4403


async def test_invited_classmate_types_at_once(ana: Any, bruno: Any, lab: Any, sent: Any) -> None:
    shared = await sync_to_async(start)(ana, sent, PRACTICE)
    invited = await sync_to_async(visits.invite)(shared)
    assert invited
    await sync_to_async(visits.take)(invited, bruno)
    page, _, writer = await opened(bruno, shared, lab)
    await page.send_to(bytes_data=b"Ils\n")
    await reaches(writer, framed(b"I", b"ls\n"))
    await sync_to_async(lifecycle.stop)(shared, reason="")
    assert (await page.receive_output(2))["code"] in (4410, 4411)


# A shell that is not there


def told(channel: int, kind: bytes, payload: bytes = b"") -> bytes:
    """As the holder says it to one of the terminals of a line."""
    return multiplexed(encode(kind, payload, channel=channel))


async def test_who_watches_waits_for_a_shell_and_sees_it_as_soon_as_its_owner_opens_it(
    ana: Any, carmen: Any, sandbox: Sandbox, lab: Any, cohort: Cohort
) -> None:
    await sync_to_async(visits.watch)(carmen, sandbox)
    page, holder, writer = await opened(carmen, sandbox, lab)
    await reaches(writer, framed(b"W", SIZE + b"principal"))
    holder.feed_data(told(0, b"F", b"no such shell"))
    assert await page.receive_from() == b"W"
    for elsewhere in ("t2", "principal"):
        theirs = connect(ana, sandbox.pk, name=elsewhere)
        await theirs.connect()
        await theirs.send_to(bytes_data=b"O" + SIZE)
        await reaches(writer, SIZE + elsewhere.encode())
    await reaches(writer, encode(b"W", SIZE + b"principal", channel=3))
    assert writer.written.count(SIZE + b"principal") == 3  # the owner's, and two looks: none for the other shell
    holder.feed_data(told(3, b"S", encode_size(132, 43)) + told(3, b"D", b"hola"))
    assert await page.receive_from() == b"S" + encode_size(132, 43)
    assert await page.receive_from() == b"Dhola"
    await page.disconnect()


async def test_who_may_type_opens_a_shell_that_nobody_has_opened_but_not_again_after_its_end(
    ana: Any, bruno: Any, lab: Any, sent: Any
) -> None:
    shared = await sync_to_async(start)(ana, sent, PRACTICE)
    invited = await sync_to_async(visits.invite)(shared)
    assert invited
    await sync_to_async(visits.take)(invited, bruno)
    page, holder, writer = await opened(bruno, shared, lab)
    await reaches(writer, framed(b"W", SIZE + b"principal"))
    holder.feed_data(told(0, b"F", b"no such shell"))
    look = encode(b"W", SIZE + b"principal", channel=2)
    await reaches(writer, look)
    opening = encode(b"O", SIZE + b"principal", channel=1) + encode(b"Q", channel=1)
    assert opening in writer.written
    holder.feed_data(told(2, b"S", SIZE) + told(2, b"E", bytes(4)))
    assert await page.receive_from() == b"S" + SIZE
    assert await page.receive_from() == b"E" + bytes(4)
    await page.send_to(bytes_data=b"Iexit\n")
    await page.send_to(bytes_data=b"P")
    assert await page.receive_from() == b"P"
    assert writer.written.endswith(look + encode(b"Q", channel=2))
    theirs = connect(ana, shared.pk)
    await theirs.connect()
    await theirs.send_to(bytes_data=b"O" + SIZE)
    await reaches(writer, encode(b"W", SIZE + b"principal", channel=4))
    await theirs.disconnect()
    await page.disconnect()


async def test_leave_to_type_while_one_waits_opens_the_shell(ana: Any, carmen: Any, sandbox: Sandbox, lab: Any, cohort: Cohort) -> None:
    await sync_to_async(visits.watch)(carmen, sandbox)
    page, holder, writer = await opened(carmen, sandbox, lab)
    await reaches(writer, framed(b"W", SIZE + b"principal"))
    holder.feed_data(told(0, b"F", b"no such shell"))
    assert await page.receive_from() == b"W"
    await sync_to_async(visits.ask)(carmen, sandbox)
    visit = await sync_to_async(asked)(sandbox)
    await sync_to_async(visits.answer)(visit.pk, ana, yes=True)
    channel = 1
    async with asyncio.timeout(5):
        while (opening := encode(b"O", SIZE + b"principal", channel=channel)) not in writer.written:
            if encode(b"W", SIZE + b"principal", channel=channel) in writer.written:
                holder.feed_data(told(channel, b"F", b"no such shell"))
                channel += 1
            await asyncio.sleep(0.01)
    await reaches(writer, opening + encode(b"Q", channel=channel))
    await page.disconnect()


# The feed of the page


def follow(user: Any, sandbox: Sandbox) -> PageSocket:
    page = PageSocket(URLRouter(websocket_urlpatterns), f"/ws/laboratorio/{sandbox.pk}/")
    page.scope["user"] = user
    return page


async def test_pages_of_both_hear_of_a_visit_and_the_visitors_closes_with_it(
    ana: Any, carmen: Any, sandbox: Sandbox, cohort: Cohort
) -> None:
    assert await close_code(follow(carmen, sandbox)) == 4403
    theirs = follow(ana, sandbox)
    await theirs.connect()
    await sync_to_async(visits.watch)(carmen, sandbox)
    assert json.loads(await theirs.receive_from(2))["type"] == "together"
    page = follow(carmen, sandbox)
    await page.connect()
    assert json.loads(await page.receive_from(2))["type"] == "together"
    await sync_to_async(visits.leave)(carmen.pk, sandbox.pk)
    async with asyncio.timeout(5):
        while (message := await page.receive_output(2))["type"] != "websocket.close":
            pass
    assert message["code"] == 4411
    await theirs.disconnect()


async def test_visit_whose_page_goes_for_good_ends(carmen: Any, sandbox: Sandbox, cohort: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "GRACE", 0.05)
    await sync_to_async(visits.watch)(carmen, sandbox)
    page = follow(carmen, sandbox)
    await page.connect()
    await page.receive_from(2)
    await page.disconnect()
    async with asyncio.timeout(5):
        while await sync_to_async(modes)(sandbox) != [("carmen", "read", "lost")]:
            await asyncio.sleep(0.02)


# The pages


def as_(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_who_never_visited_is_not_told_whose_it_is(bruno: Any, sandbox: Sandbox) -> None:
    page = as_(bruno)
    address = f"/laboratorio/{sandbox.pk}/visita"
    assert page.get(f"{address}/estado/").status_code == 404
    assert page.post(f"{address}/escribir/", headers={"hx-request": "true"}).status_code == 404


def test_teacher_watches_asks_and_leaves_by_the_page(ana: Any, bruno: Any, carmen: Any, sandbox: Sandbox, cohort: Cohort) -> None:
    url = f"/laboratorio/{sandbox.pk}/visita/"
    teacher = as_(carmen)
    assert teacher.get(url).status_code == 404
    assert as_(bruno).post(f"{url}mirar/").status_code == 403
    assert teacher.post(f"{url}mirar/").headers["Location"] == url
    page = teacher.get(url)
    assert page.status_code == 200
    assert "Terminales de ana" in page.content.decode()
    teacher.post(f"{url}escribir/")
    assert "falta su respuesta" in teacher.get(f"{url}estado/").content.decode()
    student = as_(ana)
    notice = student.get(f"/laboratorio/{sandbox.pk}/compania/").content.decode()
    assert "pide escribir contigo" in notice
    assert as_(bruno).get(f"/laboratorio/{sandbox.pk}/compania/").status_code == 404
    answer = f"/visitas/{asked(sandbox).pk}/"
    assert as_(bruno).post(f"{answer}aceptar/").status_code == 404
    assert teacher.post(f"{answer}aceptar/").status_code == 404
    student.post(f"{answer}aceptar/")
    assert 'data-mode="type"' in teacher.get(f"{url}estado/").content.decode()
    assert "escribe contigo" in student.get("/curso/docker-intensivo/hello-world/hello-world/").content.decode()
    assert teacher.post(f"{url}dejar/").headers["Location"] == "/clases/"
    assert teacher.get(url).status_code == 404
    for client, rows in ((student, 2), (teacher, 2), (as_(bruno), 0)):
        assert client.get("/visitas/").content.decode().count("visit-row") == rows


def test_classmate_comes_by_the_link_and_is_asked_first(ana: Any, bruno: Any, carmen: Any, lab: Any, sent: Any) -> None:
    shared = start(ana, sent, PRACTICE)
    student = as_(ana)
    assert "Compartir con alguien" in student.get("/curso/docker-intensivo/hello-world/laboratorio/").content.decode()
    notice = student.post(f"/laboratorio/{shared.pk}/invitar/", headers={"HX-Request": "true"}).content.decode()
    code = Visit.objects.get(sandbox=shared).code
    assert f"/compartir/{code}/" in notice
    link = f"/compartir/{code}/"
    assert student.get(link).status_code == 302
    mate = as_(bruno)
    assert "te invita" in mate.get(link).content.decode()
    assert visits.mode_of(bruno.pk, shared.pk) is None
    assert mate.post(link).headers["Location"] == f"/laboratorio/{shared.pk}/visita/"
    assert mate.get(f"/laboratorio/{shared.pk}/visita/").status_code == 200
    assert as_(carmen).get(link).status_code == 404
    assert "Compartir con alguien" not in student.get(f"/laboratorio/{shared.pk}/compania/").content.decode()


def test_exercise_that_is_for_one_offers_no_sharing(ana: Any, sandbox: Sandbox) -> None:
    student = as_(ana)
    assert "Compartir con alguien" not in student.get(f"/laboratorio/{sandbox.pk}/compania/").content.decode()
    assert student.post(f"/laboratorio/{sandbox.pk}/invitar/").status_code == 403


def test_arrangement_of_the_owner_reaches_who_watches(ana: Any, carmen: Any, sandbox: Sandbox, cohort: Cohort) -> None:
    from sandboxes.events import feed

    visits.watch(carmen, sandbox)
    layout = {
        "tabs": [{"id": 1, "title": "Mía", "direction": "fila", "panes": [{"node": "lab", "shell": "t2", "size": 1}], "focus": 0}],
        "active": 1,
    }
    sent = {"layouts": {str(sandbox.pk): layout}}
    assert as_(ana).post("/cuenta/terminal/", json.dumps(sent), content_type="application/json").status_code == 204
    message = feed.last(sandbox.pk, feed.TOGETHER)
    assert message
    assert message["layout"]["tabs"][0]["title"] == "Mía"
