"""The graders: one file per kind of check. To add one, see CONTRIBUTING.md."""

from lessons import kinds
from sandboxes.graders.command import CommandKind
from sandboxes.graders.compose import ComposeKind
from sandboxes.graders.composition import AllKind, AnyKind, NotKind
from sandboxes.graders.container import ContainerKind
from sandboxes.graders.dockerfile import DockerfileKind
from sandboxes.graders.engine import EngineKind
from sandboxes.graders.event import EventKind
from sandboxes.graders.file import FileKind
from sandboxes.graders.git import GitKind
from sandboxes.graders.http import HttpKind
from sandboxes.graders.image import ImageKind
from sandboxes.graders.layers import LayersKind
from sandboxes.graders.link import LinkKind
from sandboxes.graders.logs import LogsKind
from sandboxes.graders.network import NetworkKind
from sandboxes.graders.process import ProcessKind
from sandboxes.graders.quiz import QuizKind
from sandboxes.graders.registry import RegistryKind
from sandboxes.graders.swarm import SwarmKind
from sandboxes.graders.volume import VolumeKind

ALL: tuple[type[kinds.Kind], ...] = (
    ImageKind,
    ContainerKind,
    LayersKind,
    LinkKind,
    VolumeKind,
    NetworkKind,
    LogsKind,
    ProcessKind,
    FileKind,
    DockerfileKind,
    ComposeKind,
    SwarmKind,
    GitKind,
    EngineKind,
    EventKind,
    RegistryKind,
    HttpKind,
    CommandKind,
    QuizKind,
    AllKind,
    AnyKind,
    NotKind,
)


def register_all() -> None:
    """Register every kind, once per process."""
    known = kinds.names()
    for kind in ALL:
        if kind.name not in known:
            kinds.register(kind())
