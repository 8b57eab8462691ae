// Every page: its looks, its texts, its contents.
import "./contents.js";
import "./help.js";
import "./themes.js";
import { enliven } from "./text.js";

enliven(document);
document.querySelector("[data-print]")?.addEventListener("click", () => print());
