// Tip beside the pointer: a time and a few lines.
import { $, el, fill } from "./dom.js";
import { hhmm } from "./format.js";

/** Show a tip over an element: `find(x, y)` returns `{ t, lines }` or null. */
export function setUpTip(node, find) {
  const tip = $("tip");
  node.addEventListener("pointermove", event => {
    const found = event.pointerType === "touch" ? null : find(event.offsetX, event.offsetY);
    tip.hidden = !found;
    if (!found) return;
    fill(
      tip,
      el("b", {}, `+${hhmm(found.t)}`),
      found.lines.map(line => el("div", {}, line)),
    );
    tip.style.left = `${Math.min(innerWidth - tip.offsetWidth - 8, event.clientX + 14)}px`;
    tip.style.top = `${Math.min(innerHeight - tip.offsetHeight - 8, event.clientY + 14)}px`;
  });
  node.addEventListener("pointerleave", () => {
    tip.hidden = true;
  });
}
