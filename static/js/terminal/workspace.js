// A person's terminals on the page: tabs, splits, toolbar, transcript. Owns the arrangement (layout.js) and the panes;
// what one terminal does by itself is pane.js's. Keeps the arrangement in the preferences.
import { button, element } from "./elements.js";
import { icon } from "./icons.js";
import { KeyBar } from "./keybar.js";
import * as layouts from "./layout.js";
import { askTitle, showOptions, showShortcuts } from "./options.js";
import { Pane } from "./pane.js";
import { Runner } from "./run.js";
import { actionOf, clipboardActionOf } from "./shortcuts.js";
import { Splits } from "./splits.js";
import { Tabs } from "./tabs.js";
import { resolve } from "./themes.js";
import { Transcript } from "./transcript.js";

/** What only the owner of the terminals does. */
const OWNERS = new Set(["add", "splitRow", "splitColumn", "upload", "closeFocused", "rename", "moveLeft", "moveRight"]);
const STATES = { conectando: "Conectando", conectado: "Conectado", reconectando: "Reconectando", terminado: "Terminado" };

export class Workspace {
  /** `guest`: of who visits, their owner's arrangement and whether they may type ({layout, types}); else null. */
  constructor(root, { sandbox, nodes, waits = false, preferences, guest = null }) {
    Object.assign(this, { root, sandbox, nodes, waits, preferences, guest });
    this.panes = new Map();
    this.layout = layouts.restore(guest ? guest.layout : preferences.layoutOf(sandbox), nodes);
    this.runner = new Runner();
    this.transcript = new Transcript(preferences);
    this.tabs = new Tabs({
      select: (id, focus) => this.change(layouts.select(this.layout, id), focus), rename: (id) => this.rename(id),
      move: (id, to) => this.change(layouts.moveTab(this.layout, id, to)), close: (id) => this.closeTab(id),
    });
    this.splits = new Splits({
      paneOf: (place) => this.paneOf(place), onResize: (id, at, by) => this.change(layouts.resize(this.layout, id, at, by)),
    });
    this.keybar = new KeyBar(() => this.focused);
    this.shown = element("span", { className: "term-state", dataset: { testid: "terminal-state" } });
    this.word = element("p", { className: "term-word", role: "status", hidden: true });
    this.build();
    this.quit = new AbortController();
    root.addEventListener("keydown", (event) => this.handleKey(event), { signal: this.quit.signal });
    this.forgetPreferences = preferences.onChange((values) => this.apply(values));
    this.apply(preferences.values);
    this.render();
    this.focused?.focus();
  }

  build() {
    const tool = (title, action) => {
      if (!this.may(action)) return "";
      const made = button("", () => this[action](), { title, "aria-label": title, className: "tool" });
      made.append(icon(action));
      return made;
    };
    const bar = element(
      "div", { className: "term-bar" }, this.tabs.strip, tool("Otra terminal (Alt+Mayús+T)", "add"), element("span", { className: "gap" }),
      this.shown, tool("Dividir al lado (Alt+Mayús+D)", "splitRow"), tool("Dividir debajo (Alt+Mayús+S)", "splitColumn"),
      tool("Subir ficheros (Alt+Mayús+U), o suéltalos encima", "upload"), tool("Buscar (Ctrl+Mayús+F)", "find"), tool("Transcripción (Alt+Mayús+X)", "toggleTranscript"),
      tool("Opciones (Alt+Mayús+O)", "options"), tool("Atajos (Alt+Mayús+H)", "help"),
      tool("Pantalla completa (Alt+Mayús+Z)", "maximise"), tool("Cerrar esta terminal (Alt+Mayús+W)", "closeFocused"),
    );
    const body = element("div", { className: "term-body" }, this.splits.body, this.transcript.panel);
    this.root.replaceChildren(bar, this.word, body, this.keybar.bar, this.transcript.voice);
  }

  /** A visitor looks at terminals as their owner has arranged them. */
  may(action) {
    return !this.guest || !OWNERS.has(action);
  }

