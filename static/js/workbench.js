// The workbench: text on the left, tabs on the right, a split that is dragged and remembered; on a phone all are tabs.
// Others open tabs with `addTab` and `showTab`, or say `laboratorio:show` on the document with detail {tab}.
// Each time a tab is shown, `laboratorio:shown` with detail {tab} is said.
import { panels } from "./panels.js";

const main = document.querySelector(".workbench main");
const list = document.getElementById("pestanas");
const splitter = document.getElementById("divisor");
const WIDTH = "laboratorio.ancho";
const [NARROWEST, WIDEST, USUAL] = [24, 70, 42];
const narrow = matchMedia("(max-width: 60rem)");
const opened = new Set();

const tabs = () => [...list.querySelectorAll("[role=tab]")].filter((tab) => tab.offsetParent);
const panelOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));

/** Shows a tab by its name, and loads what it needs the first time. */
export function showTab(name, { focus = false } = {}) {
  const tab = document.getElementById(`tab-${name}`);
  if (!tab || tab.hidden) return;
  for (const each of list.querySelectorAll("[role=tab]")) {
    const chosen = each === tab;
    each.setAttribute("aria-selected", chosen);
    each.tabIndex = chosen ? 0 : -1;
    if (each.id !== "tab-texto") panelOf(each).hidden = !chosen && !(name === "texto" && each.id === `tab-${last}`);
  }
  main.dataset.tab = name;
  if (name !== "texto") last = name;
  tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  if (focus) tab.focus();
  load(name);
  document.dispatchEvent(new CustomEvent("laboratorio:shown", { detail: { tab: name } }));
}

/** Adds a tab with an element of its own, before the others' end; `close` (optional) is called when it is closed. */
export function addTab({ name, label, panel, close }) {
  const tab = document.createElement("button");
  Object.assign(tab, { type: "button", id: `tab-${name}`, textContent: label, tabIndex: -1 });
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-selected", "false");
  tab.setAttribute("aria-controls", `panel-${name}`);
  Object.assign(panel, { id: `panel-${name}`, hidden: true });
  panel.setAttribute("role", "tabpanel");
  panel.setAttribute("aria-labelledby", tab.id);
  list.append(tab);
  document.getElementById("paneles").append(panel);
  if (close) {
    tab.title = "Se cierra con Supr";
    tab.addEventListener("keydown", ({ key }) => key === "Delete" && removeTab(name, close));
    tab.addEventListener("auxclick", ({ button }) => button === 1 && removeTab(name, close));
  }
  return tab;
}

/** Takes a tab away again, and shows the terminal if it was the one that was seen. */
export function removeTab(name, close) {
  const tab = document.getElementById(`tab-${name}`);
  if (!tab) return;
  const seen = main.dataset.tab === name;
  panelOf(tab).remove();
  tab.remove();
  close?.();
  if (last === name) last = "terminal";
  if (seen) showTab("terminal", { focus: true });
}

let last = "terminal";

async function load(name) {
  if (!(name in panels) || opened.has(name)) return;
  opened.add(name);
  const panel = document.getElementById(`panel-${name}`);
  panel.setAttribute("aria-busy", "true");
  try {
    const module = await panels[name]();
    await module.open(panel);
  } catch (error) {
    opened.delete(name); // showing it again tries again
    const said = document.createElement("p");
    said.className = "notice warning";
    said.setAttribute("role", "alert");
    said.textContent = "Esto no se pudo cargar. Vuelve a abrir la pestaña.";
    panel.replaceChildren(said);
    console.error(error);
  } finally {
    panel.removeAttribute("aria-busy");
  }
}

function moveAlong(event) {
  const all = tabs();
  const at = all.indexOf(document.activeElement);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  showTab(all[(to + all.length) % all.length].id.slice(4), { focus: true });
}

function setWidth(percent) {
  const width = Math.round(Math.max(NARROWEST, Math.min(WIDEST, percent)) * 10) / 10;
  main.style.setProperty("--split", `${width}%`);
  splitter.setAttribute("aria-valuenow", Math.round(width));
  return width;
}

function remember(width) {
  try {
    localStorage.setItem(WIDTH, width);
  } catch {
    // A browser that keeps nothing: it lasts as long as the page.
  }
}

function remembered() {
  try {
    return Number(localStorage.getItem(WIDTH)) || USUAL;
  } catch {
    return USUAL;
  }
}

function drag(event) {
  if (event.button) return;
  event.preventDefault();
  splitter.setPointerCapture(event.pointerId);
  main.classList.add("dragging");
  let width;
  const move = ({ clientX }) => (width = setWidth((100 * (clientX - main.offsetLeft)) / main.offsetWidth));
  const end = () => {
    main.classList.remove("dragging");
    splitter.removeEventListener("pointermove", move);
    if (width) remember(width);
  };
  splitter.addEventListener("pointermove", move);
  splitter.addEventListener("lostpointercapture", end, { once: true });
}

function nudge(event) {
  const now = Number(splitter.getAttribute("aria-valuenow"));
  const to = { ArrowLeft: now - 2, ArrowRight: now + 2, Home: NARROWEST, End: WIDEST, Enter: USUAL }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  remember(setWidth(to));
}

if (list) {
  for (const name of Object.keys(panels)) document.getElementById(`tab-${name}`)?.removeAttribute("hidden");
  list.addEventListener("click", ({ target }) => target.matches("[role=tab]") && showTab(target.id.slice(4)));
  list.addEventListener("keydown", moveAlong);
  splitter.addEventListener("pointerdown", drag);
  splitter.addEventListener("keydown", nudge);
  splitter.addEventListener("dblclick", () => remember(setWidth(USUAL)));
  document.addEventListener("laboratorio:show", ({ detail }) => showTab(detail.tab));
  narrow.addEventListener("change", () => showTab(narrow.matches ? "texto" : last));
  setWidth(remembered());
  showTab(narrow.matches ? "texto" : "terminal");
}
