// Globe: orbits, satellites, links and sites around the Earth, seen from inertial space.
import { $, onDrag } from "./dom.js";
import { fit, font, polyline, text } from "./canvas.js";
import { axes, paintEarth, projection } from "./earth.js";
import { E } from "./episode.js";
import { drawFormation, formations } from "./formation.js";
import { drawGangs, drawLinks, drawSatellite } from "./marks.js";
import { DEGREES, EARTH_KM, cross, direction, dot, greenwich, radiusKm, subpoint, sunAt, unit } from "./orbits.js";
import { quantities } from "./quantities.js";
import { chooseSatellite, main, redraw, rival, shown, state } from "./state.js";
import { token } from "./theme.js";

const MARGIN = 1.27; // half of the canvas over the radius of the Earth
const REACH = 13; // pixels from a satellite at which a click chooses it
const LABELLED = 40; // fleets up to this size have a number at each satellite
let hits = [],
  orbitCache = null;

function camera() {
  if (state.follow) {
    const sun = sunAt(state.t);
    state.ra = Math.atan2(sun[1], sun[0]) + 1.05;
    state.dec = 0.38;
  }
  return { ra: state.ra, dec: state.dec };
}

/** Discs of the globe: one, or one for each of two runs side by side; a formation stands beside its globe. */
function discs(w, h) {
  const list = shown();
  if (E.formation_km)
    return list.length > 1
      ? []
      : [{ run: list[0], x: w * 0.25, y: h * 0.53, r: Math.min(w * 0.19, (h * 0.5) / MARGIN), small: true }];
  if (list.length === 1) return [{ run: list[0], x: w / 2, y: h / 2 + 2, r: Math.min(w, h) / 2 / MARGIN }];
  const r = Math.min(w / 5.1, h / 2.7);
  return list.map((run, i) => ({ run, x: w * (0.25 + 0.5 * i) + 4, y: h * 0.47, r, small: true }));
}

const screen = (disc, view, v) => [
  disc.x + disc.r * dot(v, view.right),
  disc.y - disc.r * dot(v, view.up),
  dot(v, view.out),
];
const isHidden = (disc, p) => p[2] < 0 && Math.hypot(p[0] - disc.x, p[1] - disc.y) < disc.r;
const place = (t, s) => direction(t, s).map(value => (value * radiusKm(t, s)) / EARTH_KM);

/** One satellite of each plane, for its ring; planes of large fleets that cannot be told apart share one. */
function ringLeaders() {
  orbitCache ??= [...new Set(E.planes)].slice(0, 80).map(plane => E.planes.indexOf(plane));
  return orbitCache;
}

function ring(t, s, sun) {
  const a = direction(t, s),
    b = unit(cross(cross(a, direction(t + 300, s)), a)),
    r = radiusKm(t, s) / EARTH_KM;
  return Array.from({ length: 121 }, (_, i) => {
    const f = (i / 120) * 2 * Math.PI,
      v = a.map((x, j) => r * (x * Math.cos(f) + b[j] * Math.sin(f)));
    const along = dot(v, sun);
    return { v, dark: along < 0 && Math.hypot(...v.map((x, j) => x - along * sun[j])) < 1 };
  });
}

function drawRings(context, disc, view, rings, behind) {
  const faint = rings.length > 8 ? 0.45 : 1;
  const paths = [new Path2D(), new Path2D()]; // in light, in shadow
  for (const points of rings) {
    let joined = -1;
    let before = screen(disc, view, points[0].v);
    for (let i = 1; i < points.length; i++) {
      const q = screen(disc, view, points[i].v),
        dark = Number(points[i].dark);
      if (isHidden(disc, q) || q[2] < 0 !== behind) joined = -1;
      else {
        if (joined !== dark) paths[dark].moveTo(before[0], before[1]);
        paths[dark].lineTo(q[0], q[1]);
        joined = dark;
      }
      before = q;
    }
  }
  [
    ["sun", 1.3, [], 0.75],
    ["night", 1, [2, 2], 0.9],
  ].forEach(([name, width, dash, alpha], dark) => {
    context.globalAlpha = faint * (behind ? 0.35 : alpha);
    context.strokeStyle = token(name);
    context.lineWidth = width;
    context.setLineDash(dash);
    context.stroke(paths[dark]);
  });
  context.setLineDash([]);
  context.globalAlpha = 1;
}

function drawSun(context, disc, view, sun) {
  const p = screen(disc, view, sun),
    m = Math.hypot(p[0] - disc.x, p[1] - disc.y) || 1,
    size = disc.small ? 4 : 6;
  const [x, y] = [disc.x + ((p[0] - disc.x) / m) * disc.r * 1.24, disc.y + ((p[1] - disc.y) / m) * disc.r * 1.24];
  context.fillStyle = token("sun");
  context.beginPath();
  context.arc(x, y, size, 0, 7);
  context.fill();
  for (let i = 0; i < 8 && !disc.small; i++) {
    const f = (i * Math.PI) / 4;
    polyline(
      context,
      [
        [x + 9 * Math.cos(f), y + 9 * Math.sin(f)],
        [x + 11.5 * Math.cos(f), y + 11.5 * Math.sin(f)],
      ],
      token("sun"),
      1.5,
    );
  }
}

