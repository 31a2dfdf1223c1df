import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BY, errorOf, hashOf, importSample, openTestRegistry, sampleModel } from "../../../test/support/registry.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { JsonObject } from "./types.ts";

describe("versions", () => {
  test("are numbered 1, 2, 3, … within a name, once per model and processing, in any order of imports", async () => {
    const processings: readonly (JsonObject | null)[] = [null, { a: 1, b: 2 }, { b: 2, a: 1 }, { a: 1 }];
    const step = fc.record({
      name: fc.constantFrom("digits", "faces"),
      model: fc.integer({ min: 1, max: 3 }),
      processing: fc.constantFrom(...processings),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.boolean(), async (steps, atOnce) => {
        const { registry } = await openTestRegistry();
        const results = [];
        if (atOnce) {
          results.push(
            ...(await Promise.all(steps.map((it) => importSample(registry, it.name, it.model, it.processing)))),
          );
        } else for (const it of steps) results.push(await importSample(registry, it.name, it.model, it.processing));

        const numbers = new Map<string, Map<string, number>>();
        for (const [index, { version, model, isNew }] of results.entries()) {
          const { name, processing } = steps[index]!;
          const known = numbers.get(name) ?? new Map<string, number>();
          numbers.set(name, known);
          const content = canonicalJson([version.modelHash, processing]);
          if (!atOnce) {
            expect(isNew).toBe(!known.has(content));
            expect(version.number).toBe(known.get(content) ?? known.size + 1);
          }
          known.set(content, version.number);
          expect(model.hash).toBe(version.modelHash);
          expect(version.processing).toEqual(processing);
        }
        for (const [name, known] of numbers) {
          const listed = (await registry.listVersions(name)).map((version) => version.number);
          expect(listed).toEqual(Array.from({ length: known.size }, (_, index) => known.size - index));
        }
        const decisions = await registry.listDecisions({ limit: 100 });
        expect(decisions.length).toBe((await registry.listVersions()).length);
      }),
      { numRuns: 12 },
    );
  });

  test("carry what was said of them, and the scan of their model", async () => {
    const { registry, clock } = await openTestRegistry();
    const { version, model } = await importSample(registry, "adder", 5, { steps: [] });
    expect(version).toEqual({
      tenant: "default",
      name: "adder",
      number: 1,
      modelHash: hashOf(sampleModel(5)),
      processing: { steps: [] },
      note: null,
      source: "test",
      createdAt: clock.wall(),
    });
    expect(await registry.getModel(model.hash)).toEqual(model);
    expect(model.files).toEqual([{ path: "model.onnx", hash: model.hash, sizeBytes: sampleModel(5).length }]);
    expect(model.scan.signature.inputs).toMatchObject([{ name: "x", type: { dtype: "float32", shape: ["N", 2] } }]);
    expect((await registry.listDecisions({ limit: 9, subject: "adder" }))[0]).toMatchObject({
      actor: "tester",
      kind: "imported",
      text: "adder@1 from test",
    });
  });

  test("may be made of a model there is, and with the number asked for", async () => {
    const { registry } = await openTestRegistry();
    const { model } = await importSample(registry, "a", 1);
    const other = (await importSample(registry, "a", 2)).model;
    const make = (modelHash: string, number: number | null) =>
      registry.createVersion({ name: "b", modelHash, processing: null, source: "test", note: "n", number }, BY);
    expect((await make(model.hash, 7)).version.number).toBe(7);
    expect(await make(model.hash, 7)).toMatchObject({ isNew: false, version: { number: 7 } });
    expect((await make(model.hash, 3)).version.number).toBe(3); // a directory may hold the same model twice
    expect(await make(other.hash, null)).toMatchObject({ isNew: true, version: { number: 8 } });
    expect((await errorOf(make(other.hash, 3))).code).toBe("STATE_CONFLICT");
    expect((await errorOf(make("0".repeat(64), null))).code).toBe("MODEL_NOT_FOUND");
  });

  test("need a name that can be one", async () => {
    const { registry } = await openTestRegistry();
    for (const name of ["", "../up", "a b", "-a", "a".repeat(129), "ä"])
      expect((await errorOf(importSample(registry, name, 1))).code).toBe("NAME_INVALID");
    expect(await registry.listVersions()).toEqual([]);
  });
});