  /** The owner has arranged their terminals otherwise. */
  follow(layout) {
    const wanted = layouts.restore(layout, this.nodes);
    const kept = new Set(layouts.panesOf(wanted).map(layouts.keyOf));
    for (const [key, pane] of this.panes) {
      if (kept.has(key)) continue;
      this.panes.delete(key);
      pane.dispose();
    }
    this.change(wanted);
  }

  /** Whether the visitor may type, from now on. */
  allow(types) {
    if (types && !this.guest.types) this.focused?.focus();
    this.guest.types = types;
  }

  get focused() {
    const place = layouts.focusedPane(this.layout);
    return place && this.panes.get(layouts.keyOf(place));
  }

  paneOf(place) {
    const key = layouts.keyOf(place);
    if (!this.panes.has(key)) {
      const label = this.nodes.length > 1 || place.shell !== "principal" ? `${place.node}, ${place.shell}` : place.node;
      this.panes.set(key, new Pane({ ...place, sandbox: this.sandbox, waits: this.waits, label, preferences: this.preferences, owner: this, guest: this.guest }));
    }
    return this.panes.get(key);
  }

  change(layout, focus = false) {
    const same = layout === this.layout;
    this.layout = layout;
    this.render();
    if (focus) this.focused?.focus();
    if (!same && !this.guest) this.preferences.keepLayout(this.sandbox, layout);
  }

  render() {
    this.splits.render(this.layout);
    this.renderTabs();
  }

  renderTabs() {
    const worst = ["conectado", "conectando", "reconectando", "terminado"];
    const stateOf = (tab) => tab.panes.map((place) => this.panes.get(layouts.keyOf(place))?.state ?? "conectado")
      .reduce((one, other) => (worst.indexOf(other) > worst.indexOf(one) ? other : one), "conectado");
    this.tabs.render(this.layout, this.nodes, stateOf);
    const state = this.focused?.state ?? "";
    this.shown.textContent = STATES[state] ?? "";
    this.shown.dataset.state = state;
  }

  apply(values) {
    this.root.dataset.theme = resolve(values.theme);
    for (const pane of this.panes.values()) pane.screen?.apply(values);
  }

  say(text) {
    clearTimeout(this.hush);
    this.word.textContent = text;
    this.word.hidden = !text;
    if (text) this.hush = setTimeout(() => this.say(""), 8000);
  }

  // What the panes tell.
  onFocus(pane) {
    if (this.focused !== pane) this.change(layouts.focus(this.layout, layouts.keyOf(pane)));
  }

  onState(pane) {
    if (pane.state === "terminado") this.runner.stop(pane);
    this.renderTabs();
  }

  onCommand(pane, command, old) {
    const where = layouts.panesOf(this.layout).length > 1 ? `${pane.node}, ${pane.shell}` : "";
    this.transcript.add(command, { where, old });
  }

  onPrompt(pane) {
    this.runner.atPrompt(pane);
  }

  /** xterm asks before it takes a key: false if it is ours. */
  onKey(event, pane) {
    if (event.type !== "keydown") return true;
    const action = actionOf(event);
    if (action) return this.take(event, action);
    const { term } = pane.screen;
    const meant = clipboardActionOf(event, term.hasSelection());
    if (meant === "copy") {
      pane.clipboard.copy().then(() => event.shiftKey || term.clearSelection());
      event.preventDefault();
      return false;
    }
    if (meant === "paste") return false; // the browser pastes, and clipboard.js hears it
    this.runner.stop(pane);
    if (event.ctrlKey && event.code === "KeyP") event.preventDefault(); // the print dialog
    return true;
  }

  handleKey(event) {
    if (event.target.matches?.(".xterm-helper-textarea") || event.target.closest?.("dialog")) return;
    const action = actionOf(event);
    if (action) this.take(event, action);
  }

  take(event, action) {
    event.preventDefault();
    event.stopPropagation();
    if (this.may(action)) this[action]();
    return false;
  }

