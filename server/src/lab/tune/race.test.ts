// Races on a simulated machine, whose candidates have speeds that are known, and which is disturbed as real ones are.
import { describe, expect, test } from "vitest";
import { type Random, seededRandom } from "#load";
import { LEAST_PAIRS, MOST_FALSE_SHARE } from "./decide.ts";
import { race, type RaceOptions, type RaceResult, type RaceStep } from "./race.ts";

/** What a candidate of this name really does, in requests a second. */
type Speeds = Readonly<Record<string, number>>;

/** How a machine disturbs what is measured on it. */
interface Noise {
  /** Spread of one measurement, as the deviation of its logarithm. */
  readonly spread: number;
  /** The machine as a whole becomes faster and slower: a random walk with this step a second. */
  readonly drift: number;
  /** Measurements that something else spoils, by half or more. */
  readonly bursts: number;
}

const CALM: Noise = { spread: 0, drift: 0, bursts: 0 };
const NOISES: readonly (readonly [string, Noise])[] = [
  ["scatter of a tenth", { spread: 0.1, drift: 0, bursts: 0 }],
  ["scatter of a third", { spread: 0.33, drift: 0, bursts: 0 }],
  ["a machine that swings by half within a minute", { spread: 0.05, drift: 0.06, bursts: 0 }],
  ["all of it, and neighbours that spoil one in ten", { spread: 0.1, drift: 0.06, bursts: 0.1 }],
];

function simulated(speeds: Speeds, noise: Noise, seed: number) {
  const random = seededRandom(seed);
  let nowMs = 0;
  let walk = 0;
  const measured: string[] = [];
  const loaded = new Set<string>();
  const pass = (ms: number) => {
    nowMs += ms;
    walk += noise.drift * Math.sqrt(ms / 1000) * normal(random);
  };
  const measure = async (name: string, durationMs: number) => {
    measured.push(name);
    if (!loaded.has(name)) pass(700);
    loaded.add(name);
    pass(durationMs * (1 + 0.2 * random()));
    const spoilt = random() < noise.bursts ? 0.1 + 0.4 * random() : 1;
    return { ok: true, value: speeds[name]! * Math.exp(walk + noise.spread * normal(random)) * spoilt } as const;
  };
  return { measure, now: () => nowMs, random: seededRandom(seed + 1e6), measured };
}

