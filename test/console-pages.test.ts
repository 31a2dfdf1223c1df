// What the console's pages say, without a browser: addresses, the sentence of the first page, the last minute as columns,
// processing in words.
import { parseProcessing } from "@slipway/core/processing";
import type { TrafficView } from "slipway/client";
import { describe, expect, test } from "vitest";
import { createScenario, type ScenarioName } from "../console/dev/scenario.ts";
import { liveSeconds } from "../console/dev/traffic.ts";
import { imageTaskOf } from "../console/src/draw/image-task.ts";
import { type FeedState, mergeSeconds } from "../console/src/feed.ts";
import { processingText } from "../console/src/model/processing-text.ts";
import { wellness } from "../console/src/overview/well.ts";
import { amountText, bytesText, durationText, msText, rateText, valueText } from "../console/src/parts/format.ts";
import { roundUp } from "../console/src/parts/scale.ts";
import { processingOf } from "../console/src/processing.ts";
import { routeFromPath, versionPath } from "../console/src/router.ts";
import { batchBuckets, minuteOf, secondsOf } from "../console/src/traffic/series.ts";

const NOW = 1_800_000_000_000;

function feedOf(name: ScenarioName): FeedState {
  const { status, loads } = createScenario(name, NOW);
  return { connection: "live", status, seconds: liveSeconds(loads, NOW, 60), staleSince: null };
}

describe("addresses", () => {
  test.each([
    ["/", { page: "overview" }],
    ["/endpoints/digits", { page: "endpoint", name: "digits" }],
    ["/models", { page: "models" }],
    ["/models/a%20b", { page: "model", name: "a b", number: null }],
    ["/models/digits/versions/12", { page: "model", name: "digits", number: 12 }],
    ["/activity", { page: "activity" }],
    ["/datasets", { page: "datasets" }],
    ["/datasets/a%20b", { page: "dataset", name: "a b" }],
    ["/settings", { page: "settings" }],
    ["/runs/new", { page: "start-run" }],
    ["/runs/compare", { page: "compare-runs" }],
    ["/runs/01TRAINED", { page: "run", id: "01TRAINED" }],
    ["/models/digits/versions/0", { page: "missing", path: "/models/digits/versions/0" }],
    ["/endpoints", { page: "missing", path: "/endpoints" }],
    ["/endpoints/%", { page: "endpoint", name: "%" }],
  ])("%s", (path, route) => expect(routeFromPath(path)).toEqual(route));

  test("a name with a slash finds its way back", () => {
    expect(routeFromPath(versionPath("a/b", 3))).toEqual({ page: "model", name: "a/b", number: 3 });
  });
});

describe("is it well?", () => {
  test("all is well", () => {
    const { level, title, text } = wellness(feedOf("well"), NOW);
    expect([level, title]).toEqual(["well", "All is well"]);
    expect(text).toMatch(/^Both endpoints are ready\. \d+ requests a second\.$/);
  });
  test("what is broken comes first, with its reason", () => {
    const { level, title, text } = wellness(feedOf("trouble"), NOW);
    expect([level, title]).toEqual(["trouble", "1 of 2 endpoints does not answer"]);
    expect(text).toBe(
      "sentiment: 3 distinct inputs killed its runner within 10 minutes; release it once you know why.",
    );
  });
  test("requests without an answer are said with their codes", () => {
    const { status } = createScenario("well", NOW);
    const { loads } = createScenario("trouble", NOW);
    const seconds = liveSeconds(loads.map((load) => ({ ...load, failures: { QUEUE_FULL: 2 } })).slice(0, 1), NOW, 10);
    const { level, title, text } = wellness({ connection: "live", status, seconds, staleSince: null }, NOW);
    expect([level, title]).toEqual([
      "attention",
      `${minuteOf(secondsOf(seconds, "digits")).unanswered} requests got no answer in the last minute`,
    ]);
    expect(text).toContain("× QUEUE_FULL");
  });
  test("nothing deployed", () => expect(wellness(feedOf("empty"), NOW).title).toBe("Nothing is deployed yet"));
  test("a server that is gone", () => {
    const feed: FeedState = { ...feedOf("well"), connection: "stale", staleSince: NOW - 12_000 };
    const { level, title, text } = wellness(feed, NOW);
    expect([level, title]).toEqual(["unknown", "The server does not answer"]);
    expect(text).toContain("12 s");
  });
});

