// A person's terminals on the page: tabs, splits, toolbar, transcript. Owns the arrangement (layout.js) and the panes;
// what one terminal does by itself is pane.js's, what one asks for by key or button, actions.js's. Keeps the arrangement in
// the preferences.
import { Actions } from "./actions.js";
import { element } from "./elements.js";
import { KeyBar } from "./keybar.js";
import * as layouts from "./layout.js";
import { Pane } from "./pane.js";
import { Runner } from "./run.js";
import { actionOf, clipboardActionOf } from "./shortcuts.js";
import { Splits } from "./splits.js";
import { Tabs } from "./tabs.js";
import { resolve } from "./themes.js";
import { Transcript } from "./transcript.js";

const STATES = { conectando: "Conectando", conectado: "Conectado", esperando: "Esperando", reconectando: "Reconectando", terminado: "Terminado" };

export class Workspace {
  /** `guest`: of who visits, their owner's arrangement and whether they may type ({layout, types}); else null. */
  constructor(root, { sandbox, nodes, waits = false, preferences, guest = null }) {
    Object.assign(this, { root, sandbox, nodes, waits, preferences, guest });
    this.panes = new Map();
    this.followed = JSON.stringify(guest?.layout);
    this.layout = layouts.restore(guest ? guest.layout : preferences.layoutOf(sandbox), nodes);
    this.runner = new Runner();
    this.transcript = new Transcript(preferences);
    this.actions = new Actions(this);
    this.tabs = new Tabs({
      select: (id, focus) => this.change(layouts.select(this.layout, id), focus), rename: (id) => this.actions.rename(id),
      move: (id, to) => this.change(layouts.moveTab(this.layout, id, to)), close: (id) => this.actions.closeTab(id),
    });
    this.splits = new Splits({
      paneOf: (place) => this.paneOf(place), onResize: (id, at, by) => this.change(layouts.resize(this.layout, id, at, by)),
    });
    this.keybar = new KeyBar(() => this.focused);
    this.shown = element("span", { className: "term-state", dataset: { testid: "terminal-state" } });
    this.word = element("p", { className: "term-word", role: "status", hidden: true });
    const bar = this.actions.toolbar(this.tabs.strip, this.shown);
    const body = element("div", { className: "term-body" }, this.splits.body, this.transcript.panel);
    root.replaceChildren(bar, this.word, body, this.keybar.bar, this.transcript.voice);
    this.quit = new AbortController();
    root.addEventListener("keydown", (event) => this.handleKey(event), { signal: this.quit.signal });
    this.forgetPreferences = preferences.onChange((values) => this.apply(values));
    this.apply(preferences.values);
    this.render();
    this.focused?.focus();
  }

  /** The owner may have arranged their terminals otherwise. Who types along stays where they are typing. */
  follow(layout) {
    const now = JSON.stringify(layout);
    if (now === this.followed) return;
    this.followed = now;
    const wanted = layouts.restore(layout, this.nodes);
    const kept = new Set(layouts.panesOf(wanted).map(layouts.keyOf));
    for (const [key, pane] of this.panes) {
      if (kept.has(key)) continue;
      this.panes.delete(key);
      pane.dispose();
    }
    const stays = this.guest.types && wanted.tabs.some(({ id }) => id === this.layout.active);
    this.change(stays ? layouts.select(wanted, this.layout.active) : wanted);
  }

  /** Ends those terminals' shells. The last one is not closed: another shell begins in its place. */
  closePanes(panes) {
    let layout = this.layout;
    for (const pane of panes) {
      const key = layouts.keyOf(pane);
      layout = layouts.closePane(layout, key);
      this.runner.stop(pane);
      this.panes.delete(key);
      pane.end();
    }
    this.change(layout.tabs.length ? layout : layouts.addTab(layout, this.nodes[0]), true);
  }

  /** Whether the visitor may type, from now on. */
  allow(types) {
    if (types && !this.guest.types) {
      this.focused?.tell("");
      this.focused?.focus();
    }
    this.guest.types = types;
  }

