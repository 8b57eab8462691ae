// The open file: its editor, what is said of it, and that it is never lost between the two who write it, the page and the
// terminal. Knows nothing of the tree; `files` are those of the sandbox, or null.
import { Editor } from "./editor.js";
import { button, element } from "./elements.js";

export class Sheet {
  #files = null;
  #file = null; // { path, digest, saved (text), modified }
  #busy = Promise.resolve(); // saves go one after another

  constructor() {
    this.panel = element("div", "archivos-main");
    this.head = element("div", "archivos-head");
    this.name = element("strong", "archivos-name");
    this.state = element("span", "archivos-state");
    this.state.setAttribute("role", "status");
    this.saver = button("Guardar", "Guarda el fichero (Ctrl+S)", () => this.save());
    this.head.append(this.name, this.state, this.saver);
    this.notice = element("div", "notice warning");
    this.notice.setAttribute("role", "alert");
    this.room = element("div", "archivos-sheet");
    this.found = element("ul", "archivos-found");
    this.found.setAttribute("aria-label", "Avisos");
    this.empty = element("div", "empty");
    this.panel.append(this.head, this.notice, this.room, this.found, this.empty);
    this.editor = new Editor(this.room, {
      change: () => this.#mark(), save: () => this.save(), leave: () => this.save(),
      review: (path, text) => this.#files.review(path, text).then(({ findings }) => findings, () => []),
      found: (findings) => this.#tell(findings),
    });
    this.close();
  }

  get unsaved() {
    return Boolean(this.#file) && this.editor.text !== this.#file.saved;
  }

  get path() {
    return this.#file?.path;
  }

  /** Of another sandbox from now on: what was open is not of it. */
  use(files) {
    this.#files = files;
    this.close();
  }

  async open({ path, modified = null }) {
    try {
      const { text, digest } = await this.#files.read(path);
      this.#file = { path, digest, saved: text, modified };
      this.warn("");
      this.#tell([]);
      this.editor.open(path, text);
      this.#file.saved = this.editor.text; // as the editor gives it back
      this.#show(true);
      this.name.textContent = path;
      this.#mark("");
      this.editor.focus();
    } catch (error) {
      this.warn(error.message);
    }
  }

  close() {
    this.#file = null;
    this.warn("");
    this.#show(false);
  }

  /** True if what there was is safe: saved, or nothing to save. */
  save() {
    this.#busy = this.#busy.then(() => this.#save());
    return this.#busy;
  }

  /** Is the open file that path, or in that folder? */
  isIn(path) {
    return Boolean(this.#file) && (this.#file.path === path || this.#file.path.startsWith(`${path}/`));
  }

  /** The open file, or the folder it is in, is called otherwise now. */
  moved(from, to) {
    if (this.#file) this.#file.path = this.name.textContent = this.editor.path = to + this.#file.path.slice(from.length);
  }

  /** Has somebody else written the open file? */
  async compare(entries) {
    const file = this.#file;
    if (!file) return;
    const now = entries.find(({ path }) => path === file.path);
    if (now && now.modified === file.modified) return;
    if (!now) return this.unsaved || file.gone ? this.#gone() : this.close();
    const read = await this.#files.read(file.path).catch(() => null);
    if (!read || file !== this.#file) return;
    file.modified = now.modified;
    if (read.digest === file.digest) return;
    if (this.unsaved) return this.#conflict();
    Object.assign(file, { digest: read.digest, saved: read.text });
    this.editor.replace(read.text);
    this.#mark("Actualizado: cambió en la terminal");
  }

  warn(text, ...choices) {
    this.notice.hidden = !text;
    this.notice.replaceChildren(...(text ? [element("p", "", text), ...choices] : []));
  }

  #show(open) {
    this.head.hidden = this.room.hidden = !open;
    this.empty.hidden = open;
    if (open) return;
    this.found.hidden = true;
    this.empty.replaceChildren(element("p", "", this.#files ? "Elige un fichero, o crea uno. Es tu carpeta de la terminal: lo que cambie en un sitio cambia en el otro." : "Cuando inicies el laboratorio, aquí estarán tus ficheros."));
  }

  async #save(version) {
    const file = this.#file;
    if (!file || (!this.unsaved && !version)) return true;
    const text = this.editor.text;
    this.#mark("Guardando…");
    try {
      const { digest } = await this.#files.save(file.path, text, version || file.digest);
      Object.assign(file, { digest, saved: text, modified: null, gone: false });
      this.warn("");
      this.#mark(this.unsaved ? undefined : "Guardado");
      return true;
    } catch (error) {
      if (error.status === 409) this.#conflict();
      else if (error.status === 404) this.#gone();
      else this.warn(error.message);
      this.#mark();
      return false;
    }
  }

  #mark(said) {
    if (!this.#file) return;
    this.saver.disabled = !this.unsaved;
    const text = said ?? (this.unsaved ? "Sin guardar" : "Guardado");
    if (this.state.textContent !== text) this.state.textContent = text;
    this.state.classList.toggle("pending", this.unsaved);
  }

  #conflict() {
    const file = this.#file;
    this.warn(
      "Este fichero ha cambiado en la terminal desde que lo abriste. Aquí tienes lo tuyo sin guardar.",
      button("Quedarme con lo de la terminal", "Se pierde lo que has escrito aquí", () => this.open(file)),
      button("Guardar lo mío encima", "Se pierde lo que se escribió en la terminal", () => this.#save("any")),
    );
  }

  #gone() {
    this.#file.gone = true;
    this.warn(
      "Este fichero se ha borrado en la terminal.",
      button("Guardarlo otra vez", "Lo vuelve a crear con lo que hay aquí", () => this.#save("new")),
      button("Cerrarlo", "Se pierde lo que hay aquí", () => this.close()),
    );
  }

  #tell(findings) {
    this.found.hidden = !findings.length;
    this.found.replaceChildren(...findings.map(({ line, severity, message, source }) => {
      const item = element("li", severity);
      const link = button(`Línea ${line}`, "Ir a la línea", () => this.editor.goTo(line));
      item.append(link, element("span", "", message), ...(source ? [element("code", "", source)] : []));
      return item;
    }));
  }
}
