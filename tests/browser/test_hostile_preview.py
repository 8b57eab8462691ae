"""A hostile page in a preview, framed and in a window of its own: what it tries against the platform's session fails.

Its own websocket and stream work. The same by name and by port, as the site has it (`make compose-test`).
"""

from __future__ import annotations

import base64
from typing import Any

import pytest
from playwright.sync_api import Frame, Page, expect

from tests.browser.conftest import Site
from tests.browser.test_journey import end, start, type_line

pytestmark = pytest.mark.browser

# HTTP, a stream and a websocket, with what is in every Python.
PROGRAM = """
import base64, hashlib, http.server, time
class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/ws":
            key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            self.send_response(101)
            for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade"),
                                ("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(bytes([0x81, 4]) + b"hola"); self.wfile.flush(); self.rfile.read(2); return
        self.send_response(200)
        self.send_header("Set-Cookie", "mala=1"); self.send_header("Service-Worker-Allowed", "/")
        self.send_header("Content-Type", "text/javascript" if self.path == "/sw.js" else "text/html")
        self.send_header("Connection", "close"); self.end_headers()
        self.wfile.write(b"<title>hostil</title><h1>hostil</h1>" + str(self.headers["Cookie"]).encode())
        if self.path == "/stream":
            self.wfile.flush(); time.sleep(60)
http.server.ThreadingHTTPServer(("", 80), Page).serve_forever()
"""

ATTACKS = """async ({platform, socket, me}) => {
    const tried = async (attack) => { try { return await attack() } catch (error) { return 'stopped: ' + error.name } };
    return {
        cookie: document.cookie,
        planted: (document.cookie = `${me}=robada; path=/`, document.cookie = `${me}=robada; path=/; domain=localhost`, document.cookie),
        credentials: await tried(() => fetch(platform + '/', {credentials: 'include'}).then(answer => answer.text())),
        logout: await tried(() => fetch(platform + '/cuenta/logout/', {method: 'POST', mode: 'no-cors', credentials: 'include'})
            .then(answer => answer.type)),
        terminal: await tried(() => new Promise(done => {
            const opened = new WebSocket(platform.replace('http', 'ws') + socket);
            opened.onclose = event => done(event.code);
        })),
        worker: await tried(() => navigator.serviceWorker.register('/sw.js').then(() => 'registered')),
        opener: window.opener === null ? 'none' : 'there',
        parent: window === parent ? 'none' : await tried(() => parent.document.title),
        top: window === top ? 'none' : await tried(() => { top.location.href = 'about:blank'; return 'navigated' }),
        socket: await tried(() => new Promise(done => {
            const own = new WebSocket(`${location.protocol.replace('http', 'ws')}//${location.host}/ws`);
            own.onmessage = event => done(event.data);
            own.onclose = event => done(event.code);
        })),
        stream: await tried(async () => {
            const reader = (await fetch('/stream')).body.getReader();
            const {value} = await reader.read();
            await reader.cancel();
            return new TextDecoder().decode(value);
        }),
    };
}"""


def way_in(page: Page, sandbox: str, port: int) -> str:
    """As the chip asks for it."""
    return str(
        page.evaluate(
            """async ([sandbox, port]) => {
                const token = document.querySelector('[name=csrfmiddlewaretoken]').value;
                const answer = await fetch(`/laboratorio/${sandbox}/lab/${port}/`, {method: 'POST', headers: {'X-CSRFToken': token}});
                return (await answer.json()).url;
            }""",
            [sandbox, port],
        )
    )


def attack(frame: Frame | Page, site: Site, sandbox: str) -> dict[str, Any]:
    told = {"platform": site.url, "socket": f"/ws/terminal/{sandbox}/lab/principal/", "me": "lab_session"}
    return dict(frame.evaluate(ATTACKS, told))


def test_a_hostile_preview_gets_nowhere_and_closes_with_the_session(person: Any, browser: Any, site: Site) -> None:
    page = person("previa")
    start(page)
    packed = base64.b64encode(PROGRAM.encode()).decode()
    type_line(page, f"echo {packed} | base64 -d > ~/p.py", "escrito")
    type_line(page, "docker run -d -p 8080:80 -v ~/p.py:/p.py python:3.13 python /p.py", "sirve", seconds=120)
    sandbox = page.get_by_test_id("lab-state").get_attribute("data-sandbox")
    before = {cookie["value"] for cookie in page.context.cookies(site.url)}

    page.evaluate(
        """url => { const frame = document.createElement('iframe');
            frame.sandbox = 'allow-scripts allow-same-origin allow-forms allow-popups';
            frame.src = url; frame.name = 'previa'; document.body.append(frame); }""",
        way_in(page, sandbox, 8080),
    )
    expect(page.frame_locator("[name=previa]").locator("h1")).to_have_text("hostil", timeout=20_000)
    frame = page.frame("previa")
    assert frame
    window = page.context.new_page()
    window.goto(way_in(page, sandbox, 8080))
    for place, framed in ((frame, True), (window, False)):
        assert "None" in place.locator("body").inner_text()
        found = attack(place, site, sandbox)
        assert found["cookie"] == ""
        assert found["credentials"] == "stopped: TypeError"
        assert found["terminal"] == 4403
        assert found["worker"].startswith("stopped")
        assert found["opener"] == "none"
        assert found["socket"] == "hola"
        assert "hostil" in found["stream"]
        if framed:
            assert found["parent"] == "stopped: SecurityError"
            assert found["top"] == "stopped: SecurityError"
    assert {cookie["value"] for cookie in page.context.cookies(site.url)} == before
    page.reload()
    expect(page.get_by_test_id("logout")).to_be_attached()

    address = window.url
    other = browser.new_context(ignore_https_errors=True).new_page()
    other.goto(address)
    expect(other.locator("h1")).to_have_text("Esta vista previa está cerrada")
    other.context.close()
    assert window.reload().status == 200
    end(page)
    assert window.reload().status == 403
