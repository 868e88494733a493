// The day: score, power, waiting work and satellites over one axis of time, and the cursor.
import { $, onDrag } from "./dom.js";
import { axis, band, dashOf, drawOrder, fit, font, inkOf, plate, polyline, text } from "./canvas.js";
import { E, between, runs, sampleAt, scoreAt } from "./episode.js";
import { fixed, grouped, nice, short, signed } from "./format.js";
import { quantities } from "./quantities.js";
import { drawGantt, drawStrip, ganttAt, satelliteOfRow, selection } from "./rows.js";
import { chooseSatellite, main, redraw, rival, seek, shown, state } from "./state.js";
import { classColour, token } from "./theme.js";
import { setUpTip } from "./tip.js";

const TITLE = 21,
  BOTTOM = 18;
let G = null;

function layout(w, h) {
  const narrow = w < 520,
    left = narrow ? 34 : 50,
    right = w - (narrow ? 36 : 44),
    list = shown();
  const free = h - BOTTOM - 4 - TITLE * (3 + 2 * list.length),
    top = Math.min(86, free * 0.15),
    thin = Math.min(66, free * 0.11);
  const rest = free - top - 2 * thin,
    rows = [
      ["score", top],
      ["power", thin],
      ["queue", thin],
    ].map(([id, size]) => ({ id, h: size }));
  for (const [id, share] of [
    ["strip", 0.36],
    ["gantt", 0.64],
  ]) {
    for (const run of list) {
      const count = id === "strip" ? E.satellites : E.lanes.length,
        room = (rest * share) / list.length;
      const each = room / count > 3 ? Math.floor((room / count) * 2) / 2 : room / count;
      rows.push({ id, run, each, count, h: each * count });
    }
  }
  let y = 2;
  for (const row of rows) {
    row.left = left;
    row.right = right;
    row.y = y + TITLE;
    y = row.y + row.h;
  }
  const x = t => left + (t / (E.end_s || 1)) * (right - left);
  return { w, h, left, right, rows, x, end: y, narrow, timeAt: px => ((px - left) / (right - left)) * E.end_s };
}

/** Write the title of a row with the keys of its colours and lines: `[colour, label, dash]`. */
function head(context, row, title, keys = [], words = "") {
  const y = row.y - TITLE + 12,
    end = G.w - 16 - context.measureText(note(row)).width;
  text(context, title, G.left, y, token("ink"), "left", font(12, 600));
  let x = G.left + context.measureText(title).width + 8;
  if (words && (!G.narrow || state.both)) {
    text(context, words, x, y, token("ink3"));
    x += context.measureText(words).width + 12;
  }
  context.font = font();
  for (const [style, label, dash] of keys) {
    if (x + context.measureText(label).width + 18 > end) break; // no room
    if (dash) {
      polyline(
        context,
        [
          [x, y],
          [x + 14, y],
        ],
        style,
        2,
        dash,
      );
      x += 18;
    } else {
      context.fillStyle = style;
      context.fillRect(x, y - 4.5, 9, 9);
      x += 13;
    }
    text(context, label, x, y, token("ink2"));
    x += context.measureText(label).width + 10;
  }
}

const curve = (values, y) => values.map((value, k) => [G.x(Math.min(E.end_s, k * E.sample_s)), y(value)]);
const extreme = (pick, values) => values.flat().reduce((a, b) => pick(a, b));

/** Top of the scale of scores: 100 where scores come near it. */
const scoreTop = most => (most > 20 && most <= 100 ? 100 : nice(Math.max(most, 0.1)));

function drawScore(context, row) {
  const all = runs.map(run => run.scores),
    least = extreme(Math.min, all),
    most = extreme(Math.max, all);
  const low = Math.min(0, least * 1.04),
    high = scoreTop(Math.max(most, -low / 4)),
    ticks = [0, high / 2, high].concat(low < -high / 4 ? [Math.round(low)] : []);
  head(
    context,
    row,
    "Score so far",
    runs.map(run => [inkOf(run), run.agent, dashOf(run).length ? dashOf(run) : [14, 0]]),
    G.narrow || runs.length > 3 ? "" : "100 = sustainable output",
  );
  const y = axis(context, row, low, high, ticks, v => fixed(v, high < 4 ? 1 : 0));
  if (rival())
    band(
      context,
      curve(main().scores, y),
      curve(rival().scores, y),
      `${token(main().scores.at(-1) >= rival().scores.at(-1) ? "good" : "alarm")}2e`,
    );
  for (const run of drawOrder())
    polyline(context, curve(run.scores, y), inkOf(run), run === main() ? 2 : 1.3, dashOf(run));
  drawEnds(context, row, y);
}

/** Write the final scores of the shown run and its rival at the right, apart from each other and below the title. */
function drawEnds(context, row, y) {
  const ends = [main(), rival()].filter(Boolean).map(run => ({ run, y: y(run.scores.at(-1)) }));
  let free = row.y + 7;
  for (const { run, y: wanted } of ends.sort((a, b) => a.y - b.y)) {
    const at = Math.max(free, wanted),
      [style, face] = run === main() ? ["ink", font(11, 600)] : ["ink2", font(11)];
    text(context, fixed(run.scores.at(-1)), G.right + 5, at, token(style), "left", face);
    free = at + 12;
  }
}

