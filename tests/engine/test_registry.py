"""The class registry: who may push and pull what, from real sandboxes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandboxes.engine import Flavor, Limits
from tests.engine.test_graders import check

pytestmark = pytest.mark.engine


def manage(code: str) -> str:
    """Run code on the lab's own database, the one that the token listener asks."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "DJANGO_"))}
    environment["LAB_ENV_FILE"] = os.environ["LAB_ENV_FILE"]
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def student() -> Iterator[tuple[str, str]]:
    """A user of the lab and their registry password."""
    name = f"ana-{uuid.uuid4().hex[:8]}"
    imports = "from django.contrib.auth.models import User; from sandboxes.registry import credentials; "
    password = manage(f"{imports}print(credentials.password(User.objects.create_user('{name}')))")
    yield name, password
    manage(f"{imports}User.objects.filter(username='{name}').delete()")


@pytest.fixture
def other_machine(real_lab: Any) -> Iterator[str]:
    name = f"lab-prueba-{uuid.uuid4().hex[:8]}"
    try:
        real_lab.create(name, hostname="lab", labels={"lab.purpose": "test"}, limits=Limits(), flavor=Flavor())
        real_lab.start(name)
        real_lab.wait_ready(name, seconds=60)
        yield name
    finally:
        real_lab.remove(name)


def run(lab: Any, machine: str, command: str) -> tuple[int, str]:
    done = lab.run(machine, ["su", "-", "alumno", "-c", command], seconds=120)
    return done.code, done.output.decode(errors="replace")


def login(lab: Any, machine: str, name: str, password: str) -> tuple[int, str]:
    return run(lab, machine, f"echo {password} | docker login -u {name} --password-stdin registro.lab")


def test_a_student_pushes_what_is_theirs_and_pulls_it_on_another_machine(
    real_lab: Any, machine: str, other_machine: str, student: tuple[str, str]
) -> None:
    name, password = student
    code, said = login(real_lab, machine, name, password)
    assert (code, "Login Succeeded" in said) == (0, True), said
    ours = f"registro.lab/{name}/prueba:1"
    code, said = run(real_lab, machine, f"docker pull -q busybox:1.37 && docker tag busybox:1.37 {ours} && docker push {ours}")
    assert code == 0, said
    wanted = {"tipo": "registry", "imagen": ours, "misma_que": "busybox:1.37"}
    assert check(real_lab, machine, wanted)[0] == "passed", check(real_lab, machine, wanted)
    assert "has subido «prueba»" in check(real_lab, machine, {**wanted, "imagen": f"registro.lab/{name}/otra:1"})[1]
    for theirs in (
        "registro.lab/bruno/prueba:1",
        "registro.lab/library/busybox:1",
        "registro.lab/curso/contador:9",
        "registro.lab/suelta:1",
    ):
        code, said = run(real_lab, machine, f"docker tag busybox:1.37 {theirs} && docker push {theirs}")
        assert code, theirs
        assert "denied" in said or "unauthorized" in said, said
    code, said = run(real_lab, other_machine, f"docker pull {ours}")
    assert code, "nobody pulls without logging in"
    assert "no basic auth credentials" in said or "denied" in said or "unauthorized" in said, said
    assert login(real_lab, other_machine, name, password)[0] == 0
    code, said = run(real_lab, other_machine, f"docker run --rm {ours} echo bajada")
    assert (code, said.strip().endswith("bajada")) == (0, True), said
    code, said = run(real_lab, other_machine, f"docker rmi {ours} && printf 'FROM {ours}\\nRUN true\\n' | docker build -t {ours}b --push -")
    assert code == 0, said


def test_who_has_filled_their_room_reads_it_and_pulls_all_the_same(real_lab: Any, machine: str, student: tuple[str, str]) -> None:
    name, password = student
    assert login(real_lab, machine, name, password)[0] == 0
    ours = f"registro.lab/{name}/grande:1"
    code, said = run(real_lab, machine, f"docker pull -q busybox:1.37 && docker tag busybox:1.37 {ours} && docker push {ours}")
    assert code == 0, said
    store = Path(manage("from django.conf import settings; print(settings.ENV.registry_store)"))
    upload = store / "docker/registry/v2/repositories" / name / "otra/_uploads/1"
    upload.mkdir(parents=True)
    with (upload / "data").open("wb") as file:
        file.truncate(1100 << 20)
    code, said = run(real_lab, machine, f"docker tag busybox:1.37 {ours}2 && docker push {ours}2")
    assert code, said
    assert "has llenado tu espacio del registro" in said
    assert run(real_lab, machine, f"docker rmi {ours} && docker pull {ours}")[0] == 0
    shutil.rmtree(store / "docker/registry/v2/repositories" / name)


def test_another_password_or_an_account_that_is_not_active_does_not_get_in(real_lab: Any, machine: str, student: tuple[str, str]) -> None:
    name, password = student
    for wrong in ("otra", password[:-1]):
        code, said = login(real_lab, machine, name, wrong)
        assert (code, "unauthorized" in said) == (1, True), said
    manage(f"from django.contrib.auth.models import User; User.objects.filter(username='{name}').update(is_active=False)")
    assert login(real_lab, machine, name, password)[0] == 1


def test_the_token_listener_serves_nothing_else(real_lab: Any, machine: str) -> None:
    ask = "curl -s -o /dev/null -w '%{http_code}' --cacert /etc/ssl/certs/laboratorio.pem "
    for path in ("/", "/admin/", "/cuenta/registro/", "/static/build/site.css"):
        assert run(real_lab, machine, f"{ask} https://registro.lab:5001{path}") == (0, "404"), path
    assert run(real_lab, machine, f"{ask} https://registro.lab:5001/fichas?service=registro.lab") == (0, "401")
    assert run(real_lab, machine, f"{ask} -X POST https://registro.lab:5001/fichas") == (0, "405")
