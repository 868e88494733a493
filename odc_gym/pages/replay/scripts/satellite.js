// One satellite: its jobs, six hours of charge, temperature and power, and what the agent asked of it.
import { $, el, fill } from "./dom.js";
import { band, dashOf, fit, font, polyline, text } from "./canvas.js";
import { E, at, between, eclipses, flagsAt, heldBy, isLit, isOff, sampleAt } from "./episode.js";
import { fixed, hhmm } from "./format.js";
import { ending, holding, longTitle, shortTitle } from "./jobs.js";
import { quantities } from "./quantities.js";
import { main, rival, state } from "./state.js";
import { classColour, token } from "./theme.js";

const SPAN = 6 * 3600,
  LEFT = 36,
  RIGHT = 52,
  GAP = 19;
let shownJobs = "";

/** Condition of a satellite in words. */
export function condition(run, t, s) {
  const flags = flagsAt(run, sampleAt(t), s),
    has = name => flags & E.flag[name];
  if (has("lost")) return "lost";
  if (has("out")) return "out of service";
  if (has("safe_mode")) return "safe mode";
  if (has("shed")) return "shed";
  if (has("tripped")) return "tripped";
  if (isOff(flags)) return "restarting";
  return isLit(t, s) ? "in sunlight" : "in eclipse";
}

function bar(colour, title, width = 1) {
  return el("i", { style: `background:${colour};flex-grow:${width}`, title });
}

/** Boxes of the accelerators: one each in small fleets, otherwise one for each class. */
function accelerators(run, s, segments) {
  const total = E.accelerators[s],
    living = Math.round(at(run.living, sampleAt(state.t), s));
  if (!run.slots) {
    const parts = E.classes
      .map((each, c) => [heldBy(run, sampleAt(state.t), c, s), classColour(c), each.name])
      .filter(([n]) => n > 0);
    const free = Math.max(0, living - parts.reduce((sum, [n]) => sum + n, 0));
    return [
      ...parts.map(([n, colour, name]) => bar(colour, `${name}: ${n} accelerators`, n)),
      free > 0 && bar("var(--soft)", `${free} free`, free),
    ];
  }
  const boxes = Array(total).fill(null);
  for (const j of segments) boxes.fill(j, run.segment.slot[j], run.segment.slot[j] + run.segment.width[j]);
  const dead = Math.max(0, total - living);
  return boxes.map((j, i) => {
    if (j !== null)
      return bar(
        classColour(run.job.class_id[run.segment.job[j]]),
        `${longTitle(run, run.segment.job[j])}; ${ending(run, j)}`,
      );
    return el("i", { class: i >= total - dead ? "dead" : "", title: i >= total - dead ? "failed" : "free" });
  });
}

function drawJobs(run, s) {
  const segments = run.jobs ? holding(run, s, state.t) : [];
  const key = [s, run.index, run.slots ? segments.join() : sampleAt(state.t), token("ink")].join(";");
  if (key === shownJobs) return;
  shownJobs = key;
  fill($("slots"), accelerators(run, s, segments));
  const jobs = [...new Set(segments.map(j => run.segment.job[j]))].map(job => shortTitle(run, job));
  const counts = [...new Set(jobs)].map(name => {
    const n = jobs.filter(other => other === name).length;
    return n > 1 ? `${n} of ${name}` : name;
  });
  $("jobs").textContent = run.jobs ? counts.join(", ") || "no job" : "";
  $("jobs").title = counts.join("\n");
}

/** Scale and frame of one of the three charts; `box` has its place. */
function panel(context, box, { name, low, high, ticks, label, now, limits = [] }) {
  const y = value => box.y + box.h - ((Math.min(high, Math.max(low, value)) - low) / (high - low)) * box.h;
  context.fillStyle = `${token("night")}2e`;
  for (const [from, to] of eclipses(state.satellite, box.t0, box.t0 + box.span))
    context.fillRect(box.x(from), box.y, box.x(to) - box.x(from), box.h);
  for (const value of ticks) {
    polyline(
      context,
      [
        [LEFT, y(value)],
        [box.right, y(value)],
      ],
      token("line"),
    );
    text(context, label(value), LEFT - 4, y(value), token("ink3"), "right", font(10.5));
  }
  for (const [value, words, apart = 0] of limits) {
    polyline(
      context,
      [
        [LEFT, y(value)],
        [box.right, y(value)],
      ],
      token("alarm"),
      1,
      [3, 2],
    );
    text(context, words, box.right + 4, y(value) + apart, token("alarm"), "left", font(10.5));
  }
  text(context, name, LEFT, box.y - 9, token("ink"), "left", font(11, 600));
  text(context, now, box.right, box.y - 9, token("ink"), "right", font(11, 600));
  return y;
}

