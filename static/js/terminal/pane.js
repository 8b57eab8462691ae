// One terminal on the page: a shell's connection, its screen, and what stands around it (state, search, notices).
import { Clipboard } from "./clipboard.js";
import { Connection } from "./connection.js";
import { button, element } from "./elements.js";
import { Files } from "./files.js";
import { Finder } from "./finder.js";
import { Marks } from "./marks.js";
import { Screen } from "./screen.js";
import { Transfer } from "../transfer.js";

const SAID = {
  conectando: "Conectando…", conectado: "", reconectando: "Se cortó la conexión. Reconectando… Lo que escribas se enviará al volver.",
};
const FORGET_AFTER = 12000;
/** For a shell that is ended without having been looked at. */
const UNSEEN = { size: () => ({ columns: 80, rows: 24 }), replay() {}, reset() {}, output: (_bytes, done) => done(), live: (done) => done(), changed() {} };

export class Pane {
  /** `owner`: the workspace (onKey, onState, onCommand, onPrompt, onFocus). `guest`: what a visitor may do ({types}), else null. */
  constructor({ sandbox, waits, node, shell, label, preferences, owner, guest = null }) {
    Object.assign(this, { node, shell, preferences, owner, guest });
    this.status = element("p", { className: "connection", role: "status" });
    this.notice = element("div", { className: "pane-notice", role: "status", hidden: true });
    const host = element("div", { className: "host" });
    this.element = element("div", { className: "screen", role: "group", "aria-label": label }, this.status, this.notice, host);
    this.place = { sandbox, waits, host, label };
    this.element.addEventListener("focusin", () => owner.onFocus(this));
  }

  /** Once its element is on the page: xterm measures there. */
  open() {
    if (this.screen) return;
    const { sandbox, waits, host, label } = this.place;
    this.screen = new Screen(host, {
      label: `Terminal ${label}. Para salir de ella, pulsa Ctrl+Mayús+F6`, preferences: this.preferences.values, visits: Boolean(this.guest),
      onInput: (bytes) => this.type(this.owner.keybar.apply(bytes)), onResize: (columns, rows) => this.connection?.resize(columns, rows),
      onKey: (event) => this.owner.onKey(event, this),
      onPort: (port) => this.openPort(port),
    });
    const { term } = this.screen;
    this.finder = new Finder(this.screen);
    this.element.prepend(this.finder.bar);
    this.clipboard = new Clipboard(term, host, this.preferences, (text) => this.tell(text), { visits: Boolean(this.guest) });
    this.marks = new Marks(term, {
      onCommand: (command) => this.owner.onCommand(this, command, this.screen.replaying), onPrompt: () => this.owner.onPrompt(this),
    });
    this.files = this.guest ? null : new Files(this.element, {
      transfer: new Transfer(sandbox, this.node), folder: () => this.marks.folder, notify: (...said) => this.tell(...said),
    });
    term.parser.registerOscHandler(5379, (data) => {
      if (!this.screen.replaying) this.files?.offer(data);
      return true;
    });
    this.connection = new Connection(this.url(), this, { waits, visits: this.guest });
  }

  openPort(port) {
    if (this.guest) this.tell("Sus puertos los abre quien tiene el laboratorio.");
    else window.open(`/laboratorio/${this.place.sandbox}/${this.node}/${port}/`, "_blank", "noopener");
  }

  url() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    return `${scheme}://${location.host}/ws/terminal/${this.place.sandbox}/${this.node}/${this.shell}/`;
  }

  type(bytes) {
    if (this.guest && !this.guest.types) return this.tell("Solo estás mirando: para escribir, pídelo arriba.");
    if (!this.connection.type(bytes) && this.state === "reconectando") this.tell("Es demasiado para guardarlo hasta que vuelva la conexión.");
  }

  // What the connection tells.
  size() {
    return { columns: this.screen.term.cols, rows: this.screen.term.rows };
  }

  sized(size) {
    this.screen.sized(size);
  }

  reset() {
    this.screen.reset();
    this.screen.write("", () => this.marks.forget());
  }

  replay() {
    this.screen.replay();
  }

  output(bytes, done) {
    this.screen.write(bytes, done);
  }

  live(done) {
    this.screen.live(done);
  }

  changed(state, reason, offer) {
    this.state = state;
    this.element.dataset.connection = state;
    const text = state === "terminado" ? `Terminado: ${reason}. ` : reason || SAID[state];
    this.status.replaceChildren(text);
    this.status.hidden = !text;
    if (offer) {
      this.status.append(button(offer, () => {
        this.connection.reopen();
        this.focus();
      }));
    }
    this.owner.onState(this);
  }

  /** A passing word about something that happened here; "" takes it away. Buttons stay until they are used. */
  tell(text, ...buttons) {
    clearTimeout(this.forget);
    this.notice.replaceChildren(text, ...buttons);
    this.notice.hidden = !text;
    if (text && !buttons.length) this.forget = setTimeout(() => this.tell(""), FORGET_AFTER);
  }

  focus() {
    this.screen?.refit();
    this.screen?.focus();
  }

  /** Takes it off the page; its shell goes on. */
  dispose() {
    clearTimeout(this.forget);
    this.connection?.close();
    this.screen?.dispose();
    this.element.remove();
  }

  /** Takes it off the page and ends its shell, as soon as the server can be told. */
  end() {
    this.connection ??= new Connection(this.url(), UNSEEN); // its shell may be there from an earlier page
    this.connection.end();
    setTimeout(() => this.dispose(), this.state === "conectado" ? 300 : 60000); // else it waits for the connection
    this.element.remove();
  }
}
