// The terminal's modules that need no page: node --test tests/js (tests/test_javascript.py runs it).
import assert from "node:assert/strict";
import test from "node:test";
import * as layouts from "../../static/js/terminal/layout.js";
import { Outbox } from "../../static/js/terminal/outbox.js";
import { localPort, portsIn } from "../../static/js/terminal/ports.js";
import * as protocol from "../../static/js/terminal/protocol.js";
import { commandsOf, obstacle, Runner } from "../../static/js/terminal/run.js";
import { actionOf, clipboardActionOf } from "../../static/js/terminal/shortcuts.js";

const bytes = (text) => new TextEncoder().encode(text);
const text = (data) => new TextDecoder().decode(data);

function drain(box) {
  let sent = "";
  for (let piece; (piece = box.next()); ) sent += text(piece);
  return sent;
}

test("what had not arrived is sent again, once, from where the shell stands", () => {
  const box = new Outbox();
  box.push(bytes("hola "));
  box.push(bytes("mundo"));
  assert.equal(drain(box), "hola mundo");
  assert.ok(box.resume(7));
  assert.equal(drain(box), "ndo");
  assert.ok(box.resume(10));
  assert.equal(drain(box), "");
  assert.equal(box.waiting, 0);
});

test("whatever is cut and lost, the shell gets each byte once and in order", () => {
  let seed = 12345;
  const random = (below) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
  for (let round = 0; round < 200; round++) {
    const box = new Outbox();
    let typed = "", arrived = "";
    for (let step = 0; step < 60; step++) {
      const piece = String.fromCharCode(97 + random(26)).repeat(1 + random(50));
      typed += piece;
      box.push(bytes(piece));
      const sent = drain(box);
      if (random(4)) {
        arrived += sent;
        if (random(2)) box.accept(arrived.length);
      } else {
        arrived += sent.slice(0, random(sent.length + 1)); // the connection dies here
        assert.ok(box.resume(arrived.length));
      }
    }
    arrived += drain(box);
    assert.equal(arrived, typed);
  }
});

test("a shell that never saw this page's first bytes is no place for the rest", () => {
  const box = new Outbox();
  box.push(bytes("uno"));
  drain(box);
  box.accept(3);
  box.push(bytes("dos"));
  assert.equal(box.resume(0), false);
  assert.equal(drain(box), "");
});

test("a flood of typing has a bound, and a window holds what is under way", () => {
  const box = new Outbox();
  assert.ok(box.push(new Uint8Array(8 << 20)));
  assert.equal(box.push(bytes("x")), false);
  let sent = 0;
  for (let piece; (piece = box.next()); ) sent += piece.length;
  assert.ok(sent >= 128 * 1024 && sent < 200 * 1024);
  box.accept(sent);
  assert.ok(box.next());
});

test("the numbered opening carries what the protocol says, in big endian", () => {
  const view = new DataView(protocol.open({ columns: 132, rows: 43, writer: 2 ** 40 + 5, epoch: 7, offset: 2 ** 33 }));
  assert.equal(view.byteLength, 29);
  assert.equal(String.fromCharCode(view.getUint8(0)), "N");
  assert.deepEqual([view.getUint16(1), view.getUint16(3), view.getBigUint64(5), view.getBigUint64(21)], [132, 43, BigInt(2 ** 40 + 5), 2n ** 33n]);
});

test("what the holder says first is read from anywhere in a message", () => {
  const whole = new Uint8Array(1 + 25);
  const view = new DataView(whole.buffer);
  view.setBigUint64(1, 99n);
  view.setBigUint64(9, 1000n);
  view.setBigUint64(17, 42n);
  view.setUint8(25, 1);
  assert.deepEqual(protocol.begin(whole.subarray(1)), { epoch: 99, offset: 1000, accepted: 42, goesOn: true });
});

test("tabs and panes: added, split, moved, closed; names are never shared", () => {
  let layout = layouts.initial(["lab"]);
  layout = layouts.split(layout, "fila", "lab");
  layout = layouts.addTab(layout, "lab");
  assert.deepEqual(layouts.panesOf(layout).map(({ shell }) => shell), ["principal", "t2", "t3"]);
  layout = layouts.moveTab(layout, layout.active, 0);
  assert.deepEqual(layout.tabs.map(({ panes }) => panes.length), [1, 2]);
  layout = layouts.closePane(layout, "lab/t2");
  layout = layouts.addTab(layout, "lab");
  assert.equal(layouts.focusedPane(layout).shell, "t2");
  while (layouts.addTab(layout, "lab") !== layout) layout = layouts.addTab(layout, "lab");
  assert.equal(layouts.panesOf(layout).length, layouts.SHELLS_MAX);
});

test("closing the tab in front shows its neighbour, closing the last leaves none", () => {
  let layout = layouts.addTab(layouts.initial(["lab"]), "lab");
  layout = layouts.closePane(layout, "lab/t2");
  assert.equal(layouts.focusedPane(layout).shell, "principal");
  assert.deepEqual(layouts.closePane(layout, "lab/principal").tabs, []);
});

test("borders move within bounds", () => {
  let layout = layouts.split(layouts.initial(["lab"]), "fila", "lab");
  layout = layouts.resize(layout, layout.active, 0, 5);
  const [first, second] = layout.tabs[0].panes.map(({ size }) => size);
  assert.ok(first < 1.8 && second > 0.2 && Math.abs(first + second - 2) < 1e-9);
});

