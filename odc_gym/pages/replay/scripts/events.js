// Events: the list around the present, its filters, and jumps to the next one.
import { $, el, fill, onClick } from "./dom.js";
import { E } from "./episode.js";
import { hhmm, words } from "./format.js";
import { longTitle, shortTitle } from "./jobs.js";
import { main, redraw, state, toggleKind } from "./state.js";

const SIGNS = {
  placed: "+",
  moved: "\u2192",
  drained: "\u2190",
  evicted: "\u25a0",
  disconnected: "\u25a0",
  preempted: "\u25a0",
  yielded: "\u2190",
  failed: "\u00d7",
  retired: "\u2212",
  finished: "\u2713",
  expired_running: "\u00d7",
  refused: "\u00d7",
  expired: "\u00d7",
  delivered: "\u2713",
  reset: "\u21ba",
  upset: "\u2217",
  accelerator_lost: "\u00d7",
  shed: "\u25bc",
  restored: "\u25b3",
  tripped: "\u25b2",
  recovered: "\u25bd",
  out: "\u00d7",
  back: "+",
  safe_mode: "\u25bc",
  safe_mode_end: "\u25b3",
  lost: "\u00d7",
  missed: "!",
};
const BAD = new Set([
  "missed",
  "expired",
  "expired_running",
  "evicted",
  "disconnected",
  "failed",
  "refused",
  "shed",
  "tripped",
  "out",
  "lost",
  "accelerator_lost",
  "safe_mode",
]);
export const ALARMS = new Set(["shed", "tripped", "out", "lost", "accelerator_lost", "safe_mode"]);
const CAUSES = { 1: "outage", 2: "trip", 3: "shed" };
const AROUND = 60; // events in the list before and after the present
let rows = [],
  shownAt = -1,
  shownKey = "";

const kindOf = (run, i) => E.events[run.event.kind[i]];

export function countKinds(run) {
  run.counts ??= run.event.kind.reduce((counts, kind) => {
    counts[E.events[kind]] = (counts[E.events[kind]] ?? 0) + 1;
    return counts;
  }, {});
  return run.counts;
}

/** Indices of the events that the filters let through; equal ones at one moment are one line. */
function filtered(run) {
  const found = [];
  for (let i = 0; i < run.event.kind.length; i++) {
    const kind = kindOf(run, i);
    if (state.hidden.has(kind)) continue;
    const last = found.at(-1),
      t = run.event.time_s[i],
      s = run.event.satellite[i];
    if (
      last &&
      last.kind === kind &&
      last.t === t &&
      last.s === s &&
      ["evicted", "upset", "disconnected"].includes(kind)
    ) {
      last.n++;
      continue;
    }
    found.push({ i, kind, t, s, job: run.event.job[i], value: run.event.value[i], n: 1 });
  }
  return found;
}

/** What happened, in words. */
export function say(run, { kind, s, job, value, n }) {
  const what = n > 1 ? `${n} jobs` : job >= 0 ? shortTitle(run, job) : "",
    on = s >= 0 ? ` on ${s}` : "";
  switch (kind) {
    case "moved":
      return `moved ${what}, ${s} \u2192 ${value}`;
    case "evicted":
      return `stopped ${what}${on}: ${CAUSES[value] ?? "off"}`;
    case "missed":
      return `missed deadline: ${what}${on}`;
    case "expired":
      return `expired waiting: ${what}`;
    case "expired_running":
      return `expired: ${what}${on}`;
    case "failed":
      return `failure stopped ${what}${on}`;
    case "reset":
      return `upset reset ${what}${on}`;
    case "upset":
      return n > 1 ? `${n} upsets${on}` : `upset${on}, accelerator ${value}`;
    case "accelerator_lost":
      return `accelerator ${value} lost${on}`;
    case "shed":
      return `satellite ${s} shed its compute`;
    case "restored":
      return `satellite ${s} charged again`;
    case "tripped":
      return `satellite ${s} tripped, too hot`;
    case "recovered":
      return `satellite ${s} cooled down`;
    case "out":
      return `satellite ${s} out of service`;
    case "back":
      return `satellite ${s} back in service`;
    case "lost":
      return `satellite ${s} lost for good`;
    case "safe_mode":
      return `satellite ${s} in safe mode`;
    case "safe_mode_end":
      return `satellite ${s} left safe mode`;
    default:
      return `${words(kind)} ${what}${on}`;
  }
}

/** Times of events that are marked on the slider. */
export function alarmTimes(run) {
  run.alarms ??= Array.from(run.event.kind.keys())
    .filter(i => ALARMS.has(kindOf(run, i)))
    .map(i => run.event.time_s[i]);
  return run.alarms;
}

function drawFilters(run) {
  const counts = countKinds(run),
    kinds = E.events.filter(kind => counts[kind]);
  fill(
    $("chips"),
    kinds.map(kind =>
      el(
        "button",
        { "data-kind": kind, "aria-pressed": String(!state.hidden.has(kind)) },
        `${words(kind)} ${counts[kind]}`,
      ),
    ),
  );
  $("events-of").textContent = ` \u00b7 ${run.agent}`;
  $("no-jobs").hidden = run.jobs;
}

/** Make the list anew if the run or the filters changed. */
export function drawEvents() {
  const run = main(),
    key = [run.index, ...state.hidden].join();
  if (key === shownKey) return;
  shownKey = key;
  shownAt = -1;
  rows = filtered(run);
  drawFilters(run);
}

function line(run, event, n, now) {
  const bad = BAD.has(event.kind),
    title = event.job >= 0 && event.n === 1 ? longTitle(run, event.job) : undefined;
  return el(
    "button",
    { class: `event${bad ? " bad" : ""}${n >= now ? " later" : ""}`, "data-event": n, title },
    el("time", {}, hhmm(event.t)),
    el("span", { class: "sign", "aria-hidden": "true" }, SIGNS[event.kind] ?? "\u00b7"),
    el("span", {}, say(run, event)),
  );
}

/** Number of the events up to now. */
function past() {
  let low = 0,
    high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].t <= state.t) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function drawEventsNow() {
  const now = past(),
    list = $("list");
  $("mark").textContent = `now +${hhmm(state.t)}`;
  if (now === shownAt) return;
  shownAt = now;
  const run = main(),
    from = Math.max(0, now - AROUND),
    part = rows.slice(from, now + AROUND).map((event, n) => line(run, event, from + n, now));
  part.splice(now - from, 0, $("mark"));
  fill(list, part);
  list.scrollTop = $("mark").offsetTop - list.clientHeight * 0.55;
}

function go(event) {
  if (event.s >= 0) state.satellite = event.s;
  state.t = event.t;
  redraw(true);
}

/** Go to the next or the previous event of the list. */
export function jump(way) {
  const next = way > 0 ? rows.find(event => event.t > state.t + 1) : rows.findLast(event => event.t < state.t - 1);
  if (next) go(next);
}

export function setUpEvents() {
  onClick("chips", "kind", toggleKind);
  onClick("list", "event", n => go(rows[n]));
}
