// The exercise's page: keeps the terminal in step with the panel that the server renders.
import htmx from "htmx.org";
import { LabTerminal } from "./terminal.js";

htmx.config.includeIndicatorCSS = false; // its inline <style> is not ours (strict CSP)

const pane = document.getElementById("terminal");
const progress = document.querySelector(".top .progress");
let open = null; // { key, terminals }

function follow() {
  const state = document.querySelector("[data-testid=lab-state]");
  const sandbox = state?.dataset.sandbox;
  const nodes = (state?.dataset.nodes || "").split(" ").filter(Boolean);
  const key = sandbox ? `${sandbox} ${nodes.join(" ")}` : "";
  if (key === (open?.key || "")) return;
  open?.terminals.forEach((terminal) => terminal.close());
  pane.replaceChildren();
  pane.hidden = !sandbox;
  open = sandbox ? { key, terminals: show(sandbox, nodes) } : null;
}

function show(sandbox, nodes) {
  const tabs = document.createElement("div");
  tabs.className = "tabs";
  tabs.role = "tablist";
  tabs.hidden = nodes.length < 2;
  pane.append(tabs);
  const terminals = nodes.map((node) => {
    const screen = document.createElement("div");
    screen.className = "screen";
    pane.append(screen);
    const tab = document.createElement("button");
    tab.textContent = node;
    tab.role = "tab";
    tab.addEventListener("click", () => select(node));
    tabs.append(tab);
    return new LabTerminal(screen, `/ws/terminal/${sandbox}/${node}/principal/`, node);
  });
  function select(node) {
    terminals.forEach((terminal, number) => {
      const chosen = terminal.node === node;
      terminal.screen.hidden = !chosen;
      tabs.children[number].setAttribute("aria-selected", chosen);
      if (chosen) terminal.show();
    });
  }
  select(nodes[0]);
  return terminals;
}

function countDown() {
  const clock = document.querySelector(".left-time");
  if (!clock) return;
  const end = Number(clock.dataset.end || (clock.dataset.end = Date.now() + 1000 * clock.dataset.seconds));
  const seconds = Math.max(0, Math.round((end - Date.now()) / 1000));
  clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  clock.classList.toggle("soon", seconds < 300);
}

function followProgress() {
  const now = document.getElementById("progress-now");
  if (!now || !progress) return;
  const { completed, total } = now.dataset;
  progress.dataset.completed = completed;
  progress.querySelector("progress").value = completed;
  progress.lastChild.textContent = ` ${completed} / ${total}`;
}

for (const event of ["htmx:after:swap", "htmx:after:settle"]) {
  document.addEventListener(event, () => {
    document.querySelectorAll(".left-time").forEach((clock) => delete clock.dataset.end);
    follow();
    countDown();
    followProgress();
  });
}
setInterval(countDown, 1000);
countDown();
follow();

// Blocks of the text can be copied with one click.
for (const block of document.querySelectorAll("article.text pre")) {
  const button = document.createElement("button");
  button.className = "copy";
  button.type = "button";
  button.textContent = "Copiar";
  button.addEventListener("click", async () => {
    const text = block.querySelector("code").textContent.trimEnd();
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
    } else {
      open?.terminals[0]?.paste(text); // no clipboard without HTTPS
    }
    button.textContent = navigator.clipboard ? "Copiado" : "Pegado en la terminal";
    setTimeout(() => (button.textContent = "Copiar"), 1500);
  });
  block.append(button);
}
