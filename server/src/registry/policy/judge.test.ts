import { describe, expect, test } from "vitest";
import type { Evidence, MeasuredValue } from "../evidence.ts";
import { judgePolicy, type PolicyVerdict } from "./judge.ts";
import { parsePolicy } from "./policy.ts";

const DAY = 86_400_000;
const NOW = 100 * DAY;
const HERE = { fingerprint: "here", name: "laptop", facts: {} };
const THERE = { fingerprint: "there", name: "pi5", facts: {} };

function value(number: number | null, more: Partial<MeasuredValue> = {}): MeasuredValue {
  const reason = number === null ? "only one class is there" : null;
  return { value: number, reason, unit: "1", interval: null, method: "counted", count: 100, ...more };
}

let made = 0;
function evidence(kind: string, values: Record<string, MeasuredValue>, more: Partial<Evidence> = {}): Evidence {
  return {
    tenant: "default",
    id: `e${++made}`,
    kind,
    schema: 1,
    values,
    details: {},
    dataset: null,
    machine: null,
    settings: {},
    method: "",
    code: {},
    modelHash: "m",
    processingHash: "none",
    measuredAt: NOW - DAY,
    hash: "h",
    ...more,
  };
}

const interval = (lower: number, upper: number) => ({ lower, upper, level: 0.95 });
const DIGITS = { name: "digits", split: "test", hash: "d" };
const quality = (accuracy: number | null, more: Partial<Evidence> = {}) =>
  evidence(
    "quality",
    { accuracy: value(accuracy, accuracy === null ? {} : { interval: interval(accuracy - 0.01, accuracy + 0.01) }) },
    { dataset: DIGITS, ...more },
  );
const latency = (p99: number, more: Partial<Evidence> = {}) =>
  evidence(
    "latency",
    { p99: value(p99, { unit: "ms", interval: interval(p99 - 1, p99 + 3) }) },
    { machine: HERE, ...more },
  );

function judged(lines: readonly string[], all: readonly Evidence[]): PolicyVerdict {
  return judgePolicy(parsePolicy({ requirements: lines }), all, { subject: "digits@3", now: NOW, machine: "here" });
}
const only = (line: string, all: readonly Evidence[]) => judged([line], all).requirements[0]!;

describe("a requirement is", () => {
  test("met, with what was found, by how much, and by which evidence", () => {
    const found = quality(0.985);
    expect(only("quality.accuracy.lower >= 97 % on digits/test", [found])).toEqual({
      requirement: "quality.accuracy.lower >= 97 % on digits/test",
      verdict: "yes",
      found: expect.closeTo(97.5, 9),
      needed: expect.closeTo(97, 9),
      unit: "%",
      margin: expect.closeTo(0.5, 9),
      evidenceId: found.id,
      text: "quality.accuracy, lower end of its 95 % interval, is 97.5%.",
      remedy: null,
    });
  });

  test("not met, saying by how much", () => {
    const verdict = only("latency.p99 <= 20ms on this machine", [latency(23.5)]);
    expect(verdict).toMatchObject({ verdict: "no", found: 23.5, needed: 20, margin: -3.5 });
    expect(verdict.text).toBe("latency.p99 is 23.5 ms: over by 3.5 ms.");
    expect(verdict.remedy).toMatch(/lowers it/);
    expect(only("quality.accuracy >= 0.99", [quality(0.98)]).text).toBe("quality.accuracy is 0.98: short by 0.01.");
  });

  test.each([
    [">=", "yes"],
    [">", "no"],
    ["<=", "yes"],
    ["<", "no"],
  ])("%s at the threshold: %s", (comparison, verdict) => {
    expect(only(`size.file ${comparison} 5 kB`, [evidence("size", { file: value(5000, { unit: "B" }) })]).verdict).toBe(
      verdict,
    );
  });

  test("compared across units of one quantity, and in the one it was written with", () => {
    const size = evidence("size", { file: value(6_000_000, { unit: "B" }) });
    expect(only("size <= 5 MiB", [size])).toMatchObject({ verdict: "no", found: expect.closeTo(5.722, 3), needed: 5 });
    expect(only("size <= 6 MB", [size]).verdict).toBe("yes");
    expect(only("latency.p99 <= 0.02 s", [latency(19)])).toMatchObject({ verdict: "yes", found: 0.019 });
  });

  test("told of an estimate's range as such, and not as a confidence interval", () => {
    const range = { interval: { ...interval(2, 40), isRange: true as const } };
    const fit = evidence("fit", { "latency[phone]": value(9, { unit: "ms", ...range }) });
    expect(only("fit.latency[phone].upper <= 50ms", [fit]).text).toBe(
      "fit.latency[phone], upper end of its range, is 40 ms.",
    );
    expect(only("fit.latency[phone] <= 20ms", [fit]).text).toBe(
      "fit.latency[phone] is 9 ms, though its range reaches 40 ms.",
    );
  });

  test("said to be in doubt where the interval reaches the other side", () => {
    expect(only("latency.p99 <= 20ms", [latency(18)]).text).toBe(
      "latency.p99 is 18 ms, though its 95 % interval reaches 21 ms.",
    );
  });
});

