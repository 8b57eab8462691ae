// The terminal's messages (docs/terminal-protocol.md): bytes to and from meaning. Knows no socket and no page.

const code = (letter) => letter.charCodeAt(0);
export const DATA = code("D"), REPLAY = code("R"), LIVE = code("L"), EXIT = code("E"), TAKEN = code("T"), REFUSED = code("F");
export const BEGIN = code("B"), ACCEPTED = code("K"), PONG = code("P"), SIZED = code("S"), AWAITED = code("W");

/** The close codes after which there is nothing to come back to, and what the student is told. */
export const FINAL = {
  1009: "un mensaje era demasiado grande",
  4400: "la terminal y el servidor no se entienden; recarga la página",
  4401: "has salido de tu cuenta",
  4403: "este laboratorio no es tuyo o la página no es de aquí",
  4404: "ese laboratorio ya no existe",
  4410: "el laboratorio ha terminado",
  4411: "la visita ha terminado",
  4413: "un mensaje era demasiado grande",
  4428: "la página mandaba mensajes demasiado deprisa",
  4429: "tienes demasiadas terminales abiertas; cierra alguna y vuelve a probar",
};

/** Of those, after which the student may try again. */
export const MAY_RETRY = new Set([1009, 4400, 4413, 4428, 4429]);

function message(kind, size) {
  const view = new DataView(new ArrayBuffer(1 + size));
  view.setUint8(0, code(kind));
  return view;
}

/** Opens the shell: who types (`writer`), and which output of which shell (`epoch`, `offset`) is here already. */
export function open({ columns, rows, writer, epoch, offset }) {
  const view = message("N", 28);
  view.setUint16(1, columns);
  view.setUint16(3, rows);
  view.setBigUint64(5, BigInt(writer));
  view.setBigUint64(13, BigInt(epoch));
  view.setBigUint64(21, BigInt(offset));
  return view.buffer;
}

export function size(columns, rows) {
  const view = message("S", 4);
  view.setUint16(1, columns);
  view.setUint16(3, rows);
  return view.buffer;
}

export function acknowledge(count) {
  const view = message("A", 4);
  view.setUint32(1, count);
  return view.buffer;
}

export function input(bytes) {
  const whole = new Uint8Array(1 + bytes.length);
  whole[0] = code("I");
  whole.set(bytes, 1);
  return whole;
}

export const ping = () => message("P", 0).buffer;
export const end = () => message("X", 0).buffer;

function number(payload, at) {
  return Number(new DataView(payload.buffer, payload.byteOffset + at, 8).getBigUint64(0));
}

/** What the holder says first: the shell's number, where its replay begins, how much of our input it has. */
export function begin(payload) {
  return { epoch: number(payload, 0), offset: number(payload, 8), accepted: number(payload, 16), goesOn: payload[24] === 1 };
}

export const accepted = (payload) => number(payload, 0);

/** To who visits: the size that the owner's terminal has. */
export function sized(payload) {
  const view = new DataView(payload.buffer, payload.byteOffset, 4);
  return { columns: view.getUint16(0), rows: view.getUint16(2) };
}
export const exitStatus = (payload) => new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0);
