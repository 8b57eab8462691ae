// Files between the student's computer and their machine: dropped on a terminal, or offered by `lab descargar`.
import { button, element } from "./elements.js";

const size = (bytes) => (bytes < 10240 ? `${bytes} B` : bytes < 10 << 20 ? `${Math.round(bytes / 1024)} KiB` : `${Math.round(bytes / (1 << 20))} MiB`);

export class Files {
  /** `transfer`: to and from the machine; `folder()`: where the shell is; `notify(text, ...buttons)`. */
  constructor(pane, { transfer, folder, notify }) {
    Object.assign(this, { pane, transfer, folder, notify });
    for (const event of ["dragenter", "dragover"]) pane.addEventListener(event, (dragged) => this.over(dragged));
    pane.addEventListener("dragleave", (dragged) => !pane.contains(dragged.relatedTarget) && this.out());
    pane.addEventListener("drop", (dropped) => this.dropped(dropped));
  }

  over(event) {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    this.pane.classList.add("dropping");
  }

  out() {
    this.pane.classList.remove("dropping");
  }

  async dropped(event) {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    this.out();
    await this.upload([...event.dataTransfer.files]);
  }

  async upload(files) {
    const folder = this.folder() || "/home/alumno";
    const done = [];
    for (const file of files) {
      this.notify(`Subiendo «${file.name}» (${size(file.size)})…`);
      const failed = await this.transfer.send(file, folder, (name) => this.replace(name));
      if (failed) {
        this.notify(failed);
        return;
      }
      done.push(`«${file.name}»`);
    }
    this.notify(`${done.join(", ")} ${done.length === 1 ? "está" : "están"} en ${folder}.`);
  }

  /** Whether what has that name is to be replaced. */
  replace(name) {
    return new Promise((decide) => {
      const yes = button("Cambiarlo", () => decide(true), { className: "small" });
      this.notify(`Ya hay algo que se llama «${name}».`, yes, button("Dejarlo", () => decide(false), { className: "quiet small" }));
      yes.focus();
    });
  }

  /** A program in the terminal offers a file. It could be any program: the student decides. */
  offer(data) {
    const [verb, bytes, coded] = data.split(";");
    if (verb !== "descargar" || !coded) return;
    let path;
    try {
      path = new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(atob(coded), (letter) => letter.charCodeAt(0)));
    } catch {
      return;
    }
    const name = path.split("/").pop();
    const link = element("a", { className: "button small", href: this.transfer.address(path), download: name }, "Descargar");
    const no = button("No", () => this.notify(""), { className: "quiet small" });
    link.addEventListener("click", () => setTimeout(() => this.notify("")));
    this.notify(`La terminal te ofrece «${name}» (${size(Number(bytes) || 0)}).`, link, no);
    link.focus();
  }
}
