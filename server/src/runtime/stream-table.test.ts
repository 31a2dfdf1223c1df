// The table of streams, against a Map.
import { describe, expect, it } from "vitest";
import { seededRandom } from "#load";
import { StreamTable } from "./stream-table.ts";

describe("a table of streams", () => {
  it("holds what a Map holds, whatever is taken out when", () => {
    const random = seededRandom(7);
    const table = new StreamTable<number>();
    const map = new Map<number, number>();
    // Around where numbers begin again.
    let stream = 2 ** 32 - 1500;
    for (let step = 0; step < 6000; step++) {
      const isWanted = map.size < 1 + 300 * Math.abs(Math.sin(step / 900));
      if (isWanted) {
        stream = (stream + 1 + Math.floor(3 * random())) >>> 0;
        table.set(stream, step);
        map.set(stream, step);
      } else {
        const streams = [...map.keys()];
        const gone = streams[Math.floor(random() * random() * streams.length)]!;
        map.delete(gone);
        expect([table.delete(gone), table.delete(gone), table.get(gone)]).toEqual([true, false, undefined]);
      }
      if (step % 200 === 0) {
        expect(table.size).toBe(map.size);
        expect(table.values()).toEqual([...map.values()]);
        for (const [key, value] of map) expect(table.get(key)).toBe(value);
      }
    }
    expect(stream).toBeLessThan(2 ** 31);
    table.clear();
    expect([table.size, table.values(), table.get(stream)]).toEqual([0, [], undefined]);
  });

  it("keeps streams apart that share a slot", () => {
    const table = new StreamTable<string>();
    const streams = [3, 67, 131, 4, 68, 3 + 64 * 1000];
    for (const stream of streams) table.set(stream, `of ${stream}`);
    expect(table.delete(67)).toBe(true);
    for (const stream of streams) expect(table.get(stream)).toBe(stream === 67 ? undefined : `of ${stream}`);
    table.set(131, "again");
    expect([table.get(131), table.size]).toEqual(["again", 5]);
  });
});
