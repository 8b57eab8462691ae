"""Events of the engines: what is kept of them, what is thrown away, and who hears of it."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from django.conf import settings as django_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from lessons import catalog
from sandboxes import lifecycle
from sandboxes.engine import EngineError
from sandboxes.engine.events import LINE_LIMIT, EventFacts, Lines, parse_event, unsettled
from sandboxes.events import feed, snapshot, store, watching
from sandboxes.events.collector import Collector, _in_use, show
from sandboxes.models import EngineEvent, Sandbox
from sandboxes.routing import websocket_urlpatterns
from tests.conftest import work
from tests.sandboxes.test_terminal import close_code, multiplexed
from tests.sockets import PageSocket

WORDS = st.sampled_from(["Id", "Names", "/web/cache", "Ports", "Volumes", "Swarm", "active", "a\x00b", "\ud800"])
JSON = st.recursive(
    st.none() | st.integers() | WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=8
)
few = settings(max_examples=30, deadline=None)


def raw(action: str, *, nano: int = 1, actor: str = "c1", kind: str = "container", **attributes: str) -> dict[str, Any]:
    return {"Type": kind, "Action": action, "Actor": {"ID": actor, "Attributes": attributes}, "timeNano": nano}


def event(action: str, **more: Any) -> EventFacts:
    found = parse_event(json.dumps(raw(action, **more)).encode())
    assert found
    return found


@pytest.fixture
def sandbox(ana: Any, lab: Any, sent: Any) -> Sandbox:
    sandbox = lifecycle.start(ana, catalog.course().exercises["docker-intensivo/hello-world/hello-world"])
    work(sent)
    return Sandbox.objects.get(pk=sandbox.pk)


def at(sandbox: Sandbox, seconds: float) -> int:
    assert sandbox.ready
    return int((sandbox.ready + timedelta(seconds=seconds)).timestamp() * 1e9)


# What an engine says


def test_event_is_read_with_what_counts_of_it() -> None:
    found = event("die", nano=7, name="web", image="busybox:1.37", exitCode="137", **{f"etiqueta{number}": "x" for number in range(40)})
    assert (found.nano, found.kind, found.verb, found.name) == (7, "container", "die", "web")
    assert found.attributes["exitCode"] == "137"
    assert len(found.attributes) == 12


@pytest.mark.parametrize(
    ("actions", "wait"),
    [("start", False), ("start kill stop", True), ("start kill stop die", False), ("start kill die stop", False), ("die start stop", True)],
)
def test_who_was_stopped_and_has_not_ended_is_waited_for(actions: str, wait: bool) -> None:
    told = [event(action, nano=number) for number, action in enumerate(actions.split(), 1)]
    assert unsettled(told, lambda: {told[0].actor}) is wait


@pytest.mark.parametrize(("actions", "wait"), [("start", True), ("start die", False), ("start die destroy", False), ("create", False)])
def test_who_ended_by_itself_is_waited_for_until_that_is_told(actions: str, wait: bool) -> None:
    assert unsettled([event(action, nano=number) for number, action in enumerate(actions.split(), 1)], lambda: ()) is wait


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"{}", b"null", b'{"Actor":{}}', b"[" * 100_000, b"\xff\xfe", b'{"Actor":{"ID":1},"timeNano":true}']
)
def test_what_is_no_event_is_none(line: bytes) -> None:
    assert parse_event(line) is None


@few
@given(JSON, JSON, JSON, JSON, JSON)
def test_any_json_is_read_or_refused(kind: Any, action: Any, actor: Any, attributes: Any, nano: Any) -> None:
    line = json.dumps({"Type": kind, "Action": action, "Actor": {"ID": actor, "Attributes": attributes}, "timeNano": nano}).encode()
    found = parse_event(line)
    assert found is None or (len(found.action) <= 200 and "\x00" not in json.dumps(found.attributes))


def test_lines_survive_any_cut_and_long_ones_are_dropped() -> None:
    stream = b'{"a":1}\n' + b"x" * (LINE_LIMIT * 3) + b'\n{"b":2}\n'
    for size in (1000, 65536, len(stream)):
        lines = Lines()
        found = [line for start in range(0, len(stream), size) for line in lines.feed(stream[start : start + size])]
        assert found == [b'{"a":1}', b'{"b":2}']


def test_execs_and_probes_change_nothing() -> None:
    assert not event("exec_create: sh -c ls").changes
    assert event("die").changes


# What is kept


def test_events_are_kept_once(sandbox: Sandbox) -> None:
    events = [event("create", nano=at(sandbox, -5)), event("start", nano=at(sandbox, 1))]
    store.add(sandbox, "lab", events)
    store.add(sandbox, "lab", events)
    assert list(EngineEvent.objects.values_list("action", flat=True)) == ["create", "start"]
    assert store.last_nano(sandbox.pk, "lab") == at(sandbox, 1)
    past = store.past(sandbox)
    assert [found.action for found in past("lab").events] == ["create", "start"]
    assert past("lab").since == at(sandbox, 0)
    assert past("otro").events == ()


def test_time_that_an_engine_makes_up_stays_within_the_sandboxs_life(sandbox: Sandbox) -> None:
    store.add(sandbox, "lab", [event("create", nano=5), event("die", nano=(1 << 63) - 1)])
    early, late = EngineEvent.objects.order_by("nano")
    assert early.at == sandbox.ready
    assert early.at <= late.at < early.at + timedelta(minutes=1)


def test_probes_are_kept_a_few_times_and_rows_are_capped(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    probes = [event(f"exec_{what}: curl", nano=1 + number) for number in range(100) for what in ("create", "start")]
    store.add(sandbox, "lab", probes)
    assert EngineEvent.objects.count() == store.PROBES_KEPT
    monkeypatch.setattr(django_settings, "ENV", django_settings.ENV.model_copy(update={"events_max": 100}))
    store.add(sandbox, "lab", [event("start", nano=1000 + number) for number in range(90)])
    assert EngineEvent.objects.count() <= 100
    assert store.last_nano(sandbox.pk, "lab") == 1089


# The picture


CONTAINERS = [
    {"Id": "a" * 64, "Names": ["/web"], "Image": "curso/contador:1.0", "ImageID": "sha256:" + "b" * 64,
     "State": "running", "Status": "Up 2 minutes (health: starting)",
     "Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
               {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}, {"PrivatePort": 443, "Type": "tcp"}],
     "NetworkSettings": {"Networks": {"mired": {}}},
     "Mounts": [{"Type": "volume", "Name": "datos", "Source": "/var/lib", "Destination": "/d"}]},
    {"Id": "c" * 64, "Names": ["/web/cache", "/redis"], "Image": "redis:8.0", "State": "exited", "Status": "Exited (137) 2 minutes ago"},
]  # fmt: skip


def test_picture_has_links_ports_and_exit_codes() -> None:
    image = {"Id": "sha256:" + "b" * 64, "RepoTags": ["curso/contador:1.0", "<none>:<none>"], "Size": 5, "Created": 9}
    found = snapshot.picture(
        "lab", [[image], CONTAINERS, [], {"Volumes": [{"Name": "datos", "Driver": "local"}]}, {}], {image["Id"]: ["l"]}, []
    )
    web, redis = found["containers"]
    assert web["health"] == "starting"
    assert web["links"] == [["redis", "cache"]]
    assert web["ports"] == [{"host": None, "container": 443, "proto": "tcp"}, {"host": 8080, "container": 80, "proto": "tcp"}]
    assert web["mounts"] == [{"type": "volume", "name": "datos", "source": "/var/lib", "target": "/d"}]
    assert (redis["name"], redis["exit_code"], redis["state"]) == ("redis", 137, "exited")
    assert found["images"] == [{"id": "sha256:" + "b" * 12, "tags": ["curso/contador:1.0"], "layers": ["l"], "size": 5, "created": 9}]
    assert found["volumes"] == [{"name": "datos", "driver": "local"}]
    assert snapshot.published([found]) == {"ports": [{"node": "lab", "host": 8080, "container": 80, "name": "web"}]}


def test_networks_and_volumes_stand_still_whatever_order_the_engine_tells_them_in() -> None:
    networks = [{"Name": name, "Created": f"2026-11-30T08:00:0{at}Z"} for at, name in enumerate(("bridge", "none", "tienda"))]
    volumes = [{"Name": name, "CreatedAt": f"2026-11-30T08:00:0{at}Z"} for at, name in enumerate(("z", "a"))]
    told = [[[], [], networks[::way], {"Volumes": volumes[::way]}, {}] for way in (1, -1)]
    one, other = (snapshot.picture("lab", answers, {}, []) for answers in told)
    assert one == other
    assert [network["name"] for network in one["networks"]] == ["bridge", "none", "tienda"]
    assert [volume["name"] for volume in one["volumes"]] == ["z", "a"]


def test_picture_of_a_swarm() -> None:
    nodes = [{"ID": "n" * 25, "Description": {"Hostname": "lab"}, "Spec": {"Role": "manager"}, "Status": {"State": "ready"}}]
    endpoint = {"Ports": [{"PublishedPort": 30000, "TargetPort": 80, "Protocol": "tcp"}]}
    services = [{"Spec": {"Name": "web"}, "ServiceStatus": {"DesiredTasks": 3, "RunningTasks": 2}, "Endpoint": endpoint}]
    info = {"Swarm": {"LocalNodeState": "active", "ControlAvailable": True}}
    found = snapshot.picture("lab", [[], [], [], {}, info], {}, [nodes, services])["swarm"]
    assert found == {
        "nodes": [{"id": "n" * 12, "hostname": "lab", "role": "manager", "state": "ready"}],
        "services": [{"name": "web", "replicas": 3, "running": 2, "ports": [{"host": 30000, "container": 80, "proto": "tcp"}]}],
    }


@few
@given(st.lists(JSON, min_size=5, max_size=5))
def test_any_answers_make_a_picture(answers: list[Any]) -> None:
    json.dumps(snapshot.fitting([snapshot.picture("lab", answers, {}, [])]), ensure_ascii=False)


def test_picture_is_cut_to_what_a_page_takes() -> None:
    huge = [{"Names": ["/" + "x" * 5000], "Mounts": [{"Source": "y" * 5000}] * 50} for _ in range(5000)]
    body = snapshot.fitting([snapshot.picture("lab", [[], huge, [], {}, {}], {}, [])])
    assert len(json.dumps(body)) < feed.LIMIT
    assert body["cut"]


def test_too_large_a_message_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(feed.TooLarge):
        feed.publish(sandbox.pk, feed.SNAPSHOT, {"x": "y" * feed.LIMIT})


# The collector, with a scripted engine


class Engines:
    """What machines answer to the collector's commands, in place of the fake lab's silence."""

    def __init__(self, lab: Any) -> None:
        self.asked: list[list[str]] = []
        self.streams: list[asyncio.StreamReader] = []
        self.answers: list[bytes] = []
        attach = lab.attach

        async def answering(name: str, argv: list[str]) -> Any:
            reader, writer = await attach(name, argv)
            self.asked.append(argv)
            if "/events" in argv[2]:
                self.streams.append(reader)
            else:
                reader.feed_data(multiplexed(self.answers.pop(0) if self.answers else b"[] [] [] {} {}"))
                reader.feed_eof()
            return reader, writer

        lab.attach = answering

    def tell(self, *events: dict[str, Any]) -> None:
        self.streams[-1].feed_data(multiplexed(b"".join(json.dumps(event).encode() + b"\n" for event in events)))

    @property
    def since(self) -> list[str]:
        return [argv[-1] for argv in self.asked if "/events" in argv[2]]


async def until(condition: Any) -> Any:
    for _ in range(500):
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        await asyncio.sleep(0.02)
    pytest.fail("not within ten seconds")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    from sandboxes.events import collector

    monkeypatch.setattr(collector, "RETRY", (0.02,))
    monkeypatch.setattr(collector, "GATHER", 0.01)
    monkeypatch.setattr(collector, "QUIET", 0.02)


@sync_to_async
def kept() -> list[str]:
    return list(EngineEvent.objects.order_by("nano").values_list("action", flat=True))


async def collecting(*looks: Any) -> tuple[Collector, asyncio.Task[None]]:
    collector = Collector(looks or (show,))
    return collector, asyncio.create_task(collector.run())


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.05)


@pytest.mark.django_db(transaction=True)
async def test_collector_keeps_events_and_goes_on_where_it_was(sandbox: Sandbox, lab: Any, quick: None) -> None:
    engines = Engines(lab)
    _, task = await collecting()
    await until(lambda: engines.streams)
    first = at(sandbox, 1)
    engines.tell(raw("create", nano=first), raw("start", nano=first + 1))
    engines.streams[-1].feed_data(multiplexed(b"not an event\n"))
    await until(lambda: until_kept(2))
    engines.streams[-1].feed_eof()  # its dockerd is restarted
    await until(lambda: len(engines.streams) == 2)
    engines.tell(raw("start", nano=first + 1), raw("die", nano=first + 2))
    await until(lambda: until_kept(3))
    assert await kept() == ["create", "start", "die"]
    assert float(engines.since[1]) == pytest.approx((first + 1) / 1e9)
    await stop(task)


@sync_to_async
def until_kept(count: int) -> bool:
    return EngineEvent.objects.count() >= count


@pytest.mark.django_db(transaction=True)
async def test_flood_of_events_is_cut(sandbox: Sandbox, lab: Any, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from sandboxes.events import collector

    monkeypatch.setattr(collector, "BURST", 5)
    monkeypatch.setattr(collector, "PER_SECOND", 0)
    engines = Engines(lab)
    _, task = await collecting()
    await until(lambda: engines.streams)
    engines.tell(*[raw("start", nano=at(sandbox, 1) + number) for number in range(50)])
    await until(lambda: until_kept(5))
    await asyncio.sleep(0.1)
    assert len(await kept()) == 5
    await stop(task)


@pytest.mark.django_db(transaction=True)
async def test_looks_wait_while_many_are_being_checked(sandbox: Sandbox, lab: Any, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from sandboxes.events import collector

    Engines(lab)
    asked: list[int] = []
    looked: list[Any] = []
    under_way = [collector.BUSY]

    def count() -> int:
        asked.append(under_way[0])
        return under_way[0]

    async def look(watched: Any) -> None:
        looked.append(watched)

    monkeypatch.setattr(collector.progress, "under_way", count)
    _, task = await collecting(look)
    await until(lambda: len(asked) > 2)
    assert not looked
    under_way[0] = collector.BUSY - 1
    await until(lambda: looked)
    assert asked[-1] < collector.BUSY
    await stop(task)


@pytest.mark.django_db(transaction=True)
async def test_sandboxes_come_and_go(ana: Any, sandbox: Sandbox, lab: Any, quick: None) -> None:
    engines = Engines(lab)
    _, task = await collecting()
    await until(lambda: engines.streams)
    writer = lab.streams[0][1]
    await sync_to_async(lifecycle.stop)(sandbox, reason="")
    await until(lambda: all(writer.closed for _, writer in lab.streams))
    assert writer.closed
    await stop(task)


@pytest.mark.django_db(transaction=True)
async def test_machine_that_cannot_be_asked_is_tried_again_and_hurts_nobody(sandbox: Sandbox, lab: Any, quick: None) -> None:
    lab.broken.add("attach")
    _, task = await collecting()
    await until(lambda: [call for call in lab.calls if call[0] == "attach"][3:])
    lab.broken.clear()
    engines = Engines(lab)
    await until(lambda: engines.streams)
    assert not task.done()
    await stop(task)


@pytest.mark.parametrize("said", [b"", b"[] []", b"[" * 5000, b"{", b"\xff"])
async def test_wrong_answers_are_errors(lab: Any, said: bytes) -> None:
    engines = Engines(lab)
    engines.answers.append(said)
    lab.create("lab-x", hostname="x", labels={}, limits=None, flavor=None)
    lab.start("lab-x")
    with pytest.raises(EngineError):
        await watching.ask("lab-x", snapshot.QUESTIONS)


# The page's socket


def page(user: Any, sandbox_id: Any) -> PageSocket:
    communicator = PageSocket(URLRouter(websocket_urlpatterns), f"/ws/laboratorio/{sandbox_id}/")
    communicator.scope["user"] = user
    return communicator


async def heard(socket: Any, kind: str, *, wanted: Callable[[Any], Any] = lambda _said: True) -> Any:
    """The next message of this type that is as `wanted`: what is published while a page opens may come in either order, or twice."""
    async with asyncio.timeout(5):
        while (said := await socket.receive_json_from(5))["type"] != kind or not wanted(said):
            pass
    return said


@pytest.mark.django_db(transaction=True)
async def test_page_gets_the_picture_and_each_change(ana: Any, sandbox: Sandbox, lab: Any, quick: None) -> None:
    engines = Engines(lab)
    _, task = await collecting()
    await until(lambda: engines.streams)
    socket = page(ana, sandbox.pk)
    await socket.connect()
    opening: dict[str, Any] = {}
    async with asyncio.timeout(5):  # in either order, and either twice
        while not opening.keys() >= {"snapshot", "ports"}:
            said = await socket.receive_json_from(5)
            opening[said["type"]] = said
    assert opening["ports"]["ports"] == []
    assert [node["name"] for node in opening["snapshot"]["nodes"]] == ["lab"]
    engines.answers.append(b"[] " + json.dumps(CONTAINERS).encode() + b" [] {} {}")
    engines.tell(raw("start", nano=at(sandbox, 1)))
    second = await heard(socket, "snapshot", wanted=lambda said: said["nodes"][0]["containers"])
    assert [box["name"] for box in second["nodes"][0]["containers"]] == ["web", "redis"]
    assert (await heard(socket, "ports", wanted=lambda said: said["ports"]))["ports"][0]["host"] == 8080
    await socket.disconnect()
    late = page(ana, sandbox.pk)
    await late.connect()
    assert (await heard(late, "snapshot"))["nodes"] == second["nodes"]
    await late.disconnect()
    await stop(task)


@pytest.mark.django_db(transaction=True)
async def test_nobody_looks_at_a_sandbox_whose_page_is_closed(sandbox: Sandbox, lab: Any) -> None:
    engines = Engines(lab)
    (watched,) = await _in_use()
    await show(watched)
    assert engines.asked == []


@pytest.mark.django_db(transaction=True)
async def test_who_may_follow_a_sandbox(ana: Any, bruno: Any, sandbox: Sandbox, lab: Any) -> None:
    from django.contrib.auth.models import AnonymousUser

    assert await close_code(page(bruno, sandbox.pk)) == 4403
    assert await close_code(page(AnonymousUser(), sandbox.pk)) == 4401
    assert await close_code(page(ana, "00000000-0000-0000-0000-000000000000")) == 4404
    mine = page(ana, sandbox.pk)
    await mine.connect()
    await asyncio.sleep(0.1)
    await sync_to_async(lifecycle.stop)(sandbox, reason="")
    assert (await mine.receive_output(2))["code"] == 4410
    assert await close_code(page(ana, sandbox.pk)) == 4410
