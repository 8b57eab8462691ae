"""The lab engine and its gate, as the supervisor takes them: the gate answers before the gated engine starts."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from host import images, seccomp, seed, storage
from host.instance import REMAP_USER, ROOT, SERVICE_ADDRESS, USER, Instance
from host.processes import OUR_PYTHON, accepts, in_namespace, ours
from host.shell import succeeds
from host.supervisor import Service

_NETWORK = re.compile(rb'\{"addrSpace":(?:(?!\{"addrSpace":).)*?"scope":"\w+"\}', re.DOTALL)
"""A network as libnetwork keeps it in its store, in the order of its keys."""


def gate(lab: Instance) -> Service:
    """The engine's authorisation plugin: see host/gate.py."""
    return Service(
        name="gate",
        argv=ours("host.gate", str(lab.plugin_socket), lab.name, storage.kind(lab), images.sandbox_reference(), seed.reference()),
        env=OUR_PYTHON,
        ready=lambda: accepts(lab.plugin_socket),
    )


def engine(lab: Instance, *, gated: bool = True) -> Service:
    """The lab engine. Ungated only to load images, on a socket that nobody but root can reach."""
    sockets = [lab.loader_socket] if not gated else [lab.socket, lab.gated_socket] if lab.composed else [lab.socket]

    def prepare() -> None:
        seccomp.write(_profile(lab))
        storage.enforce_quotas(lab)
        for socket in sockets:
            socket.unlink(missing_ok=True)
        # containerd dies with its dockerd; while its zombie waits for somebody to reap it, a new dockerd would take it
        # for a living one and wait for it in vain.
        lab.rundir("exec", "containerd", "containerd.pid").unlink(missing_ok=True)
        for store in (lab.engine_root / "docker").glob("*/network/files/local-kv.db"):
            mend_networks(store)

    listening = [word for socket in sockets for word in ("-H", f"unix://{socket}")]
    gating = ["--group", USER, "--authorization-plugin", lab.plugin] if gated else ["--group", "root"]
    return Service(
        name="engine" if gated else "loader",
        argv=in_namespace(lab, "dockerd", *listening, *gating, *_options(lab)),
        before_start=prepare,
        ready=lambda: succeeds("docker", "-H", f"unix://{sockets[0]}", "version"),
        start_seconds=90,
        # Its sandboxes have been stopped by then. Asked politely, its btrfs driver would turn the quotas off, and what
        # was written until then would count for nobody from then on; its files bear a kill, as after a power cut.
        stop_signal=signal.SIGKILL,
    )


def _profile(lab: Instance) -> Path:
    return lab.rundir("seccomp.json")


def _options(lab: Instance) -> tuple[str, ...]:
    return (
        *("--data-root", str(lab.engine_root / "docker")),
        *("--exec-root", str(lab.rundir("exec"))),
        *("-p", str(lab.rundir("engine.pid"))),
        f"--userns-remap={REMAP_USER}",
        f"--storage-driver={storage.kind(lab).driver}",
        "--live-restore",
        *("--add-runtime", f"lab={ROOT / 'host' / 'runtime' / 'lab-runc'}", "--default-runtime", "lab"),
        f"--seccomp-profile={_profile(lab)}",
        # Where systemd manages groups of version 2 an engine would leave them to it, and they would bear other names.
        *("--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", f"/{lab.namespace}"),
        *("--bip", lab.bridge_net),
        *("--default-address-pool", f"base={lab.sandboxes_net},size=28"),
        *("--dns", SERVICE_ADDRESS),
        "--userland-proxy=false",
        *("--log-driver", "none"),
        *("--log-level", "warn"),
        *("--shutdown-timeout", "20"),
    )


def mend_networks(store: Path) -> None:
    """Let an engine start that was ended while it removed a network.

    Such a network may be kept as being removed, its addresses already given back; libnetwork then reads the first of none
    and takes dockerd down with it, each time (`reservePools`, up to Engine 29 at least). Without the wish for addresses it
    goes on to remove the network. The store is bbolt's, whose pages of data have no checksum: a key may be changed for
    another as long.
    """
    kept = store.read_bytes()
    mended = _NETWORK.sub(_without_wish, kept)
    if mended != kept:
        store.write_bytes(mended)


def _without_wish(network: re.Match[bytes]) -> bytes:
    record = network.group()
    if b'"inDelete":true' not in record or b'"ipamV4Info":' in record:
        return record
    return record.replace(b'"ipamV4Config":', b'"ipamV4-Gone-":').replace(b'"ipamV6Config":', b'"ipamV6-Gone-":')
