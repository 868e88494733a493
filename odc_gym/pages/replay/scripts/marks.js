// Marks of satellites, and the lines between them, as the globe and the formation draw them.
import { font, polyline } from "./canvas.js";
import { E, between, flagsAt, isLit, isOff, sampleAt } from "./episode.js";
import { partners } from "./jobs.js";
import { linksAt, siteOf } from "./orbits.js";
import { paint, quantities } from "./quantities.js";
import { state } from "./state.js";
import { token } from "./theme.js";

/** Outline of a circle, or of a square. */
export function mark(context, x, y, size, square) {
  context.beginPath();
  if (square) context.rect(x - size, y - size, 2 * size, 2 * size);
  else context.arc(x, y, size, 0, 7);
}

/** Half disc: the satellite is in eclipse. */
function drawShadow(context, x, y, r) {
  context.fillStyle = token("card");
  mark(context, x, y, r, false);
  context.fill();
  context.fillStyle = token("night");
  context.beginPath();
  context.arc(x, y, r, Math.PI / 2, -Math.PI / 2);
  context.fill();
}

/** Draw a satellite `{ s, p }`, where `p` is `[x, y, depth]`. */
export function drawSatellite(context, run, { s, p: [x, y, depth] }, size, labelled) {
  const q = quantities[state.quantity],
    flags = flagsAt(run, sampleAt(state.t), s),
    off = isOff(flags);
  const alarm = off || (flags & E.flag.hot) !== 0;
  context.globalAlpha = depth < 0 ? 0.55 : 1;
  context.fillStyle = paint(q, between(q.of(run), state.t, s), s);
  mark(context, x, y, size, off);
  context.lineWidth = 2;
  context.strokeStyle = token("card");
  context.stroke();
  context.fill();
  if (size > 3 && !isLit(state.t, s)) drawShadow(context, x, y, size * 0.42);
  context.strokeStyle = token(alarm ? "alarm" : "ink");
  context.lineWidth = alarm ? Math.min(2.5, size / 2) : size > 3 ? 1 : 0.5;
  mark(context, x, y, size, off);
  context.stroke();
  if (s === state.satellite) {
    context.strokeStyle = token("ink");
    context.lineWidth = 1.8;
    mark(context, x, y, size + 4.5, false);
    context.stroke();
  }
  if (labelled || s === state.satellite) {
    context.font = font(10, 600);
    context.textAlign = "left";
    context.lineWidth = 3;
    context.strokeStyle = token("card");
    context.strokeText(s, x + size + 3, y - size);
    context.fillStyle = token("ink");
    context.fillText(s, x + size + 3, y - size);
  }
  context.globalAlpha = 1;
}

/** Draw the links between satellites at `places`; `project` gives the pixels of ground sites, or is null. */
export function drawLinks(context, places, project) {
  const across = new Path2D(),
    down = new Path2D();
  for (const [a, b] of linksAt(state.t)) {
    const [p, q] = [places[a], places[b]];
    if (!p.hidden && !q.hidden && (p.p[2] > -0.2 || q.p[2] > -0.2)) {
      across.moveTo(p.p[0], p.p[1]);
      across.lineTo(q.p[0], q.p[1]);
    }
  }
  for (const { s, p } of project ? places : []) {
    const g = siteOf(state.t, s),
      q = g >= 0 && p[2] > 0 && project([E.sites[g].longitude_deg, E.sites[g].latitude_deg]);
    if (q) {
      down.moveTo(p[0], p[1]);
      down.lineTo(q[0], q[1]);
    }
  }
  const stroke = (path, name, width, alpha) => {
    context.globalAlpha = alpha;
    context.strokeStyle = token(name);
    context.lineWidth = width;
    context.stroke(path);
  };
  stroke(across, "ink2", 0.8, E.satellites > 200 ? 0.25 : 0.6);
  stroke(down, "good", 1.4, E.satellites > 200 ? 0.6 : 1);
  context.globalAlpha = 1;
}

/** Join the satellites on which the gangs of the chosen satellite run, and ring them. */
export function drawGangs(context, run, places) {
  const from = places[state.satellite];
  for (const s of partners(run, state.satellite, state.t)) {
    const [x, y] = places[s].p;
    if (places[s].hidden) continue;
    if (!from.hidden) polyline(context, [from.p, places[s].p], token("class-0"), 2.2);
    context.strokeStyle = token("class-0");
    context.lineWidth = 2.2;
    mark(context, x, y, 7, false);
    context.stroke();
  }
}
