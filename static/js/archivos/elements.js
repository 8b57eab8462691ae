// Small builders for the panel of files.
export const element = (name, className, text = "") => Object.assign(document.createElement(name), { className, textContent: text });

export function button(text, title, action) {
  const made = Object.assign(element("button", "quiet small", text), { type: "button", title });
  made.addEventListener("click", action);
  return made;
}
