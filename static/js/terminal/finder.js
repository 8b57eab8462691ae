// The bar that searches a terminal's scrollback.
import { button, element } from "./elements.js";

const COLOURS = {
  matchBackground: "#705300", activeMatchBackground: "#c98a00", matchOverviewRuler: "#f2c66d", activeMatchColorOverviewRuler: "#ffdb93",
};

export class Finder {
  constructor(screen) {
    this.screen = screen;
    this.field = element("input", { type: "search", placeholder: "Buscar", "aria-label": "Buscar en la terminal", spellcheck: false });
    this.count = element("span", { className: "count", role: "status" });
    this.bar = element(
      "div", { className: "finder", role: "search", hidden: true }, this.field, this.count,
      button("↑", () => this.find(-1), { "aria-label": "Anterior" }), button("↓", () => this.find(1), { "aria-label": "Siguiente" }),
      button("✕", () => this.close(), { "aria-label": "Cerrar la búsqueda" }),
    );
    this.field.addEventListener("input", () => this.find(-1, true));
    this.bar.addEventListener("keydown", (event) => this.handleKey(event));
    screen.finder.onDidChangeResults(({ resultIndex, resultCount }) => {
      this.count.textContent = !this.field.value ? "" : resultCount ? `${resultIndex + 1} de ${resultCount}` : "Nada";
    });
  }

  open() {
    this.bar.hidden = false;
    const selected = this.screen.term.getSelection();
    if (selected && !selected.includes("\n")) this.field.value = selected;
    this.field.select();
    this.field.focus();
    if (this.field.value) this.find(-1);
  }

  find(direction, incremental = false) {
    const options = { decorations: COLOURS, incremental };
    if (!this.field.value) this.screen.finder.clearDecorations();
    else if (direction < 0) this.screen.finder.findPrevious(this.field.value, options);
    else this.screen.finder.findNext(this.field.value, options);
  }

  handleKey(event) {
    if (event.key === "Enter") this.find(event.shiftKey ? 1 : -1);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
  }

  close() {
    this.bar.hidden = true;
    this.screen.finder.clearDecorations();
    this.screen.focus();
  }
}
