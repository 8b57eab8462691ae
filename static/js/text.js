// What a course's text does in the page: blocks that are copied and run, terms that explain themselves, wide blocks that
// scroll by keyboard. Owns nothing of the terminal: «Ejecutar» says `laboratorio:run` on the document, with
// detail {command, commands, node}; whoever has a terminal runs it and prevents the default (terminal.js, which says why if it can't).

import { offerFigures } from "./figures.js";

const SAID_FOR = 1800;

/** Makes the texts below `root` alive; what is alive already is left alone. */
export function enliven(root) {
  root.querySelectorAll(".shell:not([data-alive])").forEach(transcript);
  root.querySelectorAll(".text pre:not([data-alive])").forEach(plainBlock);
  measure(root);
  offerFigures(root);
}

// What is wider than its place scrolls, and by keyboard too.
function measure(root) {
  // All are measured before any is changed: one layout, not one for each.
  const blocks = [...root.querySelectorAll(".table:not([tabindex]), .text figure:not([tabindex]), .text pre:not([tabindex])")];
  blocks.filter((block) => block.scrollWidth > block.clientWidth).forEach(reachable);
}

let measuring;
addEventListener("resize", () => {
  cancelAnimationFrame(measuring);
  measuring = requestAnimationFrame(() => {
    measure(document);
    offerFigures(document);
  });
});

function button(className, text, label) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = className;
  made.textContent = text;
  if (label) made.setAttribute("aria-label", label);
  return made;
}

function commandsOf(block) {
  return [...block.querySelectorAll("[data-command]")].map((each) => each.dataset.command);
}

function transcript(block) {
  block.dataset.alive = "";
  block.querySelector("pre").dataset.alive = "";
  const bar = block.querySelector(".shell-bar");
  const tools = document.createElement("span");
  tools.className = "shell-tools";
  const copy = button("quiet tiny", "Copiar", "Copiar las órdenes");
  copy.addEventListener("click", () => copyText(copy, commandsOf(block).join("\n")));
  tools.append(copy);
  if ("runnable" in block.dataset) {
    const run = button("tiny run", "Ejecutar", "Ejecutar en la terminal");
    run.addEventListener("click", () => ask(run, commandsOf(block), block.dataset.node));
    tools.append(run);
  }
  bar.append(tools);
}

function plainBlock(block) {
  block.dataset.alive = "";
  const frame = document.createElement("div");
  frame.className = "code";
  block.replaceWith(frame);
  const copy = button("quiet tiny copy", "Copiar", "Copiar este bloque");
  copy.addEventListener("click", () => copyText(copy, block.textContent.trimEnd()));
  frame.append(block, copy);
}

function reachable(element) {
  element.tabIndex = 0;
  if (element.matches(".table")) {
    element.setAttribute("role", "region");
    element.setAttribute("aria-label", "Tabla");
  }
}

function say(near, text) {
  const before = near.dataset.label ?? near.textContent;
  near.dataset.label = before;
  near.textContent = text;
  announce(text);
  clearTimeout(near.timer);
  near.timer = setTimeout(() => (near.textContent = before), SAID_FOR);
}

/** Copies a text and says so on the button; without a clipboard (no HTTPS) selects it: a field, or the code of the block. */
export async function copyText(from, text, field) {
  try {
    await navigator.clipboard.writeText(text);
    say(from, "Copiado");
  } catch {
    if (field) field.select();
    else getSelection().selectAllChildren(from.closest(".shell, .code").querySelector("code"));
    say(from, "Pulsa Ctrl+C");
  }
}

function ask(from, commands, node) {
  const event = new CustomEvent("laboratorio:run", { cancelable: true, detail: { command: commands.join("\n"), commands, node } });
  const taken = !document.dispatchEvent(event);
  if (taken) {
    if (event.detail.refused) announce(event.detail.said);
    else say(from, "Enviado");
    return;
  }
  const start = document.querySelector("[data-testid=start-lab], [data-testid=resume-lab]");
  if (start) {
    say(from, "Inicia el laboratorio");
    document.dispatchEvent(new CustomEvent("laboratorio:show", { detail: { tab: "terminal" } }));
    start.focus({ focusVisible: true }); // where to press, for who came with the mouse too
    return;
  }
  const lab = document.querySelector("[data-lab-url]")?.dataset.labUrl;
  if (lab) location.assign(lab);
  else say(from, "Aquí no hay terminal");
}

// There before anything is said: what comes into the page with its words already in it is not read out everywhere.
const live = document.createElement("p");
live.className = "visually-hidden";
live.setAttribute("role", "status");
document.body.append(live);

/** Tells those who listen to the page what has just happened. */
export function announce(text) {
  live.textContent = text;
}

// Terms: one card for the whole page, beside the term that is pointed at or has the focus.
let card, shownFor;

function showCard(term) {
  if (!term.dataset.definition || shownFor === term) return;
  if (!card) {
    card = document.createElement("div");
    card.className = "term-card";
    card.id = "termino";
    card.setAttribute("role", "tooltip");
    document.body.append(card);
  }
  const name = document.createElement("strong");
  name.textContent = term.dataset.term;
  card.replaceChildren(name, ` ${term.dataset.definition}`);
  card.hidden = false;
  shownFor?.removeAttribute("aria-describedby");
  shownFor = term;
  term.setAttribute("aria-describedby", card.id);
  placeCard();
}

function placeCard() {
  const box = shownFor.getClientRects()[0] ?? shownFor.getBoundingClientRect();
  const width = Math.min(336, innerWidth - 24);
  card.style.width = `${width}px`;
  card.style.left = `${Math.max(12, Math.min(box.left, innerWidth - width - 12))}px`;
  const above = box.top > card.offsetHeight + 16;
  card.style.top = `${above ? box.top - card.offsetHeight - 8 : box.bottom + 8}px`;
}

function hideCard() {
  if (!shownFor) return;
  card.hidden = true;
  shownFor.removeAttribute("aria-describedby");
  shownFor = undefined;
}

// A finger has nothing to hover with: its first tap shows the card, the second follows the link.
let known = true;
document.addEventListener("pointerdown", ({ target, pointerType }) => {
  known = pointerType !== "touch" || shownFor === target.closest?.(".term");
});
document.addEventListener("click", (event) => {
  const term = event.target.closest?.(".term");
  if (!term || known) return;
  event.preventDefault();
  showCard(term);
});

document.addEventListener("pointerover", ({ target, pointerType }) => {
  const term = target.closest?.(".term");
  if (term && pointerType === "touch") return;
  if (term) showCard(term);
  else if (!target.closest?.(".term-card") && document.activeElement !== shownFor) hideCard();
});
document.addEventListener("focusin", ({ target }) => (target.matches?.(".term") ? showCard(target) : hideCard()));
document.addEventListener("keydown", ({ key }) => key === "Escape" && hideCard());
// A card stays with its term while that is pointed at or has the focus, also when the page moves below the pointer.
document.addEventListener("scroll", () => shownFor && (shownFor.matches(":hover, :focus") ? placeCard() : hideCard()), { capture: true, passive: true });
