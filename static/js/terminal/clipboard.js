// Copying and pasting the ways people try it. Knows xterm and the browser's clipboard, and no connection.
import { ask, element } from "./elements.js";

const MANY_LINES = /\n[^\n]*\S/; // something after the first line's end
const PREVIEW_MAX = 20000;

/** True if it went to the clipboard; over plain HTTP there is no clipboard API, but there is the old command. */
export async function copyText(text) {
  if (!text) return false;
  try {
    if (navigator.clipboard && isSecureContext) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // refused: by the old way, then
  }
  const before = document.activeElement;
  const area = element("textarea", { value: text, className: "visually-hidden", "aria-hidden": "true" });
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus?.();
  return done;
}

export class Clipboard {
  /** `notify(text)` tells the student something. `visits`: what a program asks is its owner's affair. */
  constructor(term, host, preferences, notify, { visits = false } = {}) {
    Object.assign(this, { term, host, preferences, notify, visits });
    host.addEventListener("paste", (event) => this.pasted(event), { capture: true });
    host.addEventListener("mouseup", (event) => event.button === 0 && this.selected());
    host.addEventListener("contextmenu", (event) => this.rightClicked(event), { capture: true });
    term.parser.registerOscHandler(52, (data) => this.asked(data));
  }

  async copy() {
    const text = this.term.getSelection();
    if (!text) return;
    if (!(await copyText(text))) this.notify("El navegador no ha dejado copiar. Prueba con el menú del botón derecho.");
  }

  selected() {
    if (this.preferences.get("selectCopies") && this.term.hasSelection()) this.copy();
  }

  pasted(event) {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    event.preventDefault();
    event.stopPropagation();
    this.paste(text);
  }

  /** Ctrl+Mayús+V where the browser does not turn it into a paste, and the right button. */
  async pasteFromClipboard() {
    try {
      this.paste(await navigator.clipboard.readText());
    } catch {
      this.notify("El navegador no deja leer el portapapeles desde aquí: pega con Ctrl+V.");
    }
  }

  async paste(text) {
    // An escape would end the bracketed paste, and what follows it would run.
    const clean = text.replaceAll("\x1b", "");
    if (!clean) return;
    if (!MANY_LINES.test(clean) || !this.preferences.get("pastePreview")) {
      this.term.paste(clean);
      return;
    }
    const area = element("textarea", { value: clean.slice(0, PREVIEW_MAX), rows: 10, spellcheck: false, "aria-label": "Lo que se va a pegar" });
    const lines = clean.trimEnd().split("\n").length;
    const body = element("div", {}, element("p", {}, `Son ${lines} líneas. Léelas antes: puedes corregirlas aquí.`), area);
    if (clean.length > PREVIEW_MAX) {
      area.readOnly = true;
      body.append(element("p", {}, `Se muestra solo el principio de ${clean.length} caracteres.`));
    }
    const chosen = await ask("¿Pegar varias líneas?", body, [["Pegar", "pegar"], ["Cancelar", ""]]);
    if (chosen) this.term.paste(clean.length > PREVIEW_MAX ? clean : area.value);
    this.term.focus();
  }

  rightClicked(event) {
    if (!this.preferences.get("rightClickPastes") || event.shiftKey) return; // the browser's menu copies and pastes too
    event.preventDefault();
    event.stopPropagation();
    if (this.term.hasSelection()) this.copy().then(() => this.term.clearSelection());
    else this.pasteFromClipboard();
  }

  /** OSC 52: a program wants the clipboard. It may never read it, and write it only where the student allows it. */
  asked(data) {
    const [, coded] = data.split(";");
    if (!coded || coded === "?" || this.visits) return true;
    if (!this.preferences.get("programsCopy")) {
      this.notify("Un programa ha querido copiar en tu portapapeles. Si te fías, permítelo en Opciones.");
      return true;
    }
    try {
      copyText(new TextDecoder().decode(Uint8Array.from(atob(coded), (letter) => letter.charCodeAt(0))));
    } catch {
      // not base64: not for us
    }
    return true;
  }
}
