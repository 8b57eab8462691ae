// The accessible transcript beside the terminals: each command and what it said, as text to walk through; short
// outputs are also spoken. A screen reader gets nothing usable from a terminal's grid (xterm.js#3247).
import { button, element } from "./elements.js";
import { copyText } from "./clipboard.js";

const KEPT = 200;
const SHORT_LINES = 8, SHORT_TEXT = 600;

export class Transcript {
  constructor(preferences) {
    this.preferences = preferences;
    this.voice = element("div", { className: "visually-hidden", role: "status", "aria-live": "polite", dataset: { testid: "voice" } });
    this.list = element("ol", { "aria-label": "Órdenes y lo que contestaron" });
    this.none = element("p", { className: "none" }, "Aquí aparecerá, como texto, cada orden que ejecutes y lo que conteste.");
    this.panel = element(
      "section", { className: "transcript", tabIndex: 0, "aria-label": "Transcripción", dataset: { testid: "transcript" }, hidden: !preferences.get("transcript") },
      element("h2", {}, "Transcripción"), this.none, this.list,
    );
  }

  toggle() {
    this.panel.hidden = !this.panel.hidden;
    this.preferences.set({ transcript: !this.panel.hidden });
    if (!this.panel.hidden) this.list.lastElementChild?.scrollIntoView({ block: "nearest" });
    return !this.panel.hidden;
  }

  /** `where`: the terminal's title, if there are several. `old`: of a replay, so not spoken. */
  add({ text, output, lines, status }, { where, old }) {
    this.none.hidden = true;
    const failed = status !== 0;
    const heading = element("h3", {}, element("code", {}, text));
    if (where) heading.append(element("span", { className: "where" }, ` en ${where}`));
    const item = element("li", { dataset: { status } }, heading);
    const shown = output.split("\n").length;
    if (lines > shown) item.append(element("p", {}, `(Son ${lines} líneas; estas son las últimas ${shown}.)`));
    item.append(output ? element("pre", { tabIndex: -1 }, output) : element("p", {}, "(No dijo nada.)"));
    if (failed) item.append(element("p", { className: "failed" }, `Terminó con el código ${status}.`));
    item.append(button("Copiar", () => copyText(`$ ${text}\n${output}`), { className: "quiet small", "aria-label": `Copiar «${text}» y su salida` }));
    const atEnd = this.panel.scrollTop + this.panel.clientHeight >= this.panel.scrollHeight - 40;
    this.list.append(item);
    while (this.list.childElementCount > KEPT) this.list.firstElementChild.remove();
    if (atEnd && !this.panel.hidden) this.panel.scrollTop = this.panel.scrollHeight;
    if (!old) this.say(output, lines, failed ? `Código ${status}. ` : "");
  }

  say(output, lines, prefix) {
    if (!this.preferences.get("announce")) return;
    const short = lines <= SHORT_LINES && output.length <= SHORT_TEXT;
    const words = !output ? "Sin salida." : short ? output : `${lines} líneas de salida; están en la transcripción, Alt+Mayús+X.`;
    this.voice.textContent = "";
    requestAnimationFrame(() => (this.voice.textContent = prefix + words));
  }
}
