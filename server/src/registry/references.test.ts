import { describe, expect, test } from "vitest";
import { errorOf, importSample, openTestRegistry } from "../../../test/support/registry.ts";
import { suggestionsFor } from "./suggestions.ts";

describe("references", () => {
  test("mean a name, a version, a hash or the start of one", async () => {
    const { registry } = await openTestRegistry();
    const first = await importSample(registry, "digits", 1);
    const second = await importSample(registry, "digits", 2);
    expect((await registry.resolve("digits")).version).toEqual(second.version);
    expect((await registry.resolve("digits@1")).version).toEqual(first.version);
    for (const reference of [
      first.model.hash,
      first.model.hash.slice(0, 8),
      first.model.hash.slice(0, 20).toUpperCase(),
    ])
      expect(await registry.resolve(reference)).toEqual({ model: first.model, version: null });
    expect((await errorOf(registry.resolve(first.model.hash.slice(0, 7)))).code).toBe("MODEL_NOT_FOUND");
    await importSample(registry, first.model.hash.slice(0, 8), 2); // a name goes first
    expect((await registry.resolve(first.model.hash.slice(0, 8))).model).toEqual(second.model);
  });

  test("that mean nothing suggest what is near", async () => {
    const { registry } = await openTestRegistry();
    expect((await errorOf(registry.resolve("digits"))).message).toContain("slipway import");
    await importSample(registry, "digits", 1);
    const typo = await errorOf(registry.resolve("digts"));
    expect(typo.code).toBe("MODEL_NOT_FOUND");
    expect(typo.message).toContain('Did you mean "digits"?');
    expect(typo.details).toEqual({ suggestions: ["digits"] });
    const number = await errorOf(registry.resolve("digits@9"));
    expect(number.code).toBe("VERSION_NOT_FOUND");
    expect(number.details).toEqual({ suggestions: ["digits@1"] });
    expect((await errorOf(registry.resolve("faces@1"))).code).toBe("MODEL_NOT_FOUND");
    expect((await errorOf(registry.resolve("f".repeat(64)))).code).toBe("MODEL_NOT_FOUND");
    expect((await errorOf(registry.resolve(""))).code).toBe("MODEL_NOT_FOUND");
  });

  test("that are the start of several hashes ask for more of it", async () => {
    const { registry, store } = await openTestRegistry();
    const { model } = await importSample(registry, "a", 1);
    const twin = `${model.hash.slice(0, 63)}${model.hash.endsWith("0") ? "1" : "0"}`;
    const row = await store.database.selectFrom("model").selectAll().executeTakeFirstOrThrow();
    await store.database
      .insertInto("model")
      .values({ ...row, hash: twin })
      .execute();
    const error = await errorOf(registry.resolve(model.hash.slice(0, 60)));
    expect(error.code).toBe("USAGE");
    expect(error.details).toEqual({ suggestions: [model.hash, twin].sort() });
    expect((await registry.resolve(model.hash)).model.hash).toBe(model.hash);
  });

  test("suggestions are the nearest first, and none where nothing is near", () => {
    expect(suggestionsFor("resnet", ["resnet50", "resnet18", "bert", "resnt"])).toEqual([
      "resnt",
      "resnet18",
      "resnet50",
    ]);
    expect(suggestionsFor("zebra", ["digits", "bert"])).toEqual([]);
  });
});
