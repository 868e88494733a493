// Earth of the globe: land, night and twilight, drawn into a layer of its own that is used again until it has turned.
import { geoCircle, geoGraticule10, geoOrthographic, geoPath } from "d3-geo";
import { feature } from "topojson-client";
import world from "world-atlas/land-110m.json";
import { DEGREES, greenwich, sunAt } from "./orbits.js";
import { token } from "./theme.js";

const land = feature(world, world.objects.land),
  graticule = geoGraticule10();
const STEP = 0.25; // degrees that the Earth turns before it is drawn again
const layers = new Map();

/** Camera on the sky at `ra`, `dec`: unit vectors right, up and out of the screen. */
export function axes({ ra, dec }) {
  const [ca, sa, cd, sd] = [Math.cos(ra), Math.sin(ra), Math.cos(dec), Math.sin(dec)];
  return { right: [-sa, ca, 0], up: [-sd * ca, -sd * sa, cd], out: [cd * ca, cd * sa, sd] };
}

/** Projection of longitudes and latitudes for a globe of radius `r` around (x, y) at a time. */
export function projection(t, camera, x, y, r) {
  return geoOrthographic()
    .scale(r)
    .translate([x, y])
    .rotate([-(camera.ra - greenwich(t)) * DEGREES, -camera.dec * DEGREES, 0])
    .clipAngle(90)
    .precision(0.5);
}

function drawEarth(context, t, camera, middle, r) {
  const path = geoPath(projection(t, camera, middle, middle, r), context),
    sun = sunAt(t);
  const shape = (geometry, style, line) => {
    context.beginPath();
    path(geometry);
    if (line) {
      context.lineWidth = line;
      context.strokeStyle = style;
      context.stroke();
    } else {
      context.fillStyle = style;
      context.fill();
    }
  };
  shape({ type: "Sphere" }, token("ocean"));
  shape(land, token("land"));
  shape(graticule, `rgba(${token("shade")},.07)`, 0.5);
  const midnight = [(Math.atan2(-sun[1], -sun[0]) - greenwich(t)) * DEGREES, Math.asin(-sun[2]) * DEGREES];
  for (const depth of [0, 6, 12, 18]) {
    // night, and three twilights
    shape(
      geoCircle()
        .center(midnight)
        .radius(90 - depth)
        .precision(3)(),
      `rgba(${token("shade")},${token("shade-a")})`,
    );
  }
}

/** Draw the Earth around (x, y) with radius `r`. */
export function paintEarth(context, name, t, camera, x, y, r) {
  const scale = Math.min(2, devicePixelRatio || 1),
    half = Math.ceil(r + 2);
  const turn = Math.round((greenwich(t) * DEGREES) / STEP);
  const key = [turn, camera.ra.toFixed(4), camera.dec.toFixed(4), r.toFixed(1), scale, token("ocean")].join();
  let layer = layers.get(name);
  if (layer?.key !== key) {
    const canvas = layer?.canvas ?? document.createElement("canvas");
    canvas.width = canvas.height = 2 * half * scale;
    const own = canvas.getContext("2d");
    own.setTransform(scale, 0, 0, scale, 0, 0);
    drawEarth(own, t, camera, half, r);
    layer = { canvas, key };
    layers.set(name, layer);
  }
  context.drawImage(layer.canvas, x - half, y - half, 2 * half, 2 * half);
}
