// The dialogs of the terminals: options and keyboard shortcuts.
import { ask, element } from "./elements.js";
import { THEMES, resolve } from "./themes.js";
import { FONT_MAX, FONT_MIN } from "./preferences.js";

const SWITCHES = [
  ["selectCopies", "Copiar al seleccionar con el ratón"],
  ["rightClickPastes", "El botón derecho copia lo seleccionado o pega (con Mayús, el menú)"],
  ["pastePreview", "Enseñar lo que se va a pegar si son varias líneas"],
  ["programsCopy", "Dejar que los programas escriban en mi portapapeles (OSC 52)"],
  ["announce", "Anunciar las salidas cortas al lector de pantalla"],
];

export const SHORTCUTS = [
  ["Ctrl+Mayús+F6", "Salir de la terminal: lleva a su barra; desde ahí, el tabulador recorre la página"],
  ["Alt+Mayús+T", "Otra terminal"],
  ["Alt+Mayús+D · Alt+Mayús+S", "Dividir: al lado · debajo"],
  ["Alt+Mayús+W", "Cerrar esta terminal"],
  ["Alt+Mayús+← →", "Pestaña anterior o siguiente"],
  ["Alt+Mayús+↑ ↓", "Panel anterior o siguiente de la pestaña"],
  ["Alt+Mayús+AvPág · RePág", "Mover la pestaña a la derecha o a la izquierda"],
  ["Alt+Mayús+R", "Cambiar el nombre de la pestaña"],
  ["Alt+Mayús+Z", "Pantalla completa"],
  ["Alt+Mayús+X", "Transcripción: las órdenes y sus salidas como texto"],
  ["Alt+Mayús+U", "Subir ficheros a la carpeta en que está la consola"],
  ["Ctrl+Mayús+F", "Buscar en lo ya escrito"],
  ["Ctrl+Mayús+C · Ctrl+C", "Copiar; Ctrl+C, solo si hay algo seleccionado"],
  ["Ctrl+V · Ctrl+Mayús+V", "Pegar"],
  ["Alt+Mayús++ · − · 0", "Letra mayor, menor, la de siempre"],
  ["Alt+Mayús+O · H", "Opciones · esta ayuda"],
];

export async function showOptions(preferences) {
  const chosen = preferences.get("theme") || resolve("");
  const theme = element("select", {}, ...THEMES.map(([value, text]) => element("option", { value, selected: value === chosen }, text)));
  const font = element("input", { type: "number", min: FONT_MIN, max: FONT_MAX, value: preferences.get("font") });
  const boxes = SWITCHES.map(([name, text]) => {
    const box = element("input", { type: "checkbox", checked: preferences.get(name) });
    box.addEventListener("change", () => preferences.set({ [name]: box.checked }));
    return element("label", { className: "switch" }, box, text);
  });
  theme.addEventListener("change", () => preferences.set({ theme: theme.value }));
  font.addEventListener("change", () => preferences.set({ font: Math.min(Math.max(Number(font.value) || 14, FONT_MIN), FONT_MAX) }));
  const body = element(
    "div", { className: "options" }, element("label", {}, "Colores ", theme), element("label", {}, "Tamaño de letra ", font), ...boxes,
    element("p", { className: "soft" }, "Se guardan para ti, también en otros ordenadores."),
  );
  await ask("Opciones de la terminal", body, [["Listo", ""]]);
}

export async function showShortcuts() {
  const list = element("dl", { className: "shortcuts" });
  for (const [keys, what] of SHORTCUTS) list.append(element("dt", {}, ...keys.split(" · ").flatMap((key, at) => (at ? [" · ", element("kbd", {}, key)] : [element("kbd", {}, key)]))), element("dd", {}, what));
  await ask("Atajos de la terminal", list, [["Cerrar", ""]]);
}

export async function askTitle(former) {
  const field = element("input", { value: former, maxLength: 40, "aria-label": "Nombre de la pestaña" });
  const body = element("form", { method: "dialog" }, field);
  body.addEventListener("submit", (event) => {
    event.preventDefault();
    body.closest("dialog").close("guardar");
  });
  const said = await ask("Nombre de la pestaña", body, [["Guardar", "guardar"], ["Cancelar", "cancelar"]]);
  return said === "guardar" ? field.value : null;
}
