// One shell's connection: opens it, notices when it is dead, comes back, and goes on where it was. Knows no page:
// what it has to tell goes to `listener`: replay(), reset(), output(bytes, done), live(done), changed(state, reason, offer), size(); to who visits, sized(size).
import { Outbox } from "./outbox.js";
import * as protocol from "./protocol.js";

const ACK_EVERY = 32 * 1024;
const FIRST_DELAY = 250, LAST_DELAY = 8000;
const OPEN_WITHIN = 8000; // the socket itself
const ATTACH_WITHIN = 40000; // the shell: after a restart a whole class comes back at once
const WAIT_WITHIN = 75000; // the same, of a sandbox that is starting; the server says 4425 before
const QUIET = 20000; // without a word from the server, it is asked
const ANSWER_WITHIN = 6000, ANSWER_SOON = 2500;
const SLEPT = 6000; // a clock that jumps by so much was asleep
const SEND_BUFFER = 256 * 1024;

export class Connection {
  /** `waits`: the sandbox may not exist yet; the server holds the connection until it is ready. `visits`: of who visits another's,
   *  whether they may type ({types}). */
  constructor(url, listener, { waits = false, visits = null } = {}) {
    this.url = url;
    this.visits = visits;
    this.waits = waits;
    this.listener = listener;
    this.outbox = new Outbox();
    const random = crypto.getRandomValues(new Uint32Array(2));
    this.writer = (random[0] & 0x1fffff) * 2 ** 32 + random[1] || 1; // fits a double
    this.epoch = this.offset = 0;
    this.delay = FIRST_DELAY;
    this.wakers = new AbortController();
    const wake = () => this.wake();
    for (const [target, event] of [[window, "online"], [window, "pageshow"], [window, "offline"], [document, "visibilitychange"]]) {
      target.addEventListener(event, wake, { signal: this.wakers.signal });
    }
    this.seen = Date.now();
    this.ticker = setInterval(() => this.tick(), 2000);
    this.connect();
  }

  /** Keystrokes and pastes, now or when the connection is back. False if too much is waiting. */
  type(bytes) {
    if (this.state === "terminado" || this.state === "esperando") return false;
    const taken = this.outbox.push(bytes);
    this.pump();
    return taken;
  }

  resize(columns, rows) {
    const size = `${columns}×${rows}`;
    if (this.visits || !this.begun || size === this.told) return;
    this.told = size;
    this.send(protocol.size(columns, rows));
  }

  /** Ends the shell, as soon as it can be told, and with it the connection. */
  end() {
    this.ending = true;
    if (this.begun) this.send(protocol.end());
    else if (!this.socket && !this.retry) this.close();
  }

  close() {
    this.closed = true;
    this.wakers.abort();
    clearInterval(this.ticker);
    this.abandon();
  }

  /** Whether the server has this terminal, with a shell or without. */
  get attended() {
    return this.begun || this.state === "esperando";
  }

  /** Again, after an end: another shell of the same name, or the same one taken back. */
  reopen() {
    this.delay = FIRST_DELAY;
    this.connect();
  }

