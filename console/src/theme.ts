// Light or dark: the system's choice unless the reader made one, which is remembered in this browser. `public/before.js`
// applies it before the first paint.
import { useSyncExternalStore } from "react";

export type ThemeChoice = "system" | "light" | "dark";

const KEY = "slipway-theme";
const CHANGED = "slipway-theme-changed";
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

function choice(): ThemeChoice {
  const chosen = document.documentElement.dataset["theme"];
  return chosen === "light" || chosen === "dark" ? chosen : "system";
}

export function chooseTheme(theme: ThemeChoice): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Storage may be blocked; the choice then lasts as long as the page.
  }
  dispatchEvent(new Event(CHANGED));
}

function subscribe(onChange: () => void): () => void {
  addEventListener(CHANGED, onChange);
  systemIsDark.addEventListener("change", onChange);
  return () => {
    removeEventListener(CHANGED, onChange);
    systemIsDark.removeEventListener("change", onChange);
  };
}

export function useThemeChoice(): ThemeChoice {
  return useSyncExternalStore(subscribe, choice);
}

/** The theme in force; canvases, which can't follow style sheets, are drawn anew when it changes. */
export function useTheme(): "light" | "dark" {
  return useSyncExternalStore(subscribe, () => {
    const chosen = choice();
    return chosen === "system" ? (systemIsDark.matches ? "dark" : "light") : chosen;
  });
}
