// How a person's terminals are arranged: tabs, each with one or more panes side by side. Plain data and pure
// functions: each gives a new layout. A pane is {node, shell, size}; a tab {id, title, direction, panes, focus}.

export const SHELLS_MAX = 8; // per machine: the holder's limit
export const PANES_MAX = 4;
const TITLE_MAX = 40;

const only = (node, shell = "principal") => ({ node, shell, size: 1 });

export function initial(nodes) {
  const tabs = nodes.map((node, at) => ({ id: at + 1, title: "", direction: "fila", panes: [only(node)], focus: 0 }));
  return { tabs, active: tabs[0]?.id ?? 0 };
}

/** What was saved, as far as it makes sense for these nodes; else the initial one. */
export function restore(saved, nodes) {
  const seen = new Set();
  const tabs = [];
  for (const tab of Array.isArray(saved?.tabs) ? saved.tabs : []) {
    const panes = (Array.isArray(tab.panes) ? tab.panes : []).filter(({ node, shell }) => {
      const key = `${node}/${shell}`;
      const good = nodes.includes(node) && /^[a-z0-9-]{1,20}$/.test(shell) && !seen.has(key);
      seen.add(key);
      return good;
    });
    if (!panes.length) continue;
    const kept = panes.slice(0, PANES_MAX).map(({ node, shell, size }) => ({ node, shell, size: size > 0.1 && size < 10 ? size : 1 }));
    tabs.push({
      id: tabs.length + 1, title: String(tab.title ?? "").slice(0, TITLE_MAX), panes: kept,
      direction: tab.direction === "columna" ? "columna" : "fila", focus: Math.min(Math.max(0, tab.focus | 0), kept.length - 1),
    });
  }
  if (!tabs.length) return initial(nodes);
  const at = (saved.tabs ?? []).findIndex(({ id }) => id === saved.active);
  return { tabs, active: tabs[Math.min(Math.max(0, at), tabs.length - 1)].id };
}

export const panesOf = (layout) => layout.tabs.flatMap((tab) => tab.panes);
export const activeTab = (layout) => layout.tabs.find(({ id }) => id === layout.active) ?? layout.tabs[0];
export const focusedPane = (layout) => {
  const tab = activeTab(layout);
  return tab?.panes[tab.focus] ?? tab?.panes[0];
};
export const keyOf = ({ node, shell }) => `${node}/${shell}`;

export function titleOf(tab, nodes) {
  if (tab.title) return tab.title;
  const { node, shell } = tab.panes[0];
  if (shell === "principal") return nodes.length > 1 ? node : "Terminal";
  return nodes.length > 1 ? `${node} ${shell.slice(1)}` : `Terminal ${shell.slice(1)}`;
}

/** A shell's name that no pane of this node has, or null if the machine has as many as it may. */
export function freeShell(layout, node) {
  const taken = new Set(panesOf(layout).filter((pane) => pane.node === node).map(({ shell }) => shell));
  if (taken.size >= SHELLS_MAX) return null;
  if (!taken.has("principal")) return "principal";
  for (let number = 2; ; number++) if (!taken.has(`t${number}`)) return `t${number}`;
}

const change = (layout, id, edit) => ({ ...layout, tabs: layout.tabs.map((tab) => (tab.id === id ? { ...tab, ...edit(tab) } : tab)) });

export function addTab(layout, node) {
  const shell = freeShell(layout, node);
  if (!shell) return layout;
  const id = Math.max(0, ...layout.tabs.map((tab) => tab.id)) + 1;
  return { tabs: [...layout.tabs, { id, title: "", direction: "fila", panes: [only(node, shell)], focus: 0 }], active: id };
}

export function split(layout, direction, node) {
  const tab = activeTab(layout);
  const shell = freeShell(layout, node);
  if (!shell || tab.panes.length >= PANES_MAX) return layout;
  return change(layout, tab.id, ({ panes, focus }) => ({
    direction: panes.length === 1 ? direction : tab.direction,
    panes: [...panes.slice(0, focus + 1), only(node, shell), ...panes.slice(focus + 1)], focus: focus + 1,
  }));
}

export function closePane(layout, key) {
  const tabs = [];
  let { active } = layout;
  layout.tabs.forEach((tab, at) => {
    const panes = tab.panes.filter((pane) => keyOf(pane) !== key);
    if (panes.length) tabs.push({ ...tab, panes, focus: Math.min(tab.focus, panes.length - 1) });
    else if (tab.id === active) active = (layout.tabs[at + 1] ?? layout.tabs[at - 1])?.id ?? 0;
  });
  return { tabs, active };
}

export const select = (layout, id) => ({ ...layout, active: id });
export const focus = (layout, key) => {
  const tab = layout.tabs.find(({ panes }) => panes.some((pane) => keyOf(pane) === key));
  return tab ? select(change(layout, tab.id, () => ({ focus: tab.panes.findIndex((pane) => keyOf(pane) === key) })), tab.id) : layout;
};
export const rename = (layout, id, title) => change(layout, id, () => ({ title: title.trim().slice(0, TITLE_MAX) }));

export function step(layout, by) {
  const at = layout.tabs.findIndex(({ id }) => id === layout.active);
  return select(layout, layout.tabs[(at + by + layout.tabs.length) % layout.tabs.length].id);
}

export function stepPane(layout, by) {
  return change(layout, layout.active, ({ panes, focus: now }) => ({ focus: (now + by + panes.length) % panes.length }));
}

/** Puts a tab where another stands. */
export function moveTab(layout, id, to) {
  const tab = layout.tabs.find((one) => one.id === id);
  const rest = layout.tabs.filter((one) => one.id !== id);
  const at = Math.min(Math.max(0, to), rest.length);
  return { ...layout, tabs: [...rest.slice(0, at), tab, ...rest.slice(at)] };
}

/** Moves the border after pane `at` by a fraction of the tab. */
export function resize(layout, id, at, by) {
  return change(layout, id, ({ panes }) => {
    const total = panes.reduce((sum, { size }) => sum + size, 0);
    const pair = panes[at].size + panes[at + 1].size;
    const first = Math.min(Math.max(panes[at].size + by * total, pair * 0.15), pair * 0.85);
    return { panes: panes.map((pane, n) => (n === at ? { ...pane, size: first } : n === at + 1 ? { ...pane, size: pair - first } : pane)) };
  });
}
