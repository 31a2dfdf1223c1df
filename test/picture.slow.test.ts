// Pictures as a browser shows them: well-formed, every word inside its box, nothing on top of anything else, and readable on either
// ground.
import { drawModels, type PictureDirection } from "@slipway/core/picture";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { exportedModel } from "./passes/sample-models.ts";
import { browserTest, launchBrowser } from "./support/browser.ts";

let browser: Browser | null = null;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(async () => await browser?.close());

const CASES: readonly (readonly [string, PictureDirection, "light" | "dark"])[] = [
  ["lenet-legacy", "down", "light"],
  ["bert-dynamo", "down", "dark"],
  ["vit-legacy", "right", "light"],
  ["unet-legacy", "right", "dark"],
  ["mobilenet-v3-dynamo", "down", "light"],
];

browserTest.each(CASES)("%s, going %s, %s", async (name, direction, colorScheme) => {
  const { svg } = drawModels([{ model: exportedModel(name).model }], { title: name, direction });
  const page = await browser!.newPage({ colorScheme });
  try {
    await page.setContent(`<body style="margin:0">${svg}</body>`);
    const found = await page.evaluate((text) => {
      const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
      const boundsOf = (element: Element): DOMRect => element.getBoundingClientRect();
      const isInside = (inner: DOMRect, outer: DOMRect): boolean =>
        inner.left >= outer.left - 1 &&
        inner.right <= outer.right + 1 &&
        inner.top >= outer.top - 1 &&
        inner.bottom <= outer.bottom + 1;
      const luminance = (colour: string): number => {
        const parts = (colour.match(/\d+/g) ?? []).slice(0, 3).map((part) => Number(part) / 255);
        const [r, g, b] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
      };
      const contrast = (one: string, other: string): number => {
        const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
        return (light + 0.05) / (dark + 0.05);
      };
      const boxes = Array.from(document.querySelectorAll("g > title + rect"), (rect) => {
        const own = Array.from(rect.parentElement!.children).filter(({ tagName }) => tagName === "text");
        return { rect, texts: own };
      });
      const sticking = boxes.flatMap(({ rect, texts }) =>
        texts.filter((one) => !isInside(boundsOf(one), boundsOf(rect))).map((one) => one.textContent),
      );
      const faint = boxes.flatMap(({ rect, texts }) =>
        texts
          .map((one) => ({
            text: one.textContent,
            is: contrast(getComputedStyle(one).fill, getComputedStyle(rect).fill),
          }))
          // WCAG 2.2, 1.4.3: text against what it stands on.
          .filter(({ is }) => is < 4.5),
      );
      const overlapping: string[] = [];
      for (const [index, { rect }] of boxes.entries()) {
        for (const { rect: other } of boxes.slice(index + 1)) {
          const [a, b] = [boundsOf(rect), boundsOf(other)];
          const isApart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
          // What stands inside a frame is part of it.
          if (!isApart && !isInside(b, a))
            overlapping.push(`${rect.parentElement!.textContent} / ${other.parentElement!.textContent}`);
        }
      }
      return {
        errors: parsed.querySelectorAll("parsererror").length,
        boxes: boxes.length,
        sticking,
        faint,
        overlapping,
      };
    }, svg);
    expect(found.boxes).toBeGreaterThan(5);
    expect({ ...found, boxes: 0 }).toEqual({ errors: 0, boxes: 0, sticking: [], faint: [], overlapping: [] });
  } finally {
    await page.close();
  }
});
