// Positions: unit vectors of satellites and the Sun, in the frame of the equator of date in which the Earth turns.
import { E, array, sampleAt, between } from "./episode.js";

export const EARTH_KM = 6371;
const RATE = 7.2921158553e-5; // rotation of the Earth against the stars, rad/s
export const DEGREES = 180 / Math.PI;
const FLATTENING = 1 / 298.257,
  EQUATOR_KM = 6378.137;

export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
export function unit(a) {
  const length = Math.hypot(a[0], a[1], a[2]) || 1;
  return [a[0] / length, a[1] / length, a[2] / length];
}

/** Right ascension of Greenwich. */
export const greenwich = t => E.greenwich_rad + RATE * t;

export function sunAt(t) {
  const w = E.end_s ? t / E.end_s : 0;
  return unit(E.sun[0].map((value, i) => value + (E.sun[1][i] - value) * w));
}

/** Unit vector from mean elements; `orbits.py` states their order. */
function fromElements(e, from, t) {
  const m = e[from + 3] + e[from + 4] * t,
    node = e[from + 1] + e[from + 2] * t;
  const u =
    m +
    e[from + 5] * Math.cos(m) +
    e[from + 6] * Math.sin(m) +
    e[from + 7] * Math.cos(2 * m) +
    e[from + 8] * Math.sin(2 * m);
  const [c, s, cn, sn, ci, si] = [
    Math.cos(u),
    Math.sin(u),
    Math.cos(node),
    Math.sin(node),
    Math.cos(e[from]),
    Math.sin(e[from]),
  ];
  return [c * cn - s * sn * ci, c * sn + s * cn * ci, s * si];
}

/** Unit vector between two samples, along the great circle. */
function fromSamples(series, t, s) {
  const u = Math.min(E.samples - 1, Math.max(0, t / E.sample_s)),
    k = Math.max(0, Math.min(E.samples - 2, Math.floor(u))),
    w = u - k;
  const take = n => [0, 1, 2].map(i => series.values[(n * E.satellites + s) * 3 + i]);
  const a = take(k),
    b = take(Math.min(k + 1, E.samples - 1)),
    angle = Math.acos(Math.min(1, dot(unit(a), unit(b))));
  if (angle < 1e-6) return unit(a);
  const p = Math.sin((1 - w) * angle),
    q = Math.sin(w * angle);
  return unit([0, 1, 2].map(i => a[i] * p + b[i] * q));
}

/** Direction of a satellite from the centre of the Earth. */
export function direction(t, s) {
  const elements = array("orbit/elements");
  return elements ? fromElements(elements.values, s * elements.row, t) : fromSamples(array("orbit/direction"), t, s);
}

export function radiusKm(t, s) {
  const radius = array("orbit/radius_km");
  return radius.shape[0] === 1 ? radius.values[s] : between(radius, t, s);
}

/** Sub-satellite point: geodetic latitude, and longitude from -180 to 180, degrees. */
export function subpoint(t, s) {
  const v = direction(t, s),
    geocentric = Math.asin(v[2]);
  const latitude = geocentric + (EQUATOR_KM / radiusKm(t, s)) * FLATTENING * Math.sin(2 * geocentric);
  const turned = (Math.atan2(v[1], v[0]) - greenwich(t)) * DEGREES;
  return { latitude: latitude * DEGREES, longitude: ((((turned + 180) % 360) + 360) % 360) - 180 };
}

/** Site that a satellite sends to, or -1. */
export function siteOf(t, s) {
  const site = array("link/site");
  return site ? site.values[sampleAt(t) * E.satellites + s] : -1;
}

/** Pairs of linked satellites at a time. */
export function linksAt(t) {
  if (!E.links) return [];
  const epoch = array("link/epoch").values[sampleAt(t)],
    offset = array("link/offset").values;
  const a = array("link/a").values,
    b = array("link/b").values,
    pairs = [];
  for (let i = offset[epoch]; i < offset[epoch + 1]; i++) pairs.push([a[i], b[i]]);
  return pairs;
}
