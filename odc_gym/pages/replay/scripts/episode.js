// Data of the page: the episode, its runs, and how they are read at a time.
import { decodeArrays } from "./decode.js";

/** The episode: the manifest, and what follows from it. */
export const E = {};
/** The runs, in the order of the page. */
export const runs = [];
let arrays = {};

export const array = name => arrays[name];

/** Value of a series at a sample. */
export const at = (series, k, i = 0) => series.values[k * series.row + i];

/** Sample nearest to a time. */
export const sampleAt = t => Math.min(E.samples - 1, Math.max(0, Math.round(t / E.sample_s)));

/** Bin that holds a time: it begins at the sample of the same number. */
export const binAt = t => Math.min(E.samples - 2, Math.max(0, Math.floor(t / E.sample_s + 1e-6)));

/** Value of a series at a time, straight between samples. */
export function between(series, t, i = 0) {
  const u = Math.min(E.samples - 1, Math.max(0, t / E.sample_s));
  const k = Math.max(0, Math.min(E.samples - 2, Math.floor(u))),
    w = u - k;
  return E.samples < 2 ? at(series, 0, i) : at(series, k, i) * (1 - w) + at(series, k + 1, i) * w;
}

/** Whether a satellite is in sunlight. */
export function isLit(t, s) {
  const steps = Math.round(E.end_s / E.step_s);
  const k = Math.min(steps - 1, Math.max(0, Math.floor(t / E.step_s)));
  return (E.lit.values[s * E.lit.row + (k >> 3)] >> (7 - (k & 7))) & 1;
}

/** Spans of eclipse of a satellite between two times: `[from, to]`. */
export function eclipses(s, t0, t1) {
  const found = [];
  let from = null;
  for (let t = Math.max(0, Math.floor(t0 / E.step_s) * E.step_s); t < t1; t += E.step_s) {
    const dark = !isLit(t, s);
    if (dark && from === null) from = Math.max(t, t0);
    if (!dark && from !== null) {
      found.push([from, t]);
      from = null;
    }
  }
  if (from !== null) found.push([from, t1]);
  return found;
}

export const flagsAt = (run, k, s) => run.flags.values[k * E.satellites + s];
export const isOff = flags => (flags & E.offBits) !== 0;

/** Accelerators of a class that jobs hold on a satellite. */
export const heldBy = (run, k, c, s) => run.held.values[(k * E.classes.length + c) * E.satellites + s];

export function held(run, k, s) {
  let sum = 0;
  for (let c = 0; c < E.classes.length; c++) sum += heldBy(run, k, c, s);
  return sum;
}

function series(name, count) {
  return Array.from({ length: E.samples }, (_, k) => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += at(name, k, i);
    return sum;
  });
}

function columns(prefix, names) {
  return Object.fromEntries(names.map(name => [name, array(prefix + name)?.values ?? []]));
}

function bySatellite(segment) {
  const rows = Array.from({ length: E.satellites }, () => []);
  for (let j = 0; j < segment.satellite.length; j++) rows[segment.satellite[j]].push(j);
  return rows;
}

function build(run, index) {
  const { prefix } = run,
    own = name => array(prefix + name);
  for (const name of [
    "charge",
    "junction",
    "clock",
    "living",
    "held",
    "draw_w",
    "solar_w",
    "flags",
    "terms",
    "waiting_h",
    "sustainable",
  ])
    run[name] = own(name);
  run.index = index;
  run.action = Object.fromEntries(
    ["bid", "clock", "urgency", "offset", "dial", "sent", "level"].map(name => [name, own(`action/${name}`)]),
  );
  run.segment = columns(`${prefix}segment/`, ["job", "satellite", "slot", "width", "begin_s", "length_s", "cause"]);
  run.event = columns(`${prefix}event/`, ["time_s", "kind", "satellite", "job", "value"]);
  run.job = columns(`${prefix}job/`, [
    "class_id",
    "total_accelerators",
    "num_satellites",
    "status",
    "arrival_s",
    "deadline_s",
    "work_s",
    "finished_s",
  ]);
  run.bySatellite = bySatellite(run.segment);
  const load = new Float32Array(E.samples * E.satellites);
  for (let k = 0; k < E.samples; k++)
    for (let s = 0; s < E.satellites; s++)
      load[k * E.satellites + s] = held(run, k, s) / Math.max(1, at(run.living, k, s));
  run.load = { values: load, row: E.satellites };
  run.scores = series(run.terms, E.terms.length);
  run.drawn_kw = series(run.draw_w, E.satellites).map(w => w / 1000);
  run.sunlight_kw = series(run.solar_w, E.satellites).map(w => w / 1000);
  run.stack = Array.from({ length: E.classes.length + 1 }, (_, c) => series(run.waiting_h, c));
  return run;
}

/** Groups of satellites that the charts of large fleets show as one row: planes, or neighbours. */
function lanes() {
  const all = Array.from({ length: E.satellites }, (_, s) => s);
  if (E.satellites <= 100) return all.map(s => ({ name: String(s), satellites: [s] }));
  const planes = [...new Set(E.planes)];
  if (planes.length > 1 && planes.length <= 80)
    return planes.map(p => ({ name: `plane ${p}`, satellites: all.filter(s => E.planes[s] === p) }));
  const size = Math.ceil(E.satellites / 60);
  return Array.from({ length: Math.ceil(E.satellites / size) }, (_, g) => ({
    name: String(g * size),
    satellites: all.slice(g * size, (g + 1) * size),
  }));
}

export const sum = values => values.reduce((a, b) => a + b, 0);

/** Score of a run at a time. */
export function scoreAt(run, t) {
  let total = 0;
  for (let c = 0; c < E.terms.length; c++) total += between(run.terms, t, c);
  return total;
}

/** Read the manifest and the arrays from the page. */
export async function load(manifest, data) {
  Object.assign(E, manifest);
  arrays = await decodeArrays(E.arrays, data);
  E.lit = array("lit");
  E.flag = Object.fromEntries(E.flags.map((name, k) => [name, 1 << k]));
  E.offBits = E.flag.shed | E.flag.tripped | E.flag.off | E.flag.out;
  const design = name => array(`design/${name}`).values;
  E.accelerators = Array.from(design("accelerators"), value => Math.max(1, Math.round(value)));
  E.floor = design("floor_frac");
  E.limit_c = Array.from(design("limit_k"), k => k - 273.15);
  E.trip_c = Array.from(design("trip_k"), k => k - 273.15);
  E.peak_w = design("array_peak_w");
  E.lanes = lanes();
  E.order = E.lanes.flatMap(lane => lane.satellites);
  E.place = [];
  E.order.forEach((s, k) => {
    E.place[s] = k;
  });
  runs.push(...E.runs.map(build));
  runs.forEach(run => {
    run.solar_w ??= runs[0].solar_w;
  });
}
