// The exercise's page: keeps the terminal in step with the panel that the server renders.
import htmx from "htmx.org";
import { followEvents } from "./events.js";
import "./ports.js";
import { closeTerminals, openTerminals } from "./terminal.js";
import { enliven } from "./text.js";
import "./tour.js";
import { showTab } from "./workbench.js";

// A proxy's or the site's failure is no part of a page: what is there stays, and is asked for again.
htmx.config.noSwap = [204, 304, "5xx"];
htmx.config.includeIndicatorCSS = false; // its inline <style> is not ours (strict CSP)

const pane = document.getElementById("terminal");
const progress = document.querySelector(".top .progress");
let open = ""; // the sandbox and nodes whose terminals are shown

function follow() {
  const state = document.querySelector("[data-testid=lab-state]");
  const sandbox = state?.dataset.sandbox;
  const nodes = (state?.dataset.nodes || "").split(" ").filter(Boolean);
  followEvents(sandbox);
  const key = sandbox ? `${sandbox} ${nodes.join(" ")}` : "";
  if (!pane || key === open) return;
  open = key;
  pane.hidden = !sandbox;
  if (sandbox) openTerminals(pane, sandbox, nodes);
  else closeTerminals();
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
  progress.querySelector(".progress-text").textContent = `${completed} / ${total}`;
}

for (const event of ["htmx:after:swap", "htmx:after:settle"]) {
  document.addEventListener(event, () => {
    document.querySelectorAll(".left-time").forEach((clock) => delete clock.dataset.end);
    follow();
    countDown();
    followProgress();
    enliven(document);
  });
}
setInterval(countDown, 1000);
countDown();
follow();

// A command of the text is seen where it runs.
document.addEventListener("laboratorio:run", () => showTab("terminal"));
