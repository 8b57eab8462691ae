// Bundles the pages' ES modules and styles into static/build (git-ignored).
import * as esbuild from "esbuild";

await esbuild.build({
  entryPoints: { lab: "static/js/lab.js", terminal: "static/css/terminal.css" },
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  sourcemap: true,
  outdir: "static/build",
});
