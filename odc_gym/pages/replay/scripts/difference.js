// Where the points come from: by term and by hour, of one run, or of one minus another.
import { $, el, fill, onClick } from "./dom.js";
import { E, at, between, runs, scoreAt } from "./episode.js";
import { fixed, hhmm, signed, span, words } from "./format.js";
import { chooseRival, main, rival, seek, state } from "./state.js";

const MOST_BARS = 48,
  WIDTHS_H = [1, 2, 3, 6, 12, 24, 48, 168];
let shownKey = "";

const binHours = () => WIDTHS_H.find(hours => E.end_s / 3600 / hours <= MOST_BARS) ?? 336;
const edge = (bar, count) => (bar / count) * E.end_s;

/** Value of a term at a time, or its difference to the other run. */
const term = (c, t) => between(main().terms, t, c) - (rival() ? between(rival().terms, t, c) : 0);
const total = t => scoreAt(main(), t) - (rival() ? scoreAt(rival(), t) : 0);

function drawBars(count) {
  const each = Array.from({ length: count }, (_, bar) => total(edge(bar + 1, count)) - total(edge(bar, count)));
  const most = Math.max(0.1, ...each.map(Math.abs));
  fill(
    $("hours"),
    each.map((value, bar) =>
      el(
        "i",
        {
          "data-hour": edge(bar, count),
          class: value < 0 ? "neg" : "",
          title: `from +${hhmm(edge(bar, count))}: ${signed(value) || "0.0"} points`,
        },
        el("b", { style: `height:${(Math.abs(value) / most) * 50}%` }),
      ),
    ),
  );
}

function termRow(name, value, most) {
  const bar = el(
    "div",
    { class: "bar" },
    el("i", {
      class: value < 0 ? "neg" : "",
      style: `${value < 0 ? "right" : "left"}:50%;width:${Math.min(50, (Math.abs(value) / most) * 50)}%`,
    }),
  );
  return el("tr", {}, el("th", { scope: "row" }, words(name)), el("td", {}, bar), el("td", {}, signed(value) || "0.0"));
}

function drawChoice() {
  $("against").hidden = runs.length < 3;
  fill(
    $("against"),
    runs
      .filter(run => run !== main())
      .map(run => el("option", { value: run.index, selected: run === rival() }, `against ${run.agent}`)),
  );
}

export function drawDifference() {
  const run = main(),
    other = rival(),
    count = Math.max(1, Math.round(E.end_s / 3600 / binHours()));
  const key = [run.index, other?.index].join();
  if (key !== shownKey) {
    shownKey = key;
    $("difference-of").textContent = other ? `${run.agent} minus ${other.agent}` : run.agent;
    $("hours-of").textContent =
      `points gained in each ${binHours() === 1 ? "hour" : span(binHours() * 3600)}${other ? ", difference" : ""}`;
    drawChoice();
    drawBars(count);
  }
  const last = E.samples - 1,
    final = E.terms.map((_, c) => Math.abs(at(run.terms, last, c) - (other ? at(other.terms, last, c) : 0)));
  const rows = E.terms.map((name, c) => termRow(name, term(c, state.t), Math.max(1, ...final)));
  fill($("terms"), [
    ...rows,
    el(
      "tr",
      { class: "sum" },
      el("th", { scope: "row" }, "score"),
      el("td"),
      el("td", {}, other ? signed(total(state.t)) || "0.0" : fixed(total(state.t))),
    ),
  ]);
  [...$("hours").children].forEach((bar, i) =>
    bar.classList.toggle("on", i === Math.min(count - 1, Math.floor((state.t / (E.end_s || 1)) * count))),
  );
}

export function setUpDifference() {
  onClick("hours", "hour", t => seek(Number(t)));
  $("against").addEventListener("change", event => chooseRival(Number(event.target.value)));
}
