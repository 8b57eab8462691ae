"""Pictures of every page and of every state of a laboratory, in three looks and two widths.

    python -m bench.captures                       into docs/capturas/, with a page that shows them
    python -m bench.captures --solo motor,terminal --grandes /tmp/fotos       some of them, in their own size

Run against a lab (`make captures`): the terminals, checks, engines and previews are real. With --axe it also says what axe
finds on each.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import company, stages
from bench.places import ERRORS, PASSWORD, PLACES
from bench.site import ROOT, Site

OUT = ROOT / "docs" / "capturas"
PORT = int(os.environ.get("LAB_TEST_PORT", "8779"))
THEMES = {"claro": "light", "oscuro": "dark", "contraste": "contrast"}
WIDTHS = {"escritorio": (1400, 900), "telefono": (390, 844)}
SCALES = {"escritorio": 0.6, "telefono": 0.8}
QUALITY = 50
ALIKE = frozenset(
    {"course-3", "exercise-2", "glossary-2", "recordings-3", "progress-2", "attempts-2", "archivos-nuevo", "motor-contenedor"}
)
"""Looked at when asked for by name, and not kept: they differ little from their neighbours."""
CHROMIUM = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox", "--disable-background-networking"]}


@dataclass
class Camera:
    """Takes a page in the three looks; knows what is wanted and where it goes."""

    folder: Path
    wanted: frozenset[str]
    large: bool
    axe: bool
    taken: dict[str, list[str]] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)

    def wants(self, name: str) -> bool:
        return name in self.wanted if self.wanted else name not in ALIKE

    def take(self, page: Any, name: str, width: str) -> None:
        if not self.wants(name):
            return
        for shown, theme in THEMES.items():
            page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
            page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            self._picture(page, f"{name}-{shown}-{width}", width)
            if self.axe:
                self._look(page, f"{name} {shown} {width}")
        self.taken.setdefault(name, []).append(width)

    def _picture(self, page: Any, name: str, width: str) -> None:
        across, down = WIDTHS[width]
        clip = {"x": page.evaluate("() => scrollX"), "y": page.evaluate("() => scrollY"), "width": across, "height": down}
        session = page.context.new_cdp_session(page)
        given = session.send(
            "Page.captureScreenshot",
            {"format": "webp", "quality": 90 if self.large else QUALITY, "clip": {**clip, "scale": 1 if self.large else SCALES[width]}},
        )
        session.detach()
        (self.folder / f"{name}.webp").write_bytes(base64.b64decode(given["data"]))

    def _look(self, page: Any, where: str) -> None:
        from axe_playwright_python.sync_playwright import Axe

        results = Axe().run(page, context={"exclude": [["iframe"], [".xterm"]]})
        for violation in results.response["violations"]:
            targets = "; ".join(str(node["target"]) for node in violation["nodes"][:3])
            self.found.append(f"{where}: {violation['id']}: {targets}")


@contextmanager
def whole_site(folder: Path) -> Iterator[Site]:
    """A site on the lab's engine, with a Redis of its own; the web alone has begun."""
    url = f"http://127.0.0.1:{PORT}"
    environment = {
        **os.environ, "LAB_URL": url, "LAB_ALLOWED_ORIGINS": "", "LAB_REDIS_URL": f"unix://{folder}/redis.sock",
        "LAB_DATABASE_URL": f"sqlite:///{folder}/site.sqlite3", "LAB_RECORDINGS_DIR": f"{folder}/recordings",
        "LAB_RATE_LOGIN": "1000/minute", "LAB_RATE_SIGNUP": "1000/minute", "LAB_RATE_START": "1000/minute",
        "LAB_POOL_MIN": "0", "LAB_POOL_MAX": "0", "LAB_SANDBOXES_MAX": "3", "LAB_PREVIEW": "", "LAB_SECRET_KEY": "capturas",
        "DJANGO_SETTINGS_MODULE": "labsite.settings",
    }  # fmt: skip
    redis = ["redis-server", "--port", "0", "--unixsocket", f"{folder}/redis.sock", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(redis, stdout=subprocess.DEVNULL) as process:
        site = Site(url, environment, folder, listen=("--port", str(PORT)))
        try:
            site.manage("migrate", "-v", "0")
            site.start("web")
            yield site
        finally:
            site.stop()
            process.terminate()


def person(browser: Any, site: Site, name: str, width: str) -> Any:
    """A page of somebody who has logged in, or of nobody."""
    across, down = WIDTHS[width]
    phone = {"has_touch": True, "is_mobile": True} if width == "telefono" else {}
    context = browser.new_context(
        base_url=site.url, viewport={"width": across, "height": down}, locale="es-ES", reduced_motion="reduce", **phone
    )
    context.add_init_script("localStorage.setItem('laboratorio.visita', '1')")
    page = context.new_page()
    page.set_default_timeout(120_000)
    if name:
        page.goto("/cuenta/login/")
        page.fill("[name=login]", name)
        page.fill("[name=password]", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url("**/curso/**")
    return page


def pages(camera: Camera, browser: Any, site: Site, found: dict[str, str], width: str) -> None:
    """What needs no laboratory: each place, then the moments that one meets on them."""
    seen = {name: person(browser, site, name, width) for name in ("", "ana", "bruno", "carmen", "olga")}
    for kind, places in PLACES.items():
        for number, place in enumerate(places, 1):
            name = kind.replace("account_", "").replace("_", "-") + (f"-{number}" if len(places) > 1 else "")
            if camera.wants(name):
                seen[place.who].goto(place.path.format(**found), wait_until="networkidle")
                camera.take(seen[place.who], name, width)
    for name, place in ERRORS.items():
        seen[place.who].goto(place.path)
        camera.take(seen[place.who], f"error-{name}", width)
    stages.moments(camera, seen, found, width)
    for page in seen.values():
        page.context.close()


def write(camera: Camera) -> None:
    lines = [
        "# Capturas",
        "",
        "Las hace `make captures` con un laboratorio de verdad: cada página y cada estado, en claro, oscuro y contraste, en un",
        "escritorio (1400 × 900) y en un teléfono (390 × 844). Las cifras están en [rendimiento.md](../rendimiento.md).",
        "",
    ]
    for name, widths in camera.taken.items():
        lines += [f"## {stages.NAMES.get(name, name.replace('-', ' ').capitalize())}", ""]
        for width in widths:
            lines += [" ".join(f"![{name}, {shown}, {width}]({name}-{shown}-{width}.webp)" for shown in THEMES), ""]
    (camera.folder / "README.md").write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--solo", default="", help="nombres, con comas")
    parser.add_argument("--grandes", type=Path, help="en su tamaño, a esta carpeta")
    parser.add_argument("--axe", action="store_true")
    parser.add_argument("--ancho", choices=tuple(WIDTHS))
    asked = parser.parse_args()
    camera = Camera(asked.grandes or OUT, frozenset(filter(None, asked.solo.split(","))), bool(asked.grandes), asked.axe)
    camera.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, whole_site(Path(folder)) as site, sync_playwright() as playwright:
        found = json.loads(site.shell("from bench.scene import play; play()"))
        browser = playwright.chromium.launch(**CHROMIUM)
        for width in (asked.ancho,) if asked.ancho else WIDTHS:
            pages(camera, browser, site, found, width)
            if os.environ.get("LAB_ENV_FILE"):
                stages.laboratory(camera, person(browser, site, "", width), site, width)
                if any(map(camera.wants, company.STAGES)):
                    seen = {name: person(browser, site, name, width) for name in ("ana", "bruno", "carmen")}
                    company.together(camera, seen, site, found, width)
        browser.close()
    print("\n".join(camera.found) or "axe: nada" if camera.axe else f"{sum(map(len, camera.taken.values())) * len(THEMES)} capturas")
    if not camera.wanted and not camera.large:
        write(camera)


if __name__ == "__main__":
    main()
