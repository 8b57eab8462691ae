"""The engine that builds the images: our own, with the host's network, no remapping and no bridge.

It ends with its context, and so does the registry it may be given; what it has built stays in its data, so that
what is built again is mostly there. What to build and where it is kept is the business of host/images.py.
"""

from __future__ import annotations

import shutil
import socket
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import docker
from docker.errors import BuildError

from host.instance import STATE, HostError
from host.shell import sh, succeeds
from host.supervisor import Service, Supervisor


class Builder:
    """The builder engine and, while pushing, a registry: both end with their contexts."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._run = STATE / "builder-run"
        self.url = f"unix://{self._run}/docker.sock"

    def __enter__(self) -> Builder:
        data = STATE / "builder"
        data.mkdir(parents=True, exist_ok=True)
        self._run.mkdir(parents=True, exist_ok=True)
        self._supervisor = Supervisor(STATE / "logs")
        self._stack.callback(self._clean_up)
        self._supervisor.start(
            Service(
                name="builder",
                argv=(
                    "dockerd",
                    "-H",
                    self.url,
                    "--data-root",
                    str(data),
                    "--exec-root",
                    f"{self._run}/exec",
                    "-p",
                    f"{self._run}/docker.pid",
                    "--bridge",
                    "none",
                    "--iptables=false",
                    "--ip-masq=false",
                    "--ip-forward=false",
                    "--log-level",
                    "warn",
                ),
                ready=lambda: succeeds("docker", "-H", self.url, "version"),
                start_seconds=60,
            )
        )
        self._client = docker.DockerClient(self.url, timeout=1800)
        self._stack.callback(self._client.close)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _clean_up(self) -> None:
        self._supervisor.stop_all()
        targets = sh("findmnt", "-rno", "TARGET", check=False).splitlines()
        for mount in reversed([target for target in targets if target.startswith((str(self._run), str(STATE / "builder")))]):
            succeeds("umount", "-l", mount)
        shutil.rmtree(self._run, ignore_errors=True)

    def build(self, folder: Path, reference: str, base: str) -> None:
        """Build a folder; its Dockerfile may ask for its own tag (`ARG TAG`), where one folder makes several images."""
        try:
            self._client.images.build(
                path=str(folder),
                tag=reference,
                buildargs={"BASE": base, "TAG": reference.rpartition(":")[2]},
                network_mode="host",
                rm=True,
                forcerm=True,
            )
        except BuildError as error:
            said = "".join(str(line.get("stream", "")) for line in error.build_log)[-1500:]
            raise HostError(f"no se pudo construir {reference}: {error.msg}\n{said}") from error

    def unpack(self, reference: str, folder: Path) -> None:
        """Take the files of an image that we have just built."""
        made = self._client.containers.create(reference, ["-"])
        try:
            with tempfile.TemporaryFile(dir=STATE) as archive:
                for chunk in made.export():
                    archive.write(chunk)  # type: ignore[arg-type]  # bytes, whatever the stubs say
                archive.seek(0)
                with tarfile.open(fileobj=archive) as opened:
                    members = [member for member in opened if member.name.startswith("debian/") or member.name == "debian"]
                    opened.extractall(folder, members, filter="data")
        finally:
            made.remove()

    @contextmanager
    def registry(self, root: Path) -> Iterator[str]:
        """A registry on a free loopback port that stores under `root`, while the context lasts; its address."""
        root.mkdir(parents=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        config = self._run / "registry.yml"
        config.write_text(
            f"version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {root}}}}}\nhttp: {{addr: '{address}'}}\n"
        )
        service = Service(
            name="builder-registry",
            argv=("docker-registry", "serve", str(config)),
            ready=lambda: _answers(address),
        )
        self._supervisor.start(service)
        try:
            yield address
        finally:
            self._supervisor.stop(service.name)

    def push(self, reference: str, repository: str, tag: str) -> None:
        self._client.images.get(reference).tag(repository, tag)
        for line in self._client.images.push(repository, tag, stream=True, decode=True):
            if "error" in line:
                raise HostError(f"no se pudo subir {reference} al espejo: {line['error']}")


def _answers(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, int(port))) == 0
