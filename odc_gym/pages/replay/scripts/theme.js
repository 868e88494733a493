// Colours: the tokens of the stylesheets, the scale of quantities, and the choice of light or dark.
const CIVIDIS = [
  [0, 34, 78],
  [18, 53, 112],
  [59, 73, 108],
  [87, 93, 109],
  [112, 113, 115],
  [138, 134, 120],
  [165, 156, 116],
  [195, 179, 105],
  [225, 204, 85],
  [254, 232, 56],
];
const tokens = new Map();
const dark = matchMedia("(prefers-color-scheme: dark)");
const rules = [...document.styleSheets]
  .flatMap(sheet => [...sheet.cssRules])
  .filter(rule => rule.conditionText?.includes("prefers-color-scheme"));
let chosen = null; // "light" or "dark" once the reader chose

/** Value of a colour token, such as `ink`. */
export function token(name) {
  if (!tokens.has(name))
    tokens.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return tokens.get(name);
}

/** Token as numbers for pixels. */
export const tokenRgb = name => [1, 3, 5].map(i => parseInt(token(name).slice(i, i + 2), 16));

export function rampRgb(u) {
  const x = Math.min(0.9999, Math.max(0, u)) * (CIVIDIS.length - 1),
    i = Math.floor(x),
    w = x - i;
  return CIVIDIS[i].map((value, k) => Math.round(value * (1 - w) + CIVIDIS[i + 1][k] * w));
}

export const classColour = c => token(`class-${c % 5}`);
export const isDark = () => (chosen ? chosen === "dark" : dark.matches);

/** Switch between light and dark: the rules of the stylesheets for dark screens hold, or not. */
export function toggleTheme() {
  chosen = isDark() ? "light" : "dark";
  for (const rule of rules) rule.media.mediaText = chosen === "dark" ? "all" : "not all";
  document.documentElement.style.colorScheme = chosen;
  tokens.clear();
}

/** Call `act` when the colours of the system change. */
export function onThemeChange(act) {
  dark.addEventListener("change", () => {
    tokens.clear();
    act();
  });
}
