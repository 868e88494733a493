// Quantities that colour satellites: their range, text, and what is beyond a limit.
import { E } from "./episode.js";
import { fixed, percent } from "./format.js";
import { rampRgb, token, tokenRgb } from "./theme.js";

const never = () => false;
export const quantities = {};

export function makeQuantities() {
  const trip = Math.max(...E.trip_c);
  Object.assign(quantities, {
    charge: {
      name: "Charge",
      low: 0,
      high: 1,
      of: run => run.charge,
      text: percent,
      bad: (v, s) => v < E.floor[s],
      lowText: "0 %",
      highText: "100 %",
      beyond: "below the floor",
    },
    junction: {
      name: "Junction",
      low: 20,
      high: trip,
      of: run => run.junction,
      text: v => `${fixed(v)} °C`,
      bad: (v, s) => v > E.limit_c[s],
      lowText: "20 °C",
      highText: `${trip.toFixed(0)} °C`,
      beyond: "over the limit",
    },
    clock: {
      name: "Clock",
      low: 0,
      high: 1,
      of: run => run.clock,
      text: v => v.toFixed(2),
      bad: never,
      lowText: "0",
      highText: "full",
    },
    load: {
      name: "Held",
      low: 0,
      high: 1,
      of: run => run.load,
      text: percent,
      bad: never,
      lowText: "idle",
      highText: "all accelerators",
    },
  });
}

const share = (q, value) => (value - q.low) / (q.high - q.low);

/** Colour of a value of a satellite, as numbers and as text. */
export const paintRgb = (q, value, s) => (q.bad(value, s) ? tokenRgb("alarm") : rampRgb(share(q, value)));
export const paint = (q, value, s) => (q.bad(value, s) ? token("alarm") : `rgb(${rampRgb(share(q, value)).join(",")})`);
