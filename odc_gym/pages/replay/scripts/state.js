// State of the page: what is shown, kept in its address; changes ask for one frame.
import { E, runs } from "./episode.js";
import { quantities } from "./quantities.js";

const QUIET = new Set([
  "placed",
  "finished",
  "retired",
  "delivered",
  "yielded",
  "back",
  "restored",
  "recovered",
  "safe_mode_end",
]);
export const state = {
  t: 0,
  playing: false,
  speed: 900,
  run: 0,
  rival: 1,
  both: false,
  quantity: "charge",
  satellite: 0,
  hidden: new Set(QUIET),
  follow: true,
  ra: 0,
  dec: 0.38,
};

let draw = () => {};
let everything = true,
  queued = false;

/** Set the function that draws a frame. */
export function onFrame(act) {
  draw = act;
}

/** Ask for a frame: `all` draws the static charts again too. */
export function redraw(all = false) {
  everything ||= all;
  if (!queued) {
    queued = true;
    requestAnimationFrame(frame);
  }
}

/** Draw now, before the browser paints, so that nothing is stretched. */
export function redrawNow() {
  everything = true;
  frame(performance.now());
}

function frame(now) {
  queued = false;
  const all = everything;
  everything = false;
  draw(now, all);
}

export const main = () => runs[state.run];
/** The run that the shown one is compared with, or undefined. */
export const rival = () => (runs.length > 1 ? runs[state.rival] : undefined);
/** Runs that are drawn side by side. */
export const shown = () => (state.both && rival() ? [main(), rival()].sort((a, b) => a.index - b.index) : [main()]);

export function seek(t) {
  state.t = Math.min(E.end_s, Math.max(0, t));
  redraw();
}
export function chooseSatellite(s) {
  state.satellite = (s + E.satellites) % E.satellites;
  redraw(true);
}
export function chooseQuantity(name) {
  if (quantities[name]) {
    state.quantity = name;
    redraw(true);
  }
}

export function chooseRun(index) {
  if (!runs[index]) return;
  if (index !== state.run) {
    state.rival = state.run;
    state.run = index;
  }
  state.both = false;
  redraw(true);
}

export function showBoth() {
  if (rival()) {
    state.both = !state.both;
    redraw(true);
  }
}

export function chooseRival(index) {
  if (runs[index] && index !== state.run) {
    state.rival = index;
    redraw(true);
  }
}

export function toggleKind(kind) {
  if (!state.hidden.delete(kind)) state.hidden.add(kind);
  redraw(true);
}

/** Take what the address says; what it says wrong is left out. */
export function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const whole = (name, count, otherwise) => {
    const value = Number(given.get(name) ?? NaN);
    return Number.isInteger(value) && value >= 0 && value < count ? value : otherwise;
  };
  const hours = Number(given.get("t"));
  state.t = Number.isFinite(hours) ? Math.min(E.end_s, Math.max(0, hours * 3600)) : 0;
  state.run = whole("run", runs.length, 0);
  const other = state.run === 0 ? Math.min(1, runs.length - 1) : 0;
  state.rival = whole("against", runs.length, other);
  if (state.rival === state.run) state.rival = other;
  state.both = given.get("both") === "1" && runs.length > 1;
  state.satellite = whole("sat", E.satellites, 0);
  if (quantities[given.get("q")]) state.quantity = given.get("q");
}

let saving = 0;
/** Write what is shown into the address, once it has settled. */
export function writeAddress() {
  clearTimeout(saving);
  saving = setTimeout(() => {
    const against = runs.length > 2 ? `&against=${state.rival}` : "";
    const both = state.both ? "&both=1" : "";
    const shown = `t=${(state.t / 3600).toFixed(2)}&run=${state.run}&q=${state.quantity}&sat=${state.satellite}`;
    try {
      history.replaceState(null, "", `#${shown}${both}${against}`);
    } catch {
      /* some browsers forbid it for files */
    }
  }, 300);
}