function drawPower(context, row) {
  const high = nice(
      extreme(
        Math.max,
        runs.map(run => [...run.sunlight_kw, ...run.drawn_kw]),
      ) * 1.02,
    ),
    run = main();
  head(
    context,
    row,
    "Fleet power",
    [
      [`${token("sun")}66`, "sunlight available"],
      [token("ink"), "drawn", dashOf(run).length ? dashOf(run) : [14, 0]],
    ],
    "kW",
  );
  const y = axis(context, row, 0, high, [0, high / 2, high], short);
  band(
    context,
    curve(run.sunlight_kw, y),
    curve(
      run.sunlight_kw.map(() => 0),
      y,
    ),
    `${token("sun")}40`,
  );
  polyline(context, curve(run.sunlight_kw, y), token("sun"));
  for (const each of drawOrder().filter(other => other === run || other === rival()))
    polyline(context, curve(each.drawn_kw, y), inkOf(each), each === run ? 1.5 : 1, dashOf(each));
}

function drawQueue(context, row) {
  const classes = E.classes.length,
    high = Math.max(
      1,
      extreme(
        Math.max,
        runs.map(run => run.stack[classes]),
      ) * 1.05,
    ),
    run = main();
  head(
    context,
    row,
    "Waiting work",
    E.classes.map((each, c) => [classColour(c), each.name]),
    "accelerator-h",
  );
  const tick = nice(high / 2.2),
    y = axis(
      context,
      row,
      0,
      high,
      [0, tick, 2 * tick].filter(v => v < high),
      short,
    );
  for (let c = 0; c < classes; c++) band(context, curve(run.stack[c + 1], y), curve(run.stack[c], y), classColour(c));
  if (rival()) polyline(context, curve(rival().stack[classes], y), token("ink2"), 1.2, dashOf(rival()));
}

function drawAxis(context) {
  const hours = E.end_s / 3600,
    steps = [1, 3, 6, 12, 24, 48, 168],
    room = G.narrow ? 5 : 9;
  const every = (steps.find(step => hours / step <= room) ?? 336) * 3600;
  for (let t = 0; t <= E.end_s + 1; t += every)
    text(
      context,
      every >= 24 * 3600 ? `+${t / 86400} d` : `+${t / 3600} h`,
      G.x(t),
      G.end + 10,
      token("ink3"),
      "center",
    );
}

const DRAWS = { score: drawScore, power: drawPower, queue: drawQueue };

export function drawDay() {
  const [context, w, h] = fit($("day"));
  G = layout(w, h);
  for (const row of G.rows) {
    if (DRAWS[row.id]) DRAWS[row.id](context, row);
    else if (row.id === "strip") drawStrip(context, row, G, head);
    else drawGantt(context, row, G, head);
  }
  drawAxis(context);
}

function note(row) {
  const run = main(),
    k = sampleAt(state.t),
    other = rival();
  if (row.id === "score")
    return other ? signed(scoreAt(run, state.t) - scoreAt(other, state.t)) : fixed(scoreAt(run, state.t));
  if (row.id === "power") return `${short(run.drawn_kw[k])} of ${short(run.sunlight_kw[k])} kW`;
  if (row.id === "queue") return grouped(run.stack[E.classes.length][k]);
  const q = quantities[state.quantity];
  return row.id === "strip" ? q.text(between(q.of(row.run), state.t, state.satellite)) : "";
}

export function drawCursor() {
  const [context, w] = fit($("cursor"));
  if (!G) return;
  const x = Math.round(G.x(state.t)) + 0.5;
  for (const row of G.rows) {
    if (row.each) {
      const [y, size] = selection(row);
      context.strokeStyle = token("ink");
      context.lineWidth = 1.2;
      context.strokeRect(G.left - 1, y - 1, G.right - G.left + 2, size + 1);
    }
    const words = note(row);
    if (words) plate(context, words, w - 8, row.y - TITLE + 12);
    context.globalAlpha = 0.75;
    polyline(
      context,
      [
        [x, row.y - 1],
        [x, row.y + row.h],
      ],
      token("ink"),
    );
    context.globalAlpha = 1;
  }
}

const rowAt = y => G?.rows.find(row => y >= row.y && y < row.y + row.h);

/** Lines that the tip shows for a place of the day, or null. */
function tipAt(x, y) {
  const row = rowAt(y),
    t = G ? G.timeAt(x) : -1;
  if (!row || t < 0 || t > E.end_s) return null;
  const k = sampleAt(t),
    list = [main(), rival()].filter(Boolean);
  if (row.id === "score") return { t, lines: runs.map(run => `${run.agent} ${fixed(scoreAt(run, t))}`) };
  if (row.id === "power")
    return {
      t,
      lines: [
        `sunlight ${fixed(main().sunlight_kw[k])} kW`,
        ...list.map(run => `${run.agent} draws ${fixed(run.drawn_kw[k])} kW`),
      ],
    };
  if (row.id === "queue")
    return {
      t,
      lines: E.classes.map(
        (each, c) => `${each.name} ${fixed(main().stack[c + 1][k] - main().stack[c][k], 0)} accelerator-h`,
      ),
    };
  return { t, lines: ganttAt(row, y, t) };
}

export function setUpDay() {
  const canvas = $("day");
  onDrag(canvas, (event, first) => {
    const row = rowAt(event.offsetY);
    if (first && row?.each) chooseSatellite(satelliteOfRow(row, event.offsetY));
    if (G) seek(G.timeAt(event.offsetX));
    if (first) redraw(true);
  });
  setUpTip(canvas, tipAt);
}