function drawSites(context, project, view, t) {
  context.fillStyle = token("ink");
  for (const site of E.sites) {
    const p = project([site.longitude_deg, site.latitude_deg]);
    if (p && faces(site, view, t)) context.fillRect(p[0] - 1.8, p[1] - 1.8, 3.6, 3.6);
  }
}

/** Whether a site lies on the near side. */
function faces(site, view, t) {
  const ra = site.longitude_deg / DEGREES + greenwich(t),
    latitude = site.latitude_deg / DEGREES;
  return dot([Math.cos(latitude) * Math.cos(ra), Math.cos(latitude) * Math.sin(ra), Math.sin(latitude)], view.out) > 0;
}

function drawDisc(context, disc, cam) {
  const view = axes(cam),
    sun = sunAt(state.t),
    project = projection(state.t, cam, disc.x, disc.y, disc.r);
  const rings = ringLeaders().map(s => ring(state.t, s, sun));
  drawRings(context, disc, view, rings, true);
  paintEarth(context, disc.small ? disc.run.index : "one", state.t, cam, disc.x, disc.y, disc.r);
  drawSites(context, project, view, state.t);
  drawRings(context, disc, view, rings, false);
  drawSun(context, disc, view, sun);
  const places = Array.from({ length: E.satellites }, (_, s) => {
    const p = screen(disc, view, place(state.t, s));
    return { s, p, hidden: isHidden(disc, p) };
  });
  if (E.formation_km) {
    drawSatellite(context, disc.run, places[state.satellite], 6, false); // they cannot be told apart here
    return;
  }
  drawLinks(context, places, project);
  const size = E.satellites <= LABELLED ? (disc.small ? 5.5 : 8) : E.satellites <= 200 ? 5 : 3;
  const seen = places
    .filter(each => !each.hidden)
    .sort((a, b) => (a.s === state.satellite) - (b.s === state.satellite) || a.p[2] - b.p[2]);
  for (const each of seen) {
    drawSatellite(context, disc.run, each, size, !disc.small && E.satellites <= LABELLED);
    hits.push([each.p[0], each.p[1], each.s]);
  }
  drawGangs(context, disc.run, places);
  if (disc.small && state.both)
    text(context, disc.run.agent, disc.x, disc.y + disc.r * MARGIN + 10, token("ink"), "center", font(12, 600));
}

export function drawGlobe() {
  const [context, w, h] = fit($("globe")),
    cam = camera();
  hits = [];
  for (const disc of discs(w, h)) drawDisc(context, disc, cam);
  for (const formation of formations(w, h)) hits.push(...drawFormation(context, formation));
}

/** Pixels of the globe at which a satellite and its sub-satellite point lie at a time; for tests. */
export function project(s, t = state.t) {
  const canvas = $("globe"),
    [disc] = discs(canvas.clientWidth, canvas.clientHeight),
    cam = camera();
  const p = screen(disc, axes(cam), place(t, s)),
    { latitude, longitude } = subpoint(t, s);
  return {
    x: p[0],
    y: p[1],
    hidden: isHidden(disc, p),
    latitude,
    longitude,
    below: onMap(longitude, latitude, t),
    radius: disc.r,
  };
}

/** Pixel of a place on the map at a time, also where it lies on the far side; for tests. */
export function onMap(longitude, latitude, t = state.t) {
  const canvas = $("globe"),
    [disc] = discs(canvas.clientWidth, canvas.clientHeight);
  return projection(t, camera(), disc.x, disc.y, disc.r).clipAngle(null)([longitude, latitude]);
}

/** Satellite that is drawn nearest to a pixel, if one is near. */
function nearest(px, py) {
  const near = hits.map(([x, y, s]) => ({ s, away: Math.hypot(x - px, y - py) })).filter(hit => hit.away < REACH);
  return near.sort((a, b) => a.away - b.away)[0]?.s;
}

export function setUpGlobe() {
  const canvas = $("globe");
  let from = null;
  onDrag(canvas, (event, first) => {
    if (first) {
      const s = nearest(event.offsetX, event.offsetY);
      if (s !== undefined) chooseSatellite(s);
      from = { x: event.offsetX, y: event.offsetY, ra: state.ra, dec: state.dec };
      return;
    }
    const [dx, dy] = [event.offsetX - from.x, event.offsetY - from.y];
    if (state.follow && Math.hypot(dx, dy) < 4) return;
    const all = state.follow;
    state.follow = false;
    state.ra = from.ra - dx / 130;
    state.dec = Math.max(-1.5, Math.min(1.5, from.dec + dy / 130));
    redraw(all);
  });
}

/** Sentence about the globe for those who do not see it. */
export function globeLabel() {
  const other = state.both && rival() ? ` and ${rival().agent}` : "";
  const what = `${E.satellites} satellites under ${main().agent}${other}, coloured by ${quantities[state.quantity].name}`;
  return `Globe with ${what}. Drag to turn; the button Table lists every satellite.`;
}
