// Continuous checks: a step turns green the moment it is true (`laboratorio:check`), whatever the last *Comprobar* said
// before. When all is done the server checks by itself, and the result is fetched.
import htmx from "htmx.org";
import { last } from "./events.js";
import { announce } from "./text.js";

function apply(message) {
  const result = document.getElementById("resultado");
  if (!result || !message || result.dataset.status === "running") return;
  // What was pressed for later than this was seen, knows better.
  if (Number(result.dataset.finished || 0) > message.at) return;
  const news = [];
  for (const item of result.querySelectorAll("[data-live]")) {
    const status = message.checks[item.dataset.live];
    if (!status) continue;
    const checked = item.classList.contains("passed");
    news.push(show(item, { done: status === "passed" && !checked, undone: status === "failed" && checked }));
  }
  const said = news.filter(Boolean).join(". ");
  if (said) announce(said);
}

// Said, too: a colour alone tells nothing to who does not see it. Gives what is new, "" if nothing is.
function show(item, { done, undone }) {
  const news = done !== item.classList.contains("true-now") || undone !== item.classList.contains("not-any-more");
  if (!news) return "";
  item.classList.toggle("true-now", done);
  item.classList.toggle("not-any-more", undone);
  const title = item.querySelector("strong");
  let said = item.querySelector(".now");
  if (!said) {
    said = document.createElement("span");
    said.className = "now";
    title.after(said);
  }
  said.textContent = done ? "hecho" : undone ? "ya no" : "";
  return said.textContent && `${title.textContent}: ${said.textContent}`;
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
