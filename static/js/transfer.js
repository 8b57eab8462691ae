// Files between the student's computer and a machine, for the terminals and for the tree. The server says where they may
// go and how large they may be; what is already there is replaced only if asked (`exists`).
import { token } from "./terminal/preferences.js";

export class Transfer {
  constructor(sandbox, node) {
    this.url = `/laboratorio/${sandbox}/${node}/fichero/`;
  }

  /** Where a file, or a folder's archive, comes from. */
  address = (path) => `${this.url}?${new URLSearchParams({ ruta: path })}`;

  /** "" if it is there now; else why not, in words. `exists(name)` is asked whether to replace what has that name. */
  async send(file, folder, exists = async () => false) {
    const most = Number(document.getElementById("paneles").dataset.transferMax);
    if (file.size > most << 20) return `«${file.name}» es demasiado grande: ${most} MiB como mucho.`;
    const said = await this.#post(file, folder, false);
    if (said.status !== 409) return said.error;
    return (await exists(file.name)) ? (await this.#post(file, folder, true)).error : said.error;
  }

  async #post(file, folder, over) {
    const query = new URLSearchParams({ carpeta: folder, nombre: file.name, ...(over && { encima: "1" }) });
    try {
      const answer = await fetch(`${this.url}?${query}`, {
        method: "POST", body: file, headers: { "X-CSRFToken": token(), "Content-Type": "application/octet-stream" },
      });
      return { status: answer.status, error: answer.ok ? "" : (await answer.json()).error };
    } catch {
      return { status: 0, error: `«${file.name}» no llegó: se cortó la conexión, o es una carpeta (empaquétala antes).` };
    }
  }
}
