import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { methodOf, parseRoute, type Route, routeName } from "./routes.ts";

const model = (action: string, endpoint = "m", version: string | null = null) =>
  ({ kind: "model", action, endpoint, version }) as Route;

describe("parseRoute", () => {
  it.each<[string, Route]>([
    ["/v2", { kind: "server" }],
    ["/v2?a=b", { kind: "server" }],
    ["http://host/v2", { kind: "server" }],
    ["HTTPS://[::1]:8000/v2/models/m/infer?a=b", model("infer")],
    ["/v2/", { kind: "server" }],
    ["/v2/?a=b", { kind: "server" }],
    ["/v2/health/live", { kind: "live" }],
    ["/v2/models", { kind: "models" }],
    ["/v2/models/stats", { kind: "statistics" }],
    ["/v2/models/m", model("metadata")],
    ["/v2/models/stats/infer", model("infer", "stats")],
    ["/v2/models/versions/versions/3/infer", model("infer", "versions", "3")],
    ["/v2/models/m/versions/12", model("metadata", "m", "12")],
    ["/v2/models/m/versions/12/stats", model("statistics", "m", "12")],
    ["/v2/models/m/predict?x=/v2", model("predict")],
    ["/v2/models/d%69gits.v-1_x/ready", model("ready", "digits.v-1_x")],
    ["/v2/repository/index", { kind: "repository" }],
    ["/v2/repository/main/index", { kind: "repository" }],
    ["/v2/repository/models/m/load", { kind: "control" }],
    ["/v2/repository/main/models/m/unload", { kind: "control" }],
    ["/v2/systemsharedmemory/region/r/register", { kind: "unsupported", extension: "shared memory" }],
    ["/v2/models/m/generate_stream", { kind: "unsupported", extension: "generate" }],
    ["/v2/models/m/versions/1/trace/setting", { kind: "unsupported", extension: "trace" }],
  ])("takes %s", (target, route) => {
    expect(parseRoute(target)).toEqual(route);
  });

  it.each<[string, string]>([
    ["", "ROUTE_NOT_FOUND"],
    ["*", "ROUTE_NOT_FOUND"],
    ["v2", "ROUTE_NOT_FOUND"],
    ["//v2", "ROUTE_NOT_FOUND"],
    ["/v2//", "ROUTE_NOT_FOUND"],
    ["/v2//models", "ROUTE_NOT_FOUND"],
    ["/V2", "ROUTE_NOT_FOUND"],
    ["/v2/models/m/infer/", "ROUTE_NOT_FOUND"],
    ["/v2/models/m/infer/x", "ROUTE_NOT_FOUND"],
    ["/v2/models/m/constructor", "ROUTE_NOT_FOUND"],
    ["/v2/models/m/versions", "ROUTE_NOT_FOUND"],
    ["/v2/models/m/versions/", "ROUTE_NOT_FOUND"],
    ["/v2/models/m/versions/-1", "ROUTE_NOT_FOUND"],
    [`/v2/models/m/versions/${"1".repeat(21)}`, "ROUTE_NOT_FOUND"],
    ["/v2/repository/models/m/delete", "ROUTE_NOT_FOUND"],
    ["/v2/repository/a/b/index", "ROUTE_NOT_FOUND"],
    ["http://host", "ROUTE_NOT_FOUND"],
    ["http://host?/v2", "ROUTE_NOT_FOUND"],
    ["http://http://host/v2", "ROUTE_NOT_FOUND"],
    ["ftp://host/v2", "ROUTE_NOT_FOUND"],
    ["/v2/models/", "ENDPOINT_NOT_FOUND"],
    ["/v2/models//infer", "ENDPOINT_NOT_FOUND"],
    ["/v2/models/../infer", "ENDPOINT_NOT_FOUND"],
    ["/v2/models/a%2Fb", "ENDPOINT_NOT_FOUND"],
    ["/v2/models/a%00b", "ENDPOINT_NOT_FOUND"],
    [`/v2/models/${"a".repeat(129)}`, "ENDPOINT_NOT_FOUND"],
    ["/v2/models/%", "REQUEST_MALFORMED"],
    ["/v2/models/%ff", "REQUEST_MALFORMED"],
  ])("refuses %s", (target, code) => {
    expect(() => parseRoute(target)).toThrow(expect.objectContaining({ code }));
  });

  it("finds a route or says which error, for any path, and shows little of it", () => {
    const segment = fc.oneof(
      fc.constantFrom("v2", "models", "versions", "infer", "stats", "health", "repository", "index", "%2e", "1", ""),
      fc.string({ maxLength: 300 }),
    );
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 9 }), (segments) => {
        try {
          const route = parseRoute(`/${segments.join("/")}`);
          expect(routeName(route)).toMatch(/^[a-z-]+$/);
          expect(["GET", "POST", null]).toContain(methodOf(route));
        } catch (error) {
          expect(error).toMatchObject({ name: "SlipwayError" });
          expect((error as Error).message.length).toBeLessThan(600);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