  // What can be done, by key or by button.
  add() {
    this.grow(layouts.addTab(this.layout, this.focused?.node ?? this.nodes[0]));
  }

  splitRow() {
    this.grow(layouts.split(this.layout, "fila", this.focused.node));
  }

  splitColumn() {
    this.grow(layouts.split(this.layout, "columna", this.focused.node));
  }

  grow(layout) {
    if (layout === this.layout) {
      this.say(`No cabe otra: hasta ${layouts.PANES_MAX} paneles por pestaña y ${layouts.SHELLS_MAX} terminales por máquina.`);
      return;
    }
    this.change(layout, true);
  }

  closeFocused() {
    const pane = this.focused;
    if (pane) this.closePanes([pane]);
  }

  closeTab(id) {
    if (this.guest) return;
    const tab = this.layout.tabs.find((one) => one.id === id);
    this.closePanes(tab.panes.map((place) => this.paneOf(place)));
  }

  /** The last terminal is not closed: another shell begins in its place. */
  closePanes(panes) {
    let layout = this.layout;
    for (const pane of panes) {
      const key = layouts.keyOf(pane);
      layout = layouts.closePane(layout, key);
      this.runner.stop(pane);
      this.panes.delete(key);
      pane.end();
    }
    this.change(layout.tabs.length ? layout : layouts.addTab(layout, this.nodes[0]), true);
  }

  previousTab() {
    this.change(layouts.step(this.layout, -1), true);
  }

  nextTab() {
    this.change(layouts.step(this.layout, 1), true);
  }

  previousPane() {
    this.change(layouts.stepPane(this.layout, -1), true);
  }

  nextPane() {
    this.change(layouts.stepPane(this.layout, 1), true);
  }

  moveLeft() {
    this.moveBy(-1);
  }

  moveRight() {
    this.moveBy(1);
  }

  moveBy(by) {
    const at = this.layout.tabs.findIndex(({ id }) => id === this.layout.active);
    this.change(layouts.moveTab(this.layout, this.layout.active, at + by), true);
  }

  async rename(id = this.layout.active) {
    if (this.guest) return;
    const tab = this.layout.tabs.find((one) => one.id === id);
    const title = await askTitle(layouts.titleOf(tab, this.nodes));
    if (title !== null) this.change(layouts.rename(this.layout, id, title));
    this.focused?.focus();
  }

  upload() {
    const pane = this.focused;
    const chooser = element("input", { type: "file", multiple: true });
    chooser.addEventListener("change", () => pane?.files?.upload([...chooser.files]));
    chooser.click();
  }

  find() {
    this.focused?.finder.open();
  }

  toggleTranscript() {
    if (this.transcript.toggle()) this.transcript.panel.focus();
    else this.focused?.focus();
  }

  async options() {
    await showOptions(this.preferences);
    this.focused?.focus();
  }

  async help() {
    await showShortcuts();
    this.focused?.focus();
  }

  bigger() {
    this.preferences.size(1);
  }

  smaller() {
    this.preferences.size(-1);
  }

  usualFont() {
    this.preferences.size(0);
  }

  maximise() {
    this.root.classList.toggle("maximised");
    this.focused?.focus();
  }

  leave() {
    this.tabs.focus();
  }

  /** Runs commands of the text in the focused terminal, or in one of `node`. Returns why not, or "". */
  run(commands, node) {
    if (this.guest && !this.guest.types) return "Solo estás mirando: para escribir, pídelo arriba.";
    if (node && this.focused?.node !== node) {
      const place = layouts.panesOf(this.layout).find((one) => one.node === node);
      if (!place) return `No hay ninguna terminal de «${node}».`;
      this.change(layouts.focus(this.layout, layouts.keyOf(place)));
    }
    const why = this.runner.run(this.focused, commands);
    if (!why) this.focused.focus();
    return why;
  }

  dispose() {
    this.quit.abort();
    this.forgetPreferences();
    clearTimeout(this.hush);
    for (const pane of this.panes.values()) pane.dispose();
    this.root.classList.remove("maximised");
    this.root.replaceChildren();
  }
}
