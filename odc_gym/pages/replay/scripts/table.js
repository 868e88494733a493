// Table of all satellites at the present time, for screen readers and for exact numbers.
import { $, el, fill, onClick } from "./dom.js";
import { E, at, between, held, isLit, sampleAt } from "./episode.js";
import { fixed, hhmm } from "./format.js";
import { subpoint } from "./orbits.js";
import { quantities } from "./quantities.js";
import { condition } from "./satellite.js";
import { chooseSatellite, main, state } from "./state.js";

const COLUMNS = [
  "satellite",
  "condition",
  "Sun",
  "charge",
  "junction",
  "clock",
  "held",
  "works",
  "draws",
  "latitude",
  "longitude",
];

function row(run, s) {
  const k = sampleAt(state.t),
    point = subpoint(state.t, s),
    q = quantities,
    value = name => q[name].text(between(q[name].of(run), state.t, s));
  const cells = [
    condition(run, state.t, s),
    isLit(state.t, s) ? "yes" : "no",
    value("charge"),
    value("junction"),
    value("clock"),
    held(run, k, s),
    Math.round(at(run.living, k, s)),
    `${(between(run.draw_w, state.t, s) / 1000).toFixed(1)} kW`,
    `${fixed(point.latitude)}\u00b0`,
    `${fixed(point.longitude)}\u00b0`,
  ];
  return el(
    "tr",
    { "data-satellite": s, "aria-current": s === state.satellite ? "true" : undefined },
    el("th", { scope: "row" }, el("button", { class: "link" }, String(s))),
    ...cells.map(cell => el("td", {}, String(cell))),
  );
}

/** Fill the table if it is open. */
export function drawTable() {
  if (!$("table").open) return;
  const run = main();
  $("table-name").textContent = `Satellites at +${hhmm(state.t)}, ${run.agent}`;
  fill($("table-head"), el("tr", {}, ...COLUMNS.map(name => el("th", { scope: "col" }, name))));
  fill(
    $("table-body"),
    Array.from({ length: E.satellites }, (_, s) => row(run, s)),
  );
}

export function openTable() {
  const dialog = $("table");
  if (dialog.open) dialog.close();
  else {
    dialog.showModal();
    drawTable();
  }
}

export function setUpTable() {
  onClick("table-body", "satellite", s => {
    $("table").close();
    chooseSatellite(Number(s));
  });
}
