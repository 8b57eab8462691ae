"""The live picture with 60 images and 50 containers, in Chromium: how long a change takes until it is on the screen.

    .venv/bin/python -m bench.picture

Needs no lab: the page's modules are served as they are, and told what a collector would tell.
"""

from __future__ import annotations

import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

STATIC = Path(__file__).resolve().parents[1] / "static"
CHANGES = 60
GATE = 50
"""Milliseconds of the page's thread for a change, all included: what the browser calls a long task."""
PAGE = """<!doctype html><link rel=stylesheet href=/css/tokens.css><link rel=stylesheet href=/css/motor.css>
<p data-testid=lab-state data-state=ready></p><div id=panel style="width:900px;height:800px;display:flex;flex-direction:column"></div>"""
SHOW = """async (all) => {
    const { open } = await import('/js/motor.js');
    if (!document.querySelector('.motor')) open(document.getElementById('panel'));
    const frame = () => new Promise(requestAnimationFrame);
    for (const detail of all) {
        document.dispatchEvent(new CustomEvent('laboratorio:snapshot', {detail}));
        await frame();
        await frame();
    }
    return { boxes: document.querySelectorAll('.it.container').length, all: document.querySelectorAll('svg *').length };
}"""


class Quiet(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *_: Any) -> None:
        pass


def snapshot(stopped: int) -> dict[str, Any]:
    images = [
        {"id": f"i{at}", "tags": [f"app{at}:1"], "size": at * 10**6, "created": at,
         "layers": [f"base{at % 6}", f"middle{at % 12}", *(f"own{at}-{layer}" for layer in range(at % 7))]}
        for at in range(60)
    ]  # fmt: skip
    containers = [
        {"id": f"c{at}", "name": f"caja{at}", "image": f"app{at}:1", "image_id": f"i{at}", "exit_code": 0, "size_rw": None,
         "state": "exited" if at == stopped else "running", "ports": [{"host": 8000 + at, "container": 80, "proto": "tcp"}],
         "networks": [f"red{at % 4}"], "links": [], "mounts": [{"type": "volume", "name": f"datos{at % 8}", "source": "", "target": "/d"}]}
        for at in range(50)
    ]  # fmt: skip
    networks = [{"id": f"n{at}", "name": f"red{at}", "driver": "bridge", "scope": "local"} for at in range(4)]
    volumes = [{"name": f"datos{at}", "driver": "local"} for at in range(8)]
    node = {"name": "lab", "images": images, "containers": containers, "networks": networks, "volumes": volumes, "swarm": None}
    return {"type": "snapshot", "nodes": [node]}


def main() -> int:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(STATIC)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-background-networking"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        # Its own time: what else the machine does is not counted.
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable", {"timeDomain": "threadTicks"})

        def spent() -> float:
            return next(float(one["value"]) for one in devtools.send("Performance.getMetrics")["metrics"] if one["name"] == "TaskDuration")

        page.evaluate(SHOW, [])
        begun = spent()
        page.evaluate(SHOW, [snapshot(-1)])
        first = spent() - begun
        found = page.evaluate(SHOW, [snapshot(at % 50) for at in range(CHANGES)])
        each = (spent() - begun - first) / CHANGES
        browser.close()
    server.shutdown()
    print(json.dumps({"elements": found["all"], "first_ms": round(first * 1000, 1), "change_ms": round(each * 1000, 1)}))
    return int(found["boxes"] != 50 or each * 1000 > GATE)


if __name__ == "__main__":
    raise SystemExit(main())
