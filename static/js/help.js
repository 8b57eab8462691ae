// Shortcuts of every page, and the sheet that lists them. A shortcut of one key is none while one writes.
import { announce } from "./text.js";
import { showTab } from "./workbench.js";

const sheet = document.getElementById("ayuda");
const WRITING = "input, textarea, select, [contenteditable=true], .xterm, .cm-editor";

function open() {
  if (!sheet.open) sheet.showModal();
}

function alone(event) {
  if (event.target.closest?.(WRITING)) return;
  if (event.key === "?") open();
  else if (event.key === "/") document.querySelector("[data-shortcut='/']").click();
  else return;
  event.preventDefault();
}

function withAlt(event) {
  const digit = /^Digit([1-9])$/.exec(event.code)?.[1];
  if (event.code === "KeyC") document.querySelector("[data-testid=check]")?.click();
  else if (digit === "1") reach("texto", document.getElementById("panel-texto"));
  else if (digit) {
    const tabs = [...document.querySelectorAll("#pestanas [role=tab]:not(#tab-texto, [hidden])")];
    const tab = tabs[digit - 2];
    if (!tab) return;
    const name = tab.id.slice(4);
    const panel = document.getElementById(`panel-${name}`);
    showTab(name); // what is hidden takes no focus
    reach(name, panel.querySelector(".screen:not([hidden]) textarea, .cm-content") ?? panel.querySelector("button, a, [tabindex='0']") ?? tab);
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

function reach(name, goal) {
  showTab(name);
  if (goal.id === "panel-texto") {
    goal.tabIndex = -1;
    announce(`Texto: ${goal.querySelector("h1").textContent.trim()}`);
  }
  goal.focus();
}

if (sheet) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey) return;
    if (!event.altKey) alone(event);
  });
  // Before the terminal sees it: there Alt is a letter's companion.
  document.addEventListener(
    "keydown",
    (event) => event.altKey && !event.ctrlKey && !event.metaKey && document.getElementById("pestanas") && withAlt(event),
    { capture: true },
  );
  document.querySelectorAll("[data-open-help]").forEach((button) => button.addEventListener("click", open));
  sheet.querySelector("[data-close-help]").addEventListener("click", () => sheet.close());
}
