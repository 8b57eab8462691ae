"""Pictures of every page in three looks and two widths, and what pages weigh and take.

    python -m bench.pages                 pictures into docs/capturas/, figures into docs/capturas/README.md
    python -m bench.pages --solo cifras   the figures alone

A site of its own (Redis, SQLite, uvicorn) without an engine, in a temporary folder, with three people who have come
differently far. Figures are of Chromium and of a warm site. Django's time is of the processor, for the machine has other things to do.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "capturas"
PORT = 8779
URL = f"http://127.0.0.1:{PORT}"
PASSWORD = "ballena-azul-9"
COURSE = "/curso/docker-intensivo/"
LESSON = f"{COURSE}capas-de-imagen/"
EXERCISE = f"{LESSON}una-capa-menos/"
PAGES = {
    "curso": COURSE,
    "leccion": LESSON,
    "laboratorio": f"{LESSON}laboratorio/",
    "ejercicio": EXERCISE,
    "progreso": "/progreso/",
    "buscar": "/buscar/?q=imagenes",
    "sin-resultados": "/buscar/?q=kubernetes",
    "glosario": "/glosario/",
    "intentos": "/profesorado/intentos/",
}
OUTSIDE = {"portada": COURSE, "entrar": "/cuenta/login/", "crear-cuenta": "/cuenta/signup/"}
THEMES = {"claro": "light", "oscuro": "dark", "contraste": "contrast"}
WIDTHS = {"escritorio": (1400, 900), "telefono": (390, 844)}
PEOPLE = f"""
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.utils import timezone
from lessons import catalog
from lessons.models import Attempt, CheckRun, Completion
people = get_user_model().objects
for name in ("ana", "carmen"):
    people.create_user(name, password="{PASSWORD}", is_staff=name == "carmen")
ana, keys = people.get(username="ana"), list(catalog.course().exercises)
for number, key in enumerate(keys[:4]):
    passed = number < 3
    attempt = Attempt.objects.create(user=ana, exercise=key)
    results = [dict(id=spec.id, title=spec.titulo, status="passed" if passed or not at else "failed", expected="1 capa", observed="2 capas",
                    hint="Une los dos RUN con &&.", points=0, worth=1) for at, spec in enumerate(catalog.exercise(key).checks)]
    CheckRun.objects.create(attempt=attempt, finished=timezone.now() - timedelta(days=3 - number), passed=passed, results=results)
    if passed:
        Completion.objects.create(user=ana, exercise=key, points=max(1, catalog.exercise(key).points - number))
"""
TIMES = f"""
import statistics, time
from django.test import Client
from django.contrib.auth import get_user_model
client = Client(HTTP_HOST="127.0.0.1")
client.force_login(get_user_model().objects.get(username="ana"))
for path in ("{COURSE}", "{LESSON}", "{EXERCISE}", "/buscar/?q=imagenes", "/glosario/"):
    took = []
    for number in range(60):
        begun = time.process_time()
        assert client.get(path).status_code == 200
        took.append(1000 * (time.process_time() - begun))
    took = sorted(took[10:])
    print(f"{{path}} {{statistics.median(took):.1f}} {{took[int(len(took) * .95)]:.1f}}")
