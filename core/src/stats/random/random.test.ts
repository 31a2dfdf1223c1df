import { expect, test } from "vitest";
import {
  createRandom,
  drawBelow,
  drawInteger,
  drawNormal,
  drawUniform,
  randomFromState,
  shuffle,
  splitMix64,
} from "./index.ts";

// From the C reference implementation of xoshiro128** 1.1, in the state below: what edorfaus/xoshiro-6502 keeps in
// test-rom/testdata.asm to check another implementation with.
const STATE = [0x964d4a0c, 0xd40ab895, 0xad7fdecb, 0x3006f0f0] as const;

test("the generator yields what the reference does", () => {
  const random = randomFromState(STATE);
  expect([0, 0, 0, 0].map(() => random.bits())).toEqual([0xf1391922, 0x6fe53806, 0xa5be2840, 0xf510ee70]);
  // After those four the reference is in this state.
  const there = randomFromState([0xfc65379c, 0x52006d70, 0x87487639, 0xf1908343]);
  for (let step = 0; step < 100; step++) expect(random.bits()).toBe(there.bits());
});

test("splitting jumps as the reference does, and goes on from where it was", () => {
  const random = randomFromState(STATE);
  const rest = random.split();
  const jumped = randomFromState([0x2a6dd50d, 0x01177499, 0xd7eb7d01, 0xddc48284]);
  for (let step = 0; step < 100; step++) expect(random.bits()).toBe(jumped.bits());
  expect(rest.bits()).toBe(0xf1391922);
});

test("SplitMix64 yields what its reference does for the seed 1234567", () => {
  const next = splitMix64(1234567n);
  expect([0, 0, 0, 0, 0].map(() => next())).toEqual([
    6457827717110365317n,
    3203168211198807973n,
    9817491932198370423n,
    4593380528125082431n,
    16408922859458223821n,
  ]);
});

test("a seed fills the state with two numbers of SplitMix64, low words first", () => {
  const words = [6457827717110365317n, 3203168211198807973n].flatMap((value) => [
    Number(value & 0xffffffffn),
    Number(value >> 32n),
  ]);
  const expected = randomFromState(words as [number, number, number, number]);
  const random = createRandom(1234567);
  for (let step = 0; step < 10; step++) expect(random.bits()).toBe(expected.bits());
  expect(createRandom(1234567n).bits()).toBe(createRandom(1234567).bits());
});

test("seeds that can't be exact, and a state that can't move, are refused", () => {
  expect(() => createRandom(0.5)).toThrow("The seed is 0.5; give a whole number");
  expect(() => createRandom(2 ** 53)).toThrow(RangeError);
  expect(() => randomFromState([0, 0, 0, 0])).toThrow("all 0");
});

test("uniform numbers use 53 bits of two words, and stay below 1", () => {
  const words = (...bits: number[]) => ({ bits: () => bits.shift()! });
  expect(drawUniform(words(0, 0))).toBe(0);
  expect(drawUniform(words(0xffffffff, 0xffffffff))).toBe(1 - 2 ** -53);
  expect(drawUniform(words(0x80000000, 0))).toBe(0.5);
  expect(drawUniform(words(0, 64))).toBe(2 ** -53);
});

test("what would favour some of a range is drawn again", () => {
  const words = (...bits: number[]) => ({ bits: () => bits.shift()! });
  // 2^32 = 3 × 1 431 655 765 + 1: the word 0 would make 0 come once more than the others.
  expect(drawBelow(words(0, 0x80000000), 3)).toBe(1);
  expect(drawBelow(words(1), 3)).toBe(0);
  expect(drawBelow(words(0xffffffff), 3)).toBe(2);
  expect(drawInteger(words(0x90000000), -10, -1)).toBe(-5);
  // 2^32 = 3 000 000 × 1431 + 1 967 296. Beyond where products are exact, the last words are drawn again.
  expect(drawBelow(words(0xffffffff, 3_000_005), 3_000_000)).toBe(5);
  expect(drawBelow(words(0xffffffff, 0xffffffff, 1 << 11, 4), 2 ** 33 + 1)).toBe(2 ** 32 + 4);
  expect(() => drawBelow(words(1), 0)).toThrow("The count to draw below is 0");
  expect(() => drawInteger(words(1), 2, 1)).toThrow(RangeError);
});

test("draws have the moments of what they are drawn from", () => {
  const random = createRandom(20261125);
  const moments = (draw: () => number) => {
    const values = Array.from({ length: 100_000 }, draw);
    const mean = values.reduce((sum, value) => sum + value) / values.length;
    const power = (k: number) => values.reduce((sum, value) => sum + (value - mean) ** k, 0) / values.length;
    return [mean, power(2), power(3), power(4)];
  };
  // Within five standard errors of each moment's estimate.
  const close = (found: readonly number[], wanted: readonly number[], errors: readonly number[]) =>
    wanted.forEach((value, index) => expect(Math.abs(found[index]! - value)).toBeLessThan(5 * errors[index]!));
  close(
    moments(() => drawNormal(random)),
    [0, 1, 0, 3],
    [0.0032, 0.0045, 0.0123, 0.031],
  );
  close(
    moments(() => drawUniform(random)),
    [0.5, 1 / 12, 0, 1 / 80],
    [0.00092, 0.00024, 0.00012, 0.00004],
  );
  close(
    moments(() => drawInteger(random, 1, 6)),
    [3.5, 35 / 12],
    [0.0054, 0.0081],
  );
});

test("every order is as likely", () => {
  const random = createRandom(3);
  const counts = new Map<string, number>();
  for (let round = 0; round < 24_000; round++) {
    const order = shuffle(random, [0, 1, 2, 3]).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(24);
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  expect(chiSquare).toBeLessThan(52.6); // the 0.9996 quantile with 23 degrees of freedom; the seed is fixed
});
