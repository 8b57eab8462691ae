// What can be asked of the terminals by key (shortcuts.js) or by a button of their toolbar, which is made here. Each action is
// a method of its name; what it changes is the workspace's.
import { button, element } from "./elements.js";
import { icon } from "./icons.js";
import * as layouts from "./layout.js";
import { askTitle, showOptions, showShortcuts } from "./options.js";

/** What only the owner of the terminals does. */
const OWNERS = new Set(["add", "splitRow", "splitColumn", "upload", "closeFocused", "rename", "moveLeft", "moveRight"]);
const TOOLS = [
  ["splitRow", "Dividir al lado (Alt+Mayús+D)"], ["splitColumn", "Dividir debajo (Alt+Mayús+S)"],
  ["upload", "Subir ficheros (Alt+Mayús+U), o suéltalos encima"], ["find", "Buscar (Ctrl+Mayús+F)"],
  ["toggleTranscript", "Transcripción (Alt+Mayús+X)"], ["options", "Opciones (Alt+Mayús+O)"], ["help", "Atajos (Alt+Mayús+H)"],
  ["maximise", "Pantalla completa (Alt+Mayús+Z)"], ["closeFocused", "Cerrar esta terminal (Alt+Mayús+W)"],
];

export class Actions {
  constructor(workspace) {
    this.on = workspace;
  }

  /** A visitor looks at terminals as their owner has arranged them. */
  may(action) {
    return !this.on.guest || !OWNERS.has(action);
  }

  /** The bar above the terminals: their tabs, how the focused one does, and the buttons. */
  toolbar(tabs, state) {
    const tool = (action, title) => {
      if (!this.may(action)) return "";
      const made = button("", () => this[action](), { title, "aria-label": title, className: "tool" });
      made.append(icon(action));
      return made;
    };
    const gap = element("span", { className: "gap" });
    return element("div", { className: "term-bar" }, tabs, tool("add", "Otra terminal (Alt+Mayús+T)"), gap, state, ...TOOLS.map((each) => tool(...each)));
  }

  /** A key that is ours: nobody else gets it. */
  take(event, action) {
    event.preventDefault();
    event.stopPropagation();
    if (this.may(action)) this[action]();
    return false;
  }

  add() {
    this.#grow(layouts.addTab(this.on.layout, this.on.focused?.node ?? this.on.nodes[0]));
  }

  splitRow() {
    this.#grow(layouts.split(this.on.layout, "fila", this.on.focused.node));
  }

  splitColumn() {
    this.#grow(layouts.split(this.on.layout, "columna", this.on.focused.node));
  }

  #grow(layout) {
    if (layout !== this.on.layout) this.on.change(layout, true);
    else this.on.say(`No cabe otra: hasta ${layouts.PANES_MAX} paneles por pestaña y ${layouts.SHELLS_MAX} terminales por máquina.`);
  }

  closeFocused() {
    if (this.on.focused) this.on.closePanes([this.on.focused]);
  }

  closeTab(id) {
    if (this.on.guest) return;
    const tab = this.on.layout.tabs.find((one) => one.id === id);
    this.on.closePanes(tab.panes.map((place) => this.on.paneOf(place)));
  }

  previousTab() {
    this.on.change(layouts.step(this.on.layout, -1), true);
  }

  nextTab() {
    this.on.change(layouts.step(this.on.layout, 1), true);
  }

  previousPane() {
    this.on.change(layouts.stepPane(this.on.layout, -1), true);
  }

  nextPane() {
    this.on.change(layouts.stepPane(this.on.layout, 1), true);
  }

  moveLeft() {
    this.#moveBy(-1);
  }

  moveRight() {
    this.#moveBy(1);
  }

  #moveBy(by) {
    const { layout } = this.on;
    const at = layout.tabs.findIndex(({ id }) => id === layout.active);
    this.on.change(layouts.moveTab(layout, layout.active, at + by), true);
  }

  async rename(id = this.on.layout.active) {
    if (this.on.guest) return;
    const tab = this.on.layout.tabs.find((one) => one.id === id);
    const title = await askTitle(layouts.titleOf(tab, this.on.nodes));
    if (title !== null) this.on.change(layouts.rename(this.on.layout, id, title));
    this.on.focused?.focus();
  }

  upload() {
    const pane = this.on.focused;
    const chooser = element("input", { type: "file", multiple: true });
    chooser.addEventListener("change", () => pane?.files?.upload([...chooser.files]));
    chooser.click();
  }

  find() {
    this.on.focused?.finder.open();
  }

  toggleTranscript() {
    if (this.on.transcript.toggle()) this.on.transcript.panel.focus();
    else this.on.focused?.focus();
  }

  async options() {
    await showOptions(this.on.preferences);
    this.on.focused?.focus();
  }

  async help() {
    await showShortcuts();
    this.on.focused?.focus();
  }

  bigger() {
    this.on.preferences.size(1);
  }

  smaller() {
    this.on.preferences.size(-1);
  }

  usualFont() {
    this.on.preferences.size(0);
  }

  maximise() {
    this.on.root.classList.toggle("maximised");
    this.on.focused?.focus();
  }

  leave() {
    this.on.tabs.focus();
  }
}
