"""The class registry: its store and keys, the registry itself, and who hands out its tokens.

Students push here from their sandboxes. Who may is decided by the site (sandboxes/registry/), which signs the tokens.
"""

from __future__ import annotations

import os

from host import accounts, certificate, listen, storage
from host.instance import SERVICE_ADDRESS, Instance
from host.processes import OUR_PYTHON, as_user, in_namespace, listens, ours, project
from host.shell import succeeds
from host.supervisor import Service


def prepare(lab: Instance) -> None:
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
        prepare(lab)
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
        *("-m", "uvicorn", "sandboxes.registry.app:application"),
        *("--fd", str(listen.DESCRIPTOR)),
        *("--ssl-certfile", str(folder / "server.crt"), "--ssl-keyfile", str(folder / "server.key")),
        *("--lifespan", "off", "--ws", "none", "--no-server-header", "--no-access-log"),
        *("--limit-concurrency", "100", "--timeout-keep-alive", "5", "--timeout-graceful-shutdown", "3"),
    )
    return Service(
        name="tokens",
        argv=(*ours("host.listen", lab.namespace, SERVICE_ADDRESS, "5001", "--"), *app),
        env={"LAB_ENV_FILE": str(lab.env_file), **OUR_PYTHON},
        ready=lambda: listens(lab, 5001),
        start_seconds=60,
    )
