import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DeploymentSettings,
  describeSettings,
  loadConfiguration,
  type SettingKey,
  Settings,
  settingsFromFlags,
  textFromValue,
} from "#config";
import { SlipwayError } from "@slipway/core/base";

/** Values a setting can have, whatever it is. */
function valueOf(setting: SettingKey): fc.Arbitrary<unknown> {
  const value = ((): fc.Arbitrary<unknown> => {
    const { kind } = setting;
    switch (kind.type) {
      case "integer":
        return fc.integer({ min: kind.min, max: Math.min(kind.max, 2 ** 31 - 1) });
      case "boolean":
        return fc.boolean();
      case "choice":
        return fc.constantFrom(...kind.options);
      case "list":
        return fc.array(fc.constantFrom("cpu", "cuda", "xnnpack"), { minLength: 1, maxLength: 3 });
      case "map":
        if (kind.holds === "numbers") {
          return fc.dictionary(fc.constantFrom("input_ids", "token_type_ids"), fc.constantFrom(0, 1, -0.5, 1e9));
        }
        return fc.dictionary(fc.constantFrom("session.a", "session.b", "mlas.c"), fc.constantFrom("0", "1", "x"));
      case "text":
        return fc.constantFrom("127.0.0.1", "localhost", "::1");
      case "path":
        return fc.constantFrom("/var/lib/slipway", "/tmp/x");
    }
  })();
  return setting.isNullable ? fc.oneof(fc.constant(null), value) : value;
}

const settings = describeSettings();
const anySetting = fc.constantFrom(...settings);
const settingWithValues = anySetting.chain((setting) =>
  fc.record({
    setting: fc.constant(setting),
    flag: fc.option(valueOf(setting), { nil: undefined }),
    environment: fc.option(valueOf(setting), { nil: undefined }),
    file: fc.option(valueOf(setting), { nil: undefined }),
  }),
);

function yamlOf(setting: SettingKey, value: unknown): string {
  return JSON.stringify(setting.path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value));
}

describe("precedence", () => {
  test("flags win over environment, environment over file, file over default; the source says which", () => {
    fc.assert(
      fc.property(settingWithValues, ({ setting, flag, environment, file }) => {
        const text = (value: unknown) => textFromValue(setting.kind, value);
        const { values } = loadConfiguration({
          flags: flag === undefined ? {} : { [setting.flag]: text(flag) },
          environment: environment === undefined ? {} : { [setting.environment]: text(environment) },
          file: file === undefined ? null : { path: "/etc/slipway.yaml", text: yamlOf(setting, file) },
        });
        const effective = values.find((value) => value.setting === setting)!;
        const [expected, source] =
          flag !== undefined
            ? [flag, `flag ${setting.flag}`]
            : environment !== undefined
              ? [environment, `environment ${setting.environment}`]
              : file !== undefined
                ? [file, "slipway.yaml line 1"]
                : [setting.defaultValue, "default"];
        expect(effective.value).toEqual(expected);
        expect(effective.source).toBe(source);
        // Nothing else moved.
        for (const other of values) if (other.setting !== setting) expect(other.source).toBe("default");
      }),
      { numRuns: 500 },
    );
  });

  test("the tree of settings holds the effective values", () => {
    fc.assert(
      fc.property(settingWithValues, ({ setting, flag }) => {
        const flags = flag === undefined ? {} : { [setting.flag]: textFromValue(setting.kind, flag) };
        let node: unknown = loadConfiguration({ flags }).settings;
        for (const name of setting.path) node = (node as Record<string, unknown>)[name];
        expect(node).toEqual(flag === undefined ? setting.defaultValue : flag);
      }),
    );
  });

  test("without any source the settings are the schema's defaults", () => {
    expect(loadConfiguration({}).settings).toEqual(Settings.parse({}));
  });
});

