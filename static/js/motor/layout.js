// Where everything of an engine stands in its picture. Pure: a snapshot's node and a width in, items with places out.
//
// Images are stacks of layers (stacks.js). Images that begin with the same layers stand on the same slabs, drawn once: that
// is how they are on disk. A container stands on its image, with its writable layer between them. Networks are wires above
// each row, joined at the left where they go through several; volumes lie below.
import { BOX, COLUMN, TREE_GAP, intoRows, placeTree, treesOf } from "./stacks.js";

const ROW_GAP = 26;
const LANE = 22;
const GUTTER = 16;
const NAMES = 62; // where the names of wires stand, left of all else
const STRIP = 62;
const SWARM = 58;
const LARGER = 1.3;

export const LIVE = new Set(["running", "paused", "restarting"]); // those that are on their networks now

const clamp = (value, least, most) => Math.max(least, Math.min(most, value));

/** The layout for a room of that width and height, and how much larger than its own size it is shown: a little, where there is
 *  room for it and nothing has to move to another row. */
export function fitted(snapshot, width, height) {
  const usual = layout(snapshot, width);
  if (usual.height * LARGER > height) return { ...usual, scale: 1 };
  const larger = layout(snapshot, width / LARGER);
  const fits = larger.height === usual.height && larger.width * LARGER <= width + 1;
  return fits ? { ...larger, scale: LARGER } : { ...usual, scale: 1 };
}

/** All nodes, one below the other: { items, width, height }. */
export function layout(snapshot, width) {
  const many = snapshot.nodes.length > 1;
  const items = [];
  let top = 0;
  let widest = 0;
  for (const node of snapshot.nodes) {
    const placed = layoutNode(node, width, many);
    for (const item of placed.items) items.push(moved(item, top));
    top += placed.height + (many ? 18 : 0);
    widest = Math.max(widest, placed.width);
  }
  return { items, width: widest, height: top };
}

function moved(item, dy) {
  if (!dy) return item;
  const points = item.points?.map(([x, y]) => [x, y + dy]);
  return { ...item, y: item.y + dy, ...(points && { points }) };
}

function layoutNode(node, width, many) {
  const key = (...parts) => [node.name, ...parts].join("|");
  const items = [];
  const trees = treesOf(node);
  let y = 6;
  if (many) {
    items.push({ key: key("node"), kind: "node", x: GUTTER, y, w: 200, h: 22, data: { node } });
    y += 30;
  }
  if (node.swarm) y = placeSwarm(node, key, items, y, width);
  const wired = node.containers.some((box) => box.networks.length);
  const left = GUTTER + (wired ? NAMES : 8);
  const rows = intoRows(trees, Math.max(width - left - GUTTER, COLUMN));
  const spots = new Map(); // container's id → where its box is
  const lanes = new Map(); // network → one { y, last (x) } a row it goes through
  let widest = width;
  for (const row of rows) {
    const members = row.flatMap((tree) => tree.images.flatMap((image) => image.containers));
    const networks = node.networks.map(({ name }) => name).filter((name) => members.some((box) => box.networks.includes(name)));
    const ground = y + networks.length * LANE + Math.max(...row.map(({ height }) => height)) + 8;
    let x = left;
    for (const tree of row) {
      placeTree(tree, x, ground, key, items, spots);
      x += tree.width + TREE_GAP;
    }
    widest = Math.max(widest, x - TREE_GAP + GUTTER);
    networks.forEach((name, number) => placeLane(name, y + number * LANE + 14, members, spots, lanes));
    y = ground + ROW_GAP;
  }
  placeNetworks(node, lanes, spots, key, items);
  placeLinks(node, spots, key, items);
  y = placeStrip(node, spots, key, items, y, width);
  return { items, width: widest, height: y };
}

// ── wires ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const socket = (spot, name) => spot.x + 10 + Math.min(spot.box.networks.indexOf(name), 3) * 9;

function placeLane(name, y, members, spots, lanes) {
  const ends = members.filter((box) => box.networks.includes(name)).map((box) => socket(spots.get(box.id), name));
  lanes.set(name, [...(lanes.get(name) || []), { y, last: Math.max(...ends) }]);
}

