"""The graders: one file per kind of check. To add one, see CONTRIBUTING.md."""

from lessons import kinds
from sandboxes.graders.container import ContainerKind
from sandboxes.graders.image import ImageKind
from sandboxes.graders.layers import LayersKind
from sandboxes.graders.link import LinkKind

ALL: tuple[type[kinds.Kind], ...] = (ImageKind, ContainerKind, LayersKind, LinkKind)


def register_all() -> None:
    """Register every kind, once per process."""
    known = kinds.names()
    for kind in ALL:
        if kind.name not in known:
            kinds.register(kind())