describe("names", () => {
  test("no two settings share a variable or a flag", () => {
    for (const of of ["key", "environment", "flag"] as const)
      expect(new Set(settings.map((setting) => setting[of])).size).toBe(settings.length);
  });
  test("follow from the key", () => {
    const find = (key: string) => settings.find((setting) => setting.key === key)!;
    expect(find("runtime.maxBatchRows")).toMatchObject({
      environment: "SLIPWAY_RUNTIME_MAX_BATCH_ROWS",
      flag: "--runtime-max-batch-rows",
    });
    expect(find("server.port")).toMatchObject({ environment: "SLIPWAY_SERVER_PORT", flag: "--port" });
    expect(find("dataDir")).toMatchObject({ environment: "SLIPWAY_DATA_DIR", flag: "--data-dir" });
  });
});

describe("units", () => {
  const bytes = (text: string) =>
    loadConfiguration({ flags: { "--runtime-memory-limit-bytes": text } }).settings.runtime;
  test.each([
    ["4GiB", 4 * 2 ** 30],
    ["1.5 GiB", 1.5 * 2 ** 30],
    ["500MB", 500_000_000],
    ["134217728", 134_217_728],
  ])("the size %s", (text, expected) => expect(bytes(text).memoryLimitBytes).toBe(expected));
  test.each([
    ["30s", 30_000],
    ["1.5min", 90_000],
    ["250ms", 250],
    ["250", 250],
    ["1h", 3_600_000],
  ])("the duration %s", (text, expected) => {
    const file = { path: "slipway.yaml", text: `runtime:\n  runTimeoutMs: ${text}\n` };
    expect(loadConfiguration({ file }).settings.runtime.runTimeoutMs).toBe(expected);
  });
  test.each(["4XB", "-1GiB", "1e9", "0.3B", "GiB", "NaN", ""])("the size %j is refused", (text) => {
    expect(errorOf(() => bytes(text))).toMatchObject({ code: "CONFIG_INVALID" });
  });
});

describe("refusals", () => {
  const problems = (sources: Parameters<typeof loadConfiguration>[0]) =>
    errorOf(() => loadConfiguration(sources)).message;
  const file = (text: string) => ({ file: { path: "/etc/slipway/slipway.yaml", text } });

  test("an unknown key names its file, its line and what was probably meant", () => {
    expect(problems(file("server:\n  prot: 8000\n"))).toBe(
      'slipway.yaml line 2: "server.prot" is no setting. Did you mean server.port?',
    );
    expect(problems(file("maxBatchRows: 8\n"))).toBe(
      'slipway.yaml line 1: "maxBatchRows" is no setting. Did you mean runtime.maxBatchRows?',
    );
    expect(problems(file("zzzzzz: 8\n"))).toBe('slipway.yaml line 1: "zzzzzz" is no setting.');
  });
  test("an unknown variable and an unknown flag say what was probably meant", () => {
    expect(problems({ environment: { SLIPWAY_SERVER_PRT: "1" } })).toBe(
      "The environment variable SLIPWAY_SERVER_PRT is no setting. Did you mean SLIPWAY_SERVER_PORT?",
    );
    expect(problems({ flags: { "--prot": "1" } })).toBe("The flag --prot is no setting. Did you mean --port?");
  });
  test("a wrong value names the value, where it came from and what is expected", () => {
    expect(problems(file("log:\n  level: loud\n"))).toBe(
      'log.level is "loud" (slipway.yaml line 2); it must be one of trace, debug, info, warn, error, silent.',
    );
    expect(problems({ flags: { "--port": "99999" } })).toBe(
      'server.port is "99999" (flag --port); it must be a whole number from 0 to 65535.',
    );
  });
  test("a wrong value is refused even where a stronger source overrides it", () => {
    expect(problems({ ...file("server: {port: x}"), flags: { "--port": "1" } })).toContain("server.port");
  });
  test("every problem is told at once", () => {
    expect(problems({ ...file("a: 1\nlog: 3\n"), environment: { SLIPWAY_X: "" } }).split("\n")).toHaveLength(3);
  });
  test("text that is not YAML names the line", () => {
    expect(problems(file("server:\n  port: [1\n"))).toContain("slipway.yaml line");
    expect(problems(file("server: {}\nserver: {}\n"))).toContain("line 2");
    expect(problems(file("- a\n"))).toBe("slipway.yaml line 1: The file must hold keys and values.");
  });
  test("an alias names the line, whatever it stands for", () => {
    for (const text of [
      "dataDir: *nothing\n",
      "dataDir: &self [*self]\n",
      "dataDir: [&a x, *a]\n",
      "log: {level: *a}\n",
    ])
      expect(problems(file(text))).toMatch(/^slipway.yaml line 1: (dataDir|log.level) uses an alias/);
  });
  test("text wrong throughout is told about in a few lines", () => {
    expect(problems(file(`a: ${"[".repeat(1000)}`)).split("\n").length).toBeLessThan(8);
  });
  test("never another error than CONFIG_INVALID, whatever the file holds", () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .array(
          fc.constantFrom("server:", "  port: 1", "{", "- ", "&a", "*a", "!!x", "? :", "runtime: ", "\n", "#", "null"),
        )
        .map((parts) => parts.join("\n")),
    );
    fc.assert(
      fc.property(text, (content) => {
        try {
          loadConfiguration(file(content));
        } catch (error) {
          expect(error).toMatchObject({ code: "CONFIG_INVALID" });
        }
      }),
      { numRuns: 500 },
    );
  });
});

