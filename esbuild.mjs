// Bundles the pages' ES modules and styles into static/build (git-ignored).
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import * as esbuild from "esbuild";

const OUT = "static/build";
rmSync(OUT, { recursive: true, force: true });

// xterm writes colours that are not of its palette as style attributes, which our policy blocks (the text would turn
// black); the same by the object model is allowed. Stops the build if xterm no longer does it this way.
const BLOCKED = 't.setAttribute("style",`${t.getAttribute("style")||""}${e};`)';
const strictStyles = {
  name: "strict-styles",
  setup(build) {
    build.onLoad({ filter: /@xterm\/xterm\/lib\/xterm\.mjs$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      if (source.split(BLOCKED).length !== 2) throw new Error("xterm changed how it writes styles: see esbuild.mjs");
      return { contents: source.replace(BLOCKED, () => "t.style.cssText+=`${e};`"), loader: "js" };
    });
  },
};

// The look of high contrast is chosen (`data-theme`) or the system's (`prefers-contrast`). CSS has no way to write one block
// for a selector and a media query, so it stands once and is written again here.
const CHOSEN = /^:root\[data-theme="contrast"\] \{\n([^}]*)\}\n/m;
const contrast = {
  name: "contrast",
  setup(build) {
    build.onLoad({ filter: /css\/tokens\.css$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const block = CHOSEN.exec(source);
      if (!block) throw new Error("tokens.css has no block for high contrast: see esbuild.mjs");
      const asked = `@media (prefers-contrast: more) {\n:root:not([data-theme="light"], [data-theme="dark"]) {\n${block[1]}}\n}\n`;
      return { contents: source + asked, loader: "css", resolveDir: dirname(path) };
    });
  },
};

await esbuild.build({
  entryPoints: {
    page: "static/js/page.js",
    lab: "static/js/lab.js",
    site: "static/css/site.css",
    terminal: "static/css/terminal.css",
    panels: "static/css/panels.css",
    replay: "static/js/replay.js",
    visit: "static/js/visit.js",
    cohort: "static/js/cohort.js",
    player: "static/css/player.css",
  },
  plugins: [strictStyles, contrast],
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  loader: { ".woff2": "file" },
  assetNames: "[name]",
  sourcemap: true,
  outdir: OUT,
});

// whitenoise sends these in place of what they are made of.
for (const name of readdirSync(OUT)) {
  if (!/\.(js|css)$/.test(name)) continue;
  const plain = readFileSync(`${OUT}/${name}`);
  writeFileSync(`${OUT}/${name}.gz`, gzipSync(plain, { level: 9 }));
  writeFileSync(`${OUT}/${name}.br`, brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }));
}
