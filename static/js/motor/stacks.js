// Images as stacks of layers, and the containers on them. Pure. Owns what they measure and where they stand above a row's
// ground; of wires, volumes and rows' heights it knows nothing (layout.js).
//
// Images that begin with the same layers stand on the same slabs, drawn once: a tree of layers.
export const COLUMN = 124; // of a container
const BARE = 98; // of an image without any
export const BOX = { width: 112, height: 50, writable: 12, plug: 15 };
const PLATE = 37;
const STACK = 150; // a tree's layers together, if they fit
export const TREE_GAP = 20;

const byAge = (one, other) => one.created - other.created || (one.id < other.id ? -1 : 1);
export const nameOf = (image) => image.tags?.[0] || image.id.replace(/^sha256:/, "").slice(0, 12);

/** A node's images as trees of layers, oldest first: { root, images, width, step (of a layer), height }. */
export const treesOf = (node) => forest(withContainers(node));

function withContainers(node) {
  const images = node.images.map((image) => ({ ...image, containers: [] })).sort(byAge);
  const known = new Map();
  for (const image of images) for (const name of [image.id, image.id.replace(/^sha256:/, ""), ...(image.tags || [])]) known.set(name, image);
  for (const box of [...node.containers].reverse()) {
    let image = known.get(box.image_id) || known.get(box.image) || known.get(`${box.image}:latest`);
    if (!image) {
      // Its image has gone from the list: it is drawn as what is known of it, no layers.
      image = { id: box.image_id || box.image, tags: [], named: box.image, layers: [], size: null, created: Infinity, gone: true, containers: [] };
      images.push(image);
      known.set(box.image_id || box.image, image);
    }
    image.containers.push(box);
  }
  return images;
}

function forest(images) {
  const roots = new Map();
  const trees = [];
  for (const image of images) {
    if (!image.layers.length) {
      trees.push({ layer: null, children: new Map(), images: [image], path: [] });
      continue;
    }
    let level = roots;
    let found = null;
    image.layers.forEach((layer, depth) => {
      if (!level.has(layer)) {
        const made = { layer, depth, children: new Map(), own: [], path: image.layers.slice(0, depth + 1) };
        level.set(layer, made);
        if (!depth) trees.push(made);
      }
      found = level.get(layer);
      level = found.children;
    });
    found.own.push(image);
  }
  return trees.map(measured);
}

function measured(root) {
  if (!root.layer) {
    const [image] = root.images;
    return { root, images: root.images, width: wide(image), step: 14, height: 14 + above(image) };
  }
  const depth = deepest(root);
  const step = Math.max(4, Math.min(14, Math.floor(STACK / depth)));
  count(root);
  const images = root.below;
  const height = Math.max(...images.map((image) => image.layers.length * step + above(image)));
  return { root, images, width: root.width, step, height };
}

const wide = (image) => image.containers.length * COLUMN || BARE;
const above = (image) => PLATE + (image.containers.length ? BOX.writable + BOX.height + BOX.plug + 6 : 0);
const deepest = (branch) => 1 + Math.max(0, ...[...branch.children.values()].map(deepest));

function count(branch) {
  const children = [...branch.children.values()];
  children.forEach(count);
  branch.below = [...branch.own, ...children.flatMap((child) => child.below)];
  branch.width = branch.own.reduce((sum, image) => sum + wide(image), 0) + children.reduce((sum, child) => sum + child.width, 0);
}

/** The trees side by side, as many as find room in each row. */
export function intoRows(trees, room) {
  const rows = [];
  let used = Infinity;
  for (const tree of trees) {
    if (used + TREE_GAP + tree.width > room) {
      rows.push([]);
      used = -TREE_GAP;
    }
    rows.at(-1).push(tree);
    used += TREE_GAP + tree.width;
  }
  return rows;
}

/** Its layers, images and containers into `items`, from `x` on and from the `ground` up; where each container is into `spots`. */
export function placeTree(tree, x, ground, key, items, spots) {
  const { root, step } = tree;
  if (!root.layer) {
    const [image] = root.images;
    const kind = image.gone ? "gone" : "unread";
    items.push({ key: key("unknown", image.id), kind, x, y: ground - 14, w: tree.width, h: 14, data: { image } });
    placeImage(image, x, ground - 14, key, items, spots);
    return;
  }
  const branch = (at, left) => {
    const y = ground - (at.depth + 1) * step;
    const shared = at.below.length > 1;
    const owners = at.below.map((image) => key("image", image.id));
    items.push({
      key: key("layer", ...at.path), kind: "layer", x: left, y, w: at.width, h: step, related: owners,
      data: { layer: at.layer, images: at.below, shared, first: !at.depth },
    });
    let next = left;
    for (const image of at.own) {
      placeImage(image, next, y, key, items, spots);
      next += wide(image);
    }
    for (const child of at.children.values()) {
      branch(child, next);
      next += child.width;
    }
  };
  branch(root, x);
}

function placeImage(image, x, top, key, items, spots) {
  const layers = image.layers.map((_layer, depth) => key("layer", ...image.layers.slice(0, depth + 1)));
  const boxes = image.containers.map((box) => key("container", box.id));
  const plate = { x: x + 3, y: top - PLATE + 3, w: wide(image) - 6, h: PLATE - 5 };
  items.push({ key: key("image", image.id), kind: "image", ...plate, related: [...layers, ...boxes], data: { image } });
  image.containers.forEach((box, number) => {
    const left = x + number * COLUMN + (COLUMN - BOX.width) / 2;
    const floor = top - PLATE;
    const own = key("container", box.id);
    const ups = [...box.networks.map((name) => key("network", name)), ...box.mounts.map((mount) => key("volume", mount.name))];
    const related = [key("image", image.id), key("writable", box.id), ...layers, ...ups];
    items.push({ key: key("writable", box.id), kind: "writable", x: left, y: floor - BOX.writable, w: BOX.width, h: BOX.writable, related: [own], data: { box, image } });
    const y = floor - BOX.writable - BOX.height - 2;
    items.push({ key: own, kind: "container", x: left, y, w: BOX.width, h: BOX.height, related, data: { box, image } });
    spots.set(box.id, { x: left, y, box });
  });
}
