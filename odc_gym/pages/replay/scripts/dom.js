// Elements of the page. Text of users only ever becomes text nodes.
export const $ = id => document.getElementById(id);

/** Make an element: attributes by name; `text` and children become text nodes or elements. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "style") node.style.cssText = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter(child => child !== null && child !== undefined && child !== false));
  return node;
}

/** Replace the children of an element. */
export const fill = (node, ...children) =>
  node.replaceChildren(...children.flat().filter(child => child || child === 0));

/** Call `act` with the value of `data-key` of what was clicked inside an element. */
export function onClick(id, key, act) {
  $(id).addEventListener("click", event => {
    const hit = event.target.closest(`[data-${key}]`);
    if (hit) act(hit.dataset[key]);
  });
}

/** Call `move(event, first)` while a pointer is pressed on an element. */
export function onDrag(node, move) {
  let held = false;
  node.addEventListener("pointerdown", event => {
    held = true;
    node.setPointerCapture(event.pointerId);
    move(event, true);
  });
  node.addEventListener("pointermove", event => {
    if (held) move(event, false);
  });
  for (const name of ["pointerup", "pointercancel"])
    node.addEventListener(name, () => {
      held = false;
    });
}
