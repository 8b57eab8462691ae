// Keeps the keyboard where it was when a part of the page is exchanged for its next state: on the same button, or on the
// part itself while it has none. What happened is said, since a live region that is exchanged tells nobody anything, and
// what is missing is brought into view.
import { announce } from "./text.js";

const PARTS = "#resultado, #pistas, #lab, #compania, #grabacion, .question";
const SAYS = [".next-step", ".empty", ".bar", ".notice"]; // where a part says what came of it
let last = null; // { part (its id), testid, element }
let parked = null; // what has the focus while the button is away
let told = document.getElementById("resultado")?.dataset.status;

document.addEventListener("focusin", ({ target }) => {
  if (target === parked) return;
  const part = target.closest?.(PARTS);
  last = part && { part: part.id, testid: target.dataset.testid ?? "", element: target };
});

/** To be called when a part has been exchanged. */
export function keepFocus() {
  const part = last && !last.element.isConnected && document.activeElement === document.body && document.getElementById(last.part);
  if (!part) return;
  const same = last.testid && part.querySelector(`[data-testid="${CSS.escape(last.testid)}"]`);
  if (same) last.element = same;
  else (parked = SAYS.map((says) => part.querySelector(says)).find(Boolean) ?? part).tabIndex = -1;
  (same || parked).focus({ preventScroll: true });
}

/** Says how a check came out, once. */
export function tellResult() {
  const result = document.getElementById("resultado");
  if (!result || result.dataset.status === told) return;
  told = result.dataset.status;
  const missing = [...result.querySelectorAll(".check.failed")];
  const titles = missing.map((item) => item.querySelector("strong").textContent);
  const said = {
    running: "Comprobando…", passed: "¡Ejercicio superado!", unknown: "No se pudo comprobar.",
    failed: titles.length === 1 ? `Falta: ${titles[0]}.` : `Faltan ${titles.length} cosas: ${titles.join("; ")}.`,
  }[told];
  if (said) announce(said);
  if (told === "failed") missing[0]?.scrollIntoView({ block: "nearest" });
}
