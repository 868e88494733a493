// Numbers and times as text.
import { E } from "./episode.js";

const MINUS = "\u2212";
const two = value => String(value).padStart(2, "0");

/** Elapsed time as hours and minutes. */
export const hhmm = t => `${two(Math.floor(t / 3600 + 1e-9))}:${two(Math.floor(((t + 1e-6) % 3600) / 60))}`;
export const utc = t => new Date(Date.parse(E.start) + t * 1000).toISOString();
export const fixed = (value, digits = 1) => value.toFixed(digits).replace("-", MINUS);
export const percent = value => `${(100 * value).toFixed(0)} %`;
export const words = name => name.replaceAll("_", " ");

export function signed(value, digits = 1) {
  const text = Math.abs(value).toFixed(digits);
  return (Number(text) === 0 ? "" : value > 0 ? "+" : MINUS) + text;
}

/** Whole number with thin spaces between thousands. */
export const grouped = value => fixed(value, 0).replace(/\B(?=(\d{3})+$)/g, "\u202f");

/** Number with at most four digits. */
export function short(value) {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}\u202fM`;
  return value >= 1e4 ? `${Number((value / 1e3).toPrecision(3))}\u202fk` : fixed(value, 0);
}

/** Length of an episode or a bin. */
export function span(seconds) {
  if (seconds >= 48 * 3600 && seconds % 86400 === 0) return `${seconds / 86400} days`;
  return seconds >= 3600 ? `${Number((seconds / 3600).toFixed(2))} h` : `${seconds / 60} min`;
}

/** The next of 1, 2, 2.5, 5, 10 times a power of ten. */
export function nice(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return [1, 2, 2.5, 5, 10].map(m => m * power).find(step => step >= value * 0.999999);
}
