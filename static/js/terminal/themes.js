// The terminal's colours. Every pair of text and background has a contrast of at least 4.5 (7 in «contraste»).

const dark = {
  background: "#0d1421", foreground: "#d7e0ee", cursor: "#58c7f3", cursorAccent: "#0d1421", selectionBackground: "#2c4a6e",
  black: "#1b2638", red: "#ff7b86", green: "#7fd88f", yellow: "#f2c66d", blue: "#6cb6ff", magenta: "#d5a0ff",
  cyan: "#5fd7d7", white: "#d7e0ee", brightBlack: "#75859c", brightRed: "#ff9ca5", brightGreen: "#a2e8af",
  brightYellow: "#ffdb93", brightBlue: "#9bcdff", brightMagenta: "#e4c3ff", brightCyan: "#93ecec", brightWhite: "#ffffff",
};
const light = {
  background: "#fbfcfe", foreground: "#1b2533", cursor: "#0b5cab", cursorAccent: "#ffffff", selectionBackground: "#b9d6f5",
  black: "#1b2533", red: "#a3262b", green: "#146c37", yellow: "#7a4b00", blue: "#0b5cab", magenta: "#7b2fa8",
  cyan: "#08666e", white: "#5d6b80", brightBlack: "#5a687c", brightRed: "#b3141d", brightGreen: "#0c6b30",
  brightYellow: "#805000", brightBlue: "#0a58c2", brightMagenta: "#8a22c9", brightCyan: "#006a75", brightWhite: "#2b3647",
};
const contrast = {
  background: "#000000", foreground: "#ffffff", cursor: "#ffff00", cursorAccent: "#000000", selectionBackground: "#ffffff",
  selectionForeground: "#000000",
  black: "#000000", red: "#ff9a9a", green: "#7dff8e", yellow: "#ffff5c", blue: "#9fd0ff", magenta: "#ffb3ff",
  cyan: "#7dffff", white: "#ffffff", brightBlack: "#c8c8c8", brightRed: "#ffb8b8", brightGreen: "#b0ffba",
  brightYellow: "#ffffa0", brightBlue: "#c4e2ff", brightMagenta: "#ffd0ff", brightCyan: "#c0ffff", brightWhite: "#ffffff",
};

const COLOURS = { oscuro: dark, claro: light, contraste: contrast };
export const THEMES = [["auto", "Como la página"], ["oscuro", "Oscuro"], ["claro", "Claro"], ["contraste", "Alto contraste"]];

/** Which theme «auto» is now: the page's, if it has chosen one, else the system's. For who has not chosen (""), the dark one,
 *  unless the page is of high contrast. */
export function resolve(name) {
  if (name in COLOURS) return name;
  const page = document.documentElement.dataset.theme;
  if (page === "contrast" || (!page && matchMedia("(prefers-contrast: more)").matches)) return "contraste";
  if (!name) return "oscuro";
  if (page) return page === "light" || page === "claro" ? "claro" : "oscuro";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "oscuro" : "claro";
}

export const colours = (resolved) => COLOURS[resolved];
export const ratio = (resolved) => (resolved === "contraste" ? 7 : 4.5);
