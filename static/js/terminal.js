// One terminal on one shell: docs/terminal-protocol.md. Reconnects by itself; the shell waits in the sandbox.
import { Terminal } from "@xterm/xterm";
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import { WebLinksAddon } from "@xterm/addon-web-links";

const ACK_EVERY = 32 * 1024;
const INPUT_MAX = 60 * 1024;
const FINAL = {
  1000: null, // the frame before it has said why
  4400: "la terminal y el servidor no se entienden; recarga la página",
  4401: "has salido de tu cuenta",
  4403: "este laboratorio no es tuyo o la página no es de aquí",
  4404: "ese laboratorio ya no existe",
  4410: "el laboratorio ha terminado",
  4429: "tienes demasiadas terminales abiertas",
};
const encoder = new TextEncoder();
const [DATA, REPLAY, LIVE, EXIT, TAKEN, REFUSED] = [..."DRLETF"].map((letter) => letter.charCodeAt(0));

const THEME = {
  background: "#0d1421", foreground: "#d7e0ee", cursor: "#58c7f3", selectionBackground: "#2c4a6e",
  black: "#1b2638", red: "#ff7b86", green: "#7fd88f", yellow: "#f2c66d", blue: "#6cb6ff", magenta: "#d5a0ff",
  cyan: "#5fd7d7", white: "#d7e0ee", brightBlack: "#75859c", brightRed: "#ff9ca5", brightGreen: "#a2e8af",
  brightYellow: "#ffdb93", brightBlue: "#9bcdff", brightMagenta: "#e4c3ff", brightCyan: "#93ecec", brightWhite: "#ffffff",
};

// xterm makes <style> elements of its own; under a strict style-src they need the page's nonce.
function withNonce(work) {
  const nonce = document.querySelector("script[nonce]")?.nonce;
  const create = document.createElement;
  document.createElement = function (name, ...rest) {
    const element = create.call(document, name, ...rest);
    if (name.toLowerCase() === "style" && nonce) element.nonce = nonce;
    return element;
  };
  try {
    work();
  } finally {
    document.createElement = create;
  }
}

