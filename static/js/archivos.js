// The files of the sandbox: a tree, an editor, and a file that is never lost between the two who write it.
import { Editor } from "./archivos/editor.js";
import { ask } from "./archivos/dialog.js";
import { Files } from "./archivos/server.js";
import { Tree } from "./archivos/tree.js";

export function open(panel) {
  const view = new Workspace(panel);
  for (const event of ["htmx:after:swap", "htmx:after:settle"]) document.addEventListener(event, () => view.follow());
  document.addEventListener("laboratorio:shown", ({ detail }) => view.seen(detail.tab === "archivos"));
  document.addEventListener("visibilitychange", () => view.listen());
  addEventListener("beforeunload", (event) => view.unsaved && event.preventDefault());
  view.follow();
}

const element = (name, className, text = "") => Object.assign(document.createElement(name), { className, textContent: text });

function button(text, title, action) {
  const made = Object.assign(element("button", "quiet small", text), { type: "button", title });
  made.addEventListener("click", action);
  return made;
}

class Workspace {
  #files = null;
  #key = "";
  #stream = null;
  #visible = true;
  #file = null; // { path, digest, saved (text), modified }
  #busy = Promise.resolve(); // saves go one after another

  constructor(panel) {
    this.panel = panel;
    panel.classList.add("archivos");
    this.side = element("div", "archivos-side");
    this.tools = element("div", "archivos-tools");
    this.tools.setAttribute("role", "toolbar");
    this.tools.setAttribute("aria-label", "Ficheros");
    this.picker = Object.assign(element("input", ""), { type: "file", multiple: true, hidden: true });
    this.picker.addEventListener("change", () => this.#upload([...this.picker.files]));
    this.nodes = element("select", "archivos-nodes");
    this.nodes.setAttribute("aria-label", "Máquina");
    this.nodes.addEventListener("change", () => this.follow());
    this.tools.append(
      this.nodes,
      button("Nuevo", "Fichero nuevo en la carpeta elegida", () => this.#create("fichero")),
      button("Carpeta", "Carpeta nueva", () => this.#create("carpeta")),
      button("Subir", "Trae ficheros de tu ordenador; también puedes soltarlos aquí", () => this.picker.click()),
      this.picker,
    );
    const list = element("ul", "archivos-tree");
    list.setAttribute("aria-label", "Ficheros de tu carpeta");
    this.tree = new Tree(list, {
      choose: (entry) => this.#choose(entry), rename: (entry) => this.#rename(entry), remove: (entry) => this.#remove(entry),
    });
    this.actions = element("div", "archivos-actions");
    this.side.append(this.tools, list, this.actions);
    this.main = element("div", "archivos-main");
    this.head = element("div", "archivos-head");
    this.name = element("strong", "archivos-name");
    this.state = element("span", "archivos-state");
    this.state.setAttribute("role", "status");
    this.saver = button("Guardar", "Guarda el fichero (Ctrl+S)", () => this.save());
    this.head.append(this.name, this.state, this.saver);
    this.notice = element("div", "notice warning");
    this.notice.setAttribute("role", "alert");
    this.sheet = element("div", "archivos-sheet");
    this.found = element("ul", "archivos-found");
    this.found.setAttribute("aria-label", "Avisos");
    this.empty = element("div", "empty");
    this.main.append(this.head, this.notice, this.sheet, this.found, this.empty);
    panel.append(this.side, this.main);
    this.editor = new Editor(this.sheet, {
      change: () => this.#mark(), save: () => this.save(), leave: () => this.save(),
      review: (path, text) => this.#files.review(path, text).then(({ findings }) => findings, () => []),
      found: (findings) => this.#tell(findings),
    });
    this.#drops();
    this.#close();
  }

  get unsaved() {
    return Boolean(this.#file) && this.editor.text !== this.#file.saved;
  }

  seen(visible) {
    this.#visible = visible;
    this.listen();
  }

  // The sandbox whose files these are; without one there is nothing.
  follow() {
    const { sandbox = "", nodes = "" } = document.querySelector("[data-testid=lab-state]")?.dataset || {};
    const names = nodes.split(" ").filter(Boolean);
    if ([...this.nodes.options].map(({ value }) => value).join(" ") !== names.join(" ")) {
      this.nodes.replaceChildren(...names.map((name) => new Option(name, name)));
      this.nodes.hidden = names.length < 2;
    }
    const key = sandbox ? `${sandbox}/${this.nodes.value}` : "";
    if (key === this.#key) return;
    this.#key = key;
    this.#files = sandbox ? new Files(sandbox, this.nodes.value) : null;
    this.tree.show([]);
    this.#close();
    this.panel.toggleAttribute("data-empty", !sandbox);
    this.listen();
    if (sandbox) this.#refresh();
  }

  // While somebody looks, the machine says when something has changed.
  listen() {
    const wanted = this.#files && this.#visible && !document.hidden ? this.#key : "";
    if (wanted === (this.#stream?.key || "")) return;
    this.#stream?.close();
    this.#stream = wanted ? this.#files.changes() : null;
    if (!this.#stream) return;
    this.#stream.key = wanted;
    this.#stream.onmessage = () => this.#refresh();
  }

  async #refresh() {
    const files = this.#files;
    try {
      const { files: entries, cut } = await files.list();
      if (files !== this.#files) return;
      this.tree.show(entries);
      this.panel.toggleAttribute("data-cut", cut);
      await this.#compare(entries);
    } catch (error) {
      if (files === this.#files) this.#warn(error.message);
    }
  }

  // Has somebody else written the open file?
  async #compare(entries) {
    const file = this.#file;
    if (!file) return;
    const now = entries.find(({ path }) => path === file.path);
    if (now && now.modified === file.modified) return;
    if (!now) return this.unsaved || file.gone ? this.#gone() : this.#close();
    const read = await this.#files.read(file.path).catch(() => null);
    if (!read || file !== this.#file) return;
    file.modified = now.modified;
    if (read.digest === file.digest) return;
    if (this.unsaved) return this.#conflict();
    Object.assign(file, { digest: read.digest, saved: read.text });
    this.editor.replace(read.text);
    this.#mark("Actualizado: cambió en la terminal");
  }

  async #choose(entry) {
    this.#offer(entry);
    if (entry.kind !== "file" || entry.path === this.#file?.path) return;
    if (!(await this.save())) return;
    await this.#open(entry);
  }

  async #open({ path, modified = null }) {
    try {
      const { text, digest } = await this.#files.read(path);
      this.#file = { path, digest, saved: text, modified };
      this.#warn("");
      this.#tell([]);
      this.editor.open(path, text);
      this.#file.saved = this.editor.text; // as the editor gives it back
      this.#show(true);
      this.name.textContent = path;
      this.#mark("");
      this.editor.focus();
    } catch (error) {
      this.#warn(error.message);
    }
  }

  #show(open) {
    this.head.hidden = this.sheet.hidden = !open;
    this.empty.hidden = open;
    if (!open) {
      this.found.hidden = true;
      this.empty.replaceChildren(element("p", "", this.#files ? "Elige un fichero, o crea uno. Es tu carpeta de la terminal: lo que cambie en un sitio cambia en el otro." : "Cuando inicies el laboratorio, aquí estarán tus ficheros."));
    }
  }

  #close() {
    this.#file = null;
    this.#warn("");
    this.#show(false);
  }

  /** True if what there was is safe: saved, or nothing to save. */
  save() {
    this.#busy = this.#busy.then(() => this.#save());
    return this.#busy;
  }

  async #save(version) {
    const file = this.#file;
    if (!file || (!this.unsaved && !version)) return true;
    const text = this.editor.text;
    this.#mark("Guardando…");
    try {
      const { digest } = await this.#files.save(file.path, text, version || file.digest);
      Object.assign(file, { digest, saved: text, modified: null, gone: false });
      this.#warn("");
      this.#mark(this.unsaved ? undefined : "Guardado");
      return true;
    } catch (error) {
      if (error.status === 409) this.#conflict();
      else if (error.status === 404) this.#gone();
      else this.#warn(error.message);
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

  #warn(text, ...choices) {
    this.notice.hidden = !text;
    this.notice.replaceChildren(...(text ? [element("p", "", text), ...choices] : []));
  }

  #conflict() {
    const file = this.#file;
    this.#warn(
      "Este fichero ha cambiado en la terminal desde que lo abriste. Aquí tienes lo tuyo sin guardar.",
      button("Quedarme con lo de la terminal", "Se pierde lo que has escrito aquí", () => this.#open(file)),
      button("Guardar lo mío encima", "Se pierde lo que se escribió en la terminal", () => this.#save("any")),
    );
  }

  #gone() {
    this.#file.gone = true;
    this.#warn(
      "Este fichero se ha borrado en la terminal.",
      button("Guardarlo otra vez", "Lo vuelve a crear con lo que hay aquí", () => this.#save("new")),
      button("Cerrarlo", "Se pierde lo que hay aquí", () => this.#close()),
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

  #offer(entry) {
    const get = Object.assign(element("a", "button quiet small", entry.kind === "folder" ? "Descargar (.tar.gz)" : "Descargar"), { href: this.#files.address(entry), download: "" });
    this.actions.replaceChildren(
      button("Renombrar", "Cambia el nombre o la carpeta (F2)", () => this.#rename(entry)),
      button("Borrar", "Borra esto (Supr)", () => this.#remove(entry)),
      ...(entry.kind === "other" ? [] : [get]),
    );
  }

  async #do(work, then) {
    try {
      await work();
      this.#warn("");
      await this.#refresh();
      await then?.();
    } catch (error) {
      this.#warn(error.message);
    }
  }

  async #create(what) {
    if (!this.#files) return;
    const path = await ask({ title: what === "fichero" ? "Fichero nuevo" : "Carpeta nueva", label: "Nombre", value: this.tree.folder + (what === "fichero" ? "Dockerfile" : ""), accept: "Crear" });
    if (!path) return;
    if (what === "carpeta") return this.#do(() => this.#files.folder(path), () => this.tree.choose(path));
    if (!(await this.save())) return;
    this.#do(() => this.#files.save(path, "", "new"), () => {
      this.tree.choose(path);
      this.#offer({ path, kind: "file" });
      return this.#open({ path });
    });
  }

  async #rename(entry) {
    const to = await ask({ title: `Renombrar «${entry.path}»`, label: "Nombre nuevo, con su carpeta", value: entry.path, accept: "Renombrar" });
    if (!to || to === entry.path || !(await this.save())) return;
    const inside = this.#file && (this.#file.path === entry.path || this.#file.path.startsWith(`${entry.path}/`));
    this.#do(async () => {
      await this.#files.rename(entry.path, to);
      if (inside) this.#file.path = this.name.textContent = this.editor.path = to + this.#file.path.slice(entry.path.length);
    }, () => {
      this.tree.choose(to);
      this.#offer({ ...entry, path: to });
    });
  }

  async #remove(entry) {
    const sure = await ask({ title: `¿Borrar «${entry.path}»?`, text: entry.kind === "folder" ? "Se borra también todo lo que hay dentro. No se puede deshacer." : "No se puede deshacer.", accept: "Borrar" });
    if (!sure) return;
    this.#do(async () => {
      await this.#files.remove(entry.path);
      if (this.#file && (this.#file.path === entry.path || this.#file.path.startsWith(`${entry.path}/`))) this.#close();
      this.actions.replaceChildren();
    });
  }

  async #upload(chosen) {
    this.picker.value = "";
    const folder = this.tree.folder.replace(/\/$/, "");
    const over = (name) => ask({ title: `Ya hay algo que se llama «${name}»`, text: "¿Lo cambias por el que subes?", accept: "Cambiarlo" });
    let failed = "";
    for (const file of chosen) failed ||= await this.#files.upload(file, folder, over);
    await this.#refresh();
    this.#warn(failed);
  }

  #drops() {
    this.side.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.side.classList.add("dropping");
    });
    for (const name of ["dragleave", "drop"]) this.side.addEventListener(name, () => this.side.classList.remove("dropping"));
    this.side.addEventListener("drop", (event) => {
      event.preventDefault();
      if (this.#files) this.#upload([...event.dataTransfer.files]);
    });
  }
}
