"""Reads and writes files below a student's home, as the student: what they may not do in their terminal is not done here.

By exec alone: nothing of the machine is mounted or unpacked on the host. Files are written in place, not renamed over:
a container that has one mounted by itself goes on seeing it. Whoever saves says what they had read, by its digest; if
the file has changed since, nothing is written.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from django.utils.translation import gettext as _

from sandboxes.engine import LabEngine
from sandboxes.planting import HOME

TEXT_LIMIT = 512 << 10
"""Bytes of a file that the editor opens and saves."""
LISTED = 1500
DEPTH = 8
SECONDS = 15
_ARGUMENT = 96 << 10
"""Bytes of one word of a command: the kernel takes 128 KiB."""
_QUIET = (
    ".bash_history",
    ".bash_logout",
    ".bashrc",
    ".profile",
    ".cache",
    ".docker",
    ".lesshst",
    ".sudo_as_admin_successful",
    ".viminfo",
    ".local",
)
"""What every home has and nobody edits here."""
_PRUNED = "-name .git -o -name node_modules -o -name __pycache__ -o -name .cache"

LIST = (
    f"cd {HOME} && find . -mindepth 1 -maxdepth {DEPTH} \\( {_PRUNED} \\) -prune -printf '%y%Y\\t%s\\t%T@\\t%p\\0'"
    f" -o -printf '%y%Y\\t%s\\t%T@\\t%p\\0' 2>/dev/null | head -z -n {LISTED + 1}"
)
_BEGIN = f"cd {HOME} || exit 9; f=$1; shift; "
_READ = _BEGIN + f'[ -e "$f" ] || exit 3; [ -f "$f" ] || exit 6; [ "$(stat -Lc %s -- "$f")" -le {TEXT_LIMIT} ] || exit 4; cat -- "$f"'
_UNCHANGED = (
    "want=$1; shift; "
    'if [ "$want" = new ]; then if [ -e "$f" ] || [ -L "$f" ]; then exit 5; fi; mkdir -p -- "$(dirname -- "$f")" || exit 8; '
    'elif [ "$want" != any ]; then [ -e "$f" ] || exit 3; [ "$(sha256sum <"$f" | cut -c1-64)" = "$want" ] || exit 5; fi; '
)
_WRITE = _BEGIN + _UNCHANGED + 'printf %s "$@" | base64 -d >"$f" || exit 8'
_FOLDER = _BEGIN + '[ ! -e "$f" ] || exit 5; mkdir -p -- "$f" || exit 8'
_RENAME = (
    _BEGIN
    + '[ -e "$f" ] || [ -L "$f" ] || exit 3; [ ! -e "$1" ] || exit 5; mkdir -p -- "$(dirname -- "$1")" && mv -nT -- "$f" "$1" || exit 8'
)
_DELETE = _BEGIN + '[ -e "$f" ] || [ -L "$f" ] || exit 3; rm -rf -- "$f" || exit 8'


class Refused(Exception):
    """It was not done; the message says why, in Spanish. `status` is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Entry:
    path: str
    kind: str
    """file, folder or other."""
    size: int
    modified: float


@dataclass(frozen=True)
class Content:
    text: str
    digest: str
    """SHA-256 of its bytes."""


class Workspace:
    """The home of one machine's student."""

    def __init__(self, lab: LabEngine, machine: str) -> None:
        self._lab = lab
        self._machine = machine

    def list(self) -> tuple[list[Entry], bool]:
        """What there is, and whether there is more than is told."""
        output = self._lab.run(self._machine, ["sh", "-c", LIST], user="alumno", seconds=SECONDS).output
        rows = output.split(b"\0")[:-1]
        entries = [entry for row in rows[:LISTED] if (entry := _entry(row))]
        return sorted(entries, key=lambda entry: entry.path), len(rows) > LISTED

    def read(self, path: str) -> Content:
        content = self._run(_READ, path)
        try:
            text = content.decode()
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            raise Refused(_("No es un fichero de texto: puedes descargarlo, pero no editarlo aquí."), 415)
        return Content(text, hashlib.sha256(content).hexdigest())

    def write(self, path: str, text: str, *, expected: str) -> str:
        """Save; `expected` is the digest of what was read, `new` for a file that must not exist, or `any`. The new digest."""
        content = text.encode()
        if len(content) > TEXT_LIMIT:
            raise Refused(_("Es demasiado grande para guardarlo desde aquí: %(size)d KiB como mucho.") % {"size": TEXT_LIMIT >> 10}, 413)
        packed = base64.b64encode(content).decode()
        pieces = [packed[at : at + _ARGUMENT] for at in range(0, len(packed), _ARGUMENT)] or [""]
        self._run(_WRITE, path, _digest(expected), *pieces)
        return hashlib.sha256(content).hexdigest()

    def make_folder(self, path: str) -> None:
        self._run(_FOLDER, path)

    def rename(self, path: str, to: str) -> None:
        self._run(_RENAME, path, checked_path(to))

    def delete(self, path: str) -> None:
        self._run(_DELETE, path)

    def _run(self, script: str, path: str, *words: str) -> bytes:
        done = self._lab.run(
            self._machine,
            ["sh", "-c", f"{{ {script}; }} 2>/dev/null", "sh", f"./{checked_path(path)}", *words],
            user="alumno",
            seconds=SECONDS,
        )
        if done.code:
            raise _refusal(done.code)
        return done.output


def checked_path(path: str) -> str:
    """A path below the home, as it came; raises Refused."""
    parts = path.split("/")
    if not path or len(path) > 500 or len(parts) > 20 or any(part in ("", ".", "..") for part in parts) or not path.isprintable():
        raise Refused(_("Ese nombre no vale: sin barras al principio ni al final, sin «..» y sin caracteres invisibles."), 400)
    if any(len(part.encode()) > 255 for part in parts):
        raise Refused(_("Ese nombre es demasiado largo."), 400)
    return path


def _digest(expected: str) -> str:
    if expected in ("new", "any") or (len(expected) == 64 and all(letter in "0123456789abcdef" for letter in expected)):
        return expected
    raise Refused(_("No se sabe qué versión del fichero tenías."), 400)


def _refusal(code: int) -> Refused:
    match code:
        case 3:
            return Refused(_("Ya no está: se ha borrado o tiene otro nombre."), 404)
        case 4:
            return Refused(_("Es demasiado grande para abrirlo aquí: %(size)d KiB como mucho.") % {"size": TEXT_LIMIT >> 10}, 413)
        case 5:
            return Refused(_("Ya hay algo con ese nombre, o ha cambiado mientras tanto."), 409)
        case 6:
            return Refused(_("No es un fichero de texto."), 415)
        case _:
            return Refused(_("La máquina no lo permite: mira de quién es la carpeta y si queda sitio en el disco."), 422)


def _entry(row: bytes) -> Entry | None:
    kinds, _tab, rest = row.partition(b"\t")
    size, _tab, rest = rest.partition(b"\t")
    modified, _tab, name = rest.partition(b"\t")
    try:
        path = name.decode().removeprefix("./")
        kind = {"f": "file", "d": "folder"}.get(kinds.decode()[-1:], "other")
        if not path.isprintable() or path.split("/")[0] in _QUIET:
            return None
        # A link to a folder is not gone into, so it is shown as what can't be opened.
        return Entry(path, "other" if kinds == b"ld" else kind, int(size), float(modified))
    except ValueError:
        return None
