"""The lab's processes, each as the supervisor takes it. In the order they start:

    redis → dns → mirror → packages → registry → gate → engine → tokens → worker → previews → collector → web

What faces students runs as an unprivileged user; what sandboxes reach listens in the lab's namespace.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from host import accounts, certificate, egress, images, listen, seccomp, seed, storage
from host.instance import REMAP_USER, ROOT, SERVICE_ADDRESS, USER, Instance
from host.processes import accepts, answers, as_user, in_namespace, listens, project
from host.shell import succeeds
from host.supervisor import Service


def redis(lab: Instance) -> Service:
    """Broker, channel layer, cache, rates. A unix socket only: it meets no other Redis."""
    return Service(
        name="redis",
        argv=as_user(
            "redis-server",
            "--port",
            "0",
            "--unixsocket",
            str(lab.redis),
            "--unixsocketperm",
            "770",
            "--dir",
            str(lab.data),
            "--save",
            "60 1",
            "--maxmemory",
            "256mb",
            "--maxmemory-policy",
            "noeviction",
        ),
        ready=lambda: succeeds("redis-cli", "-s", str(lab.redis), "ping"),
    )


def dns(lab: Instance) -> Service:
    """Answers the lab's names and says at once that no other exists."""
    return _resolver(lab, "dns", SERVICE_ADDRESS, "--local=/#/")


def names(lab: Instance) -> Service:
    """The internet's names too, for the sandboxes that may go out; the namespace's rules say which."""
    upstream = [f"--server={resolver}" for resolver in egress.resolvers()]
    return _resolver(lab, "names", egress.NAMES_ADDRESS, "--local=/lab/", "--stop-dns-rebind", "--rebind-domain-ok=lab", *upstream)


def _resolver(lab: Instance, name: str, address: str, *more: str) -> Service:
    """A dnsmasq that knows the lab's names; `more` says what it makes of the others."""
    return Service(
        name=name,
        argv=in_namespace(
            lab,
            *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file="),
            *("--bind-interfaces", f"--listen-address={address}", f"--user={USER}", f"--group={USER}", "--log-facility=-"),
            *(f"--host-record={host}.lab,{SERVICE_ADDRESS}" for host in ("espejo", "registro", "paquetes")),
            *more,
        ),
        ready=lambda: listens(lab, 53, address=address),
    )


def outlet(lab: Instance) -> Service:
    """Lets the sandboxes out whose exercise needs the internet: see host/egress.py."""
    path = lab.egress_socket
    return Service(
        name="outlet",
        argv=(
            *("setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", "host.egress"),
            *(str(path), lab.namespace, lab.sandboxes_net, SERVICE_ADDRESS),
        ),
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        ready=lambda: accepts(path),
    )


def mirror(lab: Instance) -> Service:
    """The course images, read-only and for anybody in a sandbox."""
    config = lab.rundir("mirror.yml")

    def write_config() -> None:
        config.write_text(
            "version: 0.1\nlog: {level: info, accesslog: {disabled: false}}\n"
            f"storage: {{filesystem: {{rootdirectory: {images.mirror()}}}, maintenance: {{readonly: {{enabled: true}}}}}}\n"
            f"http: {{addr: '{SERVICE_ADDRESS}:5000'}}\n"
        )

    return Service(
        name="mirror",
        argv=in_namespace(lab, *as_user("docker-registry", "serve", str(config))),
        before_start=write_config,
        ready=lambda: listens(lab, 5000),
    )


def packages(lab: Instance) -> Service:
    """The package mirror: files, for anybody in a sandbox."""
    return Service(
        name="packages",
        argv=in_namespace(lab, *project(lab, "-m", "host.packages", str(images.packages().path), SERVICE_ADDRESS, "80")),
        ready=lambda: listens(lab, 80),
    )


def prepare_registry(lab: Instance) -> None:
    """The class registry's store and its keys, which its group may read."""
    folder = lab.home / "registry"
    storage.ensure_registry_store(lab)
    accounts.give(lab.registry_store)
    # Root's own: what it writes and hands over must not lie where somebody else can swap names.
    folder.mkdir(exist_ok=True)
    os.chown(folder, 0, accounts.ids()[1])
    folder.chmod(0o750)
    if not (folder / "server.crt").exists():
        certificate.issue(["registro.lab"], folder)
    if not (folder / "token.crt").exists():
        draft = folder / "token"
        certificate.issue(["fichas.registro.lab"], draft)
        (draft / "server.key").rename(folder / "token.key")
        (draft / "server.crt").rename(folder / "token.crt")
        draft.rmdir()
    # The signer's certificate alone: with the authority in it, whatever that signs could sign tokens.
    end = "-----END CERTIFICATE-----\n"
    signer = (folder / "token.crt").read_text().split(end)[0] + end
    (folder / "token.crt").write_text(signer)
    for key in ("server.key", "token.key"):
        os.chown(folder / key, 0, accounts.ids()[1])
        (folder / key).chmod(0o640)


