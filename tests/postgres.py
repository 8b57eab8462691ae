"""A PostgreSQL of the tests' own: a new cluster on a unix socket, quick because nothing of it has to last."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

import pytest

ACCOUNT = "nobody"
"""Who runs it when the tests are root's, as which PostgreSQL refuses to run."""
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "max_connections=200")


def programs() -> Path | None:
    """The newest server that Debian has installed here."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Cluster:
    """One server in `folder`, which also holds its socket. Anybody may be its user «tests»."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "postgres"

    def start(self) -> None:
        bin_folder = programs()
        if bin_folder is None:
            pytest.exit("no PostgreSQL server here: run `make test-postgres`, which installs one", 3)
        self._bin = bin_folder
        self._data.mkdir()
        if os.geteuid() == 0:
            account = pwd.getpwnam(ACCOUNT)
            os.chown(self._data, account.pw_uid, account.pw_gid)
        self._run("initdb", "--no-sync", "--auth=trust", "--username=tests", "--encoding=UTF8", "--locale=C.UTF-8", "-D", str(self._data))
        settings = [word for setting in (*QUICK, f"unix_socket_directories={self._data}") for word in ("-c", setting)]
        self._run("pg_ctl", "-D", str(self._data), "-l", str(self._data / "log"), "-w", "-o", " ".join(settings), "start")
        (self._folder / ".s.PGSQL.5432").symlink_to(self._data / ".s.PGSQL.5432")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *words: str) -> None:
        account = pwd.getpwnam(ACCOUNT)
        as_nobody = ("setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", "--")
        prefix = as_nobody if os.geteuid() == 0 else ()
        done = subprocess.run((*prefix, str(self._bin / program), *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            pytest.exit(f"{program}: {done.stdout}", 3)
