// A recording's page: the player, and beside it every command, event and check; each takes the player to its moment.
import * as AsciinemaPlayer from "asciinema-player";

const place = document.getElementById("reproductor");
const buttons = [...document.querySelectorAll("[data-mark]")];

const player = AsciinemaPlayer.create({ url: place.dataset.src }, place, {
  fit: "width", idleTimeLimit: 3, preload: true, theme: "asciinema", terminalFontSize: "small", controls: true,
});

function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function choose(chosen) {
  for (const button of buttons) {
    if (button === chosen) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  chosen?.scrollIntoView({ block: "nearest" });
}

async function go(button) {
  choose(button);
  await player.pause();
  await player.seek({ marker: Number(button.dataset.mark) });
}

for (const button of buttons) {
  button.querySelector(".when").textContent = clock(Number(button.dataset.at));
  button.addEventListener("click", () => go(button));
}

player.addEventListener("marker", ({ index }) => choose(buttons[index]));
const first = buttons[Number(place.dataset.start || -1)];
if (first) {
  player.addEventListener("ready", () => go(first));
  choose(first);
}
