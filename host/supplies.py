"""What sandboxes are served inside the lab's namespace, and nobody outside of it: names, course images, packages.

The class registry, which they write to, is host/registry.py's. Processes as the supervisor takes them; nothing is started here.
"""

from __future__ import annotations

from host import egress, images
from host.instance import SERVICE_ADDRESS, USER, Instance
from host.processes import OUR_PYTHON, accepts, as_user, in_namespace, listens, ours, project
from host.supervisor import Service


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
    return Service(
        name="outlet",
        argv=ours("host.egress", str(lab.egress_socket), lab.namespace, lab.sandboxes_net, SERVICE_ADDRESS),
        env=OUR_PYTHON,
        ready=lambda: accepts(lab.egress_socket),
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
