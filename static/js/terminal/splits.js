// The panels under the tabs: one per tab, its panes side by side, and the borders between them, which can be moved.
import { element } from "./elements.js";
import { keyOf } from "./layout.js";

const STEP = 0.04;

export class Splits {
  /** `paneOf(place)`: the Pane of {node, shell}; `onResize(tab, at, by)`: a border moved by that fraction. */
  constructor({ paneOf, onResize }) {
    Object.assign(this, { paneOf, onResize });
    this.body = element("div", { className: "term-panels" });
    this.panels = new Map();
  }

  render(layout) {
    for (const [id, panel] of this.panels) {
      if (layout.tabs.some((tab) => tab.id === id)) continue;
      panel.remove();
      this.panels.delete(id);
    }
    for (const tab of layout.tabs) this.renderTab(tab, tab.id === layout.active);
  }

  renderTab(tab, chosen) {
    let panel = this.panels.get(tab.id);
    if (!panel) {
      panel = element("div", { className: "term-panel", role: "tabpanel", id: `terminal-panel-${tab.id}`, "aria-labelledby": `terminal-tab-${tab.id}` });
      this.panels.set(tab.id, panel);
      this.body.append(panel);
    }
    panel.dataset.direction = tab.direction;
    panel.hidden = !chosen;
    const wanted = [];
    tab.panes.forEach((place, at) => {
      const pane = this.paneOf(place);
      pane.element.style.flexGrow = place.size;
      pane.element.classList.toggle("focused", at === tab.focus && tab.panes.length > 1);
      if (at) wanted.push(this.border(panel, tab, at - 1));
      wanted.push(pane.element);
    });
    const now = [...panel.children];
    const same = now.length === wanted.length && now.every((child, at) => child === wanted[at] || child.matches(".border"));
    // Moving a terminal would take its focus: only when the panes themselves change.
    if (!same) panel.replaceChildren(...wanted);
    for (const place of tab.panes) if (chosen) this.paneOf(place).open();
    panel.querySelectorAll(".border").forEach((border, at) => this.describe(border, tab, at));
  }

  describe(border, tab, at) {
    const total = tab.panes.reduce((sum, { size }) => sum + size, 0);
    const before = tab.panes.slice(0, at + 1).reduce((sum, { size }) => sum + size, 0);
    border.setAttribute("aria-valuenow", Math.round((100 * before) / total));
    border.setAttribute("aria-orientation", tab.direction === "fila" ? "vertical" : "horizontal");
    border.dataset.between = tab.panes.slice(at, at + 2).map(keyOf).join(" ");
  }

  border(panel, { id }, at) {
    const border = element("div", { className: "border", role: "separator", tabIndex: 0, "aria-label": "Borde entre paneles", "aria-valuemin": 5, "aria-valuemax": 95 });
    const along = () => (panel.dataset.direction === "fila" ? "clientX" : "clientY");
    const length = () => (panel.dataset.direction === "fila" ? panel.clientWidth : panel.clientHeight);
    border.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      border.setPointerCapture(event.pointerId);
      let last = event[along()];
      const move = (moved) => {
        this.onResize(id, at, (moved[along()] - last) / length());
        last = moved[along()];
      };
      border.addEventListener("pointermove", move);
      border.addEventListener("lostpointercapture", () => border.removeEventListener("pointermove", move), { once: true });
    });
    border.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -STEP, ArrowUp: -STEP, ArrowRight: STEP, ArrowDown: STEP }[event.key];
      if (!by || event.altKey) return;
      event.preventDefault();
      this.onResize(id, at, by);
    });
    return border;
  }
}
