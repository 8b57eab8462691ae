"""The site in containers: what the file grants, what they are told, and how a failed start is put in one sentence."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from host import accounts, compose, compose_engine, compose_files, composed, containers, environment, images, instance, routes, seccomp
from host.instance import ROOT, HostError, Instance

FILE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
SITE = {"LAB_URL": "https://aula.local:8443", "LAB_BIND": "0.0.0.0:8443", "LAB_SECRET_KEY": "clave", "LAB_SIGNUP": "codigo"}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    """A composed lab whose folders are the test's; its owner need not exist."""
    monkeypatch.setattr(instance, "STATE", tmp_path)
    monkeypatch.setattr(compose_files, "STATE", tmp_path)
    monkeypatch.setattr(accounts, "ensure", lambda: None)
    monkeypatch.setattr(accounts, "ids", lambda: (os.getuid(), os.getgid()))
    monkeypatch.setattr(images, "mirror", lambda: tmp_path / "mirror")
    monkeypatch.setattr(images, "sandbox_reference", lambda: "sandbox:1")
    monkeypatch.delenv("LAB_SUBNET_OCTET", raising=False)
    lab = Instance("prueba", composed=True)
    lab.home.mkdir()
    return lab


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == [
        "no-new-privileges:true",
        "seccomp:${LAB_SECCOMP:-/var/lib/docker-intensivo/lab/compose/seccomp.json}",
    ]
    assert {"mem_limit", "pids_limit"} <= set(service)
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode", "userns_mode", "user"} & set(service)
    assert name == "migrate" or "healthcheck" in service
    assert not [volume for volume in service.get("volumes", []) if "docker.sock" in str(volume)]


def test_only_who_works_with_sandboxes_sees_the_engine_and_only_its_gate() -> None:
    seen = {
        name: volume
        for name, service in SERVICES.items()
        for volume in service.get("volumes", [])
        if isinstance(volume, dict) and "/run" in volume["source"]
    }
    assert set(seen) == {"web", "worker", "previews", "collector", "migrate"}
    assert all(volume["source"].endswith("/gate}") and volume["read_only"] for volume in seen.values())


def test_nobody_runs_as_root_in_the_images() -> None:
    stages = (ROOT / "deploy" / "Dockerfile").read_text().split("\nFROM ")
    ends = {stage.split(" AS ")[1].split("\n")[0]: stage for stage in stages if " AS " in stage.split("\n")[0]}
    targets = {service["build"]["target"] for service in SERVICES.values() if "build" in service}
    assert {service["image"].split("/")[1].split(":")[0] for service in SERVICES.values()} == targets
    assert targets == {"app", "proxy", "db", "redis", "registry"}
    assert all([line for line in ends[target].splitlines() if line.startswith("USER ")][-1] == "USER lab" for target in targets)


def test_database_and_redis_are_on_a_network_without_a_way_out() -> None:
    assert SERVICES["db"]["networks"] == SERVICES["redis"]["networks"] == ["datos"]
    assert FILE["networks"]["datos"]["internal"] is True
    assert not {"ports", "expose"} & {*SERVICES["db"], *SERVICES["redis"], *SERVICES["web"], *SERVICES["worker"]}


@pytest.mark.parametrize("name", sorted(name for name, service in SERVICES.items() if "motor" in service["networks"]))
def test_who_reaches_sandboxes_has_no_other_way_out(name: str) -> None:
    """Docker sends what leaves a container by the first network in the alphabet that leads out."""
    assert [each for each in SERVICES[name]["networks"] if not (FILE["networks"][each] or {}).get("internal")] == ["motor"]


def test_the_file_asks_for_nothing_that_is_not_written(lab: Instance) -> None:
    lab.compose.mkdir()
    wanted = set(compose_files._wanted(lab, SITE, base="base", course=Path("/x/curso")))
    text = (ROOT / "docker-compose.yml").read_text()
    asked = {part.split(":-")[0] for part in text.replace("$$", "").split("${")[1:] if ":-" in part}
    assert asked - wanted == {"LAB_BUILD_AUTHORITIES"}
    assert wanted - asked == {"COMPOSE_PROFILES"}


