// Small builders of page elements for the terminal's modules.

/** element("button", {type: "button", onclick}, "texto", child…): properties, `dataset`, and `aria-*`/`role` attributes. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "dataset") Object.assign(made.dataset, value);
    else if (key.startsWith("aria-") || key === "role" || key === "for") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

export const button = (text, onclick, properties = {}) => element("button", { type: "button", onclick, ...properties }, text);

/** A modal dialog that is gone from the page when it closes. Gives the chosen value, "" if it was left. `careful`: it comes unasked, so that no
 *  key that was meant for elsewhere may answer it; `signal` closes it. */
export function ask(title, body, actions, { careful = false, signal } = {}) {
  return new Promise((done) => {
    const heading = element("h2", { id: `dialogo-${Date.now()}`, tabIndex: -1, autofocus: careful }, title);
    const dialog = element("dialog", { className: "terminal-dialog", "aria-labelledby": heading.id });
    // Answered in the button's own turn: `close` is told in a later one, and a key pressed meanwhile would overtake the answer.
    const answer = (value) => {
      dialog.close(value);
      dialog.remove();
      done(value);
    };
    const buttons = actions.map(([text, value, style], at) => button(text, () => answer(value), { className: style ?? (at ? "quiet" : "") }));
    dialog.append(heading, body, element("p", { className: "choices" }, ...buttons));
    dialog.addEventListener("close", () => answer(dialog.returnValue)); // closed from within, or left by Escape
    document.body.append(dialog);
    signal?.addEventListener("abort", () => answer(""));
    dialog.showModal();
    if (careful) heading.focus();
  });
}
