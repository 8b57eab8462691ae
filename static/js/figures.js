// Figures that do not fit in the text at the size they were drawn for: a button shows them whole. Refuses all others.

const ENOUGH = 1.15; // a figure that is this much wider than its place has words too small to read there

/** Offers to enlarge each figure below `root` that stands smaller than it was drawn. */
export function offerFigures(root) {
  const small = [...root.querySelectorAll(".text figure:not([data-alive]) > img[width]")].filter((image) => image.width > 0 && Number(image.getAttribute("width")) > image.width * ENOUGH);
  for (const image of small) {
    image.parentElement.dataset.alive = "";
    const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet tiny enlarge", textContent: "Ampliar la figura" });
    button.addEventListener("click", () => show(image));
    image.parentElement.append(button);
  }
}

function show(image) {
  const dialog = Object.assign(document.createElement("dialog"), { className: "figure-sheet", ariaLabel: image.alt });
  const whole = image.cloneNode();
  const room = Object.assign(document.createElement("div"), { className: "text figure-room", tabIndex: 0, role: "region", ariaLabel: "Figura" });
  const close = Object.assign(document.createElement("button"), { type: "button", className: "small", textContent: "Cerrar" });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close()); // beside it
  dialog.addEventListener("close", () => dialog.remove());
  room.append(whole);
  dialog.append(room, close);
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}
