// The panels beside the terminal: each module is loaded when its tab is first shown, and its `open(panel)` called once.
// A tab whose panel is not named here stays hidden.
export const panels = {
  archivos: () => import("./archivos.js"),
  motor: () => import("./motor.js"),
};
