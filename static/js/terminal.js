// The page's terminals: opens a workspace for a sandbox, and lets the course's text run commands in it
// (`laboratorio:run`, with detail {commands} or {command}, lines of text, and maybe {node}; `detail.said` is then what to tell).
import { Preferences } from "./terminal/preferences.js";
import { commandsOf } from "./terminal/run.js";
import { Workspace } from "./terminal/workspace.js";

let preferences;
let open = null;

/** Shows the sandbox's terminals in `root`, in place of those of another. `waits`: it is not ready yet. */
export function openTerminals(root, sandbox, nodes, waits = false) {
  closeTerminals();
  preferences ??= new Preferences(root);
  root.hidden = false;
  open = new Workspace(root, { sandbox, nodes, waits, preferences });
  return open;
}

/** Another's, as they have them: `guest` is {layout, types}. */
export function visitTerminals(root, sandbox, nodes, guest) {
  preferences ??= new Preferences(root);
  open = new Workspace(root, { sandbox, nodes, preferences, guest });
  return open;
}

export function closeTerminals() {
  open?.dispose();
  open = null;
}

document.addEventListener("laboratorio:run", (event) => {
  if (!open || event.defaultPrevented) return;
  event.preventDefault();
  const { command, commands, node } = event.detail;
  const why = open.run(commands ?? commandsOf(command), node);
  open.say(why);
  event.detail.said = why || "Enviado a la terminal";
  event.detail.refused = Boolean(why);
});

// The terminal's colours may follow the page's.
new MutationObserver(() => open?.apply(preferences.values)).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => open?.apply(preferences.values));
addEventListener("beforeunload", (event) => {
  const unsent = open && [...open.panes.values()].some(({ state, connection }) => state === "reconectando" && connection.outbox.waiting);
  if (unsent) event.preventDefault();
});
