"""A page's pace: bursts pass, a steady flood does not, and rest restores."""

from __future__ import annotations

from sandboxes.terminal.pace import Pace


def test_twice_the_rate_passes_in_a_burst_and_no_more() -> None:
    pace = Pace(100, now=0)
    assert [pace.allows(0.0) for _ in range(201)].count(False) == 1


def test_the_rate_passes_for_ever() -> None:
    pace = Pace(100, now=0)
    assert all(pace.allows(number / 100) for number in range(5000))


def test_rest_restores_the_burst() -> None:
    pace = Pace(100, now=0)
    for _ in range(250):
        pace.allows(0.0)
    assert not pace.allows(0.1)
    assert all(pace.allows(10.0) for _ in range(200))
