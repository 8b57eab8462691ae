import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  { files: ["static/js/**"], languageOptions: { globals: globals.browser } },
  { files: ["*.mjs", "*.js"], languageOptions: { globals: globals.node } },
];