test("an empty file and empty groups set nothing", () => {
  for (const text of ["", "# nothing\n", "server:\n#  port: 1\nruntime:\n"])
    expect(loadConfiguration({ file: { path: "slipway.yaml", text } }).settings).toEqual(Settings.parse({}));
});

test("paths in a file are relative to the file, paths in flags to where the command runs", () => {
  const file = { path: "/etc/slipway/slipway.yaml", text: "dataDir: data\nrepository: /models\n" };
  expect(loadConfiguration({ file }).settings).toMatchObject({ dataDir: "/etc/slipway/data", repository: "/models" });
  expect(loadConfiguration({ flags: { "--data-dir": "data" } }).settings.dataDir).toBe("data");
});

test("what Kubernetes sets for a service named slipway-server is not taken for settings", () => {
  const environment = {
    SLIPWAY_SERVER_PORT: "tcp://10.0.0.1:8000",
    SLIPWAY_SERVER_PORT_8000_TCP: "tcp://10.0.0.1:8000",
    SLIPWAY_SERVER_PORT_8000_TCP_ADDR: "10.0.0.1",
    SLIPWAY_SERVER_SERVICE_HOST: "10.0.0.1",
    SLIPWAY_SERVER_SERVICE_PORT_HTTP: "8000",
  };
  expect(loadConfiguration({ environment }).settings).toEqual(Settings.parse({}));
});

test("a deployment's own settings hold only what was given", () => {
  expect(settingsFromFlags({ "--runtime-instances": "2", "--queue-max-bytes": "1MiB" })).toEqual({
    runtime: { instances: 2 },
    queue: { maxBytes: 2 ** 20 },
  });
  expect(settingsFromFlags({})).toEqual({});
});

test("a deployment's own settings leave the others to the configuration, and are checked as those are", () => {
  const own = { runtime: { instances: 2, padAxis: null }, queue: {} };
  expect(DeploymentSettings.parse(own)).toEqual(own);
  expect(DeploymentSettings.parse({})).toEqual({});
  for (const wrong of [{ runtime: { instances: 0 } }, { runtime: { instance: 2 } }, { server: { port: 1 } }])
    expect(DeploymentSettings.safeParse(wrong).success).toBe(false);
  for (const { key, path, defaultValue } of describeSettings()) {
    const [group, name] = path;
    if (group !== "runtime" && group !== "queue") continue;
    const one = { [group]: { [name!]: defaultValue } };
    expect(DeploymentSettings.parse(one), key).toEqual(one);
  }
});

/** The coded error a call throws. */
function errorOf(call: () => unknown): SlipwayError {
  try {
    call();
  } catch (error) {
    if (error instanceof SlipwayError) return error;
    throw error;
  }
  throw new Error("The call was expected to throw.");
}
