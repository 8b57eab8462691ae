"""How a lesson's terminal blocks are read, and what counts as the same answer."""

from __future__ import annotations

import pytest

from sandboxes.proving import screen
from sandboxes.proving.walk import blocks, difference

TEXT = """\
Un texto.

```terminal nodo=servidor falla
$ docker ps
CONTAINER ID
$ docker run -it busybox:1.37
/ # hostname
abc
/ # exit
```

- En una lista:

    ```terminal no-probar="tarda"
    $ sleep 9
    ```

```yaml
a: 1
```
"""


def test_terminal_blocks_are_found_with_their_line_and_words() -> None:
    (line, first), (other, second) = blocks(TEXT)
    assert (line, first.node, first.fails, first.untested) == (3, "servidor", True, "")
    assert first.commands == ("docker ps", "docker run -it busybox:1.37")
    assert (other, second.untested, second.commands) == (14, "tarda", ("sleep 9",))


SAME = [
    (["hola"], ["hola"]),
    ([], []),
    (["…", "fin"], ["uno", "dos", "fin"]),
    (["uno", "…"], ["uno", "dos"]),
    (["… sleep 4321"], ["812 sleep 4321"]),
    (["ID   NOMBRE", "6c9f1a2b3c4d   web"], ["ID NOMBRE", "aaaa1a2b3c4d web"]),
    (["busybox   1.37   4.27MB"], ["busybox 1.37 4.3MB"]),
    (["Up 2 seconds"], ["Up Less than a second"]),
    (["Exited (0) About a minute ago"], ["Exited (0) 5 seconds ago"]),
    (["Digest: sha256:0123456789ab"], [f"Digest: sha256:{'9' * 64}"]),
]
OTHER = [
    (["hola"], []),
    (["hola"], ["adiós"]),
    (["hola"], ["hola", "y más"]),
    (["uno", "…", "tres"], ["uno", "dos"]),
    (["Exited (0) 2 seconds ago"], ["Exited (1) 2 seconds ago"]),
    (["dos"], ["uno", "dos"]),
]


@pytest.mark.parametrize(("shown", "seen"), SAME)
def test_answers_that_differ_only_in_what_varies_are_the_same(shown: list[str], seen: list[str]) -> None:
    assert difference(shown, seen) == ""


@pytest.mark.parametrize(("shown", "seen"), OTHER)
def test_answers_that_say_something_else_are_told(shown: list[str], seen: list[str]) -> None:
    assert difference(shown, seen)


SCREENS = [
    ("uno\r\ndos\r\n", ["uno", "dos"]),
    ("tarda…\rhecho \r\n", ["hecho"]),
    ("a: 10%\r\nb: 10%\r\n\x1b[2A\x1b[2K\ra: Pull complete\x1b[2B\r", ["a: Pull complete", "b: 10%"]),
    ("\x1b[1;32mverde\x1b[0m\r\n\x1b]0;título\x07", ["verde"]),
    ("ab\b\bc\r\n", ["cb"]),
    ("a\tb\r\n", ["a       b"]),
]


@pytest.mark.parametrize(("said", "seen"), SCREENS)
def test_a_screen_shows_what_is_left_of_what_was_overwritten(said: str, seen: list[str]) -> None:
    assert screen.lines(said) == seen
