// Light, dark, or as the system.
import { chooseTheme, type ThemeChoice, useThemeChoice } from "../theme.ts";

export function ThemeSwitch() {
  const theme = useThemeChoice();
  return (
    <label className="theme-switch">
      <span className="hidden-visually">Theme</span>
      <select value={theme} onChange={(event) => chooseTheme(event.target.value as ThemeChoice)}>
        <option value="system">System</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  );
}