  get focused() {
    const place = layouts.focusedPane(this.layout);
    return place && this.panes.get(layouts.keyOf(place));
  }

  paneOf(place) {
    const key = layouts.keyOf(place);
    if (!this.panes.has(key)) {
      const label = this.nodes.length > 1 || place.shell !== "principal" ? `${place.node}, ${place.shell}` : place.node;
      this.panes.set(key, new Pane({ ...place, sandbox: this.sandbox, waits: this.waits, label, preferences: this.preferences, owner: this, guest: this.guest }));
    }
    return this.panes.get(key);
  }

  change(layout, focus = false) {
    const same = layout === this.layout;
    this.layout = layout;
    this.render();
    if (focus) this.focused?.focus();
    if (!same && !this.guest) this.preferences.keepLayout(this.sandbox, layout);
  }

  render() {
    this.splits.render(this.layout);
    this.renderTabs();
  }

  renderTabs() {
    const worst = ["conectado", "conectando", "esperando", "reconectando", "terminado"];
    const stateOf = (tab) => tab.panes.map((place) => this.panes.get(layouts.keyOf(place))?.state ?? "conectado")
      .reduce((one, other) => (worst.indexOf(other) > worst.indexOf(one) ? other : one), "conectado");
    this.tabs.render(this.layout, this.nodes, stateOf);
    const state = this.focused?.state ?? "";
    this.shown.textContent = STATES[state] ?? "";
    this.shown.dataset.state = state;
  }

  apply(values) {
    this.root.dataset.theme = resolve(values.theme);
    for (const pane of this.panes.values()) pane.screen?.apply(values);
  }

  say(text) {
    clearTimeout(this.hush);
    this.word.textContent = text;
    this.word.hidden = !text;
    if (text) this.hush = setTimeout(() => this.say(""), 8000);
  }

  // What the panes tell.
  onFocus(pane) {
    if (this.focused !== pane) this.change(layouts.focus(this.layout, layouts.keyOf(pane)));
  }

  onState(pane) {
    if (pane.state === "terminado") this.runner.stop(pane);
    this.renderTabs();
  }

  onCommand(pane, command, old) {
    const where = layouts.panesOf(this.layout).length > 1 ? `${pane.node}, ${pane.shell}` : "";
    this.transcript.add(command, { where, old });
  }

  onPrompt(pane) {
    this.runner.atPrompt(pane);
  }

  /** xterm asks before it takes a key: false if it is ours. */
  onKey(event, pane) {
    if (event.type !== "keydown") return true;
    const action = actionOf(event);
    if (action) return this.actions.take(event, action);
    const { term } = pane.screen;
    const meant = clipboardActionOf(event, term.hasSelection());
    if (meant === "copy") {
      pane.clipboard.copy().then(() => event.shiftKey || term.clearSelection());
      event.preventDefault();
      return false;
    }
    if (meant === "paste") return false; // the browser pastes, and clipboard.js hears it
    this.runner.stop(pane);
    if (event.ctrlKey && event.code === "KeyP") event.preventDefault(); // the print dialog
    return true;
  }

  handleKey(event) {
    if (event.target.matches?.(".xterm-helper-textarea") || event.target.closest?.("dialog")) return;
    const action = actionOf(event);
    if (action) this.actions.take(event, action);
  }

  /** Runs commands of the text in the focused terminal, or in one of `node`. Returns why not, or "". */
  run(commands, node) {
    if (this.guest && !this.guest.types) return "Solo estás mirando: para escribir, pídelo arriba.";
    if (node && this.focused?.node !== node) {
      const place = layouts.panesOf(this.layout).find((one) => one.node === node);
      if (!place) return `No hay ninguna terminal de «${node}».`;
      this.change(layouts.focus(this.layout, layouts.keyOf(place)));
    }
    const why = this.runner.run(this.focused, commands);
    if (!why) this.focused.focus();
    return why;
  }

  dispose() {
    this.quit.abort();
    this.forgetPreferences();
    clearTimeout(this.hush);
    for (const pane of this.panes.values()) pane.dispose();
    this.root.classList.remove("maximised");
    this.root.replaceChildren();
  }
}
