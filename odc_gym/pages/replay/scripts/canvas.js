// Drawing on a canvas: size, lines, areas and axes.
import { runs } from "./episode.js";
import { token } from "./theme.js";
import { main } from "./state.js";

const DASHES = [[], [4, 3], [1.5, 2.5], [8, 3, 2, 3], [6, 2], [2, 5]];

/** Line style of a run: the first solid, the second dashed; the one shown is ink. */
export const dashOf = run => DASHES[run.index % DASHES.length];
export const inkOf = run => token(run === main() ? "ink" : "ink3");
export const drawOrder = () => [...runs].sort((a, b) => (a === main()) - (b === main()));
export const font = (size = 11, weight = "") => `${weight} ${size}px ${token("font")}`;

/** Fit a canvas to its box and the screen, clear it, and return `[context, width, height]`. */
export function fit(canvas) {
  const scale = Math.min(2, devicePixelRatio || 1),
    w = canvas.clientWidth,
    h = canvas.clientHeight;
  const [wide, high] = [Math.round(w * scale), Math.round(h * scale)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, w, h);
  context.font = font();
  context.textBaseline = "middle";
  return [context, w, h];
}

/** Draw a polyline through `points`, a list of `[x, y]`. */
export function polyline(context, points, style, width = 1, dash = []) {
  context.strokeStyle = style;
  context.lineWidth = width;
  context.setLineDash(dash);
  context.lineJoin = "round";
  context.beginPath();
  points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
  context.setLineDash([]);
}

/** Fill between two lines with the same x. */
export function band(context, upper, lower, style) {
  context.fillStyle = style;
  context.beginPath();
  upper.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  for (let i = lower.length - 1; i >= 0; i--) context.lineTo(lower[i][0], lower[i][1]);
  context.fill();
}

export function text(context, words, x, y, style, align = "left", face = font()) {
  context.font = face;
  context.textAlign = align;
  context.fillStyle = style;
  context.fillText(words, x, y);
}

/** Write the label of a curve on a plate of the card's colour. */
export function plate(context, words, right, y) {
  context.font = font(11, 600);
  const width = context.measureText(words).width;
  context.fillStyle = token("card");
  context.fillRect(right - width - 4, y - 8, width + 8, 16);
  text(context, words, right, y, token("ink"), "right", font(11, 600));
}

/** Draw lines of a grid with their labels left of it; return the function from values to y. */
export function axis(context, box, low, high, ticks, label) {
  const y = value => box.y + box.h - ((Math.min(high, Math.max(low, value)) - low) / (high - low || 1)) * box.h;
  for (const value of ticks) {
    const at = Math.round(y(value)) + 0.5;
    polyline(
      context,
      [
        [box.left, at],
        [box.right, at],
      ],
      token("line"),
    );
    text(context, label(value), box.left - 5, at, token("ink3"), "right");
  }
  return y;
}
