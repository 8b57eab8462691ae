// Published ports in what programs say (`0.0.0.0:8080->80/tcp`, `[::]:8080->80/tcp`, `http://localhost:8080/…`) lead to
// the preview of that port: the student's «localhost» is the machine, not their computer.

const PUBLISHED = /(?:\b\d{1,3}(?:\.\d{1,3}){3}|\[?::\]?):(\d{1,5})->\d{1,5}\/(?:tcp|udp)/g;
const LOCAL = /^https?:\/\/(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::(\d{1,5}))?(?:\/|$)/i;
const valid = (port) => port >= 1 && port <= 65535;

/** The published ports in a line: {port, start, end}, by column from 0. Those of UDP have no page. */
export function portsIn(line) {
  return [...line.matchAll(PUBLISHED)]
    .filter(([text, port]) => text.endsWith("tcp") && valid(Number(port)))
    .map((found) => ({ port: Number(found[1]), start: found.index, end: found.index + found[0].length }));
}

/** The port of an address that means this machine itself; null for any other. */
export function localPort(address) {
  const found = LOCAL.exec(address);
  if (!found) return null;
  const port = Number(found[1] ?? (address.toLowerCase().startsWith("https") ? 443 : 80));
  return valid(port) ? port : null;
}

/** Makes them links in a terminal; `open(port)` follows one. */
export function linkPorts(term, open) {
  term.registerLinkProvider({
    provideLinks(row, done) {
      const line = term.buffer.active.getLine(row - 1)?.translateToString(true) ?? "";
      done(portsIn(line).map(({ port, start, end }) => ({
        text: line.slice(start, end), range: { start: { x: start + 1, y: row }, end: { x: end, y: row } },
        activate: () => open(port),
      })));
    },
  });
}
