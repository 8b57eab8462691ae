"""Many terminals on one line: they share an exec, and none of them waits for another."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sandboxes.engine import EngineError, Flavor, Limits
from sandboxes.terminal import line, protocol
from sandboxes.terminal.protocol import encode
from tests.sandboxes.test_terminal import multiplexed

BOX = "lab-uno"


@pytest.fixture
def machine(lab: Any) -> Any:
    lab.create(BOX, hostname="lab", labels={}, limits=Limits(), flavor=Flavor())
    lab.start(BOX)
    return lab


def from_holder(lab: Any, channel: int, kind: bytes, payload: bytes = b"") -> None:
    lab.streams[-1][0].feed_data(multiplexed(encode(kind, payload, channel=channel)))


async def test_two_terminals_that_open_at_once_share_one_exec(machine: Any) -> None:
    first, second = await asyncio.gather(line.open_channel(BOX), line.open_channel(BOX))
    assert len(machine.streams) == 1
    from_holder(machine, 1, b"D", b"para la segunda")
    from_holder(machine, 0, b"D", b"para la primera")
    assert await first.next() == b"Dpara la primera"
    assert await second.next() == b"Dpara la segunda"


async def test_a_terminal_that_takes_nothing_holds_up_nobody_and_its_holder_is_told_nothing(machine: Any) -> None:
    still, other = await line.open_channel(BOX), await line.open_channel(BOX)
    for _ in range(8):
        from_holder(machine, 0, b"D", b"x" * 16384)
        from_holder(machine, 1, b"D", b"y" * 16384)
    for _ in range(8):
        assert await other.next() == b"D" + b"y" * 16384
    granted = machine.streams[-1][1].written
    assert granted.count(encode(protocol.ACK, (2 * 16385).to_bytes(4, "big"), channel=1)) == 4
    assert protocol.ACK + b"\0\0" not in granted
    assert await still.next() == b"D" + b"x" * 16384


async def test_a_holder_that_keeps_to_no_window_loses_that_channel_alone(machine: Any) -> None:
    flooded, other = await line.open_channel(BOX), await line.open_channel(BOX)
    for _ in range(70):
        from_holder(machine, 0, b"D", b"x" * 16384)
    from_holder(machine, 1, b"D", b"sigue")
    assert await other.next() == b"Dsigue"
    assert await flooded.next() is None
    assert machine.streams[-1][1].written.endswith(encode(protocol.LEAVE, channel=0))


async def test_a_line_that_is_lost_ends_its_terminals_and_the_next_one_makes_another(machine: Any) -> None:
    first, second = await line.open_channel(BOX), await line.open_channel(BOX)
    from_holder(machine, 0, b"D", b"lo que ya estaba")
    machine.streams[-1][0].feed_eof()
    assert await second.next() is None
    assert await first.next() == b"Dlo que ya estaba"
    assert await first.next() is None
    await first.send(b"I", b"a ninguna parte")
    await line.open_channel(BOX)
    assert len(machine.streams) == 2


async def test_nonsense_from_the_holder_ends_the_line(machine: Any) -> None:
    channel = await line.open_channel(BOX)
    machine.streams[-1][0].feed_data(multiplexed(b"OCI runtime exec failed: whatever the engine says"))
    assert await channel.next() is None
    assert machine.streams[-1][1].closed


async def test_a_line_without_terminals_is_kept_for_a_while(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "LINGER", 0.05)
    (await line.open_channel(BOX)).close()
    (await line.open_channel(BOX)).close()
    assert len(machine.streams) == 1
    await asyncio.sleep(0.2)
    assert machine.streams[-1][1].closed
    await line.open_channel(BOX)
    assert len(machine.streams) == 2


async def test_a_line_that_can_not_be_made_is_tried_again_by_the_next(machine: Any) -> None:
    machine.broken.add("attach")
    with pytest.raises(EngineError):
        await line.open_channel(BOX)
    machine.broken.clear()
    await line.open_channel(BOX)


async def test_one_that_gives_up_does_not_take_the_line_from_the_others(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, attach = asyncio.Event(), machine.attach

    async def slow(name: str, argv: list[str]) -> Any:
        await gate.wait()
        return await attach(name, argv)

    monkeypatch.setattr(machine, "attach", slow)
    impatient, patient = (asyncio.create_task(line.open_channel(BOX)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    gate.set()
    assert await patient
    assert len(machine.streams) == 1


async def test_numbers_come_round_without_meeting_one_in_use(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "CHANNELS", 3)
    kept = await line.open_channel(BOX)
    for _ in range(5):
        (await line.open_channel(BOX)).close()
    from_holder(machine, 0, b"D", b"la misma")
    assert await kept.next() == b"Dla misma"
