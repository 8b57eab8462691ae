// What the picture says in words: of each thing, for whoever points at it, and of all of them, for the table.
import { LIVE } from "./layout.js";
import { nameOf } from "./stacks.js";

const number = new Intl.NumberFormat("es", { maximumFractionDigits: 1 });
const list = new Intl.ListFormat("es", { type: "conjunction" });

export function size(bytes) {
  if (bytes === null || bytes === undefined) return "tamaño desconocido";
  for (const [unit, name] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) if (bytes >= unit) return `${number.format(bytes / unit)} ${name}`;
  return `${bytes} bytes`;
}

export const some = (count, one, many) => (count === 1 ? `1 ${one}` : `${count} ${many}`);
const quoted = (names) => list.format(names.map((name) => `«${name}»`));
const short = (layer) => layer.replace(/^sha256:/, "").slice(0, 12);

const STATES = {
  running: "en marcha", exited: "terminado", created: "creado", paused: "en pausa", restarting: "reiniciándose", dead: "muerto",
  removing: "borrándose",
};

export function state(box, brief = false) {
  const said = !brief && box.state === "created" ? "creado, sin arrancar" : STATES[box.state] || box.state;
  return box.state === "exited" && box.exit_code !== null && box.exit_code !== undefined ? `${said} (${box.exit_code})` : said;
}

export const port = ({ host, container, proto }) => `${host ? `${host}→` : ""}${container}${proto && proto !== "tcp" ? `/${proto}` : ""}`;

const mount = (each) => `${each.type === "volume" ? `volumen «${each.name}»` : each.source || each.type} en ${each.target}`;

/** { title, text } of an item. */
export function explain({ kind, data }) {
  return SAID[kind]?.(data) || { title: "", text: "" };
}

const SAID = {
  node: ({ node }) => ({ title: `Nodo ${node.name}`, text: "Una máquina con su propio motor." }),
  layer: ({ layer, images, shared, first }) => ({
    title: `Capa ${short(layer)}${first ? ", la primera" : ""}`,
    text: shared
      ? `La comparten ${some(images.length, "imagen", "imágenes")}: ${quoted(images.slice(0, 6).map(nameOf))}${images.length > 6 ? " y más" : ""}. En el disco está una sola vez.`
      : `Solo la usa «${nameOf(images[0])}». No cambia nunca: lo que escribe un contenedor va a su propia capa.`,
  }),
  unread: ({ image }) => ({ title: `Capas de «${nameOf(image)}»`, text: "Todavía no se han leído." }),
  gone: ({ image }) => ({ title: `Imagen ${image.named}`, text: "Ya no está en la lista de imágenes, pero este contenedor aún la usa." }),
  image: ({ image }) => ({
    title: `Imagen ${(image.tags || []).join(", ") || (image.gone ? image.named : `sin etiqueta (${nameOf(image)})`)}`,
    text: `${image.gone ? "" : `${size(image.size)}, ${some(image.layers.length, "capa", "capas")}. `}${
      image.containers.length ? `Sobre ella hay ${some(image.containers.length, "contenedor", "contenedores")}.` : "Ningún contenedor la usa."
    }`,
  }),
  writable: ({ box }) => ({
    title: `Capa de escritura de «${box.name}»`,
    text: `Lo que el contenedor escribe fuera de sus volúmenes está aquí${box.size_rw ? ` (${size(box.size_rw)})` : ""}. Se pierde con «docker rm», y «docker commit» la convierte en una capa de una imagen nueva.`,
  }),
  container: ({ box, image }) => ({ title: `Contenedor ${box.name}: ${state(box)}`, text: aboutContainer(box, image) }),
  network: ({ network, boxes }) => ({ title: `Red ${network.name} (${network.driver})`, text: aboutNetwork(network, boxes) }),
  idle: ({ network }) => ({ title: `Red ${network.name} (${network.driver})`, text: "No hay ningún contenedor en ella." }),
  link: ({ box, target, alias }) => ({
    title: `Enlace de «${box.name}» a «${target}»`,
    text: `Hecho con --link: en «${box.name}», el nombre «${alias}» lleva a la dirección de «${target}».`,
  }),
  volume: ({ volume, boxes }) => ({
    title: `Volumen ${volume.name}`,
    text: boxes.length
      ? `Lo montan ${quoted(boxes.map(({ name }) => name))}. Sobrevive a sus contenedores.`
      : "No lo monta ningún contenedor. Sigue ahí hasta que lo borres con «docker volume rm».",
  }),
  member: ({ member }) => ({
    title: `${member.role === "manager" ? "Mánager" : "Trabajador"} ${member.hostname}`,
    text: member.state === "ready" ? "Nodo del enjambre, listo para recibir tareas." : `Nodo del enjambre; su estado es «${member.state}».`,
  }),
  service: ({ service }) => ({
    title: `Servicio ${service.name}`,
    text: `${some(service.running, "réplica en marcha", "réplicas en marcha")} de ${service.replicas ?? "las que quepan, una por nodo"}.`,
  }),
};

