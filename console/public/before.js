// Runs before the first paint and before any module. A file of its own, because the page's policy allows no inline scripts.
try {
  const theme = localStorage.getItem("slipway-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be blocked; the page then follows the system.
}
try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  // Chromium in the POSIX locale says "en-US@posix", which is no language tag, and uPlot formats with it when it loads.
  Object.defineProperty(navigator, "language", { value: "en" });
}