def test_secrets_have_files_of_their_own_and_stay(lab: Instance) -> None:
    compose_files.write_secrets(lab, SITE)
    compose_files.write(lab, SITE, base="base")
    first = {file: (lab.compose / file).read_text() for file in compose_files.SECRETS.values()}
    assert first["secret_key"] == "clave"
    assert len(first["database_password"]) > 30
    assert {oct((lab.compose / file).stat().st_mode & 0o777) for file in (*first, "tls.key")} == {"0o640"}
    told = (lab.compose / "site.env").read_text() + compose_files.dot_env(lab).read_text()
    assert not [secret for secret in first.values() if secret in told]
    assert "LAB_SIGNUP='codigo'" in told
    certificate = (lab.compose / "tls.crt").read_text()
    compose_files.write_secrets(lab, {name: value for name, value in SITE.items() if name != "LAB_SECRET_KEY"})
    assert {file: (lab.compose / file).read_text() for file in first} == first
    assert (lab.compose / "tls.crt").read_text() == certificate


def test_who_has_read_a_secret_that_is_another_now_is_made_anew(lab: Instance) -> None:
    def versions(**given: str) -> tuple[str, str]:
        compose_files.write_secrets(lab, {**SITE, **given})
        compose_files.write(lab, SITE, base="base")
        told = environment.read(compose_files.dot_env(lab))
        return told["LAB_SECRETS_VERSION"], told["LAB_TLS_VERSION"]

    secrets, tls = versions()
    assert versions() == (secrets, tls)
    after = versions(LAB_ALLOWED_ORIGINS="https://otra.example")
    assert after[0] == secrets  # a certificate is the proxy's alone
    assert after[1] != tls
    assert versions(LAB_SECRET_KEY="otra")[0] != secrets


def test_another_address_gets_another_certificate(lab: Instance) -> None:
    compose_files.write_secrets(lab, SITE)
    before = (lab.compose / "tls.crt").read_text()
    compose_files.write_secrets(lab, {**SITE, "LAB_ALLOWED_ORIGINS": "https://10.0.0.5:8443"})
    assert (lab.compose / "tls.crt").read_text() != before
    assert "10.0.0.5" in (lab.compose / "tls.names").read_text().split()


@pytest.mark.parametrize(
    ("preview", "name", "profile"),
    [
        ("", "*.localhost", ""),
        ("*.vista.example:8443", "*.vista.example", ""),
        ("10.0.0.5:8100-8109", "10.0.0.5", "puertos"),
        ("no", "localhost", ""),
    ],
)
def test_previews_have_the_certificate_and_the_ports_they_need(lab: Instance, preview: str, name: str, profile: str) -> None:
    compose_files.write_secrets(lab, {**SITE, "LAB_PREVIEW": preview})
    compose_files.write(lab, {**SITE, "LAB_PREVIEW": preview}, base="base")
    assert name in (lab.compose / "tls.names").read_text().split()
    assert f"COMPOSE_PROFILES='{profile}'" in compose_files.dot_env(lab).read_text()


def test_a_course_of_ones_own_is_seen_under_its_name(lab: Instance, tmp_path: Path) -> None:
    lab.compose.mkdir()
    compose_files.write(lab, {**SITE, "LAB_COURSE_DIR": str(tmp_path / "redes")}, base="base")
    assert "LAB_COURSE_DIR='/srv/curso/redes'" in (lab.compose / "site.env").read_text()
    assert f"LAB_COURSE_SOURCE='{tmp_path}/redes'" in compose_files.dot_env(lab).read_text()


