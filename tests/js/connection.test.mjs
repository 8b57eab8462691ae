// A terminal's connection, over a socket that says what the test wants: node --test tests/js (tests/test_javascript.py runs it).
import assert from "node:assert/strict";
import test from "node:test";

globalThis.window = new EventTarget();
globalThis.document = new EventTarget();
globalThis.WebSocket = class {
  static OPEN = 1;
  static made = [];
  readyState = 1;
  bufferedAmount = 0;
  sent = [];
  constructor() {
    WebSocket.made.push(this);
  }
  send(message) {
    this.sent.push(String.fromCharCode(new Uint8Array(message)[0]));
  }
  close() {}
  says(kind, ...bytes) {
    this.onmessage({ data: Uint8Array.of(kind.charCodeAt(0), ...bytes).buffer });
  }
};
const { Connection } = await import("../../static/js/terminal/connection.js");

function visitor(visits) {
  const seen = [];
  const listener = {
    replay() {}, reset: () => seen.push("reset"), output: (_bytes, done) => done(), live: (done) => done(), sized() {},
    changed: (state, reason, offer) => seen.push(offer ? `${state}, ${offer}` : state), size: () => ({ columns: 80, rows: 24 }),
  };
  const connection = new Connection("ws://aquí", listener, { visits });
  const socket = WebSocket.made.at(-1);
  socket.onopen();
  return { connection, socket, seen };
}

test("who visits waits for a shell that is not there, and it begins by itself", () => {
  const { connection, socket, seen } = visitor({ types: false });
  socket.says("W");
  assert.equal(connection.state, "esperando");
  assert.equal(connection.type(new Uint8Array(1)), false);
  socket.says("S", 0, 80, 0, 24);
  socket.says("L");
  assert.deepEqual(seen, ["conectando", "esperando", "reset", "conectado"]);
  assert.equal(socket.sent.includes("I"), false);
  connection.close();
});

test("after an end who may type is offered another shell, and who looks waits", () => {
  for (const [visits, wanted] of [[{ types: true }, "esperando, Abrir otra"], [{ types: false }, "esperando"]]) {
    const { connection, socket, seen } = visitor(visits);
    socket.says("S", 0, 80, 0, 24);
    socket.says("E", 0, 0, 0, 0);
    socket.says("W");
    assert.equal(seen.at(-1), wanted);
    connection.close();
  }
});

test("who waits notices that the server is gone, and comes back to waiting", async () => {
  const { connection, socket } = visitor({ types: false });
  socket.says("W");
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(socket.sent.at(-1), "P");
  socket.onclose({ code: 1006 });
  assert.equal(connection.state, "reconectando");
  connection.close();
});
