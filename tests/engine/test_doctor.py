"""The doctor on the real lab."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from sandboxes import doctor, engine
from sandboxes.doctor.attempt import NOTHING, Attack, says
from sandboxes.models import DoctorRun

pytestmark = [pytest.mark.engine, pytest.mark.django_db]


@pytest.fixture
def examined(real_lab: Any) -> Iterator[Any]:
    engine.use(real_lab)
    yield real_lab
    engine.use(None)
    left = [container.name for container in real_lab.containers() if container.labels.get("lab.purpose") == "doctor"]
    assert not left, "the doctor removes its sandboxes"


def test_lab_is_closed(examined: Any, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        call_command("lab_doctor", "--json")
    finally:
        findings = json.loads(capsys.readouterr().out)["findings"]
        open_ = [f"{finding['name']}: {finding['observed']}" for finding in findings if not finding["held"]]
        assert not open_
    assert len(findings) > 20
    assert DoctorRun.objects.get().passed


def test_attack_that_succeeds_is_a_breach(examined: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    works = Attack("tmpfs", "Montar un tmpfs", "mount -t tmpfs none /mnt && echo montado", NOTHING, says(NOTHING))
    monkeypatch.setattr(doctor, "attacks", lambda: (works,))
    with pytest.raises(CommandError, match="no está cerrado: tmpfs"):
        call_command("lab_doctor")
    assert "observado: montado" in capsys.readouterr().out
    assert not DoctorRun.objects.get().passed
