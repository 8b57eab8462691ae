// Which key does what (options.js lists them for people). Pure: gives the name of an action (actions.js), or null.

const WITH_ALT_SHIFT = {
  KeyT: "add", KeyD: "splitRow", KeyS: "splitColumn", KeyW: "closeFocused", ArrowLeft: "previousTab", ArrowRight: "nextTab",
  ArrowUp: "previousPane", ArrowDown: "nextPane", PageUp: "moveLeft", PageDown: "moveRight", KeyR: "rename", KeyZ: "maximise",
  KeyX: "toggleTranscript", KeyO: "options", KeyU: "upload", KeyH: "help", Digit0: "usualFont", Numpad0: "usualFont",
  Equal: "bigger", BracketRight: "bigger", NumpadAdd: "bigger", Minus: "smaller", Slash: "smaller", NumpadSubtract: "smaller",
};

export function actionOf(event) {
  if (event.altKey && event.shiftKey && !event.ctrlKey && !event.metaKey) return WITH_ALT_SHIFT[event.code] ?? null;
  const meant = event.ctrlKey || event.metaKey;
  if (!meant || !event.shiftKey || event.altKey) return null;
  return { F6: "leave", KeyF: "find" }[event.code] ?? null;
}

/** What a key means to the clipboard: "copy", "paste", or null. Without a selection, Ctrl+C is the program's. */
export function clipboardActionOf(event, hasSelection) {
  if (event.altKey || !(event.ctrlKey || event.metaKey)) return null;
  if (event.code === "KeyC" && (event.shiftKey || hasSelection)) return "copy";
  if (event.code === "KeyV") return "paste";
  return null;
}