def registry(lab: Instance) -> Service:
    """The class registry: students push here, with tokens of the platform, over TLS by the lab's authority."""
    folder, store = lab.home / "registry", lab.registry_store

    def write_config() -> None:
        prepare_registry(lab)
        (folder / "registry.yml").write_text(
            "version: 0.1\nlog: {level: info}\n"
            f"storage: {{filesystem: {{rootdirectory: {store}}}, delete: {{enabled: true}}}}\n"
            f"http: {{addr: '{SERVICE_ADDRESS}:443', tls: {{certificate: {folder}/server.crt, key: {folder}/server.key}}}}\n"
            "auth: {token: {realm: 'https://registro.lab:5001/fichas', service: registro.lab, issuer: docker-intensivo, "
            f"rootcertbundle: {folder}/token.crt}}}}\n"
        )
        # What students have removed frees its room now, while nobody pushes.
        succeeds(*as_user("docker-registry", "garbage-collect", "--delete-untagged", str(folder / "registry.yml")))

    return Service(
        name="registry",
        argv=in_namespace(lab, *as_user("docker-registry", "serve", str(folder / "registry.yml"))),
        before_start=write_config,
        ready=lambda: listens(lab, 443),
    )


def tokens(lab: Instance) -> Service:
    """Hands out the registry's tokens. Outside of the namespace but for its port: it asks the database."""
    folder = lab.home / "registry"
    app = project(
        lab,
        "-m",
        "uvicorn",
        "sandboxes.registry.app:application",
        *("--fd", str(listen.DESCRIPTOR)),
        *("--ssl-certfile", str(folder / "server.crt"), "--ssl-keyfile", str(folder / "server.key")),
        *("--lifespan", "off", "--ws", "none", "--no-server-header", "--no-access-log"),
        *("--limit-concurrency", "100", "--timeout-keep-alive", "5", "--timeout-graceful-shutdown", "3"),
    )
    outer = ("setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", "host.listen", lab.namespace, SERVICE_ADDRESS, "5001", "--")
    return Service(
        name="tokens",
        argv=(*outer, *app),
        env={"LAB_ENV_FILE": str(lab.env_file), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        ready=lambda: listens(lab, 5001),
        start_seconds=60,
    )


def gate(lab: Instance) -> Service:
    """The engine's authorisation plugin: see host/gate.py."""
    return Service(
        name="gate",
        argv=(
            "setpriv",
            "--pdeathsig",
            "TERM",
            "--",
            sys.executable,
            "-m",
            "host.gate",
            str(lab.plugin_socket),
            lab.name,
            images.sandbox_reference(),
            seed.reference(),
        ),
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        ready=lambda: accepts(lab.plugin_socket),
    )


def engine(lab: Instance, *, gated: bool = True) -> Service:
    """The lab engine. Ungated only to load images, on a socket that nobody but root can reach."""
    runtime = ROOT / "host" / "runtime" / "lab-runc"
    profile = lab.rundir("seccomp.json")
    sockets = [lab.loader_socket] if not gated else [lab.socket, lab.gated_socket] if lab.composed else [lab.socket]

    def prepare() -> None:
        seccomp.write(profile)
        storage.enforce_quotas(lab)
        for socket in sockets:
            socket.unlink(missing_ok=True)
        # containerd dies with its dockerd; while its zombie waits for somebody to reap it, a new dockerd would take it
        # for a living one and wait for it in vain.
        lab.rundir("exec", "containerd", "containerd.pid").unlink(missing_ok=True)

    argv = [
        "dockerd",
        *(word for socket in sockets for word in ("-H", f"unix://{socket}")),
        "--group",
        USER if gated else "root",
        "--data-root",
        str(lab.engine_root / "docker"),
        "--exec-root",
        str(lab.rundir("exec")),
        "-p",
        str(lab.rundir("engine.pid")),
        f"--userns-remap={REMAP_USER}",
        "--storage-driver=btrfs",
        "--live-restore",
        "--add-runtime",
        f"lab={runtime}",
        "--default-runtime",
        "lab",
        f"--seccomp-profile={profile}",
        "--cgroup-parent",
        f"/{lab.namespace}",
        "--bip",
        lab.bridge_net,
        "--default-address-pool",
        f"base={lab.sandboxes_net},size=28",
        "--dns",
        SERVICE_ADDRESS,
        "--userland-proxy=false",
        "--log-driver",
        "none",
        "--log-level",
        "warn",
        "--shutdown-timeout",
        "20",
    ]
    if gated:
        argv += ["--authorization-plugin", lab.plugin]
    return Service(
        name="engine" if gated else "loader",
        argv=in_namespace(lab, *argv),
        before_start=prepare,
        ready=lambda: succeeds("docker", "-H", f"unix://{sockets[0]}", "version"),
        start_seconds=90,
        # Its sandboxes have been stopped by then. Asked politely, its btrfs driver would turn the quotas off, and what
        # was written until then would count for nobody from then on; its files bear a kill, as after a power cut.
        stop_signal=signal.SIGKILL,
    )


def _copy_certificate(lab: Instance, settings: Mapping[str, str]) -> None:
    """The key is root's: hand the web and the previews a copy that only they can read."""
    for name, target in (("LAB_TLS_CERT", "tls.crt"), ("LAB_TLS_KEY", "tls.key")):
        if settings.get(name):
            copy = lab.rundir(target)
            copy.touch(mode=0o400)
            copy.write_bytes(Path(settings[name]).read_bytes())
            os.chown(copy, *accounts.ids())


def web(lab: Instance, settings: Mapping[str, str]) -> Service:
    """uvicorn, with the websocket options of docs/terminal-protocol.md."""
    host, port = settings["LAB_BIND"].rsplit(":", 1)
    tls: tuple[str, ...] = ()
    if settings.get("LAB_TLS_CERT"):
        tls = ("--ssl-certfile", str(lab.rundir("tls.crt")), "--ssl-keyfile", str(lab.rundir("tls.key")))

    return Service(
        name="web",
        argv=project(
            lab,
            "-m",
            "uvicorn",
            "labsite.asgi:application",
            "--host",
            host.strip("[]"),
            "--port",
            port,
            "--ws",
            "websockets-sansio",
            "--ws-per-message-deflate",
            "false",
            "--ws-max-size",
            "65600",
            "--no-server-header",
            "--timeout-graceful-shutdown",
            "3",
            "--no-access-log",
            *tls,
        ),
        env={"LAB_ENV_FILE": str(lab.env_file)},
        before_start=lambda: _copy_certificate(lab, settings),
        ready=answers(host.strip("[]"), int(port)),
        start_seconds=60,
    )


def previews(lab: Instance, settings: Mapping[str, str]) -> Service | None:
    """Listens on the ports of LAB_PREVIEW, where that gives ports; names are the web's."""
    found = re.fullmatch(r".+:(\d+)-\d+", settings.get("LAB_PREVIEW", ""))
    if not found:
        return None
    host = settings["LAB_BIND"].rsplit(":", 1)[0].strip("[]")
    tls = (str(lab.rundir("tls.crt")), str(lab.rundir("tls.key"))) if settings.get("LAB_TLS_CERT") else ()
    return Service(
        name="previews",
        argv=project(lab, "-m", "sandboxes.preview.serve", host, *tls),
        env={"LAB_ENV_FILE": str(lab.env_file)},
        before_start=lambda: _copy_certificate(lab, settings),
        ready=answers(host, int(found[1])),
        start_seconds=60,
    )


def worker(lab: Instance) -> Service:
    """Celery: graders, sandbox life, and the clock (beat) that sweeps."""
    ready_file = lab.open_run / "worker-ready"
    return Service(
        name="worker",
        argv=project(
            lab,
            "-m",
            "celery",
            "-A",
            "labsite",
            "worker",
            "--beat",
            "--concurrency",
            os.environ.get("LAB_WORKERS", "4"),
            "--loglevel",
            "WARNING",
            "--without-gossip",
            "--without-mingle",
            "--hostname",
            f"{lab.name}@localhost",
        ),
        env={"LAB_ENV_FILE": str(lab.env_file), "LAB_WORKER_READY": str(ready_file)},
        before_start=lambda: ready_file.unlink(missing_ok=True),
        ready=ready_file.exists,
        start_seconds=60,
        stop_seconds=20,
    )


def collector(lab: Instance) -> Service:
    """Listens to the engines of the sandboxes in use: sandboxes/events/. Ready once it has begun to."""
    ready_file = lab.open_run / "collector-ready"
    return Service(
        name="collector",
        argv=project(lab, "manage.py", "collect"),
        env={"LAB_ENV_FILE": str(lab.env_file), "LAB_COLLECTOR_READY": str(ready_file)},
        before_start=lambda: ready_file.unlink(missing_ok=True),
        ready=ready_file.exists,
        start_seconds=60,
        stop_seconds=5,
    )
