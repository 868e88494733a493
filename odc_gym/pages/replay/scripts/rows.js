// Rows of satellites in the day: a strip coloured by a quantity, and accelerators by job or by class.
import { font, text } from "./canvas.js";
import { E, at, between, eclipses, flagsAt, heldBy, isOff } from "./episode.js";
import { fixed } from "./format.js";
import { ending, longTitle } from "./jobs.js";
import { paintRgb, quantities } from "./quantities.js";
import { state } from "./state.js";
import { classColour, token } from "./theme.js";

const SOLID = [14, 0];
const image = document.createElement("canvas");

const laneOf = s => E.lanes.findIndex(lane => lane.satellites.includes(s));

/** Top and height of the row of the chosen satellite. */
export function selection(row) {
  const k = row.id === "strip" ? E.place[state.satellite] : laneOf(state.satellite);
  const size = Math.max(row.each, 4);
  return [row.y + (k + 0.5) * row.each - size / 2, size];
}

/** Satellite at a height in a row; in a group of several, the chosen one stays if it belongs to the group. */
export function satelliteOfRow(row, y) {
  const k = Math.min(row.count - 1, Math.max(0, Math.floor((y - row.y) / row.each)));
  if (row.id === "strip") return E.order[k];
  const { satellites } = E.lanes[k];
  return satellites.includes(state.satellite) ? state.satellite : satellites[0];
}

function names(context, row, labels, chosen) {
  const every = Math.ceil(11 / row.each);
  labels.forEach((label, k) => {
    if (k % every === 0)
      text(
        context,
        label,
        row.left - 5,
        row.y + (k + 0.5) * row.each,
        token(k === chosen ? "ink" : "ink3"),
        "right",
        font(10.5),
      );
  });
}

/** Paint one pixel for each bin and satellite, and stretch the picture over the row. */
function paintImage(context, row) {
  const q = quantities[state.quantity],
    series = q.of(row.run),
    bins = Math.max(1, E.samples - 1);
  image.width = bins;
  image.height = E.satellites;
  const own = image.getContext("2d"),
    pixels = own.createImageData(bins, E.satellites);
  for (let line = 0; line < E.satellites; line++) {
    const s = E.order[line];
    for (let k = 0; k < bins; k++)
      pixels.data.set([...paintRgb(q, at(series, Math.min(k + 1, E.samples - 1), s), s), 255], 4 * (line * bins + k));
  }
  own.putImageData(pixels, 0, 0);
  context.imageSmoothingEnabled = row.each < 1 || bins > (row.right - row.left) * 2;
  context.drawImage(image, row.left, row.y, row.right - row.left, row.h);
  context.imageSmoothingEnabled = true;
}

/** Spans in which a condition held, as `[first sample, last sample]`. */
function spans(run, s, holds) {
  const found = [];
  let from = null;
  for (let k = 1; k <= E.samples; k++) {
    const now = k < E.samples && holds(flagsAt(run, k, s));
    if (now && from === null) from = k - 1;
    if (!now && from !== null) {
      found.push([from, k - 1]);
      from = null;
    }
  }
  return found;
}

const timeOf = k => k * E.sample_s;

export function drawStrip(context, row, G, head) {
  const q = quantities[state.quantity],
    { run, each } = row,
    gap = each > 8 ? 1 : 0,
    foot = each > 8 ? 2 : each > 4 ? 1 : 0;
  const keys = [
    [token("night"), "eclipse", SOLID],
    ...(q.beyond ? [[token("alarm"), q.beyond]] : []),
    [token("alarm"), "compute off", SOLID],
  ];
  head(context, row, `${q.name} by satellite`, state.both && run.index ? [] : keys, state.both ? run.agent : "");
  paintImage(context, row);
  for (let line = 0; line < E.satellites; line++) {
    const s = E.order[line],
      y = row.y + line * each,
      size = each - gap - foot;
    if (gap) {
      context.fillStyle = token("card");
      context.fillRect(row.left, y + each - gap - foot, row.right - row.left, gap + foot);
    }
    for (const [from, to] of spans(run, s, isOff))
      strike(context, G.x(timeOf(from)), y, G.x(timeOf(to)) - G.x(timeOf(from)), size);
    if (foot) shade(context, G, s, y + each - gap - foot, foot, 0.6);
  }
  names(context, row, E.order.map(String), E.place[state.satellite]);
}

/** Strike out a span in which compute is off. */
function strike(context, x, y, w, h) {
  context.fillStyle = token("card");
  context.globalAlpha = 0.72;
  context.fillRect(x, y, w, h);
  context.globalAlpha = 1;
  context.fillStyle = token("alarm");
  context.fillRect(x, y + h / 2 - Math.min(1, h / 3), w, Math.min(2, h / 1.5));
}

