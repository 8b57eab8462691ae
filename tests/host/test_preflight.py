"""What would stop a start is said in one Spanish sentence before anything is started."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from host import lab, network, preflight
from host.instance import ROOT, HostError, Instance

GOOD = {"LAB_SECRET_KEY": "x", "LAB_DATABASE_URL": "sqlite://:memory:", "LAB_URL": "https://aula.local:8443", "LAB_BIND": "127.0.0.1:0"}


@pytest.fixture
def state() -> Iterator[Path]:
    """A folder that others may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize(
    ("given", "sentence"), [({"LAB_SIGNUP": "quizá"}, "LAB_SIGNUP: «quizá»"), ({"LAB_DATABASE_URL": "x://y"}, "«x://…»")]
)
def test_a_value_that_the_site_would_refuse_is_one_sentence(given: dict[str, str], sentence: str) -> None:
    with pytest.raises(HostError) as error:
        preflight.check_values({**GOOD, **given})
    assert str(error.value).startswith("Configuración incorrecta. ")
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as other:
        return int(other.getsockname()[1])


def test_good_values_are_good() -> None:
    assert "LAB_SIGNUP" in preflight.check_values(GOOD)


KNOWN = ("LAB_SECRET_KEY", "LAB_SIGNUP", "LAB_TLS_CERT")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("LAB_SINGUP=cerrado", "no hay ninguna variable LAB_SINGUP; ¿querías decir LAB_SIGNUP?"),
        ("LAB_MARTE=1", "no hay ninguna variable LAB_MARTE; están todas en docs/configuracion.md."),
        ("LAB_DISK=80G", "LAB_DISK no vale en este fichero; dala en el entorno de la orden"),
    ],
)
def test_a_name_that_nobody_reads_is_said(tmp_path: Path, line: str, sentence: str) -> None:
    file = tmp_path / "lab.env"
    file.write_text(f"# lo mío\n{line}\n")
    with pytest.raises(HostError) as error:
        preflight.check_names(file, KNOWN)
    assert sentence in str(error.value)


def test_names_that_are_read_are_good(tmp_path: Path) -> None:
    file = tmp_path / "lab.env"
    file.write_text("LAB_SIGNUP=cerrado\nLAB_SECRET_KEY_FILE=/x\nLAB_TLS_CERT='/x'\n")
    preflight.check_names(file, KNOWN)


@pytest.mark.parametrize("bind", ["8443", "0.0.0.0", "127.0.0.1:99999", "127.0.0.1:x", ""])
def test_what_is_no_address_is_said(bind: str) -> None:
    with pytest.raises(HostError, match="DIRECCIÓN:PUERTO"):
        preflight.check_port(bind)


def test_a_port_of_the_previews_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        given = {**GOOD, "LAB_BIND": f"127.0.0.1:{_free()}", "LAB_PREVIEW": f"localhost:{port}-{port}"}
        with pytest.raises(HostError, match=rf"127\.0\.0\.1:{port} \(ya lo usa otro programa\).* con LAB_PREVIEW"):
            preflight.check(Instance("nunca"), given, port=True, services=True)


def test_who_listens_where_sandboxes_are_served_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    port = _free()
    monkeypatch.setattr(network, "FORWARDED", {5000: port})
    monkeypatch.setenv("LAB_SUBNET_OCTET", "77")
    composed = Instance("nunca", composed=True)
    preflight.check_services(composed)  # an address that is not this machine's yet
    with socket.create_server(("0.0.0.0", port)):  # as a careless registry does
        preflight.check_services(Instance("nunca"))
        with pytest.raises(HostError, match=rf"el puerto {port} de 10\.78\.0\.1, que es para los laboratorios, está ocupado"):
            preflight.check_services(composed)


def test_an_address_of_another_machine_is_said() -> None:
    with pytest.raises(HostError, match="esa dirección no es de esta máquina"):
        preflight.check_port("192.0.2.1:8443")


