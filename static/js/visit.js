// The page of who visits another's laboratory: the owner's terminals as they have them, to look at or, once they agree, to
// type in. What changes (their arrangement, what one may do, the end) comes by `laboratorio:together`.
import htmx from "htmx.org";
import { followEvents } from "./events.js";
import { visitTerminals } from "./terminal.js";

htmx.config.noSwap = [204, 304, "5xx"];
htmx.config.includeIndicatorCSS = false; // its inline <style> is not ours (strict CSP)

const root = document.getElementById("terminal");
const state = () => document.getElementById("visita");
const { sandbox, nodes, layout } = root.dataset;
const terminals = visitTerminals(root, sandbox, nodes.split(" ").filter(Boolean), { layout: JSON.parse(layout), types: state().dataset.mode === "type" });

const look = () => htmx.ajax("GET", state().dataset.url, { target: "#visita", swap: "outerHTML" });

followEvents(sandbox);
document.addEventListener("laboratorio:together", ({ detail }) => {
  terminals.follow(detail.layout);
  look();
});
document.addEventListener("laboratorio:closed", look);
document.addEventListener("htmx:after:swap", () => terminals.allow(state().dataset.mode === "type"));
