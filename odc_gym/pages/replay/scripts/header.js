// Header and numbers: the episode, the runs with their scores, the clock, and the fleet now.
import { $, el, fill, onClick } from "./dom.js";
import { fit } from "./canvas.js";
import { E, flagsAt, held, isLit, isOff, runs, sampleAt, scoreAt, sum } from "./episode.js";
import { fixed, hhmm, short, span, utc } from "./format.js";
import { paint, quantities } from "./quantities.js";
import { chooseQuantity, chooseRun, main, redraw, rival, showBoth, shown, state } from "./state.js";

/** State of the fleet under a run. */
export function fleetNow(run) {
  const k = sampleAt(state.t),
    counts = { hot: 0, off: 0, held: 0, waiting: run.stack[E.classes.length][k] };
  for (let s = 0; s < E.satellites; s++) {
    const flags = flagsAt(run, k, s);
    counts.hot += flags & E.flag.hot ? 1 : 0;
    counts.off += isOff(flags) ? 1 : 0;
    counts.held += held(run, k, s);
  }
  return counts;
}

export function lit() {
  let count = 0;
  for (let s = 0; s < E.satellites; s++) count += isLit(state.t, s);
  return count;
}

function runButton(run) {
  const key = el("span", { class: `key k${run.index % 6}`, "aria-hidden": "true" });
  const score = el(
    "span",
    { class: "v" },
    el("span", { id: `score${run.index}` }),
    el("small", {}, ` of ${fixed(run.score)}`),
  );
  return el(
    "button",
    { "data-run": run.index, "aria-pressed": String(shown().includes(run)), title: run.agent },
    el("span", { class: "n" }, key, el("span", { class: "agent" }, run.agent)),
    score,
  );
}

export function drawControls() {
  document.body.classList.toggle("both", state.both);
  const bins = E.sample_s > E.decision_s ? ` \u00b7 bins of ${span(E.sample_s)}` : "";
  const load = E.load_factor ? ` \u00b7 load ${E.load_factor.toFixed(2)} of what is sustainable` : "";
  $("name").textContent = `${E.scenario} \u00b7 episode ${E.seed}`;
  $("sub").textContent =
    `${E.satellites} satellites \u00b7 ${span(E.end_s)} from ${utc(0).slice(0, 16).replace("T", " ")} UTC${load}${bins}`;
  $("sub").title = E.description;
  const both =
    runs.length > 1 &&
    el(
      "button",
      { "data-both": "1", "aria-pressed": String(state.both) },
      el("span", { class: "n" }, runs.length > 2 ? "two" : "both"),
    );
  fill($("runs"), [...runs.map(runButton), both]);
  fill(
    $("quantity"),
    Object.entries(quantities).map(([key, q]) =>
      el("button", { "data-q": key, "aria-pressed": String(state.quantity === key) }, q.name),
    ),
  );
  fill(
    $("camera"),
    [
      ["1", "follow the Sun"],
      ["", "free"],
    ].map(([key, name]) =>
      el("button", { class: "tiny", "data-follow": key, "aria-pressed": String(state.follow === Boolean(key)) }, name),
    ),
  );
  drawScale();
}

function drawScale() {
  const q = quantities[state.quantity],
    [context, w, h] = fit($("scale"));
  for (let x = 0; x < w; x++) {
    context.fillStyle = paint(q, q.low + ((q.high - q.low) * (x + 0.5)) / w, state.satellite);
    context.fillRect(x, 0, 1, h);
  }
  $("low").textContent = q.lowText;
  $("high").textContent = q.highText;
}

function figure(values, label, alarm) {
  const digits = values.flatMap((value, i) => [
    i ? el("u", {}, "\u00b7") : null,
    el("b", { class: alarm && value ? "bad" : "" }, short(value)),
  ]);
  return el("div", {}, el("p", {}, ...digits), label);
}

export function drawNumbers() {
  const iso = utc(state.t),
    counts = shown().map(fleetNow),
    all = sum(E.accelerators),
    pick = name => counts.map(each => each[name]);
  $("date").textContent = `${iso.slice(0, 10)} `;
  $("utc").textContent = `${iso.slice(11, 16)} UTC`;
  $("elapsed").textContent = `+${hhmm(state.t)} of ${span(E.end_s)}`;
  for (const run of runs) $(`score${run.index}`).textContent = fixed(scoreAt(run, state.t));
  fill($("now"), [
    figure([lit()], `of ${E.satellites} sunlit`),
    figure(pick("hot"), "over limit", true),
    figure(pick("off"), "compute off", true),
    figure(pick("held"), `of ${short(all)} held`),
    figure(pick("waiting"), "acc.-h wait"),
  ]);
}

/** Sentence about the present, for screen readers. */
export function sayNow() {
  const run = main(),
    now = fleetNow(run),
    other = rival() ? `, ${rival().agent} ${fixed(scoreAt(rival(), state.t))}` : "";
  const score = `+${hhmm(state.t)}: ${run.agent} ${fixed(scoreAt(run, state.t))} points${other}`;
  const satellites = `${lit()} of ${E.satellites} satellites in sunlight, ${now.hot} over the limit`;
  const work = `${now.off} with compute off, ${now.held} accelerators held`;
  return `${score}; ${satellites}, ${work}, ${now.waiting.toFixed(0)} accelerator-hours wait.`;
}

export function setUpHeader() {
  onClick("runs", "run", index => chooseRun(Number(index)));
  onClick("runs", "both", showBoth);
  onClick("quantity", "q", chooseQuantity);
  onClick("camera", "follow", key => {
    state.follow = Boolean(key);
    redraw(true);
  });
}