  connect() {
    this.abandon();
    this.tell(this.offset ? "reconectando" : "conectando");
    this.begun = false;
    this.received = this.acknowledged = 0;
    const socket = new WebSocket(this.waits ? `${this.url}?espera` : this.url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.heard = Date.now();
    this.deadline = this.heard + OPEN_WITHIN;
    socket.onopen = () => {
      if (socket === this.socket) this.deadline = Date.now() + (this.waits ? WAIT_WITHIN : ATTACH_WITHIN);
      const { columns, rows } = this.listener.size();
      this.told = `${columns}×${rows}`;
      this.send(protocol.open({ columns, rows, writer: this.writer, epoch: this.epoch, offset: this.offset }));
    };
    socket.onmessage = ({ data }) => socket === this.socket && this.receive(new Uint8Array(data));
    socket.onclose = ({ code }) => socket === this.socket && this.lost(code);
  }

  /** Lets go of the socket without waiting for its close, which a dead network would take minutes to give. */
  abandon() {
    clearTimeout(this.retry);
    this.retry = null;
    const socket = this.socket;
    this.socket = null;
    this.begun = false;
    this.deadline = null;
    socket?.close();
  }

  lost(code) {
    this.abandon();
    if (this.closed || this.state === "terminado") return;
    if (code in protocol.FINAL) {
      this.tell("terminado", protocol.FINAL[code], protocol.MAY_RETRY.has(code) ? "Reintentar" : null);
      return;
    }
    this.tell("reconectando");
    this.retry = setTimeout(() => this.connect(), this.delay * (0.75 + Math.random() / 2));
    this.delay = Math.min(this.delay * 2, LAST_DELAY);
  }

  receive(message) {
    const kind = message[0], payload = message.subarray(1);
    this.heard = Date.now();
    if (this.attended) this.deadline = null;
    if (kind === protocol.DATA || kind === protocol.REPLAY) {
      this.offset += payload.length;
      this.listener.output(payload, () => this.acknowledge(message.length));
      return;
    }
    this.acknowledge(message.length);
    if (kind === protocol.BEGIN) this.begin(protocol.begin(payload));
    else if (kind === protocol.ACCEPTED) this.outbox.accept(protocol.accepted(payload));
    else if (kind === protocol.SIZED) this.sized(protocol.sized(payload));
    else if (kind === protocol.AWAITED && this.state !== "esperando") this.standBy("Esta terminal no está abierta todavía: aparecerá aquí en cuanto se abra.");
    else if (kind === protocol.EXIT && this.visits) this.standBy("La consola se cerró: si se abre otra, aparecerá aquí.", this.visits.types ? "Abrir otra" : null);
    else if (kind === protocol.LIVE) this.listener.live(() => this.delay = FIRST_DELAY);
    else if (kind === protocol.EXIT) this.over(`la consola se cerró con el código ${protocol.exitStatus(payload)}`, "Abrir otra");
    else if (kind === protocol.TAKEN) this.tell("terminado", "esta terminal se abrió en otra ventana", "Traerla aquí");
    else if (kind === protocol.REFUSED && this.visits) this.refused(new TextDecoder().decode(payload));
    else if (kind === protocol.REFUSED) this.over("esta máquina no admite más terminales; cierra alguna", "Reintentar");
    this.pump();
  }

  begin({ epoch, offset, accepted, goesOn }) {
    this.deadline = null;
    const another = this.epoch && epoch !== this.epoch;
    this.listener.replay();
    if (!goesOn) this.listener.reset();
    const kept = another ? !this.outbox.forget(accepted) : this.outbox.resume(accepted);
    this.epoch = epoch;
    this.offset = offset;
    this.begun = true;
    this.waits = false;
    this.tell("conectado", kept ? "" : "Se perdió algo de lo que escribiste sin conexión: la consola es otra.");
    const { columns, rows } = this.listener.size();
    this.resize(columns, rows);
    if (this.ending) this.send(protocol.end());
  }

  /** To who visits: the owner's size, and first of all that the shell is there. Their input has no numbers: what waited is gone. */
  sized(size) {
    this.listener.sized(size);
    if (!this.begun) this.begin({ epoch: 0, offset: 0, accepted: this.outbox.end, goesOn: false });
  }

  /** To who visits: there is no shell; the server says so when there is. */
  standBy(why, offer = null) {
    this.deadline = null;
    this.begun = false;
    this.delay = FIRST_DELAY;
    this.tell("esperando", why, offer);
  }

  refused(why) {
    if (why === "too slow") this.lost(1006); // a flood: it comes back to the last of it
    else this.over("esta máquina no admite más terminales", "Reintentar");
  }

  over(reason, offer) {
    this.epoch = this.offset = 0;
    this.outbox.forget(0);
    this.tell("terminado", reason, offer);
    if (this.ending) this.close();
  }

  pump() {
    if (!this.begun || this.socket.bufferedAmount > SEND_BUFFER) return;
    for (let bytes; (bytes = this.outbox.next()); ) this.send(protocol.input(bytes));
    if (this.visits) this.outbox.accept(this.outbox.sent);
  }

  acknowledge(count) {
    this.received = (this.received + count) % 2 ** 32;
    if ((this.received - this.acknowledged + 2 ** 32) % 2 ** 32 < ACK_EVERY) return;
    this.acknowledged = this.received;
    this.send(protocol.acknowledge(this.received));
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(message);
  }

  /** Something happened to the network, the page or the clock: ask at once whether the server is there. */
  wake() {
    if (this.closed || this.state === "terminado") return;
    if (this.retry) {
      this.delay = FIRST_DELAY;
      this.connect();
    } else if (this.attended) {
      this.ask(ANSWER_SOON);
    }
  }

  ask(within) {
    this.send(protocol.ping());
    this.deadline = Date.now() + within;
    setTimeout(() => this.tick(), within + 50);
  }

  tick() {
    const now = Date.now();
    const slept = now - this.seen > SLEPT;
    this.seen = now;
    if (this.closed) return;
    if (slept) this.wake();
    else if (this.deadline && now > this.deadline) this.lost(1006);
    else if (this.attended && !this.deadline && now - this.heard > QUIET) this.ask(ANSWER_WITHIN);
    this.pump();
  }

  tell(state, reason = "", offer = null) {
    this.state = state;
    if (!this.closed) this.listener.changed(state, reason, offer);
  }
}