@pytest.mark.parametrize(
    ("words", "given", "sentence"),
    [
        (("host.compose", "up"), {}, "no se puede escuchar en {taken} (ya lo usa otro programa)"),
        (("host.lab", "up"), {}, "no se puede escuchar en {taken} (ya lo usa otro programa)"),
        (("host.compose", "up"), {"LAB_SIGNUP": "quizá"}, "LAB_SIGNUP: «quizá» no vale"),
        (("host.compose", "up"), {"LAB_URL": "http://aula.local"}, "siempre con https://"),
        (
            ("host.compose", "up"),
            {"LAB_BIND": "127.0.0.1:0", "LAB_TLS_CERT": "/no/hay"},
            "LAB_BIND es «127.0.0.1:0» y debe ser DIRECCIÓN:PUERTO",
        ),
        (("host.compose", "up"), {"LAB_BIND": "8443"}, "LAB_BIND es «8443» y debe ser DIRECCIÓN:PUERTO"),
        (("host.compose", "up"), {"LAB_BIND": "localhost:8443"}, "Docker publica en direcciones"),
        (("host.lab", "up"), {"LAB_BIND": "no.hay.invalid:8000"}, "ese nombre no se conoce"),
        (("host.compose", "up"), {"LAB_COURSE": "otro"}, "no hay ningún curso «otro» en lessons/content; hay: docker-intensivo"),
        (("host.compose", "up"), {"LAB_RATE_LOGIN": "30"}, "LAB_RATE_LOGIN: «30» no vale; ha de ser N/minute o N/hour"),
        (("host.compose", "up"), {"LAB_URL": "https://aula:99x"}, "no es un origen como https://aula.local:8000"),
        (("host.compose", "up"), {"LAB_DATABASE_URL": "postgres://lab@db:puerto/lab"}, "LAB_DATABASE_URL: no se entiende"),
        (("host.compose", "up"), {"LAB_REDIS_URL": "redis"}, "LAB_REDIS_URL: «…://…» no vale"),
        (("host.compose", "up"), {"LAB_SECRET_KEY_FILE": "/no/hay"}, "no se puede leer LAB_SECRET_KEY_FILE («/no/hay»): no existe."),
        (("host.compose", "up"), {"LAB_ADMIN": "Olga Pérez"}, "LAB_ADMIN es «Olga Pérez» y debe ser un nombre de cuenta"),
        (("host.compose", "up"), {"LAB_BIND": "{free}", "DOCKER_HOST": "tcp://otra:2375"}, "DOCKER_HOST es «tcp://otra:2375»"),
        (("host.compose", "up"), {"LAB_BIND": "{free}", "DOCKER_HOST": "unix:///no/hay.sock"}, "no contesta ningún motor de Docker"),
        (("host.compose", "up"), {"LAB_DISK": "mucho"}, "LAB_DISK es «mucho» y debe ser un tamaño como 40G"),
        (("host.lab", "up"), {"LAB_WORKERS": "0"}, "LAB_WORKERS es «0» y debe ser un número, de 1 en adelante"),
        (("host.compose", "up", "--name", "DOS"), {}, "«DOS» no vale como nombre"),
        (("host.lab", "up"), {"LAB_SUBNET_OCTET": "122"}, "LAB_SUBNET_OCTET es «122»"),
    ],
)
def test_the_command_ends_with_it_and_has_started_nothing(
    state: Path, words: tuple[str, ...], given: dict[str, str], sentence: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        env = {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}
        given = {name: value.format(free=f"127.0.0.1:{_free()}") for name, value in given.items()}
        env |= {"LAB_STATE": str(state), "LAB_NAME": "nunca", "LAB_BIND": taken, **given}
        done = subprocess.run((sys.executable, "-m", *words), cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: "), done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sentence.format(taken=taken) in done.stderr
    assert not Path("/run/docker-intensivo/nunca").exists()
    assert not Path("/run/docker-intensivo/nunca.pid").exists()
    assert not [path for path in state.rglob("*") if path.suffix in (".img", ".log")]


def test_a_certificate_that_is_not_there_is_said_before_anything_starts(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        free = f"127.0.0.1:{other.getsockname()[1]}"
    env = {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}
    env |= {
        "LAB_STATE": str(state),
        "LAB_BIND": free,
        "LAB_URL": "https://aula.local",
        "LAB_TLS_CERT": "/no/hay.crt",
        "LAB_TLS_KEY": "/x",
    }
    words = (sys.executable, "-m", "host.compose", "up", "--name", "nunca")
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert done.stderr.startswith("Error: no se puede leer LAB_TLS_CERT («/no/hay.crt»)"), done.stderr
    assert not Path("/run/docker-intensivo/nunca").exists()


def test_a_command_on_an_empty_lab_says_which_so_that_no_class_is_emptied(capsys: pytest.CaptureFixture[str]) -> None:
    assert lab.main(["up", "--exec", "true"]) == 1
    assert "--name" in capsys.readouterr().err


def test_a_folder_of_data_that_only_root_can_enter_is_told(tmp_path: Path) -> None:
    closed = tmp_path / "cerrada"
    closed.mkdir(mode=0o700)
    with pytest.raises(HostError, match=f"en {closed} solo entra root"):
        preflight.check_place(closed / "estado")
    preflight.check_place(Path("/var/lib"))
