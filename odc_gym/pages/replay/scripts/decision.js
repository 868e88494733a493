// The decision in force: what the agent asked of the chosen satellite, and what it got.
import { $, el, fill } from "./dom.js";
import { E, at, binAt, between } from "./episode.js";
import { fixed, signed } from "./format.js";
import { main, state } from "./state.js";

const CLOSED = -0.5,
  LEAVES = -0.8; // bids below which a satellite takes no more work, and below which work leaves
let shown = "";

/** Meaning of a bid, as the rules of the environment have it. */
function meaning(bid) {
  if (bid < LEAVES) return "work leaves";
  return bid < CLOSED ? "no new work" : "open";
}

function row(name, value, words) {
  const share = `${Math.abs(value) * 50}%`,
    side = value < 0 ? "right" : "left";
  const bar = el("span", { class: "bar" }, el("i", { class: "plain", style: `${side}:50%;width:${share}` }));
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, name),
    el("td", {}, bar),
    el("td", {}, signed(value, 2) || "0.00"),
    el("td", {}, words),
  );
}

function bidRows(run, k, s) {
  const classes = E.classes.length,
    { action } = run;
  const bids = E.classes.map((each, c) => {
    const bid = action.bid.values[(k * classes + c) * E.satellites + s];
    return row(`bid ${each.name}`, bid, meaning(bid));
  });
  return [...bids, row("clock request", at(action.clock, k, s), clockWords(run))];
}

function clockWords(run) {
  const s = state.satellite;
  return `got ${fixed(between(run.clock, state.t, s), 2)}, plan ${fixed(between(run.sustainable, state.t, s), 2)}`;
}

function assignRows(run, k, s) {
  const level = run.actions.levels[at(run.action.level, k, s)],
    sent = at(run.action.sent, k, s);
  const line = (name, value) => el("tr", {}, el("th", { scope: "row" }, name), el("td", { colspan: 3 }, value));
  return [line("clock level", `${level}: ${clockWords(run)}`), line("jobs sent here", String(sent))];
}

/** The dials that are not 0: they hold for all satellites. */
function dialRows(run, k) {
  const names = run.actions.names;
  const given = names.map((name, d) => [name.replace("fleet.", ""), at(run.action.dial, k, d)]);
  return given.filter(([, value]) => value !== 0).map(([name, value]) => row(name, value, "all satellites"));
}

/** Rows about the chosen satellite, or the fleet, by the mode of the actions. */
function askedRows(run, k, s) {
  switch (run.actions.mode) {
    case "bids":
      return bidRows(run, k, s);
    case "dials":
      return dialRows(run, k);
    default:
      return assignRows(run, k, s);
  }
}

/** Urgencies and clock offsets of the classes, which hold for all satellites. */
function fleetWords(run, k) {
  if (run.actions.mode !== "bids") return "";
  const given = name =>
    E.classes.map((each, c) => [each.name, at(run.action[name], k, c)]).filter(([, value]) => value !== 0);
  const list = (title, pairs) =>
    pairs.length && `${title} ${pairs.map(([name, value]) => `${name} ${signed(value, 2)}`).join(", ")}`;
  return [list("urgency", given("urgency")), list("clock offset", given("offset"))].filter(Boolean).join("; ");
}

export function drawDecision() {
  const run = main(),
    s = state.satellite,
    k = binAt(state.t);
  $("decision").hidden = !run.actions || E.samples < 2;
  if ($("decision").hidden) return;
  const key = [run.index, s, k, clockWords(run)].join();
  if (key === shown) return;
  shown = key;
  fill($("asked"), askedRows(run, k, s));
  $("urgency").textContent = fleetWords(run, k);
}
