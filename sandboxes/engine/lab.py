"""The lab engine over Docker's API: one container and one network per machine."""

from __future__ import annotations

import asyncio
import socket
import tarfile
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker
from docker.errors import NotFound

from sandboxes.engine import (
    Alarm,
    Container,
    Death,
    EngineError,
    ExecResult,
    Flavor,
    Limits,
    NoSuchContainer,
    PlantedFile,
    Usage,
    alarms,
    archive,
    execs,
)
from sandboxes.engine.errors import translated
from sandboxes.engine.stream import open_async_stream, open_stream

_ENGINE_VOLUME = {"Type": "volume", "Target": "/var/lib/docker"}
"""Anonymous, so that it goes with its container; the gate admits just this (host/gate_policy.py)."""
_READY = ["sh", "-c", "until curl -sf -o /dev/null --unix-socket /run/docker.sock http://engine/_ping; do sleep 0.02; done"]


class _NoSuchFile(Exception):
    pass


class DockerLabEngine:
    """`LabEngine` on a real engine. Thread-safe; blocking, so never to be called on the event loop (but `attach`)."""

    def __init__(self, url: str, *, lab: str, images: Mapping[str, str], authority: str = "", volumes: bool = False) -> None:
        """`images` are the sandbox images by what their engine begins with (Flavor).

        `authority` is the file of the certificate that machines are to trust (the class registry's), if any.
        `volumes` says that machines keep their engine's data in a volume, where the lab's disk is no btrfs."""
        self._url = url
        self._lab = lab
        self._images = images
        self._authority = authority
        self._volumes = volumes
        self._made: docker.APIClient | None = None

    @property
    def _api(self) -> docker.APIClient:
        # Made at first use: it asks the engine for its version.
        if self._made is None:
            self._made = docker.APIClient(self._url, version="auto", timeout=60)
        return self._made

    def create(self, name: str, *, hostname: str, labels: dict[str, str], limits: Limits, flavor: Flavor) -> None:
        with translated():
            ours = {"lab.id": self._lab, **labels, **({"lab.disk": flavor.disk} if self._volumes else {})}
            self._api.create_network(name, driver="bridge", check_duplicate=True, labels=ours)
            host = self._api.create_host_config(
                cap_add=["ALL"],
                security_opt=["apparmor=unconfined"],
                storage_opt=None if self._volumes else {"size": flavor.disk},
                network_mode=name,
                **_limits(limits),
            )
            if self._volumes:
                host["Mounts"] = [_ENGINE_VOLUME]
            self._api.create_container(image=self._image(flavor), name=name, hostname=hostname, labels=ours, host_config=host)
            if self._authority:
                # Before its start: Go programs read the folder once.
                self._api.put_archive(
                    name, "/etc/ssl/certs", archive.pack([PlantedFile("laboratorio.pem", Path(self._authority).read_bytes())], owner=0)
                )

    def start(self, name: str) -> None:
        with translated():
            if self._is_paused(name):
                self._api.unpause(name)
            else:
                self._api.start(name)

    def wait_ready(self, name: str, *, seconds: float) -> None:
        """Wait until the engine inside answers."""
        if self.run(name, _READY, seconds=seconds).code:
            raise EngineError(f"the engine inside {name} did not come up")

    def stop(self, name: str) -> None:
        with translated():
            if self._is_paused(name):
                self._api.unpause(name)
            self._api.stop(name, timeout=12)

    def _is_paused(self, name: str) -> bool:
        return bool(self._api.inspect_container(name)["State"]["Paused"])

    def pause(self, name: str) -> None:
        with translated():
            self._api.pause(name)

    def unpause(self, name: str) -> None:
        with translated():
            self._api.unpause(name)

    def set_limits(self, name: str, limits: Limits) -> None:
        # docker-py's update_container knows neither NanoCpus nor PidsLimit.
        wanted = _limits(limits)
        body = {
            "Memory": wanted["mem_limit"],
            "MemorySwap": wanted["memswap_limit"],
            "NanoCpus": wanted["nano_cpus"],
            "PidsLimit": wanted["pids_limit"],
        }
        with translated():
            answer = self._api.post(f"{self._api.base_url}/containers/{name}/update", json=body, timeout=60)
        if not answer.ok:
            raise EngineError(answer.text[:300])

    def join(self, name: str, *, network: str, alias: str) -> None:
        """Put a machine on a network (its own, or another's) where `alias` is its name."""
        with translated():
            self._api.disconnect_container_from_network(name, name)
            self._api.connect_container_to_network(name, network, aliases=[alias])
            if name != network:
                self._api.remove_network(name)

    def _image(self, flavor: Flavor) -> str:
        return self._images.get(flavor.images) or f"{self._copies}:{flavor.images}"

    @property
    def _copies(self) -> str:
        return f"docker-intensivo/checkpoint-{self._lab}"

    def commit(self, name: str, checkpoint: str) -> None:
        # Not docker-py's, which sends a configuration.
        query = {"container": name, "repo": self._copies, "tag": checkpoint, "pause": "1"}
        with translated():
            answer = self._api.post(f"{self._api.base_url}/commit", params=query, timeout=120)
        if not answer.ok:
            raise EngineError(answer.text[:300])

    def checkpoints(self) -> list[str]:
        with translated():
            return [tag.rsplit(":", 1)[1] for row in self._api.images(self._copies) for tag in row["RepoTags"] or []]

    def remove_checkpoint(self, checkpoint: str) -> None:
        try:
            with translated():
                self._api.remove_image(f"{self._copies}:{checkpoint}")
        except NoSuchContainer:
            return

    def addresses(self, name: str) -> list[str]:
        with translated():
            networks = self._api.inspect_container(name)["NetworkSettings"]["Networks"]
        return [found["IPAddress"] for found in networks.values() if found.get("IPAddress")]

    def written(self, name: str) -> int:
        with translated():
            answer = self._api.get(f"{self._api.base_url}/containers/{name}/json", params={"size": "1"}, timeout=120)
        if not answer.ok:
            raise EngineError(answer.text[:300])
        return int(answer.json().get("SizeRw") or 0)

    def remove(self, name: str) -> None:
        with translated(gone_is_fine=True):
            self._api.remove_container(name, force=True, v=True)
        self.remove_network(name)

    def remove_network(self, name: str) -> None:
        with translated(gone_is_fine=True):
            self._api.remove_network(name)

    def containers(self) -> list[Container]:
        with translated():
            return [
                Container(
                    name=row["Names"][0].lstrip("/"),
                    state=row["State"],
                    created=datetime.fromtimestamp(row["Created"], UTC),
                    labels=row["Labels"],
                )
                for row in self._api.containers(all=True, filters={"label": f"lab.id={self._lab}"})
                if row["Names"]
            ]

    def networks(self) -> list[str]:
        with translated():
            return [row["Name"] for row in self._api.networks(filters={"label": [f"lab.id={self._lab}", "lab.machine"]})]

    def usage(self, name: str) -> Usage:
        with translated():
            stats = self._api.stats(name, stream=False, one_shot=True)
        memory = stats.get("memory_stats", {})
        counted = memory.get("stats", {})
        cache = counted.get("total_inactive_file", counted.get("inactive_file", 0))
        pids = stats.get("pids_stats", {})
        return Usage(
            memory=max(0, memory.get("usage", 0) - cache),
            memory_limit=memory.get("limit", 0),
            cpu=stats.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage", 0),
            pids=pids.get("current", 0),
            pids_limit=pids.get("limit", 0),
        )

    def death(self, name: str) -> Death | None:
        with translated():
            found = self._api.inspect_container(name)
        state = found["State"]
        if state["Running"] or state["Status"] == "created":
            return None
        began = datetime.fromisoformat(state["StartedAt"])
        return Death(id=found["Id"], began=began, killed=state["ExitCode"] == 137)

    def alarms(self, *, since: float) -> AsyncGenerator[Alarm]:
        return alarms.follow(self._url, self._lab, since)

    def security_options(self) -> frozenset[str]:
        # Each comes as "name=seccomp,profile=…".
        with translated():
            listed = self._api.info().get("SecurityOptions") or []
        return frozenset(option.split(",")[0].removeprefix("name=") for option in listed)

    def gates(self) -> frozenset[str]:
        with translated():
            return frozenset((self._api.info().get("Plugins") or {}).get("Authorization") or [])

    def digest(self, name: str, path: str) -> str:
        try:
            chunks, stat = self._archive(name, path)
        except _NoSuchFile:
            return ""
        if stat["linkTarget"]:
            return f"symlink {stat['linkTarget']}"
        if stat["size"] > archive.DIGEST_LIMIT:
            return f"{stat['size']} bytes"
        try:
            with translated():
                return archive.digest(chunks) or "no file"
        except tarfile.TarError as error:
            raise EngineError(f"{path} of {name} could not be read: {error}") from error

    def _archive(self, name: str, path: str) -> tuple[Iterator[bytes], dict[str, Any]]:
        with translated():
            try:
                return self._api.get_archive(name, path)
            except NotFound as error:
                # The engine's words for a file; for a container, "No such container".
                if "Could not find the file" in str(error.explanation):
                    raise _NoSuchFile from error
                raise

    def put_files(self, name: str, folder: str, files: Sequence[PlantedFile], *, owner: int) -> None:
        with translated():
            self._api.put_archive(name, folder, archive.pack(files, owner=owner))

    def run(self, name: str, argv: list[str], *, user: str = "root", seconds: float = 20) -> ExecResult:
        return execs.run(self._api, self._url, name, argv, user=user, seconds=seconds)

    def tunnel(self, name: str, argv: list[str]) -> socket.socket:
        """Standard input and output of a command, as a socket that carries the engine's frames."""
        return open_stream(self._url, execs.two_way(self._api, name, argv), seconds=20)

    async def attach(self, name: str, argv: list[str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The same on the event loop."""
        # Made on a thread, for docker-py blocks.
        made = await asyncio.get_running_loop().run_in_executor(None, lambda: execs.two_way(self._api, name, argv))
        return await open_async_stream(self._url, made)


def _limits(limits: Limits) -> dict[str, Any]:
    memory = limits.memory << 20
    return {
        "mem_limit": memory,
        "memswap_limit": memory,
        "nano_cpus": int(limits.cpus * 1e9),
        "pids_limit": limits.pids,
    }
