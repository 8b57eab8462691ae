// The picture itself: items become SVG groups that are kept, moved and changed, never drawn anew without need.
import { BOX, nameOf } from "./stacks.js";
import { explain, size, state } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const ORDER = ["mount", "layer", "unread", "gone", "writable", "image", "container", "network", "idle", "volume", "node", "member", "service", "link"];
const ARRIVING = 700;
const LEAVING = 260;

function make(name, attributes = {}, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** Shortened to what fits, with its middle left out: names differ at their ends. */
function fit(text, room, letter = 6.6) {
  const most = Math.max(3, Math.floor(room / letter));
  if (text.length <= most) return text;
  const end = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - end)}…${text.slice(text.length - end)}`;
}

const rect = (x, y, width, height, rx, name) => make("rect", { x, y, width, height, rx, class: name });
const word = (x, y, text, name, more = {}) => make("text", { x, y, class: name, ...more }, text);

const DRAWN = {
  node: ({ data }) => [word(0, 16, data.node.name, "title")],
  layer: ({ w, h, data }) => [rect(0.75, 0.5, w - 1.5, h - 1, Math.min(3, h / 3), data.shared ? "slab shared" : "slab")],
  unread: ({ w, h }) => [rect(0.75, 0.5, w - 1.5, h - 1, 3, "slab unread")],
  gone: ({ w, h }) => [rect(0.75, 0.5, w - 1.5, h - 1, 3, "slab unread")],
  image: ({ w, h, data: { image } }) => [
    rect(0, 0, w, h, 5, "plate"),
    word(8, 13, fit((image.tags || [])[0] || image.named || `‹${nameOf(image)}›`, w - 14), "name"),
    word(8, 26, image.gone ? "ya no está en la lista" : size(image.size), "small"),
    ...(image.tags?.length > 1 && w > 110 ? [word(w - 8, 26, `+${image.tags.length - 1}`, "small", { "text-anchor": "end" })] : []),
  ],
  writable: ({ w, h }) => [rect(0, 0, w, h, 3, "writable"), make("path", { d: `M6 ${h / 2}H${w - 6}`, class: "writing" })],
  container: ({ w, h, data: { box } }) => [
    rect(0, 0, w, h, 7, "box"),
    make("circle", { cx: 13, cy: 17, r: 4.5, class: "light" }),
    word(24, 21, fit(box.name, w - 32, 6.9), "name"),
    word(13, 39, fit(state(box, true), w - 20, 6), "small"),
    ...plugs(box, w),
  ],
  network: ({ data }) => wires(data),
  idle: ({ w, data }) => [make("path", { d: `M4 12H${w - 8}`, class: "wire idle" }), make("circle", { cx: 4, cy: 12, r: 3.5, class: "joint" }), word(0, 32, fit(data.network.name, w), "small")],
  link: ({ points }) => [make("path", { d: arc(points), class: "chain" }), arrow(points[1])],
  volume: ({ w, data }) => [
    make("path", { d: `M1 9V34A${w / 2 - 1} 7 0 0 0 ${w - 1} 34V9`, class: "drum" }),
    make("ellipse", { cx: w / 2, cy: 9, rx: w / 2 - 1, ry: 7, class: "lid" }),
    word(w / 2, 30, fit(data.volume.name, w - 16), "name", { "text-anchor": "middle" }),
  ],
  mount: ({ points: [[x1, y1], [x2, y2]] }) => [make("path", { d: `M${x1} ${y1}C${x1 + 26} ${y1 + 60} ${x2} ${y2 - 50} ${x2} ${y2}`, class: "rope" })],
  member: ({ w, h, data: { member } }) => [
    rect(0, 0, w, h, 8, `member ${member.state === "ready" ? "ready" : ""}`),
    make("path", { d: "M20 10l9 5.2v10.4l-9 5.2-9-5.2V15.2z", class: member.role === "manager" ? "hex manager" : "hex" }),
    word(38, 18, fit(member.hostname, w - 44), "name"),
    word(38, 32, member.role === "manager" ? "mánager" : "trabajador", "small"),
  ],
  service: ({ w, h, data: { service } }) => [
    rect(0, 0, w, h, 8, "service"),
    word(10, 18, fit(service.name, w - 20), "name"),
    ...replicas(service, w),
  ],
};

function plugs(box, w) {
  const published = box.ports.filter(({ host }) => host);
  const shown = published.slice(0, published.length > 2 ? 1 : 2);
  const rest = published.length - shown.length;
  const found = [];
  let right = w - 5;
  const put = (text, name) => {
    const width = 9 + text.length * 6.4;
    right -= width;
    found.push(make("path", { d: `M${right} 0V-${BOX.plug - 4}a3 3 0 0 1 3-3h${width - 6}a3 3 0 0 1 3 3V0z`, class: name }));
    found.push(make("path", { d: `M${right + width / 2 - 4} -${BOX.plug - 1}v-4m8 4v-4`, class: "pins" }));
    found.push(word(right + width / 2, -3, text, "port-number", { "text-anchor": "middle" }));
    right -= 3;
  };
  if (rest) put(`+${rest}`, "plug");
  for (const { host } of [...shown].reverse()) put(String(host), "plug");
  return found;
}

function replicas({ running, replicas }, w) {
  const many = Math.max(replicas ?? running, running);
  const found = [];
  for (let each = 0; each < Math.min(many, 10); each++) found.push(make("circle", { cx: 14 + each * 11, cy: 30, r: 4, class: each < running ? "replica on" : "replica" }));
  found.push(word(w - 10, 34, replicas === null || replicas === undefined ? String(running) : `${running}/${replicas}`, "small", { "text-anchor": "end" }));
  return found;
}

function wires({ network, lanes, drops, start, through, tone }) {
  const name = `tone-${tone}`;
  const drop = ({ x, from, to }) => `M${x} ${from}V${to}`;
  let d = lanes.map(([y, last]) => `M${start} ${y}H${last}`).join("");
  if (through) d += `M${start} ${lanes[0][0]}V${lanes.at(-1)[0]}`;
  const on = drops.filter((each) => each.on);
  const off = drops.filter((each) => !each.on);
  d += on.map(drop).join("");
  const unplugged = off.map(drop).join("");
  return [
    make("path", { d: d + unplugged, class: "wire-room" }),
    make("path", { d, class: `wire ${name}` }),
    ...(off.length ? [make("path", { d: unplugged, class: `wire off ${name}` })] : []),
    ...drops.map(({ x, from, on }) => make("circle", { cx: x, cy: from, r: 3.2, class: `joint ${on ? "" : "off"} ${name}` })),
    ...lanes.map(([y]) => word(18, y - 4, fit(network.name, 60, 6.2), `wire-name ${name}`)),
  ];
}

// From the side of a box, up and over, onto the top of another.
function arc([[x1, y1], [x2, y2]]) {
  const out = x2 > x1 ? 22 : -22;
  return `M${x1} ${y1}C${x1 + out} ${y1 - 8} ${x2} ${Math.min(y1, y2) - 34} ${x2} ${y2 - 6}`;
}

const arrow = ([x, y]) => make("path", { d: `M${x} ${y}l-4.5 -8h9z`, class: "arrow" });

// What of an item its drawing and its words depend on: compared at each snapshot, so short.
const SIGNS = {
  layer: ({ images, shared, first }) => [images.length, shared, first, ...images.slice(0, 6).map(nameOf)],
  image: ({ image }) => [image.tags, image.size, image.layers.length, image.containers.length, image.gone, image.named],
  container: ({ box, image }) => [box, image.tags],
  writable: ({ box }) => [box.name, box.size_rw],
  network: ({ network, boxes, lanes, drops, start, through, tone }) => [network, boxes.map(({ name }) => name), lanes, drops, start, through, tone],
  volume: ({ volume, boxes }) => [volume, boxes.map(({ name }) => name)],
  mount: () => [],
  link: ({ box, target, alias }) => [box.name, target, alias],
  node: ({ node }) => [node.name],
};
const signature = ({ kind, w, h, data, points }) => JSON.stringify([w, h, points, SIGNS[kind]?.(data) ?? data]);

/** Keeps an <svg> in step with a layout. */
export class Picture {
  #groups = new Map(); // key → { group, item, signature }
  #bands = new Map(); // kind → its <g>, so that what is above stays above

  constructor(svg) {
    this.svg = svg;
    for (const kind of ORDER) {
      const band = make("g", { class: `band-${kind}` });
      this.#bands.set(kind, band);
      svg.append(band);
    }
  }

  get items() {
    return [...this.#groups.values()].filter(({ leaving }) => !leaving).map(({ item }) => item);
  }

  group(key) {
    return this.#groups.get(key)?.group;
  }

  item(key) {
    return this.#groups.get(key)?.item;
  }

  /** `scale`: how much larger than the layout's own size it is shown. */
  show({ items, width, height, scale = 1 }) {
    const first = !this.#groups.size;
    const box = `0 0 ${width} ${height}`;
    // Written only when it differs: it would lay out everything anew.
    const size = { width: width * scale, height: height * scale, viewBox: box };
    if (Object.entries(size).some(([name, value]) => this.svg.getAttribute(name) !== String(value))) Object.entries(size).forEach(([name, value]) => this.svg.setAttribute(name, value));
    const seen = new Set();
    for (const item of items) {
      seen.add(item.key);
      this.#put(item, first);
    }
    for (const [key, kept] of this.#groups) if (!seen.has(key)) this.#drop(key, kept);
  }

  #put(item, first) {
    let kept = this.#groups.get(item.key);
    if (kept?.item.kind !== item.kind && kept) {
      kept.group.remove();
      kept = null;
    }
    if (!kept) {
      const group = make("g", { "data-key": item.key, role: "img" });
      if (item.kind === "mount") group.setAttribute("aria-hidden", "true");
      else group.tabIndex = -1;
      if (!first) {
        group.classList.add("new");
        setTimeout(() => group.classList.remove("new"), ARRIVING);
      }
      kept = { group, signature: "" };
      this.#groups.set(item.key, kept);
      this.#bands.get(item.kind).append(group);
    }
    kept.leaving = false;
    kept.item = item;
    const place = `translate(${item.x}px, ${item.y}px)`;
    if (place !== kept.place) kept.group.style.transform = kept.place = place;
    const now = signature(item);
    if (now === kept.signature) return;
    kept.signature = now;
    kept.group.setAttribute("class", ["it", item.kind, item.data.box && item.kind === "container" ? `is-${item.data.box.state}` : "", kept.group.classList.contains("new") ? "new" : ""].filter(Boolean).join(" "));
    kept.group.replaceChildren(...DRAWN[item.kind](item));
    const { title, text } = explain(item);
    if (title) kept.group.setAttribute("aria-label", `${title}. ${text}`);
  }

  #drop(key, kept) {
    if (kept.leaving) return;
    kept.leaving = true;
    kept.group.classList.add("leaving");
    setTimeout(() => {
      if (!kept.leaving) return kept.group.classList.remove("leaving");
      kept.group.remove();
      if (this.#groups.get(key) === kept) this.#groups.delete(key);
    }, LEAVING);
  }
}