describe("the last minute", () => {
  const traffic: TrafficView = {
    endpoint: "digits",
    version: "1",
    requestsPerSecond: 10,
    rowsPerSecond: 10,
    failuresPerSecond: 1,
    refusedPerSecond: 0,
    codes: { OK: 10, RUN_TIMEOUT: 1 },
    stages: null,
    batches: { meanRows: 2, byRows: { "2": 5 } },
    queued: 1,
    inFlight: 2,
    residentBytes: null,
  };
  const second = (at: number, ...endpoints: TrafficView[]) => ({ at: at * 1000, windowMs: 1000, endpoints });

  test("seconds read twice are kept once, and no longer than a minute", () => {
    const known = [second(1), second(2), second(50)];
    const merged = mergeSeconds(known, [second(50), second(63)]);
    expect(merged.map(({ at }) => at / 1000)).toEqual([50, 63]);
  });
  test("two versions of an endpoint add up while it switches", () => {
    const newer = {
      ...traffic,
      version: "2",
      requestsPerSecond: 30,
      failuresPerSecond: 0,
      codes: { OK: 30 },
      residentBytes: 5,
    };
    const [sum] = secondsOf([second(1, traffic, newer)], "digits");
    expect(sum?.traffic).toMatchObject({
      version: "2",
      requestsPerSecond: 40,
      failuresPerSecond: 1,
      codes: { OK: 40, RUN_TIMEOUT: 1 },
      queued: 2,
      residentBytes: 5,
    });
  });
  test("a gap breaks the line", () => {
    const seconds = secondsOf([second(1, traffic), second(2, traffic), second(9, traffic)], "digits");
    expect(seconds.map(({ x, traffic }) => [x, traffic === null])).toEqual([
      [-8, false],
      [-7, false],
      [-3.5, true],
      [0, false],
    ]);
  });
  test("codes and batches are summed, and what is not OK got no answer", () => {
    const minute = minuteOf(secondsOf([second(1, traffic), second(2, traffic)], "digits"));
    expect(minute).toMatchObject({ answered: 20, unanswered: 2, batchRows: { "2": 10 } });
  });
  test("batch sizes fall in buckets that double", () => {
    expect(batchBuckets({ "1": 3, "3": 2, "4": 1, "20": 7 }, 20)).toEqual([
      { label: "1", runs: 3 },
      { label: "2", runs: 0 },
      { label: "3–4", runs: 3 },
      { label: "5–8", runs: 0 },
      { label: "9–16", runs: 0 },
      { label: "17–20", runs: 7 },
    ]);
    expect(batchBuckets({}, 1)).toEqual([{ label: "1", runs: 0 }]);
  });
});

test("numbers as people read them", () => {
  expect([0, 0.123, 9.996, 12.34, 1234.5].map(msText)).toEqual(["0.00", "0.12", "10.0", "12.3", "1,235"]);
  expect([0, 0.04, 9.9, 85.6, null].map(rateText)).toEqual(["0", "0.0", "9.9", "86", "–"]);
  expect([0, 999, 142_336, 999_600, 4.3e9].map(bytesText)).toEqual(["0 B", "999 B", "142 kB", "1.0 MB", "4.3 GB"]);
  expect([400, 59_400, 3_599_000, 47 * 3.6e6, 72 * 3.6e6].map(durationText)).toEqual([
    "0 s",
    "59 s",
    "59 min",
    "47 h",
    "3 d",
  ]);
  expect(amountText("server.maxBodyBytes", 67_108_864)).toBe("64 MiB");
  expect(amountText("runtime.runTimeoutMs", 30_000)).toBe("30 s");
  expect(amountText("queue.agingMs", 500)).toBeNull();
  expect(amountText("queue.maxRequests", 4096)).toBeNull();
  expect([null, "", "a", 4, false, ["cpu"]].map(valueText)).toEqual(["none", '""', "a", "4", "false", '["cpu"]']);
  expect([0, 0.3, 1, 1.01, 7, 84, 5000.1].map(roundUp)).toEqual([1, 0.5, 1, 2, 10, 100, 10_000]);
});

describe("processing", () => {
  const digits = createScenario("well", NOW).versions[0]!;

  test("in words", () => {
    expect(processingText(processingOf(digits)!)).toEqual({
      before: [
        "Decode the image as grey",
        "Invert it if its background is light",
        "Scale what is drawn to 20 pixels and centre it by mass on 28 × 28",
        "Multiply by 1/255",
        "Put channels before rows and columns",
      ],
      after: [
        "Turn logits into probabilities (softmax)",
        "Answer all 10 labels with their scores: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9",
      ],
    });
  });
  test("every step has words", () => {
    const { before } = parseProcessing({
      schemaVersion: 1,
      before: [
        { step: "decode-image", channels: "rgb" },
        { step: "resize", height: 8, width: 9, fit: "cover" },
        { step: "crop", height: 4, width: 5, at: { top: 1, left: 2 } },
        { step: "normalise", mean: [1, 2, 3], std: [0.5] },
        { step: "reshape", shape: [60] },
      ],
    });
    expect(
      processingText({ schemaVersion: 1, before, input: null, after: [], instances: "values", times: [] }).before,
    ).toEqual([
      "Decode the image as red, green and blue",
      "Resize it to 9 × 8 pixels (bilinear), cut to the aspect ratio",
      "Crop it to 5 × 4 pixels from row 1, column 2",
      "Subtract the mean (1, 2, 3), divide by the deviation 0.5",
      "Give it the shape 60",
    ]);
  });
  test("what a newer server declares is not guessed at", () => {
    expect(processingOf({ processing: { schemaVersion: 2 } })).toBeNull();
  });
  test("digits can be drawn; colour images only chosen; without labels there is nothing to show", () => {
    const task = imageTaskOf(processingOf(digits));
    expect(task?.isDrawable).toBe(true);
    expect(task?.labels).toHaveLength(10);
    const labels = { step: "labels", labels: ["cat", "dog"] };
    const colour = { schemaVersion: 1, before: [{ step: "decode-image", channels: "rgb" }], after: [labels] };
    expect(imageTaskOf(parseProcessing(colour))).toEqual({ labels: ["cat", "dog"], isDrawable: false });
    expect(imageTaskOf(parseProcessing({ ...colour, after: [] }))).toBeNull();
    expect(imageTaskOf(null)).toBeNull();
  });
});
