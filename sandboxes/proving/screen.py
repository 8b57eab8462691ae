"""What a terminal shows of the bytes it is given, line by line: enough of one for progress bars that go up and overwrite.

Knows carriage returns, tabs, cursor moves and erasing; colours and titles leave no trace. Refuses to wrap lines.
"""

from __future__ import annotations

import re

_PIECES = re.compile(
    r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[=>()78][0-9A-B]?|([\r\n\b\t])|([^\x1b\r\n\b\t]+)|\x1b"
)
TAB = 8


def lines(said: str) -> list[str]:
    """The lines that are seen, without spaces at their ends and without the empty ones at the end."""
    rows: list[str] = [""]
    row = column = 0
    for match in _PIECES.finditer(said):
        arguments, letter, control, text = match.groups()
        if text:
            kept = rows[row].ljust(column)
            rows[row] = kept[:column] + text + kept[column + len(text) :]
            column += len(text)
        elif control == "\n":
            row, column = row + 1, 0
        elif control == "\r":
            column = 0
        elif control == "\t":
            column += TAB - column % TAB
        elif control == "\b":
            column = max(0, column - 1)
        elif letter:
            there = row
            row, column, rows[there] = _move(letter, arguments, row, column, rows[there])
        rows += [""] * (row + 1 - len(rows))
    shown = [line.rstrip() for line in rows]
    while shown and not shown[-1]:
        shown.pop()
    return shown


def _move(letter: str, arguments: str, row: int, column: int, text: str) -> tuple[int, int, str]:
    """Where an escape leaves the cursor, and what it leaves of the line it was in."""
    count = int(arguments) if arguments.isdigit() else 1
    match letter:
        case "A":
            return max(0, row - count), column, text
        case "B":
            return row + count, column, text
        case "C":
            return row, column + count, text
        case "D":
            return row, max(0, column - count), text
        case "G":
            return row, count - 1, text
        case "K":
            whole = arguments == "2"
            return row, column, "" if whole else text[:column]
        case _:
            return row, column, text
