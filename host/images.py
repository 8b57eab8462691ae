"""The sandbox image, the course images and the packages that exercises install: built once per machine and content.

Built in parts, each kept under STATE/images/<part>-<key>: `sandbox` (an archive for each lab's engine), `image-*` (a
course image, as a registry's store) and `packages` (the files of the package mirror). The key is the hash of all that
goes into the part, so that a changed Dockerfile builds that part alone and an unchanged one costs nothing. `mirror` is
the course images together, by hard links. All start from a base made by debootstrap, or from LAB_BASE_IMAGE where
Docker Hub can be reached. The engine that builds is host/builder.py's.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from host.builder import Builder
from host.instance import ROOT, STATE, Instance
from host.packages import fetch_wheels
from host.shell import sh, succeeds

SOURCES = ROOT / "sandboxes" / "images"
SANDBOX_TAG = "docker-intensivo/sandbox"
PACKAGES_TAG = "docker-intensivo/packages:latest"
SUITE = "trixie"
BASE_IMAGE = os.environ.get("LAB_BASE_IMAGE", "")
BASE_TAG = f"docker-intensivo/base:{SUITE}"
USED = "image-parts"
"""The file, in a lab's folder, that lists the parts it uses."""
KEEP_SECONDS = 86400.0

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """What is built and kept by itself: the sandbox, one course image, the packages."""

    name: str
    folder: Path
    reference: str = ""
    """What the image is called, where that is part of what is built."""

    @property
    def key(self) -> str:
        """The hash of all that goes in; the same wherever the sources are."""
        digest = hashlib.sha256(f"{SUITE} {BASE_IMAGE} {self.reference}".encode())
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(self.folder)}\0{path.stat().st_mode & 0o111}\0".encode())
                digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    @property
    def path(self) -> Path:
        return STATE / "images" / f"{self.name}-{self.key}"


def sandbox() -> Part:
    return Part("sandbox", SOURCES / "sandbox")


def packages() -> Part:
    return Part("packages", SOURCES / "packages")


def course_images() -> dict[str, str]:
    """Repository:tag → the folder that it is built from, as images.toml says."""
    return tomllib.loads((SOURCES / "course" / "images.toml").read_text())


def course() -> list[Part]:
    """A part for each course image: its own small registry store."""
    return [
        Part(f"image-{folder}-{reference.rpartition(':')[2]}", SOURCES / "course" / folder, reference)
        for reference, folder in course_images().items()
    ]


def parts() -> list[Part]:
    return [sandbox(), *course(), packages()]


def sandbox_reference() -> str:
    return f"{SANDBOX_TAG}:{sandbox().key}"


def course_key() -> str:
    """Names the course images together: what the mirror serves, and what a seeded sandbox begins with."""
    return hashlib.sha256(" ".join(sorted(f"{part.name} {part.key}" for part in course())).encode()).hexdigest()[:16]


def mirror() -> Path:
    """The registry store of all course images."""
    return STATE / "images" / f"mirror-{course_key()}"


def ensure(lab: Instance, progress: Progress) -> None:
    """Note what `lab` uses and build what of it is missing; who builds also removes what nobody uses."""
    _note_use(lab)
    if all(path.exists() for path in _used()):
        return
    with _one_builder(progress):
        missing = [part for part in parts() if not part.path.exists()]
        if missing:
            _build(missing, progress)
        if not mirror().exists():
            with _draft(mirror()) as draft:
                for part in course():
                    link_tree(part.path, draft)
        remove_unused()


def _used() -> list[Path]:
    return [*(part.path for part in parts()), mirror()]


