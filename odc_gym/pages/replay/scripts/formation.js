// Formation: satellites that fly within some kilometres, drawn in a circle of their own.
import { font, text } from "./canvas.js";
import { E, array, between } from "./episode.js";
import { drawGangs, drawLinks, drawSatellite, mark } from "./marks.js";
import { shown, state } from "./state.js";
import { token } from "./theme.js";

/** Circles of formations: beside the globe, or one for each of two runs. */
export function formations(w, h) {
  const list = E.formation_km ? shown() : [],
    r = Math.min(w * 0.23, h * 0.4);
  return list.map((run, i) => ({
    run,
    x: w * (list.length > 1 ? 0.25 + 0.5 * i : 0.74),
    y: h * (list.length > 1 ? 0.5 : 0.55),
    r,
  }));
}

/** Draw the formation of a run, and return the places of its satellites as `[x, y, satellite]`. */
export function drawFormation(context, { run, x, y, r }) {
  const series = array("orbit/formation_km"),
    scale = (r * 0.9) / E.formation_km;
  context.strokeStyle = token("line");
  context.lineWidth = 1;
  mark(context, x, y, r * 1.04, false);
  context.stroke();
  const places = Array.from({ length: E.satellites }, (_, s) => ({
    s,
    hidden: false,
    p: [x + between(series, state.t, 2 * s) * scale, y - between(series, state.t, 2 * s + 1) * scale, 1],
  }));
  drawLinks(context, places, null);
  const size = Math.max(2.5, Math.min(6, (r / Math.sqrt(E.satellites)) * 0.45));
  for (const each of [...places.filter(place => place.s !== state.satellite), places[state.satellite]]) {
    drawSatellite(context, run, each, size, false);
  }
  drawGangs(context, run, places);
  const words = state.both ? run.agent : `formation, ${Number((2 * E.formation_km).toPrecision(2))} km wide`;
  const [style, face] = state.both ? ["ink", font(12, 600)] : ["ink2", font(11)];
  text(context, words, x, y + r * 1.04 + 10, token(style), "center", face);
  return places.map(each => [each.p[0], each.p[1], each.s]);
}
