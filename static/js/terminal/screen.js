// One xterm on the page: its options, addons and colours, and what of it a strict policy needs. Knows no connection:
// what is typed goes to `onInput(bytes)`.
import { Terminal } from "@xterm/xterm";
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { linkPorts, localPort } from "./ports.js";
import { colours, ratio, resolve } from "./themes.js";

const encoder = new TextEncoder();
const FONT_LEAST = 6;
const LAST_SIZE = "laboratorio.terminal";
const MONO = '"JetBrains Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace';

/** Columns and rows of the last terminal that was seen: those of one that opens behind another tab, as on a phone. Its past
 *  is drawn in them, and the shell is told no size that is not to last. */
function lastSize() {
  try {
    return (localStorage.getItem(LAST_SIZE) || "").split(" ").map(Number).filter((number) => number > 1);
  } catch {
    return []; // a browser that keeps nothing
  }
}

function keepSize({ cols, rows }) {
  try {
    localStorage.setItem(LAST_SIZE, `${cols} ${rows}`);
  } catch {
    // As above.
  }
}

// xterm makes <style> elements of its own; under a strict style-src they need the page's nonce.
export function withNonce(work) {
  const nonce = document.querySelector("script[nonce]")?.nonce;
  const create = document.createElement;
  document.createElement = function (name, ...rest) {
    const element = create.call(document, name, ...rest);
    if (name.toLowerCase() === "style" && nonce) element.nonce = nonce;
    return element;
  };
  try {
    return work();
  } finally {
    document.createElement = create;
  }
}

export class Screen {
  /** `host`: an element that is on the page. `visits`: it is another's, and has their size. */
  constructor(host, { label, preferences, visits = false, onInput, onResize, onKey, onPort }) {
    this.host = host;
    this.visits = visits;
    this.font = preferences.font;
    this.onPort = onPort;
    this.replaying = false;
    const theme = resolve(preferences.theme);
    this.term = new Terminal({
      allowProposedApi: true, cursorBlink: true, fontSize: preferences.font, lineHeight: 1.15, scrollback: 10000, fontFamily: MONO,
      theme: colours(theme), minimumContrastRatio: ratio(theme), macOptionIsMeta: true, rightClickSelectsWord: false,
      linkHandler: { activate: (event, address) => this.follow(event, address) },
    });
    this.fit = new FitAddon();
    this.finder = new SearchAddon();
    const links = new WebLinksAddon((event, address) => this.follow(event, address));
    for (const addon of [this.fit, this.finder, new UnicodeGraphemesAddon(), links]) this.term.loadAddon(addon);
    linkPorts(this.term, onPort);
    this.ignoreOldQuestions();
    withNonce(() => this.term.open(host));
    this.term.textarea?.setAttribute("aria-label", label);
    this.term.attachCustomKeyEventHandler(onKey);
    this.term.onData((text) => onInput(encoder.encode(text)));
    this.term.onBinary((text) => onInput(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
    this.term.onResize(({ cols, rows }) => onResize(cols, rows));
    this.observer = new ResizeObserver(() => this.refit());
    this.observer.observe(host);
    const [columns, rows] = lastSize();
    if (rows && !visits && !host.offsetParent) withNonce(() => this.term.resize(columns, rows));
    this.refit();
  }

  /** What a program asked before we came must not be answered into today's shell; nor what it asks its owner, by who visits. */
  ignoreOldQuestions() {
    const old = () => this.replaying || this.visits;
    const { parser } = this.term;
    for (const id of [
      { final: "c" }, { prefix: ">", final: "c" }, { prefix: "=", final: "c" }, { final: "n" }, { prefix: "?", final: "n" },
      { prefix: ">", final: "q" }, { final: "t" }, { intermediates: "$", final: "p" }, { prefix: "?", intermediates: "$", final: "p" },
    ]) parser.registerCsiHandler(id, old);
    parser.registerDcsHandler({ intermediates: "$", final: "q" }, old);
    for (const number of [4, 10, 11, 12]) parser.registerOscHandler(number, (data) => old() && data.includes("?"));
  }

  follow(event, address) {
    event.preventDefault();
    const port = localPort(address);
    if (port) this.onPort(port);
    else if (/^https?:\/\//i.test(address)) window.open(address, "_blank", "noopener,noreferrer");
  }

  apply(preferences) {
    const theme = resolve(preferences.theme);
    withNonce(() => {
      this.term.options.theme = colours(theme);
      this.term.options.minimumContrastRatio = ratio(theme);
      this.term.options.fontSize = this.font = preferences.font;
    });
    this.refit();
  }

  write(bytes, done) {
    this.term.write(bytes, done);
  }

  /** From here on it is the past again (a replay) or, once all of it is drawn, the present. */
  replay() {
    this.term.write("", () => (this.replaying = true));
  }

  live(done) {
    this.term.write("", () => {
      this.replaying = false;
      done();
    });
  }

  reset() {
    // After what is still to be written.
    this.term.write("", () => this.term.reset());
  }

  refit() {
    if (!this.host.offsetParent || this.host.clientHeight <= 20) return;
    withNonce(() => (this.visits ? this.shrink() : this.fit.fit()));
    if (!this.visits) keepSize(this.term);
  }

  /** The owner's size, once what came before it is drawn. */
  sized({ columns, rows }) {
    this.term.write("", () => {
      withNonce(() => this.term.resize(columns, rows));
      this.refit();
    });
  }

  /** A letter no larger than one likes, and small enough for all of the owner's columns and rows. */
  shrink() {
    const now = this.fit.proposeDimensions();
    if (!now) return;
    const { cols, rows } = this.term;
    const room = Math.min(now.cols / cols, now.rows / rows) * this.term.options.fontSize;
    this.term.options.fontSize = Math.max(FONT_LEAST, Math.min(this.font, Math.floor(room)));
  }

  focus() {
    this.term.focus();
  }

  dispose() {
    this.observer.disconnect();
    this.term.dispose();
  }
}
