// The files of the sandbox: whose they are, the tree beside the open file (archivos/sheet.js), and what is done to them.
import { ask } from "./archivos/dialog.js";
import { button, element } from "./archivos/elements.js";
import { Files } from "./archivos/server.js";
import { Sheet } from "./archivos/sheet.js";
import { Tree } from "./archivos/tree.js";

export function open(panel) {
  const view = new Workspace(panel);
  for (const event of ["htmx:after:swap", "htmx:after:settle"]) document.addEventListener(event, () => view.follow());
  document.addEventListener("laboratorio:shown", ({ detail }) => view.seen(detail.tab === "archivos"));
  document.addEventListener("visibilitychange", () => view.listen());
  addEventListener("beforeunload", (event) => view.sheet.unsaved && event.preventDefault());
  view.follow();
}

class Workspace {
  #files = null;
  #key = "";
  #stream = null;
  #visible = true;

  constructor(panel) {
    this.panel = panel;
    panel.classList.add("archivos");
    this.side = element("div", "archivos-side");
    const list = element("ul", "archivos-tree");
    list.setAttribute("aria-label", "Ficheros de tu carpeta");
    this.tree = new Tree(list, {
      choose: (entry) => this.#choose(entry), rename: (entry) => this.#rename(entry), remove: (entry) => this.#remove(entry),
    });
    this.actions = element("div", "archivos-actions");
    this.side.append(this.#tools(), list, this.actions);
    this.sheet = new Sheet();
    panel.append(this.side, this.sheet.panel);
    this.#drops();
  }

  #tools() {
    const tools = element("div", "archivos-tools");
    tools.setAttribute("role", "toolbar");
    tools.setAttribute("aria-label", "Ficheros");
    this.picker = Object.assign(element("input", ""), { type: "file", multiple: true, hidden: true });
    this.picker.addEventListener("change", () => this.#upload([...this.picker.files]));
    this.nodes = element("select", "archivos-nodes");
    this.nodes.setAttribute("aria-label", "Máquina");
    this.nodes.addEventListener("change", () => this.follow());
    tools.append(
      this.nodes,
      button("Nuevo", "Fichero nuevo en la carpeta elegida", () => this.#create("fichero")),
      button("Carpeta", "Carpeta nueva", () => this.#create("carpeta")),
      button("Subir", "Trae ficheros de tu ordenador; también puedes soltarlos aquí", () => this.picker.click()),
      this.picker,
    );
    return tools;
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
    this.actions.replaceChildren();
    this.sheet.use(this.#files);
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
      await this.sheet.compare(entries);
    } catch (error) {
      if (files === this.#files) this.sheet.warn(error.message);
    }
  }

  async #choose(entry) {
    this.#offer(entry);
    if (entry.kind !== "file" || entry.path === this.sheet.path) return;
    if (await this.sheet.save()) await this.sheet.open(entry);
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
      this.sheet.warn("");
      await this.#refresh();
      await then?.();
    } catch (error) {
      this.sheet.warn(error.message);
    }
  }

  async #create(what) {
    if (!this.#files) return;
    const path = await ask({ title: what === "fichero" ? "Fichero nuevo" : "Carpeta nueva", label: "Nombre", value: this.tree.folder + (what === "fichero" ? "Dockerfile" : ""), accept: "Crear" });
    if (!path) return;
    if (what === "carpeta") return this.#do(() => this.#files.folder(path), () => this.tree.choose(path));
    if (!(await this.sheet.save())) return;
    this.#do(() => this.#files.save(path, "", "new"), () => {
      this.tree.choose(path);
      this.#offer({ path, kind: "file" });
      return this.sheet.open({ path });
    });
  }

  async #rename(entry) {
    const to = await ask({ title: `Renombrar «${entry.path}»`, label: "Nombre nuevo, con su carpeta", value: entry.path, accept: "Renombrar" });
    if (!to || to === entry.path || !(await this.sheet.save())) return;
    const inside = this.sheet.isIn(entry.path);
    this.#do(async () => {
      await this.#files.rename(entry.path, to);
      if (inside) this.sheet.moved(entry.path, to);
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
      if (this.sheet.isIn(entry.path)) this.sheet.close();
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
    this.sheet.warn(failed);
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
