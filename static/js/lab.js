// The exercise's page: keeps the terminal in step with the panel that the server renders.
import htmx from "htmx.org";
import { followCompany } from "./company.js";
import { followEvents } from "./events.js";
import { keepFocus, tellResult } from "./focus.js";
import "./live.js";
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
const { title } = document;
let open = ""; // the sandbox and nodes whose terminals are shown

function follow() {
  const { sandbox, coming, nodes } = document.querySelector("[data-testid=lab-state]")?.dataset ?? {};
  followEvents(sandbox);
  followCompany(sandbox ?? "");
  show(sandbox || coming, nodes, !sandbox);
}

// `waits`: it is not ready yet, and its terminals open the moment it is.
function show(sandbox, nodes = "", waits = false) {
  const key = sandbox ? `${sandbox} ${nodes}` : "";
  if (!pane || key === open) return;
  open = key;
  pane.hidden = !sandbox;
  if (sandbox) openTerminals(pane, sandbox, nodes.split(" ").filter(Boolean), waits);
  else closeTerminals();
}

// A sandbox is named by the page that asks for it, so that its terminal is at the door when it starts.
document.addEventListener("submit", ({ target: form }) => {
  const state = document.querySelector("[data-testid=lab-state]");
  if (!form.querySelector("[data-testid=start-lab]") || state?.dataset.sandbox) return;
  const sandbox = newName();
  form.querySelector("[name=laboratorio]")?.remove();
  form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "laboratorio", value: sandbox }));
  show(sandbox, state?.dataset.nodes, true);
}, true);

// A version 4 UUID; crypto.randomUUID is missing where a classroom has no HTTPS.
function newName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

function countDown() {
  const clock = document.querySelector(".left-time");
  if (!clock) return showInTitle("");
  const end = Number(clock.dataset.end || (clock.dataset.end = Date.now() + 1000 * clock.dataset.seconds));
  const seconds = Math.max(0, Math.round((end - Date.now()) / 1000));
  clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  clock.classList.toggle("soon", seconds < 300);
  showInTitle(seconds < 300 ? clock.textContent : "");
}

// Who is in another tab sees it too.
function showInTitle(word) {
  document.title = word ? `(${word}) ${title}` : title;
}

// The panel has something new to say, before its next round: a limit was reached.
document.addEventListener("laboratorio:notice", ({ detail }) => {
  if (Date.now() / 1000 - detail.at < 30) refreshPanel();
});
// The laboratory ended. Unless a button of this page did it, whose answer is about to come, nothing shows it yet.
document.addEventListener("laboratorio:closed", () => {
  const shown = sandboxShown();
  setTimeout(() => shown && shown === sandboxShown() && refreshPanel(), 700);
});

function sandboxShown() {
  return document.querySelector("[data-testid=lab-state]")?.dataset.sandbox;
}

function refreshPanel() {
  const panel = document.getElementById("lab");
  const url = panel?.getAttribute("hx-get");
  if (url) htmx.ajax("GET", url, { target: "#lab", swap: "outerMorph" });
}

const outage = document.createElement("div");
outage.role = "status";
document.querySelector("main").before(outage);

// Who pressed something is told that it was not done. The panel asks again and again, so this goes by itself.
function tellOutage(down) {
  if (down === outage.childElementCount > 0) return;
  outage.replaceChildren();
  if (!down) return;
  const said = "El sitio no contesta ahora. Tu laboratorio sigue como está: repite dentro de un momento lo que hayas pulsado.";
  const list = Object.assign(document.createElement("ul"), { className: "messages" });
  list.append(Object.assign(document.createElement("li"), { className: "warning", textContent: said }));
  outage.append(list);
}
document.addEventListener("htmx:after:request", ({ detail }) => tellOutage(detail.ctx.response.status >= 500));
document.addEventListener("htmx:error", ({ detail }) => detail.ctx && tellOutage(true));

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
    keepFocus();
    tellResult();
  });
}
setInterval(countDown, 1000);
countDown();
follow();

// A command of the text is seen where it runs.
document.addEventListener("laboratorio:run", () => showTab("terminal"));
