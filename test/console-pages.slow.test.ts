// Every page of the built console in both themes, in a real browser: accessible, and fit for a phone.
import { describe } from "vitest";
import { browserTest as test } from "./support/browser.ts";
import { useBuiltConsole } from "./support/console.ts";
import { checkPage, CONSOLE_PAGES } from "./support/console-pages.ts";

const built = useBuiltConsole();

describe.each(["light", "dark"] as const)("%s", (theme) => {
  test.each(CONSOLE_PAGES)("$address with all $scenario is accessible and fits a phone", async (one) => {
    await checkPage(built(), one, theme);
  });
});