function placeNetworks(node, lanes, spots, key, items) {
  let trunk = 0;
  for (const [tone, network] of node.networks.entries()) {
    const found = lanes.get(network.name);
    if (!found) continue;
    const through = found.length > 1;
    const start = through ? 4 + (trunk++ % 3) * 5 : GUTTER + 2;
    const drops = node.containers
      .filter((box) => box.networks.includes(network.name) && spots.has(box.id))
      .map((box) => {
        const spot = spots.get(box.id);
        // The lane of its row: the lowest one above it.
        const lane = found.filter(({ y }) => y < spot.y).at(-1) || found[0];
        return { x: socket(spot, network.name), from: lane.y, to: spot.y, on: LIVE.has(box.state) };
      });
    const boxes = node.containers.filter((box) => box.networks.includes(network.name));
    const { y } = found[0];
    items.push({
      key: key("network", network.name), kind: "network", x: 0, y: 0, w: Math.max(...found.map(({ last }) => last)), h: y,
      related: boxes.map((box) => key("container", box.id)),
      data: { network, boxes, lanes: found.map(({ y, last }) => [y, Math.max(last, start + 70)]), drops, start, through, tone: tone % 6 }, at: [GUTTER, y - 12, NAMES, 14],
    });
  }
}

function placeLinks(node, spots, key, items) {
  const named = new Map(node.containers.map((box) => [box.name, box]));
  for (const box of node.containers) {
    for (const [target, alias] of box.links) {
      const from = spots.get(box.id);
      const to = spots.get(named.get(target)?.id);
      if (!from || !to) continue;
      const related = [key("container", box.id), key("container", to.box.id)];
      const right = to.x > from.x;
      const points = [[from.x + (right ? BOX.width : 0), from.y + 16], [to.x + (right ? 46 : 62), to.y]];
      items.push({ key: key("link", box.id, target, alias), kind: "link", x: 0, y: 0, w: 0, h: 0, related, points, data: { box, target, alias } });
    }
  }
}

// ── what lies below, and the swarm ───────────────────────────────────────────────────────────────────────────────────

function placeStrip(node, spots, key, items, top, width) {
  const used = new Set(node.containers.flatMap((box) => box.networks));
  const idle = node.networks.filter(({ name }) => !used.has(name));
  const things = [
    ...node.volumes.map((volume) => ["volume", volume]),
    ...idle.map((network) => ["idle", network]),
  ];
  if (!things.length) return top;
  let [x, y] = [GUTTER + 8, top];
  for (const [kind, thing] of things) {
    const w = kind === "volume" ? 118 : clamp(34 + thing.name.length * 7, 62, 150);
    if (x + w > width - GUTTER && x > GUTTER + 8) [x, y] = [GUTTER + 8, y + STRIP];
    const users = node.containers.filter((box) => box.mounts.some((mount) => mount.type === "volume" && mount.name === thing.name));
    const related = kind === "volume" ? users.map((box) => key("container", box.id)) : [];
    items.push({ key: key(kind === "volume" ? "volume" : "network", thing.name), kind, x, y, w, h: 44, related, data: { [kind === "volume" ? "volume" : "network"]: thing, boxes: users } });
    for (const box of kind === "volume" ? users : []) {
      const spot = spots.get(box.id);
      if (!spot) continue;
      const points = [[spot.x + BOX.width - 4, spot.y + BOX.height - 8], [x + w / 2, y + 4]];
      items.push({ key: key("mount", box.id, thing.name), kind: "mount", x: 0, y: 0, w: 0, h: 0, points, data: { box, volume: thing } });
    }
    x += w + 12;
  }
  return y + STRIP;
}

function placeSwarm(node, key, items, top, width) {
  let [x, y] = [GUTTER + 8, top];
  const put = (kind, name, w, data) => {
    if (x + w > width - GUTTER && x > GUTTER + 8) [x, y] = [GUTTER + 8, y + SWARM - 8];
    items.push({ key: key(kind, name), kind, x, y, w, h: 42, data });
    x += w + 10;
  };
  for (const member of node.swarm.nodes) put("member", member.id, 132, { member });
  for (const service of node.swarm.services) put("service", service.name, clamp(60 + service.name.length * 7.5, 110, 210), { service });
  return node.swarm.nodes.length + node.swarm.services.length ? y + SWARM : top;
}