function points(box, y, series, shift = 0) {
  const first = Math.max(0, Math.floor(box.t0 / E.sample_s)),
    last = Math.min(E.samples - 1, Math.ceil((box.t0 + box.span) / E.sample_s) + 1);
  return Array.from({ length: last - first + 1 }, (_, i) => [
    box.x((first + i) * E.sample_s - shift),
    y(at(series, first + i, state.satellite)),
  ]);
}

function lines(context, box, y, pick, shift = 0) {
  const [run, other] = [main(), rival()];
  if (other) polyline(context, points(box, y, pick(other), shift), token("ink3"), 1, dashOf(other));
  polyline(context, points(box, y, pick(run), shift), token("ink"), 1.8, dashOf(run));
}

function inside(context, box, act) {
  context.save();
  context.beginPath();
  context.rect(LEFT, box.y - 2, box.right - LEFT, box.h + 4);
  context.clip();
  act();
  context.restore();
  polyline(
    context,
    [
      [box.x(state.t), box.y],
      [box.x(state.t), box.y + box.h],
    ],
    token("ink2"),
  );
}

export function drawSatelliteCharts() {
  const run = main(),
    s = state.satellite,
    [context, w, h] = fit($("detail")),
    span = Math.min(SPAN, E.end_s || 1);
  const t0 = Math.min(E.end_s - span, Math.max(0, state.t - span / 2)),
    right = w - RIGHT,
    each = (h - 15) / 3 - GAP;
  const x = t => LEFT + ((t - t0) / span) * (right - LEFT),
    q = quantities;
  const box = n => ({ t0, span, right, x, y: n * (each + GAP) + GAP, h: each });
  const now = name => q[name].text(between(q[name].of(run), state.t, s));
  const charge = box(0),
    heat = box(1),
    power = box(2),
    most = Math.ceil(Math.max(E.peak_w[s], 1) / 1000),
    limit = E.limit_c[s],
    trip = E.trip_c[s];
  let y = panel(context, charge, {
    name: "Charge",
    low: 0,
    high: 1,
    ticks: [0, 0.5, 1],
    label: v => `${100 * v} %`,
    now: now("charge"),
    limits: [[E.floor[s], "floor"]],
  });
  inside(context, charge, () => lines(context, charge, y, q.charge.of));
  y = panel(context, heat, {
    name: "Junction",
    low: 40,
    high: trip + 3,
    ticks: [40, 60],
    label: v => `${v}\u00b0`,
    now: now("junction"),
    limits: [
      [limit, `limit ${limit.toFixed(0)}\u00b0`, 4],
      [trip, "trip", -4],
    ],
  });
  inside(context, heat, () => lines(context, heat, y, q.junction.of));
  const kw = value => (value / 1000).toFixed(1);
  y = panel(context, power, {
    name: "Sunlight and power",
    low: 0,
    high: most * 1000,
    ticks: [0, most * 500, most * 1000],
    label: v => v / 1000,
    now: `${kw(between(run.draw_w, state.t, s))} of ${kw(between(run.solar_w, state.t, s))} kW`,
  });
  inside(context, power, () => {
    const upper = points(power, y, run.solar_w, E.sample_s / 2);
    band(
      context,
      upper,
      upper.map(([px]) => [px, y(0)]),
      `${token("sun")}40`,
    );
    polyline(context, upper, token("sun"));
    lines(context, power, y, each => each.draw_w, E.sample_s / 2);
  });
  for (let t = Math.ceil(t0 / 7200) * 7200; t <= t0 + span; t += 7200)
    text(context, `+${t / 3600} h`, x(t), h - 6, token("ink3"), "center", font(10.5));
  const drawn = kw(between(run.draw_w, state.t, s));
  $("detail").setAttribute(
    "aria-label",
    `Satellite ${s} at +${hhmm(state.t)}: charge ${now("charge")}, junction ${now("junction")}, draws ${drawn} kW`,
  );
}

export function drawSatelliteText() {
  const run = main(),
    s = state.satellite;
  $("satname").textContent = `Satellite ${s}`;
  $("satstate").textContent =
    ` \u00b7 ${condition(run, state.t, s)}${state.both ? ` \u00b7 ${run.agent}` : ""} \u00b7 clock ${fixed(between(run.clock, state.t, s), 2)}`;
  drawJobs(run, s);
}
