// The one palette of every chart: hues of Okabe and Ito (jfly.uni-koeln.de/color), told apart also without red or green vision,
// darkened for a light ground and lightened for a dark one until each has a contrast of 3:1 there. A specification names the
// light colours; `recolour` turns a finished picture into the form that is asked for.

export interface Ink {
  readonly light: string;
  readonly dark: string;
}

/** The console's tokens by the same names. */
export const INKS = {
  ground: { light: "#ffffff", dark: "#0f1114" },
  ink: { light: "#16181d", dark: "#eceef1" },
  "ink-2": { light: "#4b4f59", dark: "#b4b9c2" },
  "ink-3": { light: "#646975", dark: "#8f96a3" },
  line: { light: "#858b97", dark: "#6c7380" },
  grid: { light: "#e9ebee", dark: "#22262b" },
  "chart-1": { light: "#0072b2", dark: "#56b4e9" },
  "chart-2": { light: "#c75300", dark: "#f0883e" },
  "chart-3": { light: "#00875f", dark: "#2fbf8f" },
  "chart-4": { light: "#a4497f", dark: "#d98bb8" },
  "chart-5": { light: "#7a7f8a", dark: "#8f97a3" },
  "chart-6": { light: "#8a6d00", dark: "#e0c050" },
} as const satisfies Record<string, Ink>;

export type InkName = keyof typeof INKS;

/** light and dark stand alone; page takes its colours from the page it is in, by CSS variables. */
export type Theme = "light" | "dark" | "page";
export const THEMES = ["light", "dark", "page"] as const satisfies readonly Theme[];

/** A colour as specifications have it. */
export function ink(name: InkName): string {
  return INKS[name].light;
}

/** The colours of several series, in order. */
export const SERIES: readonly string[] = ([1, 2, 3, 4, 6, 5] as const).map((index) => ink(`chart-${index}`));

const BY_LIGHT: ReadonlyMap<string, Ink & { readonly name: string }> = new Map(
  Object.entries(INKS).map(([name, one]) => [one.light, { name, ...one }] as const),
);

/** A picture drawn in the light colours, in another form. Only colours of fills and strokes are touched. */
export function recolour(svg: string, theme: Theme): string {
  if (theme === "light") return svg;
  return svg.replaceAll(/ (fill|stroke)="(#[0-9a-f]{6})"/g, (whole, property: string, colour: string) => {
    const found = BY_LIGHT.get(colour);
    if (found === undefined) return whole;
    return ` ${property}="${theme === "dark" ? found.dark : `var(--${found.name})`}"`;
  });
}
