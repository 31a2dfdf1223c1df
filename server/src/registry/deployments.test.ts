import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BY, errorOf, importSample, openTestRegistry } from "../../../test/support/registry.ts";
import type { Registry } from "./registry.ts";

const newDeployment = (number: number | null = null, endpoint = "front") => ({
  endpoint,
  name: "digits",
  number,
  settings: { runtime: { instances: 2 } },
});

async function openWithVersions(count: number): Promise<Registry> {
  const { registry } = await openTestRegistry();
  for (let number = 1; number <= count; number++) await importSample(registry, "digits", number);
  return registry;
}

const kinds = async (registry: Registry) =>
  (await registry.listDecisions({ limit: 1000, subject: "front" })).map((decision) => decision.kind).toReversed();

describe("deployments", () => {
  test("are staged, become live, are replaced and come back", async () => {
    const registry = await openWithVersions(2);
    const first = await registry.stage(newDeployment(1));
    expect(first).toMatchObject({
      state: "staged",
      name: "digits",
      number: 1,
      settings: { runtime: { instances: 2 } },
    });
    expect(await registry.getEndpoint("front")).toMatchObject({ variants: [], liveDeploymentId: null });
    expect((await registry.promote(first.id, "deployed", BY)).replaced).toBeNull();
    expect((await errorOf(registry.rollbackTarget("front"))).code).toBe("ROLLBACK_IMPOSSIBLE");

    const second = await registry.stage(newDeployment());
    expect(second.number).toBe(2); // the newest
    expect(second.id > first.id).toBe(true);
    const { endpoint, deployment, replaced } = await registry.promote(second.id, "deployed", {
      actor: "ada",
      reason: "better",
    });
    expect(endpoint).toMatchObject({
      variants: [{ deploymentId: second.id, weight: 1 }],
      liveDeploymentId: second.id,
      previousDeploymentId: first.id,
    });
    expect(deployment.state).toBe("live");
    expect(replaced).toMatchObject({ id: first.id, state: "retired", reason: "replaced by digits@2" });
    expect(await registry.getEndpoint("front")).toEqual(endpoint);
    expect((await registry.listDecisions({ limit: 1 }))[0]).toMatchObject({
      actor: "ada",
      reason: "better",
      kind: "deployed",
      subject: "front",
      text: "front serves digits@2 instead of digits@1",
      details: { deploymentId: second.id, name: "digits", number: 2, replacedDeploymentId: first.id },
    });

    const target = await registry.rollbackTarget("front");
    expect(target.id).toBe(first.id);
    expect((await registry.promote(target.id, "rolled-back", BY)).replaced?.id).toBe(second.id);
    expect((await registry.rollbackTarget("front")).id).toBe(second.id);
    expect(await kinds(registry)).toEqual(["deployed", "deployed", "rolled-back"]);
    expect((await registry.listDeployments({ endpoint: "front", limit: 10 })).map(({ id }) => id)).toEqual([
      second.id,
      first.id,
    ]);
  });

  test("promoted again while live change nothing", async () => {
    const registry = await openWithVersions(1);
    const { id } = await registry.stage(newDeployment());
    const { endpoint } = await registry.promote(id, "deployed", BY);
    expect(await registry.promote(id, "deployed", BY)).toMatchObject({ endpoint, replaced: null });
    expect(await kinds(registry)).toEqual(["deployed"]);
  });

  test("that failed stay failed, and say why", async () => {
    const registry = await openWithVersions(1);
    const { id } = await registry.stage(newDeployment());
    expect(await registry.fail(id, "out of memory", BY)).toMatchObject({ state: "failed", reason: "out of memory" });
    await registry.fail(id, "again", BY); // once is enough
    expect((await registry.getDeployment(id)).reason).toBe("out of memory");
    const error = await errorOf(registry.promote(id, "deployed", BY));
    expect(error.code).toBe("STATE_CONFLICT");
    expect(error.message).toContain("out of memory");
    expect(await kinds(registry)).toEqual(["load-failed"]);
  });

  test("that fail to come back stay what they were", async () => {
    const registry = await openWithVersions(1);
    const { id } = await registry.stage(newDeployment());
    await registry.promote(id, "deployed", BY);
    expect((await registry.fail(id, "the disk is gone", BY)).state).toBe("live");
    expect(await kinds(registry)).toEqual(["deployed", "load-failed"]);
  });

  test("being loaded when the server stopped are given up at its next start", async () => {
    const registry = await openWithVersions(1);
    const live = await registry.stage(newDeployment());
    await registry.promote(live.id, "deployed", BY);
    const staged = await registry.stage(newDeployment());
    expect(await registry.abandonStaged("the server stopped while it was loaded")).toBe(1);
    expect((await registry.getDeployment(staged.id)).state).toBe("failed");
    expect((await registry.getDeployment(live.id)).state).toBe("live");
    expect(await registry.abandonStaged("")).toBe(0);
  });

  test("need a version, an endpoint's name and an id that exist", async () => {
    const registry = await openWithVersions(1);
    expect((await errorOf(registry.stage({ ...newDeployment(), name: "digit" }))).details).toEqual({
      suggestions: ["digits"],
    });
    expect((await errorOf(registry.stage(newDeployment(2)))).code).toBe("VERSION_NOT_FOUND");
    expect((await errorOf(registry.stage(newDeployment(1, "no way")))).code).toBe("NAME_INVALID");
    expect((await errorOf(registry.promote("nothing", "deployed", BY))).code).toBe("DEPLOYMENT_NOT_FOUND");
    expect(await registry.listEndpoints()).toEqual([]); // what failed left nothing
    await registry.stage(newDeployment());
    const error = await errorOf(registry.getEndpoint("fromt"));
    expect(error.code).toBe("ENDPOINT_NOT_FOUND");
    expect(error.details).toEqual({ suggestions: ["front"] });
  });
});

