"""Builds the sandbox image and the course images, once per machine and per content.

A builder engine of our own (host network, no remapping, no bridge) builds the project's Dockerfiles on a
base made by debootstrap, or on LAB_BASE_IMAGE where Docker Hub can be reached. What comes out is kept under
STATE/images/<key>: `sandbox.tar` for each lab's engine, `mirror/`, the store that the course mirror serves, and
`packages/`, the files of the package mirror.
The key is the hash of all that goes in, so a changed Dockerfile builds anew and an unchanged one costs nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import socket
import subprocess
import tarfile
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import docker
from docker.errors import BuildError, ImageNotFound

from host import packages
from host.instance import ROOT, STATE, HostError
from host.shell import sh, succeeds, wait_for
from host.supervisor import Service, Supervisor

SOURCES = ROOT / "sandboxes" / "images"
SANDBOX_TAG = "docker-intensivo/sandbox"
PACKAGES_TAG = "docker-intensivo/packages:latest"
SUITE = "trixie"
BASE_IMAGE = os.environ.get("LAB_BASE_IMAGE", "")

Progress = Callable[[str], None]


def content_key() -> str:
    """Names what would be built from the sources as they are."""
    digest = hashlib.sha256(f"{SUITE} {BASE_IMAGE}".encode())
    for path in sorted(SOURCES.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(SOURCES)}\0{path.stat().st_mode & 0o111}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def sandbox_reference() -> str:
    return f"{SANDBOX_TAG}:{content_key()}"


def store() -> Path:
    return STATE / "images" / content_key()


def course_images() -> dict[str, str]:
    """Folder → repository:tag, as images.toml says."""
    return tomllib.loads((SOURCES / "course" / "images.toml").read_text())


def ensure(progress: Progress) -> Path:
    """Build what is missing and return the store. Half-built stores never carry the final name."""
    final = store()
    final.parent.mkdir(parents=True, exist_ok=True)
    with _one_builder(progress):
        if not final.exists():
            _build_store(final, progress)
    return final


@contextmanager
def _one_builder(progress: Progress) -> Iterator[None]:
    """Two labs that build at once would share an engine's data: the second waits."""
    with (STATE / "images.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("nada todavía: otro laboratorio de esta máquina está construyendo; esperando a que acabe")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_store(final: Path, progress: Progress) -> None:
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=final.parent))
    draft.chmod(0o755)
    try:
        with _Builder() as builder:
            base = BASE_IMAGE or _ensure_base(builder, progress)
            progress("la máquina del alumno (unos dos minutos)")
            builder.build(SOURCES / "sandbox", sandbox_reference(), base)
            sh("docker", "-H", builder.url, "save", "-o", str(draft / "sandbox.tar"), sandbox_reference())
            registry = builder.start_registry(draft / "mirror")
            for number, (folder, reference) in enumerate(course_images().items(), start=1):
                progress(f"imagen del curso {number} de {len(course_images())}: {reference}")
                builder.build(SOURCES / "course" / folder, reference, base)
                repository, tag = reference.rsplit(":", 1)
                builder.push(reference, f"{registry}/{repository if '/' in repository else f'library/{repository}'}", tag)
            progress("los paquetes que instalan los ejercicios")
            (draft / "packages").mkdir()
            builder.build(SOURCES / "packages", PACKAGES_TAG, base)
            builder.unpack(PACKAGES_TAG, draft / "packages")
        packages.fetch_wheels(SOURCES / "packages" / "ruedas.txt", draft / "packages" / "simple")
        sh("chmod", "-R", "a+rX", str(draft / "mirror"), str(draft / "packages"))
        draft.rename(final)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    used = {path.read_text().rsplit(":", 1)[-1] for path in STATE.glob("*/loaded-image")}
    for old in final.parent.iterdir():
        if old.is_dir() and old != final and old.name not in used:
            shutil.rmtree(old, ignore_errors=True)


def _ensure_base(builder: _Builder, progress: Progress) -> str:
    reference = f"docker-intensivo/base:{SUITE}"
    if builder.has(reference):
        return reference
    progress(f"la base, Debian {SUITE}, con debootstrap (medio minuto)")
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        rootfs = Path(folder) / "rootfs"
        mirror = _debian_mirror()
        sh("debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(rootfs), *([mirror] if mirror else []))
        tar = Path(folder) / "rootfs.tar"
        sh("tar", "-C", str(rootfs), "-cf", str(tar), "--exclude=./var/cache/apt/archives/*.deb", ".")
        sh("docker", "-H", builder.url, "import", "-c", 'CMD ["bash"]', str(tar), reference)
    return reference


def _debian_mirror() -> str | None:
    """The Debian mirror this machine uses, if its sources name one; else debootstrap's default."""
    folder = Path("/etc/apt")
    texts = [path.read_text() for path in (folder / "sources.list", *sorted(folder.glob("sources.list.d/*"))) if path.is_file()]
    found = re.search(r"^(?:URIs:|deb(?: \[.*?\])?) *(https?://\S+/debian/?)(?: |$)", "\n".join(texts), re.MULTILINE)
    return found.group(1) if found else None


class _Builder:
    """The builder engine and, while pushing, a registry: both end with the context."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._run = STATE / "builder-run"
        self.url = f"unix://{self._run}/docker.sock"

    def __enter__(self) -> _Builder:
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

    def has(self, reference: str) -> bool:
        try:
            self._client.images.get(reference)
        except ImageNotFound:
            return False
        return True

    def build(self, folder: Path, reference: str, base: str) -> None:
        try:
            self._client.images.build(
                path=str(folder),
                tag=reference,
                buildargs={"BASE": base},
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

    def start_registry(self, root: Path) -> str:
        """A registry on a free loopback port that stores under `root`; its address."""
        root.mkdir(parents=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        config = self._run / "registry.yml"
        config.write_text(
            f"version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {root}}}}}\nhttp: {{addr: '{address}'}}\n"
        )
        self._supervisor.start(
            Service(
                name="builder-registry",
                argv=("docker-registry", "serve", str(config)),
                ready=lambda: _answers(address),
            )
        )
        wait_for(lambda: _answers(address), seconds=10, what="el registro de construcción")
        return address

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


def ensure_loaded(engine_url: str) -> bool:
    """Whether the engine at `engine_url` already holds the sandbox image."""
    return subprocess.run(("docker", "-H", engine_url, "image", "inspect", sandbox_reference()), capture_output=True).returncode == 0


def load(engine_url: str) -> None:
    sh("docker", "-H", engine_url, "load", "-i", str(store() / "sandbox.tar"))
