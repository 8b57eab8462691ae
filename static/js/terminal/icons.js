// The toolbar's icons: strokes on a grid of 16, in the colour of the text.
const PATHS = {
  add: "M8 3v10M3 8h10",
  splitRow: "M2.5 3h11v10h-11zM8 3v10",
  splitColumn: "M2.5 3h11v10h-11zM2.5 8h11",
  upload: "M8 10.5V2.8M4.8 5.8L8 2.6l3.2 3.2M2.5 10.5v3h11v-3",
  find: "M7 2.8a4.2 4.2 0 1 0 0 8.4a4.2 4.2 0 0 0 0-8.4M10.2 10.2l3.3 3.3",
  toggleTranscript: "M2.5 4h11M2.5 8h11M2.5 12h7",
  options: "M2.5 5h5M11 5h2.5M9.2 3.2v3.6M2.5 11H5M8.5 11h5M6.7 9.2v3.6",
  help: "M6 6a2 2 0 1 1 2.6 1.9C8.2 8.1 8 8.5 8 9v.6M8 12.2v.1",
  maximise: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  closeFocused: "M4 4l8 8M12 4l-8 8",
};
const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const picture = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true", class: "icon" })) picture.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  picture.append(path);
  return picture;
}