describe("endpoints", () => {
  test("that are unloaded keep their record, and a rollback brings back what they served", async () => {
    const registry = await openWithVersions(1);
    const { id } = await registry.stage(newDeployment());
    await registry.promote(id, "deployed", BY);
    const unloaded = await registry.unload("front", BY);
    expect(unloaded).toMatchObject({ variants: [], liveDeploymentId: null, previousDeploymentId: id });
    expect(await registry.unload("front", BY)).toEqual(unloaded);
    expect((await registry.getDeployment(id)).state).toBe("retired");
    const back = await registry.promote((await registry.rollbackTarget("front")).id, "rolled-back", BY);
    expect(back.endpoint).toMatchObject({ liveDeploymentId: id, previousDeploymentId: null });
    expect(await kinds(registry)).toEqual(["deployed", "unloaded", "rolled-back"]);
  });

  test("hold their invariants under any order of steps", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom("stage", "unload", "rollback"), endpoint: fc.constantFrom("a", "b") }),
      fc.record({ kind: fc.constantFrom("promote", "fail"), which: fc.nat() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const registry = await openWithVersions(1);
        const ids: string[] = [];
        const expectedLive = new Map<string, string | null>();
        for (const it of steps) {
          if ("endpoint" in it) {
            const { endpoint } = it;
            if (it.kind === "stage") {
              ids.push((await registry.stage(newDeployment(1, endpoint))).id);
              if (!expectedLive.has(endpoint)) expectedLive.set(endpoint, null);
            } else if (!expectedLive.has(endpoint))
              expect((await errorOf(registry.unload(endpoint, BY))).code).toBe("ENDPOINT_NOT_FOUND");
            else if (it.kind === "unload") {
              await registry.unload(endpoint, BY);
              expectedLive.set(endpoint, null);
            } else {
              const { previousDeploymentId } = await registry.getEndpoint(endpoint);
              if (previousDeploymentId === null)
                expect((await errorOf(registry.rollbackTarget(endpoint))).code).toBe("ROLLBACK_IMPOSSIBLE");
              else {
                await registry.promote((await registry.rollbackTarget(endpoint)).id, "rolled-back", BY);
                expectedLive.set(endpoint, previousDeploymentId);
              }
            }
          } else if (ids.length > 0) {
            const id = ids[it.which % ids.length]!;
            const before = await registry.getDeployment(id);
            if (it.kind === "fail") await registry.fail(id, "because", BY);
            else if (before.state === "failed")
              expect((await errorOf(registry.promote(id, "deployed", BY))).code).toBe("STATE_CONFLICT");
            else {
              await registry.promote(id, "deployed", BY);
              expectedLive.set(before.endpoint, id);
            }
          }
        }
        for (const [name, liveId] of expectedLive) {
          const endpoint = await registry.getEndpoint(name);
          expect(endpoint.liveDeploymentId).toBe(liveId);
          expect(endpoint.variants).toEqual(liveId === null ? [] : [{ deploymentId: liveId, weight: 1 }]);
          expect(endpoint.previousDeploymentId === null || endpoint.previousDeploymentId !== liveId).toBe(true);
          const deployments = await registry.listDeployments({ endpoint: name, limit: 100 });
          expect(deployments.filter(({ state }) => state === "live").map(({ id }) => id)).toEqual(
            liveId === null ? [] : [liveId],
          );
        }
      }),
      { numRuns: 15 },
    );
  });
});
