import { describe, expect, test } from "vitest";
import { BY, errorOf, importSample, openTestRegistry } from "../../../test/support/registry.ts";
import { machineFrom, type MeasuredValue, type NewEvidence } from "./evidence.ts";

const VALUE: MeasuredValue = {
  value: 0.9,
  reason: null,
  unit: "1",
  interval: { lower: 0.8, upper: 0.95, level: 0.95 },
  method: "Wilson",
  count: 100,
};

function evidence(values: Record<string, Partial<MeasuredValue>> = { accuracy: {} }, more: Partial<NewEvidence> = {}) {
  const all = Object.entries(values).map(([name, value]) => [name, { ...VALUE, ...value }] as const);
  return {
    kind: "quality",
    schema: 1,
    values: Object.fromEntries(all),
    details: { confusion: [[1, 2]] },
    dataset: { name: "digits", split: "test", hash: "d1" },
    machine: machineFrom("laptop", { cores: 2 }),
    settings: { threads: 1 },
    method: "Counted.",
    code: { slipway: "0.1.0" },
    ...more,
  };
}

describe("evidence", () => {
  test("comes back as it was kept, newest first, with who measured in the log", async () => {
    const { registry, clock } = await openTestRegistry();
    const { version } = await importSample(registry, "digits", 1);
    const first = await registry.addEvidence(version, evidence(), BY);
    clock.advance(1000);
    const second = await registry.addEvidence(version, evidence({ size: { interval: null } }, { kind: "size" }), BY);
    expect(await registry.listEvidence(version)).toEqual([second, first]);
    expect(await registry.listEvidence(version, "quality")).toEqual([first]);
    expect(second.measuredAt - first.measuredAt).toBe(1000);
    const [latest] = await registry.listDecisions({ limit: 1 });
    expect(latest).toMatchObject({ kind: "measured", subject: "digits", text: "digits@1 was measured: size" });
  });

  test("belongs to content: other versions of it have it, other models and processings do not", async () => {
    const { registry } = await openTestRegistry();
    const { version } = await importSample(registry, "digits", 1);
    await registry.addEvidence(version, evidence(), BY);
    const same = await importSample(registry, "copy", 1);
    expect(await registry.listEvidence(same.version)).toHaveLength(1);
    for (const other of [
      await importSample(registry, "digits", 2),
      await importSample(registry, "digits", 1, { a: 1 }),
    ]) {
      expect(await registry.listEvidence(other.version)).toEqual([]);
    }
  });

  test("that was altered counts for nothing", async () => {
    const { registry, store } = await openTestRegistry();
    const { database } = store;
    const { version } = await importSample(registry, "digits", 1);
    const { id } = await registry.addEvidence(version, evidence(), BY);
    const { body } = await database.selectFrom("evidence").select("body").executeTakeFirstOrThrow();
    await database
      .updateTable("evidence" as never)
      .set({ body: body.replace('"value":0.9', '"value":0.99') } as never)
      .execute();
    const error = await errorOf(registry.listEvidence(version));
    expect(error.code).toBe("EVIDENCE_INVALID");
    expect(error.message).toContain(id);
  });

  test.each([
    [{ value: Number.NaN }, "is NaN"],
    [{ value: Number.POSITIVE_INFINITY }, "is Infinity"],
    [{ value: null }, "null without a reason"],
    [{ interval: { lower: 2, upper: 1, level: 0.95 } }, "interval 2 to 1"],
    [{ interval: { lower: Number.NaN, upper: 1, level: 0.95 } }, "is NaN"],
  ])("is refused where a number is none: %j", async (value, why) => {
    const { registry } = await openTestRegistry();
    const { version } = await importSample(registry, "digits", 1);
    const error = await errorOf(registry.addEvidence(version, evidence({ accuracy: value }), BY));
    expect(error).toMatchObject({ code: "EVIDENCE_INVALID", message: expect.stringContaining(why) });
    expect(await registry.listEvidence(version)).toEqual([]);
  });

  test("too large for a row is refused", async () => {
    const { registry } = await openTestRegistry();
    const { version } = await importSample(registry, "digits", 1);
    const details = { series: "x".repeat(5 * 2 ** 20) };
    const error = await errorOf(registry.addEvidence(version, evidence({ accuracy: {} }, { details }), BY));
    expect(error.message).toMatch(/takes \d+ bytes/);
  });

  test("machines are alike where their facts are", () => {
    const one = machineFrom("a", { cores: 2, cpu: "x" });
    expect(machineFrom("b", { cpu: "x", cores: 2 }).fingerprint).toBe(one.fingerprint);
    expect(machineFrom("a", { cores: 4, cpu: "x" }).fingerprint).not.toBe(one.fingerprint);
  });
});

describe("launch policies", () => {
  test("stand before one endpoint, or before all others; the log tells who changed what", async () => {
    const { registry } = await openTestRegistry();
    expect(await registry.launchPolicyOf("digits")).toBeNull();
    await registry.setLaunchPolicy("*", ["size <= 5 MB"], BY);
    await registry.setLaunchPolicy("digits", ["size <= 1 MB"], BY);
    await registry.setLaunchPolicy("digits", ["size <= 2 MB", "fresh within 1d"], BY);
    expect((await registry.launchPolicyOf("digits"))!.requirements[0]!.threshold).toBe(2e6);
    expect((await registry.launchPolicyOf("faces"))!.requirements[0]!.threshold).toBe(5e6);
    expect((await registry.listLaunchPolicies()).map(({ endpoint }) => endpoint)).toEqual(["*", "digits"]);
    await registry.removeLaunchPolicy("digits", BY);
    expect((await registry.launchPolicyOf("digits"))!.requirements[0]!.threshold).toBe(5e6);
    expect((await errorOf(registry.removeLaunchPolicy("digits", BY))).code).toBe("POLICY_NOT_FOUND");
    const kinds = (await registry.listDecisions({ limit: 10 })).map(({ kind }) => kind);
    expect(kinds).toEqual(["policy-removed", "policy-set", "policy-set", "policy-set"]);
  });

  test("that can't be read are not kept, nor those of what is no endpoint", async () => {
    const { registry } = await openTestRegistry();
    expect((await errorOf(registry.setLaunchPolicy("digits", ["size is small"], BY))).code).toBe("POLICY_INVALID");
    expect((await errorOf(registry.setLaunchPolicy("a b", ["size <= 1 B"], BY))).code).toBe("NAME_INVALID");
    expect(await registry.listLaunchPolicies()).toEqual([]);
  });

  test("are answered from the evidence of a version", async () => {
    const { registry } = await openTestRegistry();
    const { version } = await importSample(registry, "digits", 1);
    await registry.setLaunchPolicy("digits", ["quality.accuracy.lower >= 0.85 on digits/test"], BY);
    const policy = (await registry.launchPolicyOf("digits"))!;
    expect((await registry.judge(policy, version, "here")).verdict).toBe("unknown");
    await registry.addEvidence(version, evidence(), BY);
    expect((await registry.judge(policy, version, "here")).verdict).toBe("no");
    await registry.addEvidence(
      version,
      evidence({ accuracy: { interval: { lower: 0.86, upper: 0.93, level: 0.95 } } }),
      BY,
    );
    expect((await registry.judge(policy, version, "here")).verdict).toBe("yes");
  });
});
