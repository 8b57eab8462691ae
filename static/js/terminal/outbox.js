// What was typed and the shell has not yet said it has: kept until then, so that a lost connection loses nothing and
// sends nothing twice. Positions count bytes since this writer's first. Knows no socket.

const LIMIT = 8 << 20;
const WINDOW = 128 * 1024; // sent and not yet accepted; the holder tells each 16 KiB
const PIECE = 32 * 1024;

export class Outbox {
  constructor() {
    this.pieces = []; // from `base` on
    this.base = 0;
    this.sent = 0;
    this.end = 0;
  }

  /** False if there is no room: what came was not taken. */
  push(bytes) {
    if (this.end - this.base + bytes.length > LIMIT) return false;
    for (let at = 0; at < bytes.length; at += PIECE) this.pieces.push(bytes.slice(at, at + PIECE));
    this.end += bytes.length;
    return true;
  }

  /** The next bytes to send, or null if all are sent or enough are under way. */
  next() {
    if (this.sent === this.end || this.sent - this.base >= WINDOW) return null;
    let at = this.base;
    for (const piece of this.pieces) {
      if (at + piece.length > this.sent) {
        const bytes = piece.subarray(this.sent - at);
        this.sent = at + piece.length;
        return bytes;
      }
      at += piece.length;
    }
    return null;
  }

  /** The shell has the first `count` bytes. */
  accept(count) {
    while (this.pieces.length && this.base + this.pieces[0].length <= count) this.base += this.pieces.shift().length;
    if (this.pieces.length && this.base < count) {
      this.pieces[0] = this.pieces[0].subarray(count - this.base);
      this.base = count;
    }
  }

  /** A new connection: what the shell does not have is sent again. False if it has forgotten part of what is gone here. */
  resume(count) {
    if (count < this.base || count > this.end) {
      this.forget(count);
      return false;
    }
    this.accept(count);
    this.sent = count;
    return true;
  }

  /** Another shell: what was meant for the former is not for this one. Returns how many bytes are dropped. */
  forget(count) {
    const dropped = this.end - this.base;
    this.pieces = [];
    this.base = this.sent = this.end = count;
    return dropped;
  }

  get waiting() {
    return this.end - this.base;
  }

  get unsent() {
    return this.end - this.sent;
  }
}
