// Every page of the console, and what holds of each: what it reads arrives, it is accessible, and it fits a phone.
import { expect } from "vitest";
import { createFixture } from "../../console/dev/fixture.ts";
import type { ScenarioName } from "../../console/dev/scenario.ts";
import { type BuiltConsole, COLOUR_RULES, openPage, PHONE, violationsOf } from "./console.ts";

export interface PageCase {
  readonly scenario: ScenarioName;
  readonly address: string;
  /** Shows that what the page reads has arrived. */
  readonly shows: string;
}

export const CONSOLE_PAGES: readonly PageCase[] = [
  { scenario: "well", address: "/", shows: "Draw a digit" },
  { scenario: "well", address: "/?endpoint=sentiment&table=requests.batches", shows: "How requests ended" },
  { scenario: "well", address: "/endpoints/digits", shows: "digits serves digits@2, before digits@1" },
  { scenario: "well", address: "/models", shows: "sentiment (1)" },
  { scenario: "well", address: "/models/digits", shows: "Decode the image as grey" },
  { scenario: "well", address: "/models/sentiment/versions/1?language=Python", shows: "urllib" },
  { scenario: "well", address: "/models/digits/versions/1", shows: "may no longer hold" },
  { scenario: "well", address: "/models/digits/versions/2/measure?what=compute,quality", shows: "Labelled rows" },
  { scenario: "well", address: "/compare?first=digits%401&second=digits%402", shows: "right in digits@2 alone" },
  { scenario: "well", address: "/datasets/loans?number=1", shows: "repaid alone tells default" },
  { scenario: "well", address: "/runs/01TRAINED", shows: "The network is better than logistic regression." },
  { scenario: "well", address: "/jobs", shows: "ROWS_INVALID" },
  { scenario: "well", address: "/jobs/01RUNNING", shows: "210 of 500 rows" },
  { scenario: "well", address: "/jobs/01SUCCEEDED", shows: "What it found" },
  { scenario: "well", address: "/policies", shows: "quality.accuracy.lower >= 0.98" },
  { scenario: "well", address: "/policies/digits", shows: "It may not go live" },
  { scenario: "well", address: "/activity", shows: "sentiment@1 left quarantine" },
  { scenario: "well", address: "/settings", shows: "SLIPWAY_QUEUE_MAX_REQUESTS" },
  { scenario: "well", address: "/nowhere", shows: "There is nothing at" },
  { scenario: "trouble", address: "/", shows: "1 of 2 endpoints does not answer" },
  { scenario: "trouble", address: "/endpoints/sentiment", shows: "Too much memory" },
  { scenario: "trouble", address: "/endpoints/nobody", shows: "ENDPOINT_NOT_FOUND" },
  { scenario: "empty", address: "/", shows: "npx slipway deploy" },
  { scenario: "empty", address: "/models", shows: "npx slipway import" },
  { scenario: "empty", address: "/jobs", shows: "npx slipway measure" },
  { scenario: "empty", address: "/policies", shows: "No policy stands anywhere" },
  { scenario: "empty", address: "/policies/*", shows: "there is no version to ask about" },
  { scenario: "empty", address: "/activity", shows: "npx slipway deploy" },
];

/** Opens a page and checks it; in the dark theme only what colours change is checked again. */
export async function checkPage(
  built: BuiltConsole,
  { scenario, address, shows }: PageCase,
  colorScheme: "light" | "dark",
): Promise<void> {
  await using fixture = await createFixture({ scenario, directory: built.directory });
  const { page, problems, context } = await openPage(built.browser, fixture, address, { colorScheme });
  await page.getByText(shows).first().waitFor();
  expect(await violationsOf(page, colorScheme === "light" ? undefined : COLOUR_RULES)).toEqual([]);
  await page.setViewportSize(PHONE);
  if (colorScheme === "light") expect(await violationsOf(page)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);
  expect(problems).toEqual([]);
  await context.close();
}
