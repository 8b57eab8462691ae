// What a person likes of their terminals, kept by the server for them alone: how they look, what copies, and how the
// terminals of their last laboratories were arranged.

const DEFAULTS = {
  font: 14, theme: "", selectCopies: false, rightClickPastes: false, pastePreview: true, programsCopy: false,
  announce: true, transcript: false, layouts: {},
};
const LAYOUTS_MAX = 8;
export const FONT_MIN = 9, FONT_MAX = 32;

export class Preferences {
  /** `source`: the element that carries them (data-preferences) and where they are kept (data-preferences-url). */
  constructor(source) {
    this.url = source.dataset.preferencesUrl;
    this.values = { ...DEFAULTS, ...JSON.parse(source.dataset.preferences || "{}") };
    this.listeners = new Set();
    addEventListener("pagehide", () => this.save(true));
  }

  get(name) {
    return this.values[name];
  }

  set(changes) {
    Object.assign(this.values, changes);
    for (const listener of this.listeners) listener(this.values, changes);
    this.keep();
  }

  size(by) {
    const font = by ? Math.min(Math.max(this.values.font + by, FONT_MIN), FONT_MAX) : DEFAULTS.font;
    this.set({ font });
  }

  layoutOf(sandbox) {
    return this.values.layouts[sandbox];
  }

  keepLayout(sandbox, layout) {
    const others = Object.entries(this.values.layouts).filter(([id]) => id !== sandbox).slice(-(LAYOUTS_MAX - 1));
    this.values.layouts = { ...Object.fromEntries(others), [sandbox]: layout };
    this.keep();
  }

  onChange(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  keep() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(false), 400);
    this.unsaved = true;
  }

  async save(leaving) {
    if (!this.unsaved || !this.url) return;
    clearTimeout(this.timer);
    this.unsaved = false;
    const body = JSON.stringify(this.values);
    try {
      await fetch(this.url, { method: "POST", body, keepalive: leaving, headers: { "Content-Type": "application/json", "X-CSRFToken": token() } });
    } catch {
      this.unsaved = true; // with the next change, or when the page is left
    }
  }
}

/** The page's token against forged requests: in any form that the server rendered. */
export function token() {
  return document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
}
