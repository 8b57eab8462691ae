// Bundles the pages' ES modules and styles into static/build (git-ignored).
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
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

await esbuild.build({
  entryPoints: {
    page: "static/js/page.js",
    lab: "static/js/lab.js",
    site: "static/css/site.css",
    terminal: "static/css/terminal.css",
    panels: "static/css/panels.css",
    replay: "static/js/replay.js",
    player: "static/css/player.css",
  },
  plugins: [strictStyles],
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