def test_containers_with_another_seccomp_profile_are_made_anew(lab: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    def named() -> Path:
        compose_files.write(lab, SITE, base="base")
        return Path(environment.read(compose_files.dot_env(lab))["LAB_SECCOMP"])

    lab.compose.mkdir()
    first = named()
    assert json.loads(first.read_text()) == seccomp.confined()
    assert named() == first
    monkeypatch.setattr(seccomp, "confined", dict)
    assert named() != first
    assert not first.exists()


@pytest.mark.parametrize("wrong", ["it's", "a\nb"])
def test_what_cannot_be_quoted_is_told(lab: Instance, wrong: str) -> None:
    lab.compose.mkdir()
    with pytest.raises(HostError, match="LAB_SIGNUP"):
        compose_files.write(lab, {**SITE, "LAB_SIGNUP": wrong}, base="base")


def test_a_certificate_that_cannot_be_read_is_told(lab: Instance) -> None:
    with pytest.raises(HostError, match="LAB_TLS_KEY"):
        compose_files.write_secrets(lab, {**SITE, "LAB_TLS_CERT": __file__, "LAB_TLS_KEY": "/no/hay.key"})


def test_rules_name_the_bridges_of_the_file_and_end_by_rejecting(lab: Instance) -> None:
    assert lab.compose_bridge("motor") == "dc126-motor"
    named = {
        each["driver_opts"]["com.docker.network.bridge.name"].replace("${LAB_SUBNET_OCTET:-124}", "126")
        for each in FILE["networks"].values()
    }
    assert lab.compose_bridge("motor") in named
    assert all(name.startswith(lab.compose_bridge("")) and len(name) < 16 for name in named)
    rules = routes.rules(lab)
    assert rules[-1] == ("-j", "REJECT")
    accepted = [rule for rule in rules if rule[-1] == "ACCEPT"]
    assert accepted == [("-i", "dc126-motor", "-o", lab.veth, "-d", lab.sandboxes_net, "-j", "ACCEPT")]


class Said:
    """What `docker compose` would say, by its verb."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers

    def __call__(self, argv: tuple[str, ...], **_: object) -> subprocess.CompletedProcess[str]:
        verb = next(word for word in argv if word in self.answers)
        return subprocess.CompletedProcess(argv, 0, stdout=self.answers[verb], stderr="")


@pytest.mark.parametrize(
    ("listed", "logs", "stderr", "sentence"),
    [
        (
            '{"Service": "db", "State": "running", "Health": "healthy"}\n{"Service": "web", "State": "restarting", "Health": ""}\n',
            "Traceback…\n\x1b[2KError: Redis no acepta la clave.\n",
            "container web is unhealthy",
            "«web» no arrancó: Redis no acepta la clave.",
        ),
        ("", "", "Error: listen tcp4 127.0.0.1:8443: bind: address already in use", "el puerto 127.0.0.1:8443 ya lo usa otro programa"),
        ("", "", "Bind for 0.0.0.0:80 failed: port is already allocated", "el puerto 0.0.0.0:80 ya lo usa otro programa"),
        ("", "", "algo\nraro\n", "los contenedores no arrancaron: algo / raro."),
    ],
)
def test_a_failed_start_is_one_sentence(
    lab: Instance, monkeypatch: pytest.MonkeyPatch, listed: str, logs: str, stderr: str, sentence: str
) -> None:
    monkeypatch.setattr(containers, "engine", lambda _lab: "unix:///no")
    monkeypatch.setattr(subprocess, "run", Said(ps=listed, logs=logs))
    assert containers.why(lab, stderr).startswith(sentence)


def test_the_hosts_part_is_known_by_what_it_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    first = composed.version({"LAB_INTERNET": "true"})
    assert composed.version({"LAB_INTERNET": "true", "LAB_SIGNUP": "cerrado"}) == first
    assert composed.version({}) != first
    monkeypatch.setattr(images, "sandbox_reference", lambda: "sandbox:otra")
    assert composed.version({"LAB_INTERNET": "true"}) != first


def test_two_machines_differ_by_their_environment_alone(lab: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the file comes to with the `.env` of each: nothing that the host has one of is in both."""

    def rendered(name: str, octet: str, **given: str) -> dict[str, Any]:
        monkeypatch.setenv("LAB_SUBNET_OCTET", octet)
        each = Instance(name, composed=True)
        each.home.mkdir(exist_ok=True)
        compose_files.write_secrets(each, {**SITE, **given})
        compose_files.write(each, {**SITE, **given}, base="base")
        values = environment.read(compose_files.dot_env(each))
        text = re.sub(
            r"\$\{(\w+):-([^}]*)\}", lambda found: values.get(found[1], found[2]).strip("'"), (ROOT / "docker-compose.yml").read_text()
        )
        found: dict[str, Any] = yaml.safe_load(text)
        return found

    both = [
        rendered("prueba", "140"),
        rendered("tarde", "150", LAB_BIND="127.0.0.1:8444", LAB_URL="https://tarde.local:8444"),
    ]
    for first, second in (
        [{each["name"]} for each in both],
        [{service["image"] for service in each["services"].values()} for each in both],
        [{port for service in each["services"].values() for port in service.get("ports", [])} for each in both],
        [{network["ipam"]["config"][0]["subnet"] for network in each["networks"].values() if "ipam" in network} for each in both],
        [{network["driver_opts"]["com.docker.network.bridge.name"] for network in each["networks"].values()} for each in both],
        [{secret["file"] for name, secret in each["secrets"].items() if name != "authorities"} for each in both],
        [{service["env_file"][0]["path"] for service in each["services"].values() if "env_file" in service} for each in both],
    ):
        assert first
        assert len(first) == len(second)
        assert not first & second


@pytest.mark.parametrize(
    ("answer", "kept", "needs"),
    [
        ((), False, True),
        (("machine",), False, False),
        ((), True, True),
        (("machine",), True, "los datos de este sitio están en su motor propio"),
        (("another",), False, "el laboratorio «manana» tiene en marcha un motor propio"),
        (("machine", "another"), False, False),
    ],
)
def test_no_engine_of_ours_starts_beside_another(
    lab: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: tuple[str, ...], kept: bool, needs: bool | str
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(compose_engine, "RUN", tmp_path / "run")
    sockets = {"machine": str(compose_engine.MACHINE_SOCKET), "another": str(tmp_path / "run" / "manana" / "compose.sock")}
    Path(sockets["another"]).parent.mkdir(parents=True)
    Path(sockets["another"]).touch()
    monkeypatch.setattr(compose_engine, "succeeds", lambda *argv: argv[2] in [f"unix://{sockets[name]}" for name in answer])
    if kept:
        lab.compose_data.mkdir()
    if isinstance(needs, bool):
        assert compose_engine.needed(lab) is needs
    else:
        with pytest.raises(HostError, match=needs):
            compose_engine.needed(lab)


class Start:
    """A start whose steps are known to the test: what it writes, where it fails, and what is undone."""

    def __init__(self, lab: Instance, patch: pytest.MonkeyPatch, *, was_up: bool, fails: BaseException | None) -> None:
        self.lab, self.fails, self.downs = lab, fails, 0
        self.ports: list[bool] = []
        patch.setattr(compose_files, "settings", lambda _lab: dict(SITE))
        patch.setattr(Instance, "running", lambda _lab: 1 if was_up else None)
        patch.setattr(containers, "running", lambda _lab, *_services: was_up)
        patch.setattr(compose.preflight, "check", lambda _lab, _settings, *, port, services: self.ports.append(port or services))
        patch.setattr(compose.compose_engine, "check_given", lambda: None)
        patch.setattr(compose, "_raise_up", self.raise_up)
        patch.setattr(compose, "_down", self.down)
        patch.setattr(compose, "_announce", lambda _lab, _settings: None)

    def raise_up(self, *_: object) -> None:
        (self.lab.compose / "database_password").write_text("equivocada")
        environment.given(self.lab).write_text('LAB_DATABASE_PASSWORD="equivocada"\n')
        (self.lab.compose / "tls.key").write_text("nueva")
        if self.fails:
            raise self.fails

    def down(self, _lab: Instance) -> None:
        assert (self.lab.compose / "database_password").read_text() == "equivocada"  # with what it was started with
        self.downs += 1


@pytest.mark.parametrize("was_up", [False, True])
@pytest.mark.parametrize("fails", [HostError("no va"), KeyboardInterrupt()])
def test_a_start_that_fails_leaves_what_there_was(
    lab: Instance, monkeypatch: pytest.MonkeyPatch, fails: BaseException, *, was_up: bool
) -> None:
    lab.compose.mkdir()
    (lab.compose / "database_password").write_text("buena")
    start = Start(lab, monkeypatch, was_up=was_up, fails=fails)
    with pytest.raises(type(fails)):
        compose._up(lab)
    assert start.downs == (0 if was_up else 1)
    assert (lab.compose / "database_password").read_text() == "buena"
    assert (lab.compose / "tls.key").read_text() == "nueva"  # the first of all: nothing to go back to


def test_nothing_comes_back_of_a_site_that_was_removed_meanwhile(lab: Instance) -> None:
    lab.compose.mkdir()
    environment.given(lab).write_text("")
    (lab.compose / "secret_key").write_text("clave")
    before = compose_files.written(lab)
    shutil.rmtree(lab.home)
    compose_files.put_back(lab, before)
    assert not lab.home.exists()


def test_a_start_that_succeeds_keeps_what_it_was_told(lab: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.compose.mkdir()
    start = Start(lab, monkeypatch, was_up=False, fails=None)
    compose._up(lab)
    assert (start.downs, (lab.compose / "database_password").read_text()) == (0, "equivocada")


@pytest.mark.parametrize(("bind", "asked"), [(SITE["LAB_BIND"], False), ("0.0.0.0:9443", True)])
def test_a_port_is_asked_about_unless_it_is_the_sites_already(
    lab: Instance, monkeypatch: pytest.MonkeyPatch, bind: str, *, asked: bool
) -> None:
    lab.compose.mkdir()
    compose_files.dot_env(lab).write_text(f"LAB_BIND='{bind}'\n")
    start = Start(lab, monkeypatch, was_up=True, fails=None)
    compose._up(lab)
    assert start.ports == [asked]


@pytest.mark.parametrize(
    ("code", "stderr", "refused"),
    [
        (0, "", ""),
        (1, " Container migrate-run  Creating\nError: Redis no acepta la clave.\n", "Redis no acepta la clave. Lo que estaba en marcha"),
        # The database is of the version before: that is what `migrate` is there for.
        (1, "Traceback…\npsycopg.errors.UndefinedColumn: no existe\n", ""),
    ],
)
def test_what_runs_is_not_stopped_for_what_would_not_start(
    lab: Instance, monkeypatch: pytest.MonkeyPatch, code: int, stderr: str, refused: str
) -> None:
    monkeypatch.setattr(containers, "running", lambda _lab, *_services: True)
    monkeypatch.setattr(containers, "_ask", lambda _lab, *words: subprocess.CompletedProcess(words, code, "", stderr))
    if not refused:
        containers.refuse_wrong(lab, upto="--engine")
        return
    with pytest.raises(HostError, match=refused):
        containers.refuse_wrong(lab, upto="--engine")


def test_a_secret_that_containers_could_not_read_is_theirs_again(lab: Instance) -> None:
    compose_files.write_secrets(lab, SITE)
    path = lab.compose / "database_password"
    before = path.read_text()
    path.chmod(0o600)
    compose_files.write_secrets(lab, SITE)
    assert (path.read_text(), path.stat().st_mode & 0o777) == (before, 0o640)
