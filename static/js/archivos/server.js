// The files of the sandbox, asked of the server: each call gives what it says, or throws an Error with its reason.
import { Transfer } from "../transfer.js";

const HOME = "/home/alumno";

export class FileError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export class Files {
  constructor(sandbox, node) {
    this.base = `/laboratorio/${sandbox}/${node}/archivos/`;
    this.transfer = new Transfer(sandbox, node);
  }

  async #ask(where, options = {}) {
    let answer;
    try {
      answer = await fetch(this.base + where, options);
    } catch {
      throw new FileError("No hay conexión con el servidor.", 0);
    }
    const said = (answer.headers.get("Content-Type") || "").includes("json") ? await answer.json() : {};
    if (!answer.ok) throw new FileError(said.error || "Ahora no se puede: ¿sigue el laboratorio en marcha?", answer.status);
    return said;
  }

  #post(where, body) {
    const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
    return this.#ask(where, { method: "POST", body, headers: { "X-CSRFToken": token, "Content-Type": "application/json" } });
  }

  list = () => this.#ask("");
  read = (path) => this.#ask(`texto/?ruta=${encodeURIComponent(path)}`);
  save = (path, text, version) => this.#post("cambio/", JSON.stringify({ accion: "guardar", ruta: path, texto: text, version }));
  folder = (path) => this.#post("cambio/", JSON.stringify({ accion: "carpeta", ruta: path }));
  rename = (path, to) => this.#post("cambio/", JSON.stringify({ accion: "renombrar", ruta: path, a: to }));
  remove = (path) => this.#post("cambio/", JSON.stringify({ accion: "borrar", ruta: path }));
  upload = (file, folder, exists) => this.transfer.send(file, folder ? `${HOME}/${folder}` : HOME, exists);
  review = (path, text) => this.#post("revisar/", JSON.stringify({ ruta: path, texto: text }));
  address = ({ path }) => this.transfer.address(`${HOME}/${path}`);
  changes = () => new EventSource(`${this.base}cambios/`);
}
