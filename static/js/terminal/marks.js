// What the shell tells by marks (OSC 133, OSC 7; sandboxes/images/sandbox/lab.sh): whether it is at its prompt, in
// which folder, and which command said what. Reads xterm's buffer; writes nothing.

const LINES_MAX = 300;

export class Marks {
  /** `onCommand({text, output, lines, status})` after each command, `onPrompt()` when the shell waits for one. */
  constructor(term, { onCommand, onPrompt }) {
    this.term = term;
    this.onCommand = onCommand;
    this.onPrompt = onPrompt;
    this.folder = "";
    this.forget();
    term.parser.registerOscHandler(133, (data) => this.mark(data));
    term.parser.registerOscHandler(7, (data) => this.note(data));
  }

  forget() {
    this.state = "desconocido";
    this.running = "";
    this.input = this.output = null;
  }

  note(data) {
    const found = /^file:\/\/[^/]*(\/.*)$/.exec(data);
    try {
      if (found) this.folder = decodeURIComponent(found[1]);
    } catch {
      this.folder = ""; // a name that is no UTF-8
    }
    return true;
  }

  mark(data) {
    const [kind, status] = data.split(";");
    if (this.term.buffer.active.type === "alternate") return true;
    if (kind === "B") this.prompt();
    else if (kind === "C") this.start();
    else if (kind === "D") this.finish(Number(status) || 0);
    return true;
  }

  here() {
    return { marker: this.term.registerMarker(0), column: this.term.buffer.active.cursorX };
  }

  prompt() {
    this.input?.marker?.dispose();
    this.input = this.here();
    this.state = "prompt";
    this.onPrompt();
  }

  start() {
    if (this.state === "prompt" && this.input?.marker?.line >= 0) {
      this.running = this.text(this.input.marker.line, this.cursorLine(), this.input.column).text.trim();
    }
    this.state = "ocupada";
    this.output?.marker?.dispose();
    this.output = this.here();
  }

  finish(status) {
    if (this.state !== "ocupada") return;
    const { marker } = this.output;
    const buffer = this.term.buffer.active;
    const end = this.cursorLine() + (buffer.cursorX > 0 ? 1 : 0);
    const begin = marker?.line >= 0 ? marker.line : Math.max(0, end - LINES_MAX);
    const { text, lines } = this.text(begin, end, 0);
    this.state = "desconocido";
    if (this.running) this.onCommand({ text: this.running, output: text.replace(/\n+$/, ""), lines, status });
    this.running = "";
  }

  cursorLine() {
    const buffer = this.term.buffer.active;
    return buffer.baseY + buffer.cursorY;
  }

  /** Lines of the screen as text, those that were only wrapped joined again; the last LINES_MAX of them. */
  text(from, to, column) {
    const buffer = this.term.buffer.active;
    const lines = [];
    for (let at = Math.max(from, to - 5 * LINES_MAX); at < to; at++) {
      const line = buffer.getLine(at);
      if (!line) continue;
      const goesOn = at + 1 < to && buffer.getLine(at + 1)?.isWrapped;
      const piece = line.translateToString(!goesOn, at === from ? column : 0);
      if (line.isWrapped && lines.length) lines[lines.length - 1] += piece;
      else lines.push(piece);
    }
    const skipped = Math.max(0, Math.max(from, to - 5 * LINES_MAX) - from);
    return { text: lines.slice(-LINES_MAX).join("\n"), lines: lines.length + skipped };
  }

  /** What stands on the command line, typed and not yet run. */
  typed() {
    if (this.state !== "prompt" || !(this.input?.marker?.line >= 0)) return "";
    return this.text(this.input.marker.line, this.cursorLine() + 1, this.input.column).text.trim();
  }
}