/** Box and Muller's way from two uniform numbers to a normal one. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

async function raced(
  speeds: Speeds,
  noise: Noise = CALM,
  seed = 1,
  more: Partial<RaceOptions<string>> = {},
): Promise<RaceResult<string> & { tookMs: number; measured: readonly string[] }> {
  const { measure, now, random, measured } = simulated(speeds, noise, seed);
  const [current, ...challengers] = Object.keys(speeds);
  const result = await race({
    current: current!,
    challengers,
    measure,
    costOf: (name) => name.length,
    budgetMs: 55_000,
    passes: 2,
    leastMs: 300,
    mostMs: 4000,
    loadMs: 700,
    overhead: 1.15,
    now,
    random,
    ...more,
  });
  return { ...result, tookMs: now(), measured };
}

const SAME: Speeds = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`candidate-${index}`, 1000]));

describe("noise alone", () => {
  const RACES = 1500;
  test.each(NOISES)("%s: recommends as seldom as it says", async (_, noise) => {
    let recommended = 0;
    let undecided = 0;
    for (let seed = 1; seed <= RACES; seed++) {
      const { verdict } = await raced(SAME, noise, seed);
      if (verdict.isBetter) recommended++;
      if (verdict.winsNeeded === null) undecided++;
    }
    // Three standard errors above the share that is promised.
    const most = MOST_FALSE_SHARE + 3 * Math.sqrt((MOST_FALSE_SHARE * (1 - MOST_FALSE_SHARE)) / RACES);
    expect(recommended / RACES).toBeLessThanOrEqual(most);
    expect(undecided).toBe(0);
  });

  test("without any, nothing is better than its equal", async () => {
    expect((await raced(SAME)).verdict).toMatchObject({ wins: 0, pairs: 8, isBetter: false, ratio: { median: 1 } });
  });
});

describe("a candidate that is better", () => {
  const half: Speeds = { ...SAME, "candidate-7": 1500 };
  test("is found and recommended on a calm machine", async () => {
    const { challenger, verdict } = await raced(half);
    expect(challenger).toBe("candidate-7");
    expect(verdict).toMatchObject({ wins: 8, pairs: 8, winsNeeded: 7, isBetter: true, ratio: { median: 1.5 } });
  });

  test.each(NOISES)("by half, is mostly found in %s", async (name, noise) => {
    const races = 200;
    let found = 0;
    for (let seed = 1; seed <= races; seed++) {
      const { challenger, verdict } = await raced(half, noise, seed);
      if (verdict.isBetter && challenger === "candidate-7") found++;
    }
    expect(found / races, name).toBeGreaterThan(noise.spread > 0.3 || noise.bursts > 0 ? 0.4 : 0.9);
  });

  test("by two in a hundred is not worth a change", async () => {
    const { challenger, verdict } = await raced({ ...SAME, "candidate-3": 1020 });
    expect(challenger).not.toBeNull();
    expect(verdict.isBetter).toBe(false);
  });

  test("of two as good, the one that costs less challenges", async () => {
    const { challenger } = await raced({ now: 1000, "many-changes": 2010, few: 2000, slow: 500 });
    expect(challenger).toBe("few");
  });
});

describe("the rules of the race", () => {
  test("stays within its budget, but for the measurement under way", async () => {
    for (const budgetMs of [5000, 20_000, 55_000, 300_000]) {
      for (let seed = 1; seed <= 50; seed++) {
        const { tookMs } = await raced(SAME, NOISES[3]![1], seed, { budgetMs });
        expect(tookMs).toBeLessThanOrEqual(budgetMs + 4000 * 1.2);
      }
    }
  });

  test("halves the field, each round longer than the one before, with the current settings in all", async () => {
    const steps: RaceStep[] = [];
    const { standings } = await raced(SAME, CALM, 1, { onStep: (step) => steps.push(step) });
    const rounds = steps.filter(({ phase }) => phase === "round");
    expect(rounds.map(({ entries }) => entries)).toEqual([10, 6, 4, 3]);
    expect(steps.filter(({ phase }) => phase === "pairs")).toHaveLength(8);
    expect(standings[0]).toMatchObject({
      entry: "candidate-0",
      isCurrent: true,
      ratio: { median: 1, low: 1, high: 1 },
    });
    expect(Math.max(...standings.map(({ samples }) => samples))).toBe(standings[0]!.samples);
  });

  test("pairs measure both in turns, and only they decide", async () => {
    const { measured, verdict } = await raced({ now: 1000, other: 1100 });
    expect(measured).toEqual(Array.from({ length: 4 }, () => ["now", "other", "other", "now"]).flat());
    expect(verdict).toMatchObject({ pairs: 8, wins: 8, isBetter: true });
  });

  test("each ratio is to the current settings in the same pass, so a machine that slows down changes none", async () => {
    let nowMs = 0;
    let pace = 1;
    const { standings } = await raced({ now: 1000, fast: 2000, slow: 500, same: 1000 }, CALM, 3, {
      now: () => nowMs,
      measure: async (name, durationMs) => {
        nowMs += durationMs;
        if (name === "now") pace *= 0.9;
        return {
          ok: true,
          value: { now: 1000, fast: 2000, slow: 500, same: 1000 }[name]! * (name === "now" ? pace : 1),
        };
      },
    });
    for (const { ratio } of standings) expect(ratio).not.toBeNull();
    expect(standings.find(({ entry }) => entry === "fast")!.ratio!.median).toBeGreaterThan(2);
  });

  test("a candidate that can't be measured is out, and said why; the others go on", async () => {
    const { measure, now } = simulated({ now: 1000, broken: 9000, good: 2000, plain: 900 }, CALM, 1);
    const result = await raced({ now: 1000, broken: 9000, good: 2000, plain: 900 }, CALM, 1, {
      now,
      measure: async (name, durationMs) =>
        name === "broken" ? { ok: false, reason: "it broke" } : await measure(name, durationMs),
    });
    expect(result.challenger).toBe("good");
    expect(result.standings.find(({ entry }) => entry === "broken")).toMatchObject({
      failure: "it broke",
      value: null,
    });
  });

  test("a challenger that breaks in the pairs is not recommended", async () => {
    let times = 0;
    const { measure, now } = simulated({ now: 1000, other: 3000 }, CALM, 1);
    const { verdict, standings } = await raced({ now: 1000, other: 3000 }, CALM, 1, {
      now,
      measure: async (name, durationMs) =>
        name === "other" && ++times > 6 ? { ok: false, reason: "it broke" } : await measure(name, durationMs),
    });
    expect(verdict.isBetter).toBe(false);
    expect(standings[1]!.failure).toBe("it broke");
  });

  test("with nothing to try, nothing is measured", async () => {
    const { challenger, verdict, measured } = await raced({ now: 1000 });
    expect([challenger, verdict.pairs, measured]).toEqual([null, 0, []]);
  });

  test("too little time for enough pairs decides nothing", async () => {
    const { verdict } = await raced({ now: 1000, other: 3000 }, CALM, 1, { budgetMs: 3000 });
    expect(verdict.pairs).toBeLessThan(LEAST_PAIRS);
    expect(verdict).toMatchObject({ winsNeeded: null, isBetter: false });
  });
});