describe("unknown, which never passes, is", () => {
  const cases: readonly (readonly [string, string, readonly Evidence[], RegExp])[] = [
    ["what was not measured", "quality.accuracy >= 0.9 on digits/test", [], /"quality" was not measured/],
    ["a result there is none of", "quality.f1 >= 0.9", [quality(1)], /without "f1"; it has accuracy/],
    [
      "what was measured on other data",
      "quality.accuracy >= 0.9 on mnist",
      [quality(1)],
      /not measured on mnist, but on digits\/test/,
    ],
    [
      "what was measured on another split",
      "quality.accuracy >= 0.9 on digits/dev",
      [quality(1)],
      /on digits\/dev, but on digits\/test/,
    ],
    [
      "what was measured elsewhere",
      "latency.p99 <= 20ms on this machine",
      [latency(1, { machine: THERE })],
      /on this machine, but on pi5/,
    ],
    [
      "what was measured here, asked for elsewhere",
      "latency.p99 <= 20ms on machine pi5",
      [latency(1)],
      /the machine "pi5", but on laptop/,
    ],
    ["what is too old", "quality.accuracy >= 0.9 fresh within 12 h", [quality(1)], /1 d ago, and may be 12 h old/],
    ["what is undefined", "quality.accuracy >= 0.9", [quality(null)], /undefined: only one class/],
    [
      "an interval there is none of",
      "size.file.upper <= 1 MB",
      [evidence("size", { file: value(1, { unit: "B" }) })],
      /no interval, so no upper end/,
    ],
    [
      "a number in another quantity",
      "latency.p99 <= 20 MB",
      [latency(1)],
      /in "ms", which can't be compared with "MB"/,
    ],
    [
      "a kind without saying which result",
      "quality >= 0.9",
      [quality(1)],
      /which result of "quality" is meant; quality has accuracy/,
    ],
  ];
  test.each(cases)("%s", (_, line, all, why) => {
    const { verdict, text, remedy, found, margin } = only(line, all);
    expect(text).toMatch(why);
    expect({ verdict, found, margin }).toEqual({ verdict: "unknown", found: null, margin: null });
    expect(remedy).toMatch(/slipway measure digits@3|Write/);
  });

  test("told with the command that finds it out", () => {
    expect(only("quality.accuracy >= 0.9 on digits/test", []).remedy).toBe(
      "slipway measure digits@3 quality --data digits/test",
    );
  });
});

describe("a policy", () => {
  test("passes only where all of it does", () => {
    const all = [quality(0.99), latency(10)];
    expect(judged(["quality.accuracy >= 0.9", "latency.p99 <= 20ms"], all).verdict).toBe("yes");
    expect(judged(["quality.accuracy >= 0.9", "size <= 1 MB"], all).verdict).toBe("unknown");
    expect(judged(["quality.accuracy >= 0.999", "size <= 1 MB"], all).verdict).toBe("no");
  });

  test("goes by the newest evidence, and by its own freshness unless a requirement has another", () => {
    const old = quality(0.99, { measuredAt: NOW - 40 * DAY });
    const newer = quality(0.5, { measuredAt: NOW - 35 * DAY });
    expect(judged(["quality.accuracy >= 0.9"], [newer, old]).verdict).toBe("no");
    expect(judged(["quality.accuracy >= 0.9", "fresh within 30d"], [old]).verdict).toBe("unknown");
    expect(judged(["quality.accuracy >= 0.9 fresh within 60d", "fresh within 30d"], [old]).verdict).toBe("yes");
  });
});