@contextmanager
def _one_builder(progress: Progress) -> Iterator[None]:
    """Two labs that build at once would share an engine's data: the second waits."""
    (STATE / "images").mkdir(parents=True, exist_ok=True)
    with (STATE / "images.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("nada todavía: otro laboratorio de esta máquina está construyendo; esperando a que acabe")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(missing: list[Part], progress: Progress) -> None:
    """Each part is kept as soon as it is whole: what fails later costs no more than itself."""
    with Builder() as builder:
        base = ensure_base(builder.url, progress)
        for number, part in enumerate(missing, start=1):
            of = f" ({number} de {len(missing)})" if len(missing) > 1 else ""
            with _draft(part.path) as draft:
                if part == sandbox():
                    progress(f"la máquina del alumno{of}: dos minutos la primera vez")
                    builder.build(part.folder, sandbox_reference(), base)
                    sh("docker", "-H", builder.url, "save", "-o", str(draft / "sandbox.tar"), sandbox_reference())
                elif part == packages():
                    progress(f"los paquetes que instalan los ejercicios{of}")
                    builder.build(part.folder, PACKAGES_TAG, base)
                    builder.unpack(PACKAGES_TAG, draft)
                    fetch_wheels(part.folder / "ruedas.txt", draft / "simple")
                else:
                    progress(f"imagen del curso{of}: {part.reference}")
                    builder.build(part.folder, part.reference, base)
                    repository, tag = part.reference.rsplit(":", 1)
                    with builder.registry(draft / "store") as address:
                        builder.push(part.reference, f"{address}/{repository if '/' in repository else f'library/{repository}'}", tag)
                    (draft / "store" / "docker").rename(draft / "docker")
                    (draft / "store").rmdir()


@contextmanager
def _draft(final: Path) -> Iterator[Path]:
    """A folder that gets its final name when all went well: what is half made never carries it."""
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=final.parent))
    try:
        yield draft
        sh("chmod", "-R", "a+rX", str(draft))
        draft.rename(final)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def link_tree(source: Path, target: Path) -> None:
    """Add `source`'s files to `target` by hard links. What two images share (a blob, a repository's) is there once."""
    for folder, _, files in os.walk(source):
        there = target / Path(folder).relative_to(source)
        there.mkdir(exist_ok=True)
        for name in files:
            if not (there / name).exists():
                (there / name).hardlink_to(Path(folder) / name)


def _note_use(lab: Instance) -> None:
    lab.home.mkdir(parents=True, exist_ok=True)
    (lab.home / USED).write_text("".join(f"{path.name}\n" for path in _used()))
    for path in _used():
        with suppress(FileNotFoundError):
            os.utime(path)


def remove_unused() -> None:
    """Remove what no lab of this machine uses and nobody has used for a day: who goes back to a branch builds nothing."""
    used = {name for noted in STATE.glob(f"*/{USED}") for name in noted.read_text().split()}
    for path in (STATE / "images").iterdir():
        if path.name not in used and time.time() - path.stat().st_mtime > KEEP_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def ensure_base(url: str, progress: Progress) -> str:
    """What all of our images are made from, in the engine at `url`; where Docker Hub is reached, its own."""
    if BASE_IMAGE:
        return BASE_IMAGE
    if succeeds("docker", "-H", url, "image", "inspect", BASE_TAG):
        return BASE_TAG
    progress(f"la base, Debian {SUITE}, con debootstrap (medio minuto)")
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        rootfs = Path(folder) / "rootfs"
        mirror = _debian_mirror()
        sh("debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(rootfs), *([mirror] if mirror else []))
        tar = Path(folder) / "rootfs.tar"
        sh("tar", "-C", str(rootfs), "-cf", str(tar), "--exclude=./var/cache/apt/archives/*.deb", ".")
        sh("docker", "-H", url, "import", "-c", 'CMD ["bash"]', str(tar), BASE_TAG)
    return BASE_TAG


def _debian_mirror() -> str | None:
    """The Debian mirror this machine uses, if its sources name one; else debootstrap's default."""
    folder = Path("/etc/apt")
    texts = [path.read_text() for path in (folder / "sources.list", *sorted(folder.glob("sources.list.d/*"))) if path.is_file()]
    found = re.search(r"^(?:URIs:|deb(?: \[.*?\])?) *(https?://\S+/debian/?)(?: |$)", "\n".join(texts), re.MULTILINE)
    return found.group(1) if found else None


def ensure_loaded(engine_url: str) -> bool:
    """Whether the engine at `engine_url` already holds the sandbox image."""
    return subprocess.run(("docker", "-H", engine_url, "image", "inspect", sandbox_reference()), capture_output=True).returncode == 0


def load(engine_url: str) -> None:
    sh("docker", "-H", engine_url, "load", "-i", str(sandbox().path / "sandbox.tar"))
