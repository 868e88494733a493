// Replay of recorded runs of one episode. Nothing is drawn while nothing changes.
import { $ } from "./dom.js";
import { drawCursor, drawDay, setUpDay } from "./day.js";
import { drawDecision } from "./decision.js";
import { drawDifference, setUpDifference } from "./difference.js";
import { E, load, runs } from "./episode.js";
import { drawEvents, drawEventsNow, setUpEvents } from "./events.js";
import { drawGlobe, globeLabel, onMap, project, setUpGlobe } from "./globe.js";
import { drawControls, drawNumbers, setUpHeader } from "./header.js";
import { setUpKeyboard } from "./keyboard.js";
import { makeQuantities } from "./quantities.js";
import { drawSatelliteCharts, drawSatelliteText } from "./satellite.js";
import { onFrame, readAddress, redraw, redrawNow, seek, state, writeAddress } from "./state.js";
import { drawTable, setUpTable } from "./table.js";
import { onThemeChange } from "./theme.js";
import { advance, drawTransport, setUpTransport, speak } from "./transport.js";

const KEPT = 600;
const spent = []; // script time of the last frames, milliseconds

function draw(now, all) {
  const begin = performance.now();
  if (all) {
    drawControls();
    drawEvents();
    drawDay();
    $("globe").setAttribute("aria-label", globeLabel());
  }
  advance(now);
  drawGlobe();
  drawCursor();
  drawNumbers();
  drawDifference();
  drawSatelliteText();
  drawSatelliteCharts();
  drawDecision();
  drawTransport();
  drawEventsNow();
  drawTable();
  spent.push(performance.now() - begin);
  if (spent.length > KEPT) spent.shift();
  speak();
  if (state.playing) redraw();
  else writeAddress();
}

async function start() {
  const begin = performance.now();
  await load(JSON.parse($("manifest").textContent), $("data").textContent);
  $("data").remove();
  makeQuantities();
  readAddress();
  onFrame(draw);
  for (const setUp of [
    setUpHeader,
    setUpGlobe,
    setUpDay,
    setUpEvents,
    setUpDifference,
    setUpTransport,
    setUpTable,
    setUpKeyboard,
  ])
    setUp();
  const resized = new ResizeObserver(redrawNow);
  for (const id of ["day", "detail", "globe", "scrub"]) resized.observe($(id));
  onThemeChange(() => redraw(true));
  addEventListener("hashchange", () => {
    readAddress();
    redraw(true);
  });
  window.replay = {
    episode: E,
    runs,
    state,
    seek,
    redraw,
    project,
    onMap,
    spent,
    loaded_ms: performance.now() - begin,
  };
  document.documentElement.dataset.ready = "true";
}

start().catch(error => {
  $("failed").hidden = false;
  $("failed").textContent = `This page could not be shown: ${error.message}. It needs a browser from 2023 or later.`;
  throw error;
});
