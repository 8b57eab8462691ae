// The strip of tabs: shows them, and tells what was asked of one (select, rename, move, close). Holds no state.
import { element } from "./elements.js";
import { titleOf } from "./layout.js";

export class Tabs {
  /** `actions`: select(id), rename(id), move(id, place), close(id). */
  constructor(actions) {
    this.actions = actions;
    this.strip = element("div", { className: "tabs", role: "tablist", "aria-label": "Terminales" });
    this.strip.addEventListener("keydown", (event) => this.handleKey(event));
    this.strip.addEventListener("dragover", (event) => this.dragged && event.preventDefault());
    this.strip.addEventListener("drop", (event) => this.dropped(event));
  }

  render(layout, nodes, states) {
    const hadFocus = this.strip.contains(document.activeElement);
    this.layout = layout;
    this.strip.replaceChildren(...layout.tabs.map((tab) => this.tab(tab, tab.id === layout.active, nodes, states)));
    if (hadFocus) this.focus();
  }

  tab(tab, chosen, nodes, states) {
    const title = titleOf(tab, nodes);
    const made = element(
      "button", {
        type: "button", role: "tab", id: `terminal-tab-${tab.id}`, "aria-selected": chosen, "aria-controls": `terminal-panel-${tab.id}`,
        tabIndex: chosen ? 0 : -1, draggable: true, dataset: { tab: tab.id, state: states(tab) }, title: `${title}. F2 cambia el nombre`,
      }, title,
    );
    made.addEventListener("click", () => this.actions.select(tab.id, true));
    made.addEventListener("dblclick", () => this.actions.rename(tab.id));
    made.addEventListener("auxclick", (event) => event.button === 1 && this.actions.close(tab.id));
    made.addEventListener("dragstart", (event) => {
      this.dragged = tab.id;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", title);
    });
    made.addEventListener("dragend", () => (this.dragged = null));
    return made;
  }

  dropped(event) {
    if (!this.dragged) return;
    event.preventDefault();
    const others = [...this.strip.children].filter(({ dataset }) => Number(dataset.tab) !== this.dragged);
    const place = others.findIndex((other) => {
      const box = other.getBoundingClientRect();
      return event.clientX < box.left + box.width / 2;
    });
    this.actions.move(this.dragged, place < 0 ? others.length : place);
  }

  handleKey(event) {
    const { tabs, active } = this.layout;
    const at = tabs.findIndex(({ id }) => id === active);
    if (event.altKey || event.metaKey || event.shiftKey) return;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to !== undefined && event.ctrlKey) this.actions.move(active, to);
    else if (to !== undefined) this.actions.select(tabs[(to + tabs.length) % tabs.length].id, false);
    else if (event.key === "F2") this.actions.rename(active);
    else if (event.key === "Delete") this.actions.close(active);
    else return;
    event.preventDefault();
  }

  focus() {
    this.strip.querySelector("[aria-selected=true]")?.focus();
  }
}
