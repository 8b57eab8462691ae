// The picture draws what the engine said: what is shared is drawn once, nothing is missing and nothing is made up.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fitted, layout } from "../../static/js/motor/layout.js";
import { explain, size, state, tables } from "../../static/js/motor/words.js";

const BASE = "sha256:aaaaaaaaaaaa";
const image = (id, tag, layers, created = 1) => ({ id: `sha256:${id}`, tags: tag ? [tag] : [], layers, size: 4_400_000, created });
const box = (name, of, more = {}) => ({
  id: `id-${name}`, name, image: of.tags[0] || of.id, image_id: of.id, state: "running", exit_code: null, ports: [], networks: [], mounts: [], links: [], size_rw: null, ...more,
});
const debian = image("d", "debian:trixie", [BASE]);
const web = image("w", "web:1", [BASE, "sha256:b"], 2);
const cache = image("c", "redis:8.0", [BASE, "sha256:c"], 3);
const net = (name) => ({ id: name, name, driver: "bridge", scope: "local" });
const node = (more = {}) => ({ name: "lab", images: [debian, web, cache], containers: [], networks: [], volumes: [], swarm: null, ...more });
const place = (found, width = 900) => layout({ nodes: [node(found)] }, width).items;
const of = (items, kind) => items.filter((item) => item.kind === kind);

test("a layer that images share is drawn once, under all of them", () => {
  const layers = of(place(), "layer");
  assert.equal(layers.length, 3);
  const shared = layers.find(({ data }) => data.layer === BASE);
  assert.deepEqual(shared.data.images.map(({ tags }) => tags[0]).sort(), ["debian:trixie", "redis:8.0", "web:1"]);
  for (const one of layers.filter((each) => each !== shared)) {
    assert.ok(one.x >= shared.x && one.x + one.w <= shared.x + shared.w, "stands on what it shares");
    assert.equal(one.y + one.h, shared.y);
  }
  assert.match(explain(shared).text, /La comparten 3 imágenes/);
});

test("the same layer over different ones is not shared: on disk it is another", () => {
  const other = image("o", "otra:1", ["sha256:z", "sha256:b"], 4);
  assert.equal(of(place({ images: [debian, web, other] }), "layer").filter(({ data }) => data.layer === "sha256:b").length, 2);
});

test("a container stands on its image with its writable layer between them", () => {
  const items = place({ containers: [box("uno", web)] });
  const [plate] = of(items, "image").filter(({ data }) => data.image.id === web.id);
  const [writable] = of(items, "writable");
  const [container] = of(items, "container");
  assert.ok(container.y + container.h <= writable.y && writable.y + writable.h <= plate.y + 3);
  assert.ok(container.x >= plate.x && container.x + container.w <= plate.x + plate.w);
});

test("nothing overlaps among containers and among images, however many", () => {
  const many = Array.from({ length: 60 }, (_, at) => image(`i${at}`, `app${at}:1`, [`sha256:${at % 7}`, `sha256:x${at}`], at));
  const boxes = Array.from({ length: 50 }, (_, at) => box(`caja${at}`, many[(at * 7) % 60], { networks: ["bridge"] }));
  const items = place({ images: many, containers: boxes, networks: [net("bridge")] });
  assert.equal(of(items, "container").length, 50);
  assert.equal(of(items, "image").length, 60);
  for (const kind of ["container", "image", "layer"]) {
    const all = of(items, kind);
    all.forEach((one, at) => all.slice(at + 1).forEach((two) => {
      const apart = one.x + one.w <= two.x || two.x + two.w <= one.x || one.y + one.h <= two.y || two.y + two.h <= one.y;
      assert.ok(apart, `${one.key} over ${two.key}`);
    }));
  }
});

test("a wire goes to those on the network, and is unplugged from those that do not run", () => {
  const on = box("on", web, { networks: ["tienda"] });
  const off = box("off", web, { networks: ["tienda"], state: "exited", exit_code: 137 });
  const [wire] = of(place({ containers: [on, off], networks: [net("tienda"), net("sola")] }), "network");
  assert.deepEqual(wire.data.drops.map((drop) => drop.on).sort(), [false, true]);
  assert.equal(of(place({ containers: [on], networks: [net("tienda"), net("sola")] }), "idle").length, 1);
});

test("what is not known is not drawn as if it were", () => {
  const gone = box("huerfano", { id: "sha256:nada", tags: ["borrada:1"] });
  const items = place({ images: [{ ...web, layers: [] }], containers: [gone] });
  assert.equal(of(items, "layer").length, 0);
  assert.equal(of(items, "unread").length, 1);
  assert.equal(of(items, "gone").length, 1);
  assert.equal(of(place({ containers: [box("suelto", web, { links: [["nadie", "x"]] })] }), "link").length, 0);
});

test("keys are unique, so that each thing moves as itself", () => {
  const boxes = [box("a", web, { networks: ["bridge", "tienda"], mounts: [{ type: "volume", name: "datos", target: "/d" }], links: [["b", "cache"]] }), box("b", cache)];
  const found = { containers: boxes, networks: [net("bridge"), net("tienda")], volumes: [{ name: "datos", driver: "local" }] };
  const items = layout({ nodes: [node(found), { ...node(found), name: "otro" }] }, 900).items;
  assert.equal(new Set(items.map(({ key }) => key)).size, items.length);
});

test("the table says what the picture shows", () => {
  const boxes = [box("a", web, { networks: ["tienda"], ports: [{ host: 8080, container: 80, proto: "tcp" }], mounts: [{ type: "volume", name: "datos", target: "/d" }] })];
  const said = JSON.stringify(tables(node({ containers: boxes, networks: [net("tienda")], volumes: [{ name: "datos", driver: "local" }] })));
  for (const word of ["8080→80", "tienda", "volumen «datos» en /d", "4,4 MB", "1, con debian:trixie y redis:8.0"]) assert.ok(said.includes(word), word);
  assert.equal(state({ state: "exited", exit_code: 137 }), "terminado (137)");
  assert.equal(size(950), "950 bytes");
});

test("a little is drawn larger where there is room, and nothing moves to another row for it", () => {
  const few = { nodes: [node({ containers: [box("uno", web)] })] };
  const many = { nodes: [node({ containers: Array.from({ length: 6 }, (_, at) => box(`c${at}`, web)) })] };
  const large = fitted(few, 900, 700);
  assert.ok(large.scale > 1 && large.width * large.scale <= 901 && large.height * large.scale <= 700);
  assert.equal(large.height, layout(few, 900).height);
  assert.equal(fitted(few, 900, 150).scale, 1, "not enough height");
  assert.equal(fitted(many, 900, 700).scale, 1, "not enough width");
});
