// Runs a lesson's commands in a terminal: only at an empty prompt, one after another, each once the one before is done.
// Anything else (a program that runs, a line half written) is said, never typed over.

const ENCODER = new TextEncoder();

/** The commands of a block, one a line but for those that go on after a `\\` or hold a here-document. */
export function commandsOf(text) {
  const whole = text.replace(/\r/g, "").trim();
  if (/<<-?\s*['"\w]/.test(whole)) return [whole];
  return whole.replace(/\\\n/g, "\\\u0000").split("\n").map((line) => line.replaceAll("\u0000", "\n").trim()).filter((line) => line && !line.startsWith("#"));
}

/** Why the pane can't take a command now; "" if it can. */
export function obstacle(pane) {
  if (!pane) return "Antes, inicia el laboratorio.";
  if (pane.state !== "conectado") return "La terminal no está conectada: espera a que vuelva.";
  if (pane.marks.state === "ocupada") {
    return `La terminal está ocupada con «${pane.marks.running || "otro programa"}». Espera a que acabe, o sal de ahí, y vuelve a pulsar.`;
  }
  if (pane.marks.state !== "prompt") return "La terminal no está en su prompt. Pulsa Intro en ella y vuelve a probar.";
  if (pane.marks.typed()) return "Hay algo a medio escribir en la terminal. Bórralo (Ctrl+U) o ejecútalo antes.";
  return "";
}

export class Runner {
  constructor() {
    this.waiting = null; // {pane, commands}
  }

  /** Runs the commands in the pane. Returns why not, or "". */
  run(pane, commands) {
    if (this.waiting) return "Aún se están ejecutando las órdenes de antes.";
    const reason = obstacle(pane);
    if (reason || !commands.length) return reason;
    this.send(pane, commands[0]);
    this.waiting = commands.length > 1 ? { pane, commands: commands.slice(1) } : null;
    return "";
  }

  /** A terminal is at its prompt again. */
  atPrompt(pane) {
    if (this.waiting?.pane !== pane) return;
    const [next, ...rest] = this.waiting.commands;
    this.waiting = rest.length ? { pane, commands: rest } : null;
    this.send(pane, next);
  }

  /** The student typed, or closed the terminal: what was still to come is theirs to decide. */
  stop(pane) {
    if (this.waiting?.pane === pane) this.waiting = null;
  }

  send(pane, command) {
    const bracketed = pane.screen.term.modes.bracketedPasteMode;
    pane.type(ENCODER.encode(bracketed ? `\x1b[200~${command}\x1b[201~\r` : `${command.replaceAll("\n", "\r")}\r`));
    pane.marks.state = "ocupada";
    pane.marks.running = command;
  }
}