"""
WATCH = """
const seen = window.seen = {lcp: 0, long: 0, shift: 0};
const watch = (type, note) => new PerformanceObserver(list => list.getEntries().forEach(note)).observe({type, buffered: true});
watch("largest-contentful-paint", each => seen.lcp = each.startTime);
watch("longtask", each => seen.long = Math.max(seen.long, each.duration));
watch("layout-shift", each => { if (!each.hadRecentInput) seen.shift += each.value; });
"""


@contextmanager
def site(folder: Path) -> Iterator[dict[str, str]]:
    """A site that answers at URL; its environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "DJANGO_"))}
    environment = kept | {
        "LAB_SECRET_KEY": "capturas", "LAB_URL": URL, "LAB_REDIS_URL": f"unix://{folder}/redis.sock",
        "LAB_DATABASE_URL": f"sqlite:///{folder}/site.sqlite3", "LAB_RATE_LOGIN": "1000/minute",
    }  # fmt: skip
    redis = ["redis-server", "--port", "0", "--unixsocket", f"{folder}/redis.sock", "--save", "", "--dir", str(folder)]
    web = [sys.executable, "-m", "uvicorn", "labsite.asgi:application", "--port", str(PORT), "--no-access-log", "--log-level", "error"]
    with subprocess.Popen(redis, stdout=subprocess.DEVNULL) as first:
        try:
            manage(environment, "migrate", "-v", "0")
            manage(environment, "shell", "-v", "0", "-c", PEOPLE)
            with subprocess.Popen(web, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as second:
                try:
                    wait()
                    yield environment
                finally:
                    second.terminate()
        finally:
            first.terminate()


def manage(environment: dict[str, str], *argv: str) -> str:
    done = subprocess.run([sys.executable, "manage.py", *argv], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def wait() -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(OSError):
            urllib.request.urlopen(f"{URL}{LESSON}", timeout=30).read()  # noqa: S310  # our own
            return
        time.sleep(0.2)
    raise SystemExit("the site does not answer")


def person(browser: Any, name: str, *, size: tuple[int, int], theme: str = "light") -> Any:
    """A page of somebody who has logged in, or of nobody."""
    context = browser.new_context(base_url=URL, viewport={"width": size[0], "height": size[1]}, locale="es-ES", reduced_motion="reduce")
    context.add_cookies([{"name": "aspecto", "value": theme, "url": URL}])
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


def pictures(browser: Any) -> None:
    for shown, theme in THEMES.items():
        for width, size in WIDTHS.items():
            for name, paths in (("ana", PAGES), ("", OUTSIDE)):
                page = person(browser, name, size=size, theme=theme)
                teacher = person(browser, "carmen", size=size, theme=theme) if name else page
                for what, path in paths.items():
                    who = teacher if what == "intentos" else page
                    who.goto(path, wait_until="networkidle")
                    who.screenshot(path=OUT / f"{what}-{shown}-{width}.jpg", type="jpeg", quality=72)
                page.context.close()
                if name:
                    teacher.context.close()


def weigh(browser: Any, path: str) -> tuple[float, float, float, float]:
    """Compressed kB of a page with all that it asks for, LCP, longest task (ms) and layout shift, of a visit with an empty cache."""
    page = person(browser, "ana", size=WIDTHS["escritorio"])
    page.context.add_init_script(WATCH)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(path, wait_until="networkidle")
    seen = page.evaluate("() => window.seen")
    page.context.close()
    return sum(sizes) / 1000, seen["lcp"], seen["long"], seen["shift"]


def figures(browser: Any, environment: dict[str, str]) -> str:
    rows = ["| Página | Peso, kB | LCP, ms | Tarea más larga, ms | Desplazamiento |", "|---|--:|--:|--:|--:|"]
    for name in ("curso", "leccion", "ejercicio", "glosario", "buscar"):
        seen = [weigh(browser, PAGES[name]) for _ in range(3)]
        kb, lcp, task, shift = (statistics.median(column) for column in zip(*seen, strict=True))
        rows.append(f"| {name} | {kb:.0f} | {lcp:.0f} | {task:.0f} | {shift:.3f} |".replace(".", ","))
    rows += ["", "| Django, con la caché caliente, de procesador | p50, ms | p95, ms |", "|---|--:|--:|"]
    for line in manage(environment, "shell", "-v", "0", "-c", TIMES).splitlines():
        path, half, most = line.split()
        rows.append(f"| `{path}` | {half} | {most} |".replace(".", ","))
    return "\n".join(rows)


def write(table: str) -> None:
    lines = [
        "# Capturas",
        "",
        "Las hace `make captures`, con las cifras: Chromium sin caché en esta máquina, mediana de tres.",
        "",
        table,
        "",
    ]
    for what in (*OUTSIDE, *PAGES):
        lines += [f"## {what.replace('-', ' ').capitalize()}", ""]
        for width in WIDTHS:
            lines.append(" ".join(f"![{what}, {shown}, {width}]({what}-{shown}-{width}.jpg)" for shown in THEMES))
            lines.append("")
    (OUT / "README.md").write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--solo", choices=("cifras",))
    wanted = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, site(Path(folder)) as environment, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-background-networking"])
        table = figures(browser, environment)
        print(table)
        if not wanted.solo:
            pictures(browser)
            write(table)
        browser.close()


if __name__ == "__main__":
    main()