test("what was saved comes back, without nodes that are gone, doubles and nonsense", () => {
  const saved = layouts.rename(layouts.split(layouts.initial(["uno", "dos"]), "columna", "uno"), 1, "  Mía  ");
  assert.deepEqual(layouts.restore(JSON.parse(JSON.stringify(saved)), ["uno", "dos"]), saved);
  assert.deepEqual(layouts.restore(saved, ["uno"]).tabs.length, 1);
  for (const wrong of [null, {}, { tabs: 3 }, { tabs: [{ panes: [] }] }, { tabs: [{ panes: [{ node: "uno", shell: "../x" }] }] }]) {
    assert.deepEqual(layouts.restore(wrong, ["uno"]), layouts.initial(["uno"]));
  }
});

test("titles: one's own, the node's, or a number", () => {
  const layout = layouts.addTab(layouts.initial(["lab"]), "lab");
  assert.deepEqual(layout.tabs.map((tab) => layouts.titleOf(tab, ["lab"])), ["Terminal", "Terminal 2"]);
  assert.equal(layouts.titleOf(layouts.rename(layout, 1, "Mía").tabs[0], ["lab"]), "Mía");
  assert.equal(layouts.titleOf(layout.tabs[1], ["lab", "otro"]), "lab 2");
});

test("a block's commands: one a line, but continuations and here-documents stay whole", () => {
  assert.deepEqual(commandsOf("docker ps\n\n# nota\ndocker images\n"), ["docker ps", "docker images"]);
  assert.deepEqual(commandsOf("docker run \\\n  busybox\ntrue"), ["docker run \\\n  busybox", "true"]);
  assert.deepEqual(commandsOf("cat <<FIN >x\nhola\nFIN"), ["cat <<FIN >x\nhola\nFIN"]);
});

function pane(state, typed = "") {
  const sent = [];
  return {
    sent, state: "conectado", type: (data) => sent.push(text(data)),
    marks: { state, running: "top", typed: () => typed }, screen: { term: { modes: { bracketedPasteMode: false } } },
  };
}

test("commands run only at an empty prompt; else the reason is said and nothing is typed", () => {
  for (const [one, words] of [[pane("ocupada"), "ocupada con «top»"], [pane("desconocido"), "prompt"], [pane("prompt", "rm -r"), "a medio escribir"]]) {
    assert.match(new Runner().run(one, ["docker ps"]), new RegExp(words));
    assert.deepEqual(one.sent, []);
  }
  assert.match(obstacle({ ...pane("prompt"), state: "reconectando" }), /no está conectada/);
  assert.match(obstacle(undefined), /inicia el laboratorio/);
});

test("several commands go one by one, each at its prompt, until the student types", () => {
  const one = pane("prompt"), runner = new Runner();
  assert.equal(runner.run(one, ["uno", "dos", "tres"]), "");
  assert.deepEqual(one.sent, ["uno\r"]);
  assert.match(runner.run(pane("prompt"), ["otra"]), /Aún/);
  runner.atPrompt(one);
  runner.stop(one);
  runner.atPrompt(one);
  assert.deepEqual(one.sent, ["uno\r", "dos\r"]);
});

const key = (code, held = {}) => ({ code, ctrlKey: false, altKey: false, shiftKey: false, metaKey: false, ...held });

test("keys: ours need two modifiers, the rest is the program's; Ctrl+C copies only a selection", () => {
  assert.equal(actionOf(key("KeyT", { altKey: true, shiftKey: true })), "add");
  assert.equal(actionOf(key("F6", { ctrlKey: true, shiftKey: true })), "leave");
  for (const plain of [key("KeyT", { altKey: true }), key("KeyF", { ctrlKey: true }), key("KeyT", { ctrlKey: true, altKey: true, shiftKey: true })]) {
    assert.equal(actionOf(plain), null);
  }
  assert.equal(clipboardActionOf(key("KeyC", { ctrlKey: true }), false), null);
  assert.equal(clipboardActionOf(key("KeyC", { metaKey: true }), true), "copy");
  assert.equal(clipboardActionOf(key("KeyC", { ctrlKey: true, shiftKey: true }), false), "copy");
  assert.equal(clipboardActionOf(key("KeyV", { ctrlKey: true, shiftKey: true }), false), "paste");
});

test("published ports are found where docker prints them, and «localhost» is the machine", () => {
  const line = "ab12  web  0.0.0.0:8080->80/tcp, [::]:8081->80/tcp, :::8082->80/tcp, 0.0.0.0:53->53/udp, 6379/tcp";
  assert.deepEqual(portsIn(line).map(({ port }) => port), [8080, 8081, 8082]);
  assert.equal(line.slice(portsIn(line)[0].start, portsIn(line)[0].end), "0.0.0.0:8080->80/tcp");
  assert.deepEqual(portsIn("0.0.0.0:99999->80/tcp"), []);
  assert.deepEqual(["http://localhost:5000/x", "http://127.0.0.1", "https://localhost/", "http://example.org:80/", "http://localhost.evil:80"].map(localPort), [5000, 80, 443, null, null]);
});