function shade(context, G, s, y, h, alpha) {
  context.fillStyle = token("night");
  context.globalAlpha = alpha;
  for (const [from, to] of eclipses(s, 0, E.end_s)) context.fillRect(G.x(from), y, G.x(to) - G.x(from), h);
  context.globalAlpha = 1;
}

export function drawGantt(context, row, G, head) {
  const { run, each } = row,
    gap = each > 12 ? 2.5 : each > 3 ? 1 : 0,
    single = E.lanes.length === E.satellites;
  const keys = E.classes
    .map((kind, c) => [classColour(c), kind.name])
    .concat([
      [`${token("night")}55`, "eclipse"],
      [token("alarm"), "compute off", SOLID],
    ]);
  const title = run.slots
    ? "Accelerators by job"
    : single
      ? "Accelerators by class"
      : "Accelerators by class and group";
  head(
    context,
    row,
    G.narrow ? "Accelerators" : title,
    state.both && run.index ? [] : keys,
    state.both ? run.agent : "",
  );
  E.lanes.forEach((lane, k) => {
    const y = row.y + k * each,
      size = each - gap;
    context.fillStyle = token("soft");
    context.fillRect(row.left, y, row.right - row.left, size);
    if (single) shade(context, G, lane.satellites[0], y, size, 0.2);
    if (run.slots) drawJobs(context, G, run, lane.satellites[0], y, size);
    else drawShares(context, G, run, lane.satellites, y, size);
    if (single) drawOff(context, G, run, lane.satellites[0], y, size);
  });
  names(
    context,
    row,
    E.lanes.map(lane => lane.name.replace("plane ", "p")),
    laneOf(state.satellite),
  );
}

function drawJobs(context, G, run, s, y, h) {
  const { segment } = run,
    each = h / E.accelerators[s];
  for (const j of run.bySatellite[s]) {
    const x = G.x(segment.begin_s[j]),
      w = G.x(segment.begin_s[j] + segment.length_s[j]) - x;
    context.fillStyle = classColour(run.job.class_id[segment.job[j]]);
    context.fillRect(
      x,
      y + segment.slot[j] * each,
      Math.max(0.7, w - 0.5),
      Math.max(0.4, segment.width[j] * each - (each > 1.6 ? 0.5 : 0.2)),
    );
  }
}

/** Draw the share of each class in the accelerators of a group; bins with equal shares are one rectangle. */
function drawShares(context, G, run, satellites, y, h) {
  const total = satellites.reduce((sum, s) => sum + E.accelerators[s], 0),
    last = E.samples - 1;
  let floor = new Float64Array(E.samples);
  for (let c = 0; c < E.classes.length; c++) {
    const top = floor.map((value, k) => value + satellites.reduce((sum, s) => sum + heldBy(run, k, c, s), 0) / total);
    context.fillStyle = classColour(c);
    for (let k = 1, from = 1; k <= last; k++) {
      if (k < last && top[k + 1] === top[from] && floor[k + 1] === floor[from]) continue;
      const x = G.x(timeOf(from - 1)),
        size = (top[from] - floor[from]) * h;
      if (size > 0) context.fillRect(x, y + h - Math.min(1, top[from]) * h, G.x(timeOf(k)) - x + 0.3, size);
      from = k + 1;
    }
    floor = top;
  }
}

function drawOff(context, G, run, s, y, h) {
  context.fillStyle = token("alarm");
  for (const [from, to] of spans(run, s, isOff))
    context.fillRect(
      G.x(timeOf(from)),
      y + h * 0.42,
      G.x(timeOf(to)) - G.x(timeOf(from)),
      Math.max(Math.min(1.5, h), h * 0.16),
    );
}

/** Lines of the tip for a place in a row of satellites. */
export function ganttAt(row, y, t) {
  const { run } = row,
    s = satelliteOfRow(row, y),
    q = quantities;
  const lines = [
    `satellite ${s}: charge ${q.charge.text(between(run.charge, t, s))}`,
    `junction ${q.junction.text(between(run.junction, t, s))}, clock ${fixed(between(run.clock, t, s), 2)}`,
  ];
  if (row.id === "gantt" && run.slots) {
    const lane = (y - row.y) / row.each,
      slot = Math.floor((lane - Math.floor(lane)) * E.accelerators[s]),
      { segment } = run;
    const j = run.bySatellite[s].find(
      i =>
        segment.slot[i] <= slot &&
        slot < segment.slot[i] + segment.width[i] &&
        segment.begin_s[i] <= t &&
        t < segment.begin_s[i] + segment.length_s[i],
    );
    lines.push(...(j === undefined ? ["free"] : [longTitle(run, segment.job[j]), ending(run, j)]));
  }
  return lines;
}