export class LabTerminal {
  constructor(screen, path, node) {
    this.screen = screen;
    this.node = node;
    this.url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
    this.delay = 250;
    this.received = 0;
    this.acknowledged = 0;
    this.status = document.createElement("p");
    this.status.className = "connection";
    this.status.setAttribute("role", "status");
    const host = document.createElement("div");
    host.className = "host";
    screen.append(this.status, host);
    this.term = new Terminal({
      allowProposedApi: true, cursorBlink: true, fontSize: 14, lineHeight: 1.15, scrollback: 10000, theme: THEME,
      fontFamily: '"JetBrains Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace',
      minimumContrastRatio: 4.5, macOptionIsMeta: true,
    });
    this.fit = new FitAddon();
    for (const addon of [this.fit, new SearchAddon(), new UnicodeGraphemesAddon(), new WebLinksAddon()]) this.term.loadAddon(addon);
    withNonce(() => this.term.open(host));
    this.term.textarea?.setAttribute("aria-label", `Terminal de ${node}. Para salir de ella, pulsa Ctrl+Mayús+F6`);
    this.term.attachCustomKeyEventHandler((event) => this.handleKey(event));
    this.term.onData((text) => this.type(encoder.encode(text)));
    this.term.onBinary((text) => this.type(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
    this.term.onResize(({ cols, rows }) => this.sendSize("S", cols, rows));
    this.observer = new ResizeObserver(() => this.refit());
    this.observer.observe(host);
    this.refit();
    this.connect();
  }

  show() {
    this.refit();
    this.term.focus();
  }

  paste(text) {
    this.term.paste(text);
    this.term.focus();
  }

  close() {
    this.closed = true;
    clearTimeout(this.retry);
    this.observer.disconnect();
    this.socket?.close();
    this.term.dispose();
  }

  refit() {
    if (this.screen.offsetParent) withNonce(() => this.fit.fit());
  }

  connect() {
    this.say("conectando", "Conectando…");
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.replaying = true; // answers to what is replayed are never sent
    this.fresh = true;
    this.received = this.acknowledged = 0;
    socket.onopen = () => this.sendSize("O", this.term.cols, this.term.rows);
    socket.onmessage = ({ data }) => this.receive(new Uint8Array(data));
    socket.onclose = ({ code }) => this.lost(socket, code);
  }

  lost(socket, code) {
    if (this.closed || socket !== this.socket) return;
    if (code in FINAL) {
      if (FINAL[code]) this.say("terminado", `Terminado: ${FINAL[code]}.`);
      return;
    }
    this.say("reconectando", "Se cortó la conexión. Reconectando…");
    this.retry = setTimeout(() => this.connect(), this.delay);
    this.delay = Math.min(this.delay * 2, 8000);
  }

  receive(message) {
    const payload = message.subarray(1);
    const count = () => this.acknowledge(message.length);
    if (this.fresh && (message[0] === REPLAY || message[0] === LIVE)) {
      this.fresh = false;
      this.term.reset();
    }
    if (message[0] === DATA || message[0] === REPLAY) {
      this.term.write(payload, count);
      return;
    }
    count();
    if (message[0] === LIVE) {
      this.term.write("", () => {
        this.replaying = false;
        this.delay = 250;
        this.say("conectado", "");
      });
    } else if (message[0] === EXIT) {
      this.say("terminado", "La terminal se cerró. ", "Abrir otra");
    } else if (message[0] === TAKEN) {
      this.say("terminado", "Esta terminal se abrió en otra pestaña. ", "Traerla aquí");
    } else if (message[0] === REFUSED) {
      this.say("terminado", "El laboratorio no admite más terminales.");
    }
  }

  acknowledge(count) {
    this.received = (this.received + count) % 2 ** 32;
    if ((this.received - this.acknowledged + 2 ** 32) % 2 ** 32 < ACK_EVERY) return;
    this.acknowledged = this.received;
    const message = new DataView(new ArrayBuffer(5));
    message.setUint8(0, "A".charCodeAt(0));
    message.setUint32(1, this.received);
    this.send(message.buffer);
  }

  type(bytes) {
    if (this.replaying) return;
    for (let at = 0; at < bytes.length; at += INPUT_MAX) {
      const piece = bytes.subarray(at, at + INPUT_MAX);
      const message = new Uint8Array(1 + piece.length);
      message[0] = "I".charCodeAt(0);
      message.set(piece, 1);
      this.send(message);
    }
  }

  sendSize(kind, columns, rows) {
    const message = new DataView(new ArrayBuffer(5));
    message.setUint8(0, kind.charCodeAt(0));
    message.setUint16(1, columns);
    message.setUint16(3, rows);
    this.send(message.buffer);
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(message);
  }

  handleKey(event) {
    if (event.type !== "keydown") return true;
    const meant = event.ctrlKey || event.metaKey;
    if (meant && event.shiftKey && event.code === "F6") {
      this.term.blur();
      document.querySelector("[data-testid=check]")?.focus();
      return false;
    }
    if (meant && event.code === "KeyC" && (event.shiftKey || this.term.hasSelection())) {
      navigator.clipboard?.writeText(this.term.getSelection());
      this.term.clearSelection();
      event.preventDefault();
      return false;
    }
    if (meant && event.code === "KeyV") return false; // the browser pastes, and xterm hears it
    if (event.ctrlKey && event.code === "KeyP") event.preventDefault(); // the print dialog
    return true;
  }

  say(state, text, offer) {
    this.screen.dataset.connection = state;
    this.status.textContent = text;
    this.status.hidden = !text;
    if (!offer) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = offer;
    button.addEventListener("click", () => {
      this.connect();
      this.term.focus();
    });
    this.status.append(button);
  }
}
