"""Debian's Firefox, driven by WebDriver BiDi (w3c.github.io/webdriver-bidi): the little of it that a journey needs.

The protocol is a standard that a stock Firefox speaks by itself; Playwright only drives one of its own.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from tests.conftest import wait_until

PROGRAM = "/usr/bin/firefox-esr"
SETTINGS = """
user_pref("app.update.auto", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("dom.events.testing.asyncClipboard", true);
user_pref("intl.accept_languages", "es-ES");
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("remote.active-protocols", 1);
"""
KEYS = {"Control": "\ue009", "Shift": "\ue008", "Alt": "\ue00a", "Enter": "\ue007", "Escape": "\ue00c", "\n": "\ue007"}


class Firefox:
    """A browser with one page. `errors` are what the console said as such."""

    def __init__(self, home: Path) -> None:
        (home / "user.js").write_text(SETTINGS)
        self._open = ExitStack()
        log = self._open.enter_context((home / "firefox.log").open("w"))
        self._process = subprocess.Popen(
            [PROGRAM, "--headless", "--no-remote", "--profile", str(home), "--remote-debugging-port", "0"],
            env={**os.environ, "HOME": str(home), "MOZ_HEADLESS_WIDTH": "1400", "MOZ_HEADLESS_HEIGHT": "850"},
            stdout=log, stderr=log,
        )  # fmt: skip
        self._open.callback(self._end)
        self.errors: list[str] = []
        self._numbers = itertools.count(1)
        self._home = home

    def __enter__(self) -> Firefox:
        try:
            self._begin()
        except BaseException:
            self._open.close()
            raise
        return self

    def _begin(self) -> None:
        said = wait_until(
            lambda: re.search(r"WebDriver BiDi listening on (ws://\S+)", (self._home / "firefox.log").read_text()), seconds=60
        )
        self._socket = self._open.enter_context(connect(f"{said[1]}/session", max_size=None))
        self._ask("session.new", capabilities={})
        self._page = self._ask("browsingContext.create", type="tab")["context"]
        self._ask("session.subscribe", events=["log.entryAdded"])

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)

    def go(self, url: str) -> None:
        self._ask("browsingContext.navigate", context=self._page, url=url, wait="complete")

    def reload(self) -> None:
        self._ask("browsingContext.reload", context=self._page, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """What a JavaScript expression gives, by way of JSON."""
        target = {"context": self._page}
        answer = self._ask(
            "script.evaluate", expression=f"(async () => JSON.stringify(await ({expression}) ?? null))()", target=target, awaitPromise=True
        )
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    def click(self, selector: str, *, times: int = 1, dx: float | None = None) -> None:
        """In the middle of the first that is found, or `dx` pixels from its left."""
        box = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}});"
            " const b = e.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()"
        )
        x, y = box[0] + (box[2] / 2 if dx is None else dx), box[1] + box[3] / 2
        press = [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}] * times
        pointer = [{"type": "pointerMove", "x": round(x), "y": round(y)}, *press]
        self._ask("input.performActions", context=self._page, actions=[{"type": "pointer", "id": "mouse", "actions": pointer}])

    def type(self, text: str) -> None:
        for letter in text:
            self.press(letter)

    def press(self, *keys: str) -> None:
        """Keys held down in this order and let go in the other: press("Control", "v")."""
        values = [KEYS.get(key, key) for key in keys]
        actions = [{"type": "keyDown", "value": value} for value in values] + [
            {"type": "keyUp", "value": value} for value in reversed(values)
        ]
        self._ask("input.performActions", context=self._page, actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._ask("browsingContext.captureScreenshot", context=self._page)["data"]))

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=90))
            if message.get("method") == "log.entryAdded" and message["params"]["level"] == "error":
                self.errors.append(message["params"]["text"])
            if message.get("id") == number:
                assert message["type"] == "success", message
                answer: dict[str, Any] = message["result"]
                return answer
