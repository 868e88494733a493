// Transport: play and pause, the slider with its alarms, speed, and the sentence for screen readers.
import { $, onDrag } from "./dom.js";
import { fit } from "./canvas.js";
import { E } from "./episode.js";
import { alarmTimes, jump } from "./events.js";
import { hhmm } from "./format.js";
import { sayNow } from "./header.js";
import { main, redraw, seek, state } from "./state.js";
import { token } from "./theme.js";

const EDGE = 8,
  PLAY = "M2 1v10l9-5z",
  PAUSE = "M2 1h3v10H2zM7 1h3v10H7z",
  LONGEST_FRAME_MS = 100,
  MANY = 300;
let last = 0,
  speaking = 0;

/** Move on in time while playing; return whether the end was reached. */
export function advance(now) {
  if (!state.playing) {
    last = 0;
    return false;
  }
  if (last) state.t += (Math.min(LONGEST_FRAME_MS, now - last) / 1000) * state.speed;
  last = now;
  if (state.t < E.end_s) return false;
  state.t = E.end_s;
  state.playing = false;
  return true;
}

export function toggle() {
  state.playing = !state.playing;
  if (state.playing && state.t >= E.end_s) state.t = 0;
  last = 0;
  redraw();
}

export function drawTransport() {
  const canvas = $("scrub"),
    [context, w] = fit(canvas),
    x = t => EDGE + (t / (E.end_s || 1)) * (w - 2 * EDGE),
    y = 23;
  context.fillStyle = token("line");
  context.fillRect(EDGE, y - 2, w - 2 * EDGE, 4);
  context.fillStyle = token("ink");
  context.fillRect(EDGE, y - 2, x(state.t) - EDGE, 4);
  context.fillStyle = token("alarm");
  const alarms = alarmTimes(main());
  context.globalAlpha = alarms.length > MANY ? 0.35 : 1; // where there are many, denser means more
  for (const t of alarms) context.fillRect(x(t) - 0.75, 7, 1.5, 8);
  context.globalAlpha = 1;
  context.beginPath();
  context.arc(x(state.t), y, 7, 0, 7);
  context.fillStyle = token("ink");
  context.fill();
  context.strokeStyle = token("card");
  context.lineWidth = 2;
  context.stroke();
  canvas.setAttribute("aria-valuemax", Math.round(E.end_s));
  canvas.setAttribute("aria-valuenow", Math.round(state.t));
  canvas.setAttribute("aria-valuetext", `+${hhmm(state.t)}`);
  $("play-shape").setAttribute("d", state.playing ? PAUSE : PLAY);
  $("play").setAttribute("aria-label", state.playing ? "Pause (space)" : "Play (space)");
}

/** Say the present once it has settled; while playing, nothing is said. */
export function speak() {
  clearTimeout(speaking);
  if (!state.playing)
    speaking = setTimeout(() => {
      $("live").textContent = sayNow();
    }, 500);
}

export function setUpTransport() {
  $("play").addEventListener("click", toggle);
  $("next").addEventListener("click", () => jump(1));
  $("previous").addEventListener("click", () => jump(-1));
  $("speed").addEventListener("change", event => {
    state.speed = Number(event.target.value);
  });
  onDrag($("scrub"), event => seek(((event.offsetX - EDGE) / ($("scrub").clientWidth - 2 * EDGE)) * E.end_s));
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && state.playing) toggle();
  });
}
