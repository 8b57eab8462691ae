// The editor: CodeMirror with the course's languages, looks and findings. It knows nothing of where files are.
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { dockerFile } from "@codemirror/legacy-modes/mode/dockerfile";
import { python } from "@codemirror/legacy-modes/mode/python";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import { yaml } from "@codemirror/legacy-modes/mode/yaml";
import { lintGutter, lintKeymap, linter } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const nonce = EditorView.cspNonce.of(document.querySelector("script[nonce]")?.nonce || "");
const PAUSE = 600; // after the last key, before a text is looked at

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.atom, tags.bool], color: "var(--accent)", fontWeight: "600" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--good)" },
  { tag: [tags.number, tags.literal], color: "var(--warn)" },
  { tag: [tags.comment, tags.meta], color: "var(--soft)", fontStyle: "italic" },
  { tag: [tags.definition(tags.variableName), tags.propertyName, tags.attributeName], color: "var(--accent-strong)" },
  { tag: [tags.variableName, tags.standard(tags.variableName)], color: "var(--ink)" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

const looks = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--surface)", fontSize: "0.92rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--accent)", padding: "0.6rem 0" },
  ".cm-cursor": { borderLeftColor: "var(--accent)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--accent-soft)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--soft)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent-soft) 45%, transparent)" },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--ink)" },
  ".cm-panels.cm-panels-bottom": { borderTop: "1px solid var(--line)" },
  ".cm-tooltip": { backgroundColor: "var(--surface)", color: "var(--ink)", border: "1px solid var(--line-strong)", borderRadius: "8px", maxWidth: "30rem" },
  ".cm-tooltip .cm-diagnostic": { padding: "0.35rem 0.7rem", fontFamily: "var(--sans)", lineHeight: "1.45" },
  ".cm-matchingBracket": { backgroundColor: "var(--accent-soft)", outline: "1px solid var(--accent-line)" },
  ".cm-searchMatch": { backgroundColor: "var(--warn-soft)", outline: "1px solid var(--warn-line)" },
});

const phrases = EditorState.phrases.of({
  Find: "Buscar", Replace: "Cambiar por", next: "siguiente", previous: "anterior", all: "todas", "match case": "distinguir mayúsculas",
  "by word": "palabra entera", regexp: "expresión regular", replace: "cambiar", "replace all": "cambiar todas", close: "cerrar",
  "current match": "la de ahora", "replaced $ matches": "$ cambios hechos", "replaced match on line $": "cambiado en la línea $", "on line": "en la línea",
  "Diagnostics": "Avisos", "No diagnostics": "Sin avisos", "Control character": "Carácter invisible", "Go to line": "Ir a la línea", go: "ir",
});

function language(path) {
  const name = path.split("/").at(-1).toLowerCase();
  if (/^(docker|container)file(\.|$)|\.dockerfile$/.test(name)) return [StreamLanguage.define(dockerFile), indentUnit.of("    ")];
  if (/\.ya?ml$/.test(name)) return [StreamLanguage.define(yaml), indentUnit.of("  ")];
  if (/\.py$/.test(name)) return [StreamLanguage.define(python), indentUnit.of("    ")];
  if (/\.(sh|bash|env)$|^\.(env|profile|bashrc)$/.test(name)) return [StreamLanguage.define(shell), indentUnit.of("  ")];
  return [];
}

export class Editor {
  /** `on`: change(), save(), leave(), review(path, text) → findings, found(findings). */
  constructor(place, on) {
    this.on = on;
    this.path = "";
    // With the nonce from the first on: the element for its styles is made once.
    this.view = new EditorView({ parent: place, state: EditorState.create({ extensions: nonce }) });
  }

  open(path, text) {
    this.path = path;
    const crlf = text.includes("\r\n") && !/[^\r]\n/.test(text);
    const state = EditorState.create({
      doc: text,
      extensions: [
        nonce,
        crlf ? EditorState.lineSeparator.of("\r\n") : [],
        lineNumbers(), history(), drawSelection(), indentOnInput(), bracketMatching(), highlightActiveLine(), highlightActiveLineGutter(),
        highlightSelectionMatches(), search({ top: false }), syntaxHighlighting(colours), looks, phrases, language(path),
        EditorView.contentAttributes.of({ "aria-label": `Contenido de ${path}. Con Esc y después Tab se sale del editor.`, spellcheck: "false" }),
        keymap.of([{ key: "Mod-s", preventDefault: true, run: () => (this.on.save(), true) }, indentWithTab, ...defaultKeymap, ...historyKeymap, ...searchKeymap, ...lintKeymap]),
        lintGutter(), linter((view) => this.#findings(view), { delay: PAUSE }),
        EditorView.updateListener.of((update) => update.docChanged && this.on.change()),
        EditorView.domEventHandlers({ blur: () => this.on.leave() }),
      ],
    });
    this.view.setState(state);
  }

  get text() {
    return this.view.state.sliceDoc();
  }

  /** The same file with another text, where the cursor may stay: only what differs is changed. */
  replace(text) {
    const old = this.text;
    let from = 0;
    while (from < old.length && from < text.length && old[from] === text[from]) from++;
    let end = 0;
    while (end < old.length - from && end < text.length - from && old[old.length - 1 - end] === text[text.length - 1 - end]) end++;
    this.view.dispatch({ changes: { from, to: old.length - end, insert: text.slice(from, text.length - end) } });
  }

  goTo(line) {
    const { doc } = this.view.state;
    const { from } = doc.line(Math.min(Math.max(1, line), doc.lines));
    this.view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
    this.view.focus();
  }

  focus() {
    this.view.focus();
  }

  async #findings(view) {
    const [path, { doc }] = [this.path, view.state];
    const found = path ? await this.on.review(path, this.text) : [];
    if (path !== this.path) return [];
    this.on.found(found);
    return found.map(({ line, severity, message, source }) => {
      const { from, to, text } = doc.line(Math.min(Math.max(1, line), doc.lines));
      return { from: from + (text.length - text.trimStart().length), to, severity, message: source ? `${message} (${source})` : message };
    });
  }
}
