// Who else is in the student's laboratory: the notice above the terminals, drawn by the server, and the question when
// somebody asks to type along. What is asked is in the notice too, so that closing the dialog answers nothing.
import htmx from "htmx.org";
import { ask, element } from "./terminal/elements.js";
import { copyText } from "./text.js";

let sandbox = null;
let asked = null; // { id, over }

const notice = () => document.getElementById("compania");

/** Follow the company of this sandbox from now on. */
export function followCompany(now) {
  if (now === sandbox) return;
  const first = sandbox === null; // the page came with it
  sandbox = now;
  if (!first) look();
  else question();
}

function look() {
  if (!notice()) return;
  if (sandbox) htmx.ajax("GET", `/laboratorio/${sandbox}/compania/`, { target: "#compania", swap: "outerHTML" });
  else notice().replaceChildren();
}

async function question() {
  const waiting = notice()?.querySelector("[data-visit-ask]");
  if (asked?.id === waiting?.dataset.visitAsk) return;
  asked?.over.abort();
  asked = waiting ? { id: waiting.dataset.visitAsk, over: new AbortController() } : null;
  if (!waiting) return;
  const mine = asked;
  const body = element("p", {}, element("strong", {}, waiting.dataset.who), " pide escribir contigo en tus terminales. Un aviso te lo recordará mientras dure, y podrás dejarlo cuando quieras.");
  const said = await ask("¿Escribir juntos?", body, [["Aceptar", "accept-visit"], ["Ahora no", "refuse-visit"]], { careful: true, signal: mine.over.signal });
  if (said && asked === mine) notice()?.querySelector(`[data-visit-ask="${mine.id}"] [data-testid="${said}"]`)?.click();
}

document.addEventListener("click", ({ target }) => {
  const link = document.getElementById(target.dataset?.copies);
  if (link) copyText(target, link.value, link);
});
document.addEventListener("laboratorio:together", look);
document.addEventListener("laboratorio:closed", () => sandbox && look());
document.addEventListener("htmx:after:swap", question);
