// Keys, and the buttons that do the same.
import { $ } from "./dom.js";
import { E, runs } from "./episode.js";
import { jump } from "./events.js";
import { quantities } from "./quantities.js";
import { chooseQuantity, chooseRun, chooseSatellite, redraw, seek, showBoth, state } from "./state.js";
import { openTable } from "./table.js";
import { toggleTheme } from "./theme.js";
import { toggle } from "./transport.js";

const HOUR = 3600;

function nextQuantity() {
  const names = Object.keys(quantities);
  chooseQuantity(names[(names.indexOf(state.quantity) + 1) % names.length]);
}

function help() {
  const dialog = $("keys");
  if (dialog.open) dialog.close();
  else dialog.showModal();
}

function switchTheme() {
  toggleTheme();
  redraw(true);
}

const actions = { theme: switchTheme, table: openTable, help };

/** What a key does; `3` shows two runs side by side where there are two. */
function actionOf(key, big) {
  const step = big ? HOUR : E.decision_s;
  const fixedKeys = {
    " ": toggle,
    ArrowRight: () => seek(state.t + step),
    ArrowLeft: () => seek(state.t - step),
    ArrowDown: () => chooseSatellite(state.satellite + 1),
    ArrowUp: () => chooseSatellite(state.satellite - 1),
    Home: () => seek(0),
    End: () => seek(E.end_s),
    n: () => jump(1),
    p: () => jump(-1),
    c: nextQuantity,
    b: showBoth,
    t: openTable,
    d: switchTheme,
    "?": help,
  };
  if (fixedKeys[key]) return fixedKeys[key];
  if (key === "3" && runs.length === 2) return showBoth;
  return /^[1-9]$/.test(key) && runs[Number(key) - 1] ? () => chooseRun(Number(key) - 1) : null;
}

export function setUpKeyboard() {
  addEventListener("keydown", event => {
    const typing = /^(SELECT|INPUT)$/.test(event.target.tagName),
      pressing = event.target.tagName === "BUTTON" && event.key === " ";
    if (event.ctrlKey || event.metaKey || event.altKey || typing || pressing) return;
    const scrolls = document.querySelector("dialog[open]") && !/^[t?d]$/.test(event.key);
    const act = scrolls ? null : actionOf(event.key, event.shiftKey);
    if (act) {
      event.preventDefault();
      act();
    }
  });
  for (const button of document.querySelectorAll("[data-do]"))
    button.addEventListener("click", () => actions[button.dataset.do]());
}
