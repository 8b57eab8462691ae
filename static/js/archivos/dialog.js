// A question in a dialog of the page's own: a text to give, or yes and no.

/** The text that was given (`true` where none is asked for), or null if it was left. */
export function ask({ title, text = "", label = "", value = "", accept }) {
  const dialog = document.createElement("dialog");
  dialog.className = "ask";
  const form = document.createElement("form");
  form.method = "dialog";
  const heading = Object.assign(document.createElement("h2"), { textContent: title, id: "ask-title" });
  dialog.setAttribute("aria-labelledby", heading.id);
  form.append(heading);
  if (text) form.append(Object.assign(document.createElement("p"), { textContent: text }));
  const input = Object.assign(document.createElement("input"), { value, required: true, spellcheck: false, autocomplete: "off", maxLength: 500 });
  if (label) {
    const named = Object.assign(document.createElement("label"), { textContent: label });
    named.append(input);
    form.append(named);
  }
  const choices = Object.assign(document.createElement("div"), { className: "choices" });
  const yes = Object.assign(document.createElement("button"), { type: "submit", textContent: accept, value: "yes" });
  const no = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: "Cancelar" });
  no.addEventListener("click", () => dialog.close());
  choices.append(no, yes);
  form.append(choices);
  dialog.append(form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes" ? (label ? input.value.trim() : true) : null);
    });
    dialog.showModal();
    if (label) {
      input.focus();
      input.setSelectionRange(value.lastIndexOf("/") + 1, value.length);
    }
  });
}
