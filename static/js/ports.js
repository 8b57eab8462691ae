// Published ports: a chip for each, and its preview in a tab of the workbench (or a window, where no frame may be).
import { addTab, removeTab, showTab } from "./workbench.js";

const bar = document.getElementById("puertos");
const said = document.getElementById("puertos-aviso");
const PATIENCE = 4000; // without a word of the collector
const EVERY = 3000;

let sandbox = "";
let told = false; // whether the collector tells of ports
let asking = null;
let shown = new Map(); // key → port
const previews = new Map(); // tab's name → { port, node }

const keyOf = ({ node, host }) => `${node}-${host}`;
const manyNodes = () => (document.querySelector("[data-testid=lab-state]")?.dataset.nodes || "").includes(" ");

function follow() {
  const now = document.querySelector("[data-testid=lab-state]")?.dataset.sandbox || "";
  if (now === sandbox) return;
  sandbox = now;
  told = false;
  clearTimeout(asking);
  draw([]);
  for (const name of [...previews.keys()]) close(name);
  if (sandbox) asking = setTimeout(ask, PATIENCE);
}

// Until somebody tells: asked of the engine, while somebody looks.
async function ask() {
  const mine = sandbox;
  if (!mine || told) return;
  if (!document.hidden) {
    try {
      const answer = await fetch(`/laboratorio/${mine}/puertos/`);
      if (answer.ok && mine === sandbox && !told) draw((await answer.json()).ports.filter((port) => port.proto === "tcp"));
    } catch {
      // The server is away; it is asked again.
    }
  }
  asking = setTimeout(ask, EVERY);
}

function draw(ports) {
  const found = new Map(ports.map((port) => [keyOf(port), port]));
  const fresh = [...found.keys()].filter((key) => !shown.has(key));
  if (!fresh.length && found.size === shown.size) return;
  if (fresh.length && said) said.textContent = fresh.map((key) => `Puerto ${found.get(key).host} publicado.`).join(" ");
  shown = found;
  bar.hidden = !found.size;
  bar.querySelectorAll(".port").forEach((chip) => found.has(chip.dataset.key) || chip.remove());
  for (const [key, port] of found) {
    const chip = bar.querySelector(`[data-key="${CSS.escape(key)}"]`) || make(key);
    fill(chip, port);
    bar.append(chip); // in the order in which they are told
  }
}

function make(key) {
  const chip = document.createElement(bar.dataset.previews ? "a" : "span");
  chip.className = "port";
  chip.dataset.key = key;
  chip.dataset.testid = "port";
  const number = document.createElement("strong");
  const whose = document.createElement("span");
  chip.append(number, whose);
  chip.addEventListener("click", (event) => {
    if (!bar.dataset.embeds || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(shown.get(key));
  });
  return chip;
}

function fill(chip, port) {
  const { node, host, container, name, local } = port;
  chip.querySelector("strong").textContent = host;
  chip.querySelector("span").textContent = [manyNodes() && node, name].filter(Boolean).join(" · ");
  chip.title = local
    ? `El puerto ${host} solo se ve desde dentro de la máquina: se publicó con 127.0.0.1`
    : `El puerto ${host} lleva al ${container} de ${name || "un contenedor"}`;
  if (chip.tagName === "A") Object.assign(chip, { href: `/laboratorio/${sandbox}/${node}/${host}/`, target: "_blank", rel: "noopener" });
}

function open(port) {
  if (!port) return;
  const name = `vista-${port.node}-${port.host}`;
  if (!previews.has(name)) {
    const panel = document.createElement("div");
    panel.className = "preview";
    panel.append(toolbar(name, port));
    previews.set(name, { ...port, panel });
    addTab({ name, label: manyNodes() ? `${port.node}:${port.host}` : `:${port.host}`, panel, close: () => previews.delete(name) });
    load(name);
  }
  showTab(name, { focus: true });
}

function close(name) {
  removeTab(name, () => previews.delete(name));
}

function toolbar(name, port) {
  const tools = document.createElement("form");
  tools.className = "preview-tools";
  const path = Object.assign(document.createElement("input"), { value: "/", spellcheck: false, autocomplete: "off" });
  path.setAttribute("aria-label", `Ruta que se pide en el puerto ${port.host}`);
  const where = document.createElement("span");
  where.textContent = `localhost:${port.host}`;
  const address = document.createElement("label");
  address.className = "preview-address";
  address.append(where, path);
  const reload = button("Recargar", "Vuelve a pedir la página");
  reload.type = "submit";
  const window = Object.assign(document.createElement("a"), { textContent: "Abrir en una ventana", target: "_blank", rel: "noopener" });
  window.className = "button quiet small";
  const point = () => (window.href = `/laboratorio/${sandbox}/${port.node}/${port.host}/?ruta=${encodeURIComponent(normal(path.value))}`);
  path.addEventListener("input", point);
  point();
  const shut = button("Cerrar", "Cierra esta vista previa");
  shut.addEventListener("click", () => close(name));
  tools.addEventListener("submit", (event) => {
    event.preventDefault();
    path.value = normal(path.value);
    load(name, path.value);
  });
  tools.append(address, reload, window, shut);
  return tools;
}

function button(text, title) {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: text, title });
  made.className = "quiet small";
  return made;
}

const normal = (path) => (path.startsWith("/") ? path : `/${path}`);

// Each load is a way in of its own: the frame's cookie may have ended with a session.
async function load(name, path = "/") {
  const { panel, node, host } = previews.get(name);
  panel.querySelector("iframe, .notice")?.remove();
  panel.setAttribute("aria-busy", "true");
  try {
    const body = new URLSearchParams({ ruta: path });
    const headers = { "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value };
    const answer = await fetch(`/laboratorio/${sandbox}/${node}/${host}/`, { method: "POST", body, headers });
    const { url, error } = answer.ok || answer.status === 409 ? await answer.json() : {};
    if (!url) throw new Error(error || "La vista previa no se pudo abrir. ¿Sigue el laboratorio en marcha?");
    const frame = Object.assign(document.createElement("iframe"), { src: url, title: `Vista previa del puerto ${host}` });
    // Its origin is its own, so `allow-same-origin` gives it that and nothing of ours; it may not move this page away.
    frame.sandbox = "allow-scripts allow-same-origin allow-forms allow-popups allow-modals allow-downloads";
    frame.referrerPolicy = "no-referrer";
    panel.append(frame);
  } catch (error) {
    const notice = Object.assign(document.createElement("p"), { className: "notice warning", textContent: error.message });
    notice.setAttribute("role", "alert");
    panel.append(notice);
  } finally {
    panel.removeAttribute("aria-busy");
  }
}

if (bar) {
  document.addEventListener("laboratorio:ports", ({ detail }) => {
    told = true;
    draw(detail.ports);
  });
  for (const event of ["htmx:after:swap", "htmx:after:settle"]) document.addEventListener(event, follow);
  follow();
}
