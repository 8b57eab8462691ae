"""What pages weigh and take: kB compressed, LCP, longest task, layout shift in Chromium; Django's own time; the search's.

    python -m bench.pages

The search is asked every title of the course and every beginning of every word of them, on the processor's clock and on the
wall's: what a busy machine makes one wait is in the second alone.

A site of its own (Redis, SQLite, uvicorn) without an engine, in a temporary folder, warm. Chromium begins each visit with an
empty cache. Django's time is of the processor, for the machine has other things to do. Figures: docs/rendimiento.md.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

from bench.captures import CHROMIUM, person, whole_site
from bench.places import COURSE, EXERCISE, LESSON
from bench.site import Site

PAGES = {"curso": COURSE, "lección": LESSON, "ejercicio": EXERCISE, "glosario": "/glosario/", "buscar": "/buscar/?q=imagenes"}
VISITS = 3
TIMES = f"""
import statistics, time
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from lessons import search
client = Client(HTTP_HOST="127.0.0.1")
client.force_login(get_user_model().objects.get(username="ana"))
def spent(work, clock=time.process_time):
    took = []
    for number in range(40):
        begun = clock()
        work()
        took.append(1000 * (clock() - begun))
    took = sorted(took[10:])
    return f"{{statistics.median(took):.1f}} {{took[int(len(took) * .95)]:.1f}}"
for path in {list(PAGES.values())!r}:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(path).status_code == 200
    queries = len(asked)  # before the next request begins them anew
    print(path, spent(lambda: client.get(path)), queries)
index = search.index()
words = {{word[0] for page in index.pages for word in search.WORD.finditer(page.title)}}
asked = sorted({{page.title for page in index.pages}} | {{word[:end] for word in words for end in range(1, len(word) + 1)}})
for clock in ("process_time", "perf_counter"):
    took = []
    for each in asked:
        begun = getattr(time, clock)()
        index.find(each)
        took.append(1000 * (getattr(time, clock)() - begun))
    took.sort()
    print(f"{{len(asked)}}_preguntas,_{{clock}}", f"{{statistics.median(took):.1f}} {{took[int(len(took) * .95)]:.1f}} 0")
"""
WATCH = """
const seen = window.seen = {lcp: 0, long: 0, shift: 0};
const watch = (type, note) => new PerformanceObserver(list => list.getEntries().forEach(note)).observe({type, buffered: true});
watch("largest-contentful-paint", each => seen.lcp = each.startTime);
watch("longtask", each => seen.long = Math.max(seen.long, each.duration));
watch("layout-shift", each => { if (!each.hadRecentInput) seen.shift += each.value; });
"""


def weigh(browser: Any, site: Site, cookies: Any, path: str) -> tuple[float, float, float, float]:
    """Compressed kB of a page with all that it asks for, LCP, longest task (ms) and layout shift, of a visit with an empty cache."""
    page = browser.new_context(base_url=site.url, viewport={"width": 1400, "height": 900}, locale="es-ES").new_page()
    page.context.add_cookies(cookies)
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


def main() -> None:
    from playwright.sync_api import sync_playwright

    print(f"Carga de la máquina: {os.getloadavg()[0]:.1f}\n")
    with tempfile.TemporaryDirectory() as folder, whole_site(Path(folder)) as site, sync_playwright() as playwright:
        site.shell("from bench.scene import play; play()")
        browser = playwright.chromium.launch(**CHROMIUM)
        cookies = person(browser, site, "ana", "escritorio").context.cookies()
        print("| Página | Peso, kB | LCP, ms | Tarea más larga, ms | Desplazamiento |\n|---|--:|--:|--:|--:|")
        for name, path in PAGES.items():
            seen = [weigh(browser, site, cookies, path) for _ in range(VISITS)]
            kb, lcp, task, shift = (statistics.median(column) for column in zip(*seen, strict=True))
            print(f"| {name} | {kb:.0f} | {lcp:.0f} | {task:.0f} | {shift:.3f} |".replace(".", ","))
        print("\n| Servidor | p50, ms | p95, ms | Consultas |\n|---|--:|--:|--:|")
        for line in site.shell(TIMES).splitlines():
            path, half, most, queries = line.split()
            print(f"| `{path}` | {half} | {most} | {queries} |".replace(".", ","))
        browser.close()


if __name__ == "__main__":
    main()
