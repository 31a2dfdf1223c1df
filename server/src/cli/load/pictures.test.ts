import { expect, test } from "vitest";
import { Latencies } from "#load";
import { distributionSvg } from "./distribution-svg.ts";
import { distributionText } from "./distribution-text.ts";

function latencies(...all: readonly number[]): Latencies {
  const result = new Latencies();
  for (const ms of all) result.observe(ms);
  return result;
}

test("the distribution in characters: the longest bar is the fullest band, shares add up", () => {
  const lines = distributionText(latencies(...Array.from({ length: 99 }, () => 1), 100).bands(8));
  expect(lines[0]).toMatch(/from +share +up to here/);
  const rows = lines.slice(1);
  expect(rows.length).toBeLessThanOrEqual(8);
  expect(rows[0]).toContain("█".repeat(40));
  expect(rows[0]).toMatch(/99(\.0)? %\s+99(\.0)? %$/);
  // One of a hundred is still to be seen.
  expect(rows.at(-1)).toMatch(/ms\s+[▏▎▍▌▋▊▉]\s+1\.0 %\s+100 %$/);
  expect(distributionText([])).toEqual([]);
});

test("the picture is well-formed, names its parts for readers, and escapes what it is told", () => {
  const measured = latencies(0.5, 1, 1, 2, 4, 40);
  const svg = distributionSvg(measured.bands(12), measured.summary()!, { title: "a < b & c", subtitle: "s" });
  expect(svg).toContain('<title id="title">a &lt; b &amp; c</title>');
  expect(svg).toContain("p50 1 ms");
  expect(svg).toContain("prefers-color-scheme: dark");
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  const open = [...svg.matchAll(/<([a-z]+)(?=[\s>])[^>]*(?<!\/)>/g)]
    .map((match) => match[1]!)
    .toSorted((a, b) => a.localeCompare(b));
  const closed = [...svg.matchAll(/<\/([a-z]+)>/g)].map((match) => match[1]!).toSorted((a, b) => a.localeCompare(b));
  expect(open).toEqual(closed);
});

test("one single latency makes a picture too", () => {
  for (const ms of [0, 0.00005, 3]) {
    const measured = latencies(ms);
    expect(distributionSvg(measured.bands(12), measured.summary()!, { title: "t", subtitle: "s" })).not.toMatch(
      /NaN|Infinity/,
    );
  }
});
