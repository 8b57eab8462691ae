// The tree of files: folders that open, one thing chosen, keys as trees have them.
const ICONS = { folder: "M2 4.5h4.5l1.5 2H14v7H2z", file: "M3.5 1.5h6l3 3v10h-9z M9.5 1.5v3h3", other: "M3.5 1.5h6l3 3v10h-9z" };

export class Tree {
  #open = new Set();
  #chosen = "";
  #rows = new Map(); // path → its <li>

  /** `on`: choose(entry), rename(entry), remove(entry). */
  constructor(list, on) {
    this.list = list;
    this.on = on;
    this.entries = [];
    list.setAttribute("role", "tree");
    list.addEventListener("click", ({ target }) => {
      const entry = this.#entry(target.closest("[role=treeitem]")?.dataset.path);
      if (entry) this.#activate(entry);
    });
    list.addEventListener("keydown", (event) => this.#key(event));
  }

  get chosen() {
    return this.#entry(this.#chosen);
  }

  /** The folder that new things go to: the chosen one, or that of the chosen file. */
  get folder() {
    const { chosen } = this;
    if (!chosen) return "";
    return chosen.kind === "folder" ? `${chosen.path}/` : chosen.path.slice(0, chosen.path.lastIndexOf("/") + 1);
  }

  show(entries) {
    this.entries = entries;
    this.draw();
  }

  choose(path) {
    this.#chosen = path;
    for (let at = path.indexOf("/"); at > 0; at = path.indexOf("/", at + 1)) this.#open.add(path.slice(0, at));
    this.draw();
  }

  draw() {
    const focused = this.list.contains(document.activeElement);
    const visible = this.entries.filter(({ path }) => this.#shown(path)).sort(inOrder(this.entries));
    const rows = new Map(visible.map((entry) => [entry.path, this.#row(entry)]));
    this.#rows = rows;
    this.list.replaceChildren(...rows.values());
    if (!visible.some(({ path }) => path === this.#chosen)) this.#chosen = "";
    const current = rows.get(this.#chosen) || this.list.firstElementChild;
    if (current) current.tabIndex = 0;
    if (focused) current?.focus();
  }

  #entry(path) {
    return this.entries.find((entry) => entry.path === path);
  }

  #shown(path) {
    for (let at = path.indexOf("/"); at > 0; at = path.indexOf("/", at + 1)) if (!this.#open.has(path.slice(0, at))) return false;
    return true;
  }

  #row(entry) {
    const kept = this.#rows.get(entry.path);
    const row = kept || document.createElement("li");
    const level = entry.path.split("/").length;
    if (!kept) {
      const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      icon.setAttribute("viewBox", "0 0 16 16");
      icon.setAttribute("aria-hidden", "true");
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", ICONS[entry.kind]);
      icon.append(path);
      row.append(icon, Object.assign(document.createElement("span"), { textContent: entry.path.split("/").at(-1) }));
      row.setAttribute("role", "treeitem");
      row.dataset.path = entry.path;
    }
    row.tabIndex = -1;
    row.className = `file ${entry.kind}`;
    row.style.setProperty("--level", level);
    row.setAttribute("aria-level", level);
    row.setAttribute("aria-selected", entry.path === this.#chosen);
    if (entry.kind === "folder") row.setAttribute("aria-expanded", this.#open.has(entry.path));
    return row;
  }

  #activate(entry) {
    this.#chosen = entry.path;
    if (entry.kind === "folder") this.#toggle(entry.path);
    this.draw();
    this.#rows.get(entry.path)?.focus();
    this.on.choose(entry);
  }

  #toggle(path, to = !this.#open.has(path)) {
    if (to) this.#open.add(path);
    else this.#open.delete(path);
  }

  #key(event) {
    const rows = [...this.list.children];
    const at = rows.indexOf(document.activeElement);
    const entry = this.#entry(document.activeElement?.dataset.path);
    if (!entry) return;
    const folder = entry.kind === "folder";
    const move = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (move !== undefined) this.#step(rows[move]);
    else if (event.key === "ArrowRight" && folder) this.#open.has(entry.path) ? this.#step(rows[at + 1]) : (this.#toggle(entry.path, true), this.draw());
    else if (event.key === "ArrowLeft" && folder && this.#open.has(entry.path)) (this.#toggle(entry.path, false), this.draw());
    else if (event.key === "ArrowLeft") this.#step(this.#rows.get(entry.path.slice(0, entry.path.lastIndexOf("/"))));
    else if (event.key === "Enter" || event.key === " ") this.#activate(entry);
    else if (event.key === "F2") this.on.rename(entry);
    else if (event.key === "Delete") this.on.remove(entry);
    else return;
    event.preventDefault();
  }

  #step(row) {
    if (!row) return;
    this.#chosen = row.dataset.path;
    this.draw();
    this.#rows.get(this.#chosen)?.focus();
  }
}

// Folders before files in each folder, by name as people order names.
function inOrder(entries) {
  const kinds = new Map(entries.map(({ path, kind }) => [path, kind]));
  const names = new Intl.Collator("es", { numeric: true });
  return (one, other) => {
    const [a, b] = [one.path.split("/"), other.path.split("/")];
    let at = 0;
    while (a[at] === b[at] && at < a.length && at < b.length) at++;
    if (at === a.length || at === b.length) return a.length - b.length;
    const folder = (parts) => parts.length > at + 1 || kinds.get(parts.slice(0, at + 1).join("/")) === "folder";
    if (folder(a) !== folder(b)) return folder(a) ? -1 : 1;
    return names.compare(a[at], b[at]);
  };
}
