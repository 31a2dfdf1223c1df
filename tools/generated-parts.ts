// The parts of the documentation that are tables of the code, as text. A page holds each between `<!-- begin: NAME -->` and
// `<!-- end: NAME -->`; what stands around them is written by hand.
import { GRADIENT_RULES } from "@slipway/core/autodiff";
import { ERRORS, type ErrorFact } from "@slipway/core/base";
import { MODEL_PROPERTIES, type ModelProperty, PASSES } from "@slipway/core/passes";
import { calibrationTable } from "../calibration/results.ts";
import { resultsTable } from "../campaigns/results.ts";
import { DIFFERENCES } from "../conformance/differences.ts";
import { newestResult } from "../conformance/results.ts";
import { statusOf } from "../server/src/api/status.ts";
import { COMMANDS } from "../server/src/cli/commands.ts";
import { EXITS } from "../server/src/cli/exit-codes.ts";
import { commandHelpText } from "../server/src/cli/program.ts";
import { BUILT_IN_DEVICES, type DeviceProfile } from "../server/src/lab/measure/index.ts";
import { describeSettings, type SettingKey } from "../server/src/config/keys.ts";
import { expectation, textFromValue } from "../server/src/config/values.ts";
import { CHART_KINDS } from "../server/src/report/charts/charts.ts";
import { METRICS } from "../server/src/monitor/index.ts";
import { pictures } from "./pictures.ts";

/** What a part says, by page and by the part's name. */
const PARTS: Readonly<Record<string, Readonly<Record<string, () => string | Promise<string>>>>> = {
  "docs/autodiff.md": { gradients },
  "docs/cli.md": { "exit codes": exitCodes, commands },
  "docs/configuration.md": { settings },
  "docs/conformance.md": { result, differences },
  "docs/devices.md": { devices },
  "docs/errors.md": { errors },
  "docs/metrics.md": { metrics },
  "docs/passes.md": { passes, properties },
  "docs/reliability.md": { results: resultsTable },
  "docs/reports.md": { charts },
  "docs/statistics.md": { calibration: calibrationTable },
};

/**
 * The pages with their parts, and the pictures in them, as the code says now.
 * @param read the text of a page, by its path from the root
 * @returns page → text
 */
export async function generatedPages(read: (page: string) => string): Promise<ReadonlyMap<string, string>> {
  const pages = new Map<string, string>();
  for (const [page, parts] of Object.entries(PARTS)) {
    let text = read(page);
    for (const [name, make] of Object.entries(parts)) text = withPart(page, text, name, await make());
    pages.set(page, text);
  }
  for (const [file, svg] of await pictures()) pages.set(file, svg);
  return pages;
}

