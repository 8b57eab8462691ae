// The live picture of the student's engine: drawn from `laboratorio:snapshot`, explained where one points, and the same
// as tables. It draws what the engine said, nothing it did not.
import { last } from "./events.js";
import { Picture } from "./motor/draw.js";
import { fitted } from "./motor/layout.js";
import { explain, some, tables } from "./motor/words.js";

const RESTING = matchMedia("(hover: none)").matches
  ? "Toca algo del dibujo y aquí se explica."
  : "Señala algo del dibujo, o recórrelo con las flechas del teclado, y aquí se explica.";

export function open(panel) {
  const view = new Engine(panel);
  document.addEventListener("laboratorio:snapshot", ({ detail }) => view.show(detail));
  document.addEventListener("laboratorio:shown", ({ detail }) => detail.tab === "motor" && view.draw());
  for (const event of ["htmx:after:swap", "htmx:after:settle"]) document.addEventListener(event, () => view.follow());
  view.show(last("snapshot"));
}

const element = (name, className, text = "") => Object.assign(document.createElement(name), { className, textContent: text });

class Engine {
  #snapshot = null;
  #due = 0;
  #current = "";

  constructor(panel) {
    this.panel = panel;
    panel.classList.add("motor");
    this.tools = element("div", "motor-tools");
    this.summary = element("p", "motor-summary");
    this.summary.setAttribute("role", "status");
    this.toggle = element("button", "quiet small", "Ver como tabla");
    this.toggle.type = "button";
    this.toggle.addEventListener("click", () => this.#flip());
    this.tools.append(this.summary, this.toggle);
    this.room = element("div", "motor-room");
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", "Dibujo de tu motor. Se recorre con las flechas.");
    this.picture = new Picture(svg);
    this.room.append(svg);
    this.tables = element("div", "motor-tables");
    this.tables.hidden = true;
    Object.assign(this.tables, { tabIndex: 0, role: "region", ariaLabel: "Tu motor, en tablas" });
    this.empty = element("div", "empty");
    this.legend = legend();
    this.told = element("div", "motor-told");
    panel.append(this.tools, this.room, this.tables, this.empty, this.legend, this.told);
    this.#explain(null);
    this.#listen(svg);
    new ResizeObserver(() => this.draw()).observe(this.room);
    this.follow();
  }

  // Without a lab there is nothing to draw.
  follow() {
    const ready = document.querySelector("[data-testid=lab-state]")?.dataset.state === "ready";
    if (!ready) this.#snapshot = null;
    this.draw();
  }

  show(snapshot) {
    this.#snapshot = snapshot;
    this.draw();
  }

  draw() {
    if (this.#due) return;
    this.#due = requestAnimationFrame(() => {
      this.#due = 0;
      this.#draw();
    });
  }

