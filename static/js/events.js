// What happens in the laboratory: the messages of /ws/laboratorio/<sandbox>/ become events of the document,
// `laboratorio:snapshot`, `laboratorio:check`, `laboratorio:ports`… with the message as their `detail`. A module that
// comes late asks for the last one with `last("snapshot")`. When there will be no more, `laboratorio:closed`.
const FINAL = new Set([4401, 4403, 4404, 4410, 4411, 4429]);
const SLOWEST = 8000;

let feed = null; // { sandbox, socket, messages }

export function last(type) {
  return feed?.messages.get(type) || null;
}

// Follow this sandbox from now on, or none.
export function followEvents(sandbox) {
  if ((feed?.sandbox || "") === (sandbox || "")) return;
  if (feed) {
    clearTimeout(feed.retry);
    const former = feed;
    feed = null;
    former.socket?.close();
  }
  if (!sandbox) return;
  feed = { sandbox, messages: new Map(), delay: 250 };
  connect(feed);
}

function connect(mine) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/ws/laboratorio/${mine.sandbox}/`);
  mine.socket = socket;
  socket.onmessage = ({ data }) => {
    if (mine !== feed) return;
    mine.delay = 250;
    const message = JSON.parse(data);
    mine.messages.set(message.type, message);
    document.dispatchEvent(new CustomEvent(`laboratorio:${message.type}`, { detail: message }));
  };
  socket.onclose = ({ code }) => {
    if (mine !== feed) return;
    if (FINAL.has(code)) {
      document.dispatchEvent(new CustomEvent("laboratorio:closed", { detail: { code } }));
      return;
    }
    mine.retry = setTimeout(() => connect(mine), mine.delay);
    mine.delay = Math.min(mine.delay * 2, SLOWEST);
  };
}
