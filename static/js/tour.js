// The first visit to a laboratory: five sentences, a minute at most, skipped with a key. Shown once; the help sheet has it again.
// On a phone the laboratory is behind its tab, and there is no divider to speak of.
import { announce } from "./text.js";

const SEEN = "laboratorio.visita";
const narrow = matchMedia("(max-width: 60rem)");
const STEPS = [
  { at: "#panel-texto", title: "Aquí está lo que hay que hacer", text: "El enunciado, paso a paso. Las palabras subrayadas con puntos se explican al pasar por encima o al tocarlas." },
  { at: "#lab .bar", narrow: "#tab-terminal", title: "Este es tu laboratorio", text: "Un motor de Docker de verdad, solo tuyo. Se inicia en un segundo, y si te vas se guarda unos días." },
  { at: "#pestanas", title: "La terminal y lo demás", text: "Aquí escribes las órdenes. En las otras pestañas ves tus archivos y lo que hay en tu motor." },
  { at: "#divisor", narrow: null, title: "Ponlo a tu gusto", text: "Arrastra el divisor para dar más sitio al texto o a la terminal. Se recuerda." },
  { at: ".next-step", fallback: "#panel-texto", title: "Y al acabar, comprueba", text: "«Comprobar» mira tu motor y dice qué está bien, qué falta y por qué. Puedes hacerlo tantas veces como quieras." },
];

let card, steps, number, before, marked;

function place() {
  const step = steps[number];
  let target = document.querySelector((narrow.matches && step.narrow) || step.at);
  if (!target?.getClientRects().length) target = document.querySelector(step.fallback ?? "main");
  marked?.classList.remove("toured");
  marked = target;
  target.classList.add("toured");
  target.scrollIntoView({ block: "nearest" });
  const box = target.getBoundingClientRect();
  const width = card.offsetWidth;
  const height = card.offsetHeight;
  const right = box.right + 12 + width < innerWidth;
  const left = right ? box.right + 12 : Math.min(Math.max(16, box.left + 24), innerWidth - width - 16);
  let top = Math.max(80, innerHeight - height - 24);
  if (right) top = Math.max(80, box.top + 24);
  else if (box.bottom + 28 + height < innerHeight) top = box.bottom + 12;
  else if (box.top - 12 - height > 80) top = box.top - 12 - height;
  card.style.left = `${left}px`;
  card.style.top = `${Math.min(top, innerHeight - height - 16)}px`;
}

function show(to) {
  number = to;
  const step = steps[number];
  card.querySelector("h2").textContent = step.title;
  card.querySelector("p").textContent = step.text;
  card.querySelector(".tour-steps").textContent = `${number + 1} de ${steps.length}`;
  card.querySelector("[data-next]").textContent = number + 1 < steps.length ? "Siguiente" : "Empezar";
  place();
  card.querySelector("[data-next]").focus();
  // The first comes with the dialog; the others change under a focus that stays.
  if (number) announce(card.querySelector("#visita-dice").innerText);
}

// Whoever sets about something needs no tour.
function elsewhere({ target }) {
  if (card.contains(target)) return;
  before = undefined;
  end();
}

function end() {
  marked?.classList.remove("toured");
  removeEventListener("resize", place);
  document.removeEventListener("pointerdown", elsewhere, { capture: true });
  card.remove();
  card = undefined;
  before?.focus?.();
}

/** Shows the tour from its beginning. */
export function start() {
  if (card) return;
  before = document.activeElement;
  steps = STEPS.filter((step) => !narrow.matches || step.narrow !== null);
  card = document.createElement("div");
  card.className = "tour";
  card.dataset.testid = "tour";
  card.setAttribute("role", "dialog");
  card.setAttribute("aria-label", "Visita guiada");
  card.setAttribute("aria-describedby", "visita-dice");
  card.innerHTML = `<div id="visita-dice"><span class="tour-steps"></span><h2></h2><p></p></div>
    <div class="tour-end"><button type="button" class="link" data-skip>Saltar la visita</button><button type="button" class="small" data-next></button></div>`;
  document.body.append(card);
  card.querySelector("[data-next]").addEventListener("click", () => (number + 1 < steps.length ? show(number + 1) : end()));
  card.querySelector("[data-skip]").addEventListener("click", end);
  card.addEventListener("keydown", ({ key }) => key === "Escape" && end());
  addEventListener("resize", place);
  document.addEventListener("pointerdown", elsewhere, { capture: true });
  show(0);
}

function first() {
  try {
    const seen = localStorage.getItem(SEEN);
    localStorage.setItem(SEEN, "1");
    return !seen;
  } catch {
    return false; // a browser that keeps nothing would show it for ever
  }
}

const offer = document.querySelector("[data-start-tour]");
if (document.getElementById("pestanas") && offer) {
  offer.hidden = false;
  offer.addEventListener("click", () => {
    document.getElementById("ayuda").close();
    start();
  });
  if (document.getElementById("lab") && first()) start();
}