  #draw() {
    const nodes = this.#snapshot?.nodes || [];
    const things = nodes.reduce((sum, node) => sum + node.images.length + node.containers.length + node.volumes.length, 0);
    const tabular = "tabular" in this.toggle.dataset;
    this.empty.hidden = things > 0;
    this.room.hidden = tabular || !things;
    this.legend.hidden = this.told.hidden = this.room.hidden;
    this.tables.hidden = !tabular || !things;
    this.tools.hidden = !things;
    if (!things) {
      this.empty.replaceChildren(...nothing(Boolean(this.#snapshot)));
      this.picture.show({ items: [], width: 0, height: 0 });
      return;
    }
    this.#sum(nodes);
    if (tabular) {
      this.#fillTables(nodes);
      return;
    }
    const { clientWidth: width, clientHeight: height } = this.room;
    if (!width) return; // its tab is not seen
    this.picture.show(fitted(this.#snapshot, width - 4, height - 4));
    if (!this.picture.group(this.#current)) this.#current = this.picture.items[0]?.key || "";
    this.#makeCurrent(this.#current, false);
  }

  #sum(nodes) {
    const boxes = nodes.flatMap((node) => node.containers);
    const running = boxes.filter((box) => box.state === "running").length;
    const images = nodes.reduce((sum, node) => sum + node.images.length, 0);
    const text = `${some(images, "imagen", "imágenes")} · ${some(boxes.length, "contenedor", "contenedores")}, ${running} en marcha${this.#snapshot.cut ? " · hay más de lo que cabe aquí" : ""}`;
    if (this.summary.textContent !== text) this.summary.textContent = text;
  }

  #flip() {
    const tabular = this.toggle.toggleAttribute("data-tabular");
    this.toggle.textContent = tabular ? "Ver como dibujo" : "Ver como tabla";
    this.draw();
  }

  #fillTables(nodes) {
    const made = nodes.flatMap((node) => [
      ...(nodes.length > 1 ? [element("h3", "", `Nodo ${node.name}`)] : []),
      ...tables(node).map(table),
    ]);
    this.tables.replaceChildren(...made);
  }

  #listen(svg) {
    const under = (target) => target.closest?.("g[data-key]")?.dataset.key;
    svg.addEventListener("pointerover", ({ target }) => this.#explain(this.picture.item(under(target))));
    svg.addEventListener("pointerleave", () => this.#explain(svg.contains(document.activeElement) ? this.picture.item(this.#current) : null));
    svg.addEventListener("focusin", ({ target }) => {
      const key = under(target);
      if (key) this.#makeCurrent(key, false);
      this.#explain(this.picture.item(key));
    });
    svg.addEventListener("focusout", () => this.#explain(null));
    svg.addEventListener("keydown", (event) => this.#walk(event));
  }

  #makeCurrent(key, focus) {
    if (this.picture.group(this.#current)) this.picture.group(this.#current).tabIndex = -1;
    this.#current = key;
    const group = this.picture.group(key);
    if (!group) return;
    group.tabIndex = 0;
    if (focus) group.focus();
  }

  #walk(event) {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const all = this.picture.items.filter(({ kind }) => kind !== "mount");
    let next;
    if (way) next = nearest(all, this.picture.item(this.#current), way);
    else if (event.key === "Home") next = all[0];
    else if (event.key === "End") next = all.at(-1);
    else return;
    event.preventDefault();
    if (next) this.#makeCurrent(next.key, true);
  }

  #explain(item) {
    const { title, text } = item ? explain(item) : { title: "", text: RESTING };
    this.told.replaceChildren(...(title ? [element("strong", "", title), element("span", "", text)] : [element("span", "", text)]));
    const lit = new Set(item ? [item.key, ...(item.related || [])] : []);
    this.picture.svg.classList.toggle("pointing", lit.size > 1);
    for (const group of this.picture.svg.querySelectorAll(".lit")) if (!lit.has(group.dataset.key)) group.classList.remove("lit");
    for (const key of lit) this.picture.group(key)?.classList.add("lit");
  }
}

const middle = ({ x, y, w, h, at, points }) => {
  if (at) return [at[0] + at[2] / 2, at[1] + at[3] / 2];
  if (points) return [(points[0][0] + points[1][0]) / 2, Math.min(points[0][1], points[1][1]) - 20];
  return [x + w / 2, y + h / 2];
};

// The next thing in that direction: what lies straight ahead counts before what lies aside.
function nearest(items, from, [dx, dy]) {
  if (!from) return items[0];
  const [x, y] = middle(from);
  let best = null;
  for (const item of items) {
    if (item === from) continue;
    const [to, down] = middle(item);
    const ahead = (to - x) * dx + (down - y) * dy;
    const aside = Math.abs((to - x) * dy) + Math.abs((down - y) * dx);
    if (ahead > 1 && (!best || ahead + 2.5 * aside < best.far)) best = { item, far: ahead + 2.5 * aside };
  }
  return best?.item;
}

function nothing(answered) {
  if (answered) {
    const command = element("code", "", "docker run busybox:1.37 echo hola");
    const text = element("p", "", "Tu motor está vacío. Prueba con ");
    text.append(command, " en la terminal y mira qué aparece aquí.");
    return [text];
  }
  const ready = document.querySelector("[data-testid=lab-state]")?.dataset.state === "ready";
  return [element("p", "", ready ? "Esperando a tu motor…" : "Cuando inicies el laboratorio, aquí verás tu motor por dentro: imágenes, contenedores, redes y volúmenes.")];
}

function table({ caption, head, rows }) {
  const made = element("table", "motor-table");
  made.append(element("caption", "", caption));
  const top = made.createTHead().insertRow();
  for (const name of head) top.append(Object.assign(element("th", "", name), { scope: "col" }));
  const body = made.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    line.append(Object.assign(element("th", "", row[0]), { scope: "row" }), ...row.slice(1).map((cell) => element("td", "", cell)));
  }
  return made;
}

function legend() {
  const found = element("ul", "motor-legend");
  found.setAttribute("aria-label", "Leyenda");
  for (const [name, text] of [["layer", "capa"], ["shared", "capa compartida"], ["writable", "capa de escritura"], ["running", "en marcha"], ["stopped", "parado"]]) {
    const item = element("li", `key-${name}`, text);
    found.append(item);
  }
  return found;
}