function withPart(page: string, text: string, name: string, content: string): string {
  const begin = `<!-- begin: ${name} -->\n`;
  const end = `<!-- end: ${name} -->`;
  const [before, rest, ...again] = text.split(begin);
  const [, after, ...more] = rest?.split(end) ?? [];
  if (after === undefined || again.length > 0 || more.length > 0) {
    throw new Error(`${page} must hold the part "${name}" once, between ${begin.trim()} and ${end}.`);
  }
  return `${before}${begin}\n${content}\n\n${end}${after}`;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

const code = (text: string): string => `\`${text}\``;

function charts(): string {
  const rows = Object.entries(CHART_KINDS).map(([name, { evidence, about }]) => [
    `\`${name}\``,
    evidence.join(", "),
    about,
  ]);
  return table(["chart", "of evidence", "what it shows"], rows);
}

function errors(): string {
  const facts = Object.entries(ERRORS) as [keyof typeof ERRORS, ErrorFact][];
  return table(
    ["code", "HTTP", "when", "what to do"],
    facts.map(([name, { when, remedy }]) => [code(name), statusOf(name), when, remedy]),
  );
}

function gradients(): string {
  const rows = Object.entries(GRADIENT_RULES).flatMap(([domain, rules]) =>
    Object.entries(rules).map(([opType, { formula, limits }]) => [
      code(domain === "" ? opType : `${domain}.${opType}`),
      formula.replaceAll("|", "\\|"),
      limits ?? "–",
    ]),
  );
  return table(["operator", "gradient", "but"], rows);
}

function passes(): string {
  const listed = (names: readonly ModelProperty[]): string => names.map(code).join(", ") || "–";
  const rows = Object.values(PASSES).map((pass) => [
    code(pass.name),
    pass.does,
    listed(pass.requires),
    listed(pass.ensures),
  ]);
  return table(["pass", "what it does", "asks for", "promises"], rows);
}

function properties(): string {
  const rows = Object.entries(MODEL_PROPERTIES).map(([name, { means, madeBy }]) => [
    code(name),
    `The model ${means}.`,
    madeBy === null ? "–" : code(madeBy),
  ]);
  return table(["property", "what it means", "made so by"], rows);
}

/** Every figure of every device that comes with Slipway, with where it is from. */
function devices(): string {
  return Object.values(BUILT_IN_DEVICES).map(deviceTable).join("\n\n");
}

function deviceTable(device: DeviceProfile): string {
  const scaled = (value: number): string =>
    value >= 1e12
      ? `${value / 1e12} T`
      : value >= 1e9
        ? `${value / 1e9} G`
        : value >= 1e6
          ? `${value / 1e6} M`
          : `${Number(value.toPrecision(3))} `;
  const figures: readonly (readonly [string, DeviceProfile["memoryBytes"], (value: number) => string])[] = [
    ["memory", device.memoryBytes, (value) => `${scaled(value)}B`],
    ["matrix products", device.matrixFlops, (value) => `${scaled(value)}FLOP/s`],
    ["convolutions", device.convolutionFlops, (value) => `${scaled(value)}FLOP/s`],
    ["memory bandwidth", device.bandwidthBytes, (value) => `${scaled(value)}B/s`],
    ["caches", device.cacheBytes, (value) => `${scaled(value)}B`],
    ["cache bandwidth", device.cacheBandwidthBytes, (value) => `${scaled(value)}B/s`],
    ["starting a node", device.nodeSeconds, (value) => `${Number((value * 1e6).toPrecision(3))} µs`],
    ["starting a run", device.runSeconds, (value) => `${Number((value * 1e6).toPrecision(3))} µs`],
    ["power beyond idling", device.busyWatts, (value) => `${value} W`],
    ["download", device.downloadBytes, (value) => `${scaled(value)}B`],
    ["the engine alone", device.engineBytes, (value) => `${scaled(value)}B`],
  ];
  const rows = figures.map(([what, { value, source }, text]) => [what, value === null ? "–" : text(value), source]);
  const { isAll, names, source } = device.operators;
  const operators = isAll ? "all of the CPU provider" : names === null ? "–" : `${names.length} listed`;
  return [
    `**\`${device.name}\`** (${device.place}, as of ${device.asOf}). ${device.about} Engine: ${device.engine}. Estimated times are good within a factor of ${device.uncertaintyFactor}.`,
    "",
    table(["figure", "value", "source"], [...rows, ["operators", operators, source]]),
  ].join("\n");
}

function metrics(): string {
  return table(
    ["metric", "type", "labels", "meaning"],
    Object.entries(METRICS).map(([name, { type, labels, help }]) => [
      code(name),
      type,
      labels.map(code).join(", ") || "–",
      help,
    ]),
  );
}

function exitCodes(): string {
  return table(
    ["code", "when"],
    Object.values(EXITS).map((exit) => [exit.code, exit.when]),
  );
}

function differences(): string {
  return table(
    ["case", "Slipway", "Triton", "why"],
    DIFFERENCES.map(({ cases, ours, theirs, why }) => [cases.map(code).join(", "), ours, theirs, why]),
  );
}

/** The newest result that was kept. */
function result(): string {
  const { at, machine, versions, cases } = newestResult();
  const named = ["tritonclient", "nvidia-pytriton", "perf_analyzer", "node", "onnxruntime"].filter(
    (name) => name in versions,
  );
  const rows = Object.entries(cases).flatMap(([route, ofRoute]) => {
    const byMethod = Map.groupBy(Object.entries(ofRoute), ([asked]) => asked.slice(asked.indexOf(" ") + 1));
    return [...byMethod].map(([method, counts]) => [
      route,
      code(method),
      counts.map(([asked, held]) => `${held} (${asked.slice(0, asked.indexOf(" "))})`).join(", "),
    ]);
  });
  const when = `${at.slice(0, 10)}, ${machine.cores} cores; ${named.map((name) => `${name} ${versions[name]}`).join(", ")}.`;
  return `${when}\n\n${table(["route", "method", "cases that hold (client)"], rows)}`;
}

const HELP_WIDTH = 100;

async function commands(): Promise<string> {
  const parts: string[] = [];
  for (const { name, summary, load } of COMMANDS) {
    const help = commandHelpText(name, await load(), HELP_WIDTH).trimEnd();
    parts.push(`### slipway ${name}\n\n${summary}.\n\n\`\`\`text\n${help}\n\`\`\``);
  }
  return parts.join("\n\n");
}

const SETTING_GROUPS: Readonly<Record<string, string>> = {
  "": "Everything",
  server: "Listeners: `server`",
  runtime: "Running models: `runtime`",
  queue: "Waiting requests: `queue`",
  log: "Logs: `log`",
};

function settings(): string {
  const groups = Map.groupBy(describeSettings(), ({ path }) => path.slice(0, -1).join("."));
  return [...groups]
    .map(([group, members]) => `### ${SETTING_GROUPS[group] ?? group}\n\n${settingsTable(members)}`)
    .join("\n\n");
}

function settingsTable(members: readonly SettingKey[]): string {
  return table(
    ["key", "default", "what it does; what it takes", "flag, variable"],
    members.map((setting) => {
      const value = textFromValue(setting.kind, setting.defaultValue);
      const does = `${setting.description}; ${expectation(setting)}`;
      return [
        code(setting.key),
        value === "" ? "none" : code(value),
        does,
        `${code(setting.flag)}<br>${code(setting.environment)}`,
      ];
    }),
  );
}