function aboutContainer(box, image) {
  const published = box.ports.filter(({ host }) => host);
  return [
    `De la imagen «${(image.tags || [])[0] || box.image}».`,
    published.length && `Publica ${list.format(published.map(port))}.`,
    box.networks.length && `${LIVE.has(box.state) ? "En" : "Cuando arranque estará en"} ${box.networks.length > 1 ? "las redes" : "la red"} ${quoted(box.networks)}.`,
    box.mounts.length && `Monta ${list.format(box.mounts.map(mount))}.`,
    box.links.length && `Enlazado con ${quoted(box.links.map(([target]) => target))}.`,
  ].filter(Boolean).join(" ");
}

function aboutNetwork(network, boxes) {
  const members = `En ella ${boxes.length > 1 ? "están" : "está"} ${quoted(boxes.slice(0, 8).map(({ name }) => name))}${boxes.length > 8 ? ` y ${boxes.length - 8} más` : ""}.`;
  const names = network.name === "bridge" ? " Es la de siempre: aquí no se encuentran por su nombre, salvo con --link." : " Se encuentran por su nombre.";
  return members + (network.driver === "bridge" || network.driver === "overlay" ? names : "");
}

/** Tables of a node: [{ caption, head, rows }], the same as the picture. */
export function tables(node) {
  const on = (check) => node.containers.filter(check).map(({ name }) => name).join(", ") || "—";
  const parts = [
    {
      caption: "Contenedores",
      head: ["Nombre", "Imagen", "Estado", "Puertos", "Redes", "Montajes", "Enlaces"],
      rows: node.containers.map((box) => [
        box.name, box.image, state(box), box.ports.map(port).join(", ") || "—", box.networks.join(", ") || "—",
        box.mounts.map(mount).join("; ") || "—", box.links.map(([target, alias]) => `${target} como ${alias}`).join(", ") || "—",
      ]),
    },
    {
      caption: "Imágenes",
      head: ["Etiqueta", "Tamaño", "Capas", "Capas compartidas", "Contenedores"],
      rows: node.images.map((image) => [
        (image.tags || []).join(", ") || nameOf(image), size(image.size), String(image.layers.length || "—"), sharing(image, node.images),
        on((box) => box.image_id === image.id || image.tags.includes(box.image)),
      ]),
    },
    {
      caption: "Redes",
      head: ["Nombre", "Controlador", "Contenedores"],
      rows: node.networks.map(({ name, driver }) => [name, driver, on((box) => box.networks.includes(name))]),
    },
    {
      caption: "Volúmenes",
      head: ["Nombre", "Controlador", "Contenedores"],
      rows: node.volumes.map(({ name, driver }) => [name, driver, on((box) => box.mounts.some((each) => each.type === "volume" && each.name === name))]),
    },
  ];
  if (node.swarm) {
    const { nodes, services } = node.swarm;
    parts.push({ caption: "Nodos del enjambre", head: ["Nombre", "Papel", "Estado"], rows: nodes.map(({ hostname, role, state }) => [hostname, role, state]) });
    parts.push({ caption: "Servicios", head: ["Nombre", "En marcha", "Réplicas"], rows: services.map(({ name, running, replicas }) => [name, String(running), String(replicas ?? "global")]) });
  }
  return parts.filter(({ rows }) => rows.length);
}

function sharing(image, images) {
  const same = (other) => {
    let count = 0;
    while (count < image.layers.length && image.layers[count] === other.layers[count]) count++;
    return count;
  };
  const others = images.filter((other) => other !== image && same(other));
  if (!others.length) return "ninguna";
  return `${Math.max(...others.map(same))}, con ${list.format(others.slice(0, 5).map(nameOf))}${others.length > 5 ? " y más" : ""}`;
}
