// Continuous checks: a step turns green the moment it is true (`laboratorio:check`), whatever the last *Comprobar* said
// before. When all is done the server checks by itself, and the result is fetched.
import htmx from "htmx.org";
import { last } from "./events.js";

function apply(message) {
  const result = document.getElementById("resultado");
  if (!result || !message || result.dataset.status === "running") return;
  // What was pressed for later than this was seen, knows better.
  if (Number(result.dataset.finished || 0) > message.at) return;
  for (const item of result.querySelectorAll("[data-live]")) {
    const status = message.checks[item.dataset.live];
    if (!status) continue;
    const done = status === "passed" && !item.classList.contains("passed");
    item.classList.toggle("true-now", done);
    say(item, done);
    item.classList.toggle("not-any-more", status === "failed" && item.classList.contains("passed"));
  }
}

// Said, too: a colour alone tells nothing to who does not see it.
function say(item, done) {
  let said = item.querySelector(".now");
  if (!said && done) {
    said = document.createElement("span");
    said.className = "now";
    item.querySelector("strong").after(said);
  }
  if (said) said.textContent = done ? "hecho" : "";
}

function fetchResult(result) {
  htmx.ajax("GET", result.dataset.url, { target: "#resultado", swap: "outerHTML" });
}

document.addEventListener("laboratorio:check", ({ detail }) => {
  const result = document.getElementById("resultado");
  if (detail.run && result && Date.now() / 1000 - detail.at < 30) fetchResult(result);
  else apply(detail);
});

// A check run is over: the page asks from time to time, and now at once.
function catchUp(message) {
  const result = document.getElementById("resultado");
  if (message && result?.dataset.status === "running" && Number(result.dataset.run) === message.run) fetchResult(result);
}

document.addEventListener("laboratorio:result", ({ detail }) => catchUp(detail));
document.addEventListener("htmx:after:swap", () => {
  apply(last("check"));
  catchUp(last("result"));
});
