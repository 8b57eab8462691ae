// The bar of keys that a touch keyboard lacks. Ctrl and Alt stay pressed for one key.
import { button, element } from "./elements.js";

const KEYS = [
  ["Esc", "\x1b"], ["Tab", "\t"], ["Ctrl", null], ["Alt", null], ["←", "D"], ["↑", "A"], ["↓", "B"], ["→", "C"],
  ["|", "|"], ["/", "/"], ["~", "~"], ["-", "-"], ["*", "*"], ["$", "$"], ["&", "&"], [">", ">"],
];
const NAMES = { "←": "Izquierda", "↑": "Arriba", "↓": "Abajo", "→": "Derecha" };

export class KeyBar {
  /** `pane()`: the terminal that gets the keys. */
  constructor(pane) {
    this.pane = pane;
    this.held = {};
    this.bar = element("div", { className: "keybar", role: "toolbar", "aria-label": "Teclas" });
    for (const [text, code] of KEYS) {
      const key = button(text, () => this.press(text, code, key), { "aria-label": NAMES[text] ?? text });
      // The focus (and the keyboard on the screen) stays in the terminal.
      key.addEventListener("pointerdown", (event) => event.preventDefault());
      this.bar.append(key);
      if (code === null) this.held[text] = key;
    }
    this.release();
  }

  press(text, code, key) {
    if (code === null) {
      key.setAttribute("aria-pressed", key.getAttribute("aria-pressed") !== "true");
      return;
    }
    const { term } = this.pane().screen;
    const arrow = NAMES[text] && (term.modes.applicationCursorKeysMode ? `\x1bO${code}` : `\x1b[${code}`);
    term.input(arrow ?? code);
    this.pane().focus();
  }

  release() {
    for (const key of Object.values(this.held)) key.setAttribute("aria-pressed", "false");
  }

  /** What is typed, with the keys that are held; they are released. */
  apply(bytes) {
    const pressed = (name) => this.held[name].getAttribute("aria-pressed") === "true";
    const control = pressed("Ctrl"), meta = pressed("Alt");
    if ((!control && !meta) || bytes.length !== 1) return bytes;
    this.release();
    const code = control && bytes[0] >= 64 ? bytes[0] & 31 : bytes[0];
    return meta ? Uint8Array.of(27, code) : Uint8Array.of(code);
  }
}
