// The tables and the chart of docs/performance.md, made from the kept results between marks of their own, so that a page
// can't say another figure than was kept.
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { type BenchmarkName, type Figures, figuresIn } from "./benchmarks.ts";
import { BUDGETS, boundText, isMet } from "./budgets.ts";
import { MODEL_NAMES, type ModelName } from "./models.ts";
import { peersChart } from "./peers/chart.ts";
import type { Result } from "./record.ts";
import type { Figure } from "./summary.ts";
import { NETWORK_NAMES } from "./train/networks.ts";

const DOCS = path.resolve(import.meta.dirname, "../docs");
const PAGE = path.join(DOCS, "performance.md");

type Rows = readonly (readonly string[])[];

/** What was measured on other machines, by machine. */
type Elsewhere = readonly (readonly Result[])[];

/** What stands between the marks of each name. */
const PARTS: Readonly<Record<string, (results: readonly Result[], elsewhere: Elsewhere) => string>> = {
  budgets: budgetsTable,
  "budgets elsewhere": elsewhereTable,
  serve: (results) => withSources(results, "serve", serveTable(results)),
  connections: connectionsTable,
  overload: (results) => withSources(results, "overload", overloadTable(results)),
  start: (results) => withSources(results, "start", startTable(results)),
  memory: (results) => withSources(results, "memory", memoryTable(results)),
  profile: (results) => withSources(results, "profile", profileTables(results)),
  scale: (results) => withSources(results, "scale", scaleTable(results)),
  peers: (results) => withSources(results, "peers", peersTables(results)),
  lengths: (results) => withSources(results, "lengths", lengthsTable(results)),
  train: (results) => withSources(results, "train", trainTable(results)),
  "train operators": trainOperatorsTable,
};

/** Rewrites the marked parts of the page and the chart; answers what was written. */
export async function writeTables(results: readonly Result[], elsewhere: Elsewhere): Promise<string[]> {
  let page = await readFile(PAGE, "utf8");
  for (const [name, part] of Object.entries(PARTS)) {
    const marks = new RegExp(`(<!-- bench ${name} -->\n)[^]*?(<!-- end ${name} -->)`);
    if (!marks.test(page)) throw new Error(`docs/performance.md has no marks for "${name}".`);
    page = page.replace(marks, (_, begin: string, end: string) => `${begin}\n${part(results, elsewhere)}\n\n${end}`);
  }
  await writeFile(PAGE, page);
  const written = ["docs/performance.md"];
  const chart = peersChart(perModel(results, "peers"));
  if (chart !== null) {
    await writeFile(path.join(DOCS, "peers.svg"), chart);
    written.push("docs/peers.svg");
  }
  return written;
}

function perModel<Name extends BenchmarkName>(
  results: readonly Result[],
  name: Name,
): { model: ModelName; figures: Figures[Name] }[] {
  return MODEL_NAMES.flatMap((model) => {
    const figures = figuresIn(results, name, model);
    return figures === undefined ? [] : [{ model, figures }];
  });
}

/** A table, and under it what made it, where and when. */
function withSources(results: readonly Result[], name: BenchmarkName, table: string): string {
  const own = results.filter(({ benchmark }) => benchmark === name);
  if (own.length === 0) return "Not measured yet.";
  return `${table}\n\n${sourcesOf(own).join("  \n")}`;
}

/** The commands that made results, each with where and when. */
function sourcesOf(results: readonly Result[]): string[] {
  const lines = results.map((result) => {
    const { command, at, machine, commit, versions } = result;
    const busy = `load average ${machine.loadAverage.toFixed(1)} before`;
    return `\`${command}\`, ${at.slice(0, 10)}, ${machineOf(result)}, ${busy}, Node ${versions.node}, ONNX Runtime ${versions.onnxruntime}, commit ${commit ?? "unknown"}`;
  });
  return [...new Set(lines)];
}

function machineOf({ machine: { cores, cpu } }: Result): string {
  return `${cores}-core ${cpu.replaceAll(/\(R\)|\(TM\)| Processor/g, "").trim()}`;
}

function budgetsTable(results: readonly Result[]): string {
  const rows = BUDGETS.map((budget) => {
    const figure = budget.figure(results);
    const verdict = isMet(budget, figure);
    const byCpu = budget.byCpu?.(results);
    const word = verdict === null ? "not measured" : verdict ? "met" : "**missed**";
    return [
      budget.what,
      boundText(budget),
      figure ? ranged(figure, budget.unit) : "–",
      byCpu ? ranged(byCpu) : "",
      word,
    ];
  });
  return tableOf(["what", "budget", "measured", "by CPU time", ""], rows);
}

/** The budgets that were measured on other machines too, beside what the tables' machine gave. */
function elsewhereTable(results: readonly Result[], elsewhere: Elsewhere): string {
  const rows = BUDGETS.flatMap((budget) => {
    const figures = [...elsewhere, results].map((measured) => budget.figure(measured));
    if (figures.slice(0, -1).every((figure) => !figure)) return [];
    const cells = figures.map((figure) => (figure ? ranged(figure, budget.unit) : "–"));
    return [[budget.what, boundText(budget), ...cells]];
  });
  const sources = elsewhere.flatMap((measured) => {
    const benchmarks = new Set(measured.map(({ benchmark }) => benchmark));
    return [...benchmarks].flatMap((name) => sourcesOf(measured.filter(({ benchmark }) => benchmark === name)));
  });
  const machines = elsewhere.map(([first]) => machineOf(first!));
  return `${tableOf(["what", "budget", ...machines, "above"], rows)}\n\n${sources.join("  \n")}`;
}

function serveTable(results: readonly Result[]): string {
  const rows = perModel(results, "serve").flatMap(({ model, figures }) =>
    figures.points.map((point) => [
      model,
      point.wire,
      String(point.connections),
      ranged(point.slipwayPerSecond),
      ranged(point.overEcho),
      ranged(point.overEchoByCpu),
      ranged(point.overLimit),
      ranged(point.overLimitByCpu),
      `${rounded(point.slipwayP50Us.median / 1000)} / ${rounded(point.slipwayP99Us.median / 1000)} ms`,
      point.addedP50Us === null ? "" : ranged(point.addedP50Us, " µs"),
    ]),
  );
  const heads = [
    "model",
    "wire",
    "connections",
    "requests/s",
    "over echo",
    "by CPU",
    "over the limit",
    "by CPU",
    "p50 / p99",
    "added p50",
  ];
  return tableOf(heads, rows);
}

/** Throughput by the number of connections, of the machine on which most numbers were tried. */
function connectionsTable(results: readonly Result[], elsewhere: Elsewhere): string {
  const countsOf = (measured: readonly Result[]): number[] => [
    ...new Set(
      perModel(measured, "serve").flatMap(({ figures }) => figures.points.map(({ connections }) => connections)),
    ),
  ];
  const measured = [results, ...elsewhere].toSorted((a, b) => countsOf(b).length - countsOf(a).length)[0]!;
  const counts = countsOf(measured);
  const rows = perModel(measured, "serve").flatMap(({ model, figures }) =>
    [...Map.groupBy(figures.points, ({ wire }) => wire)].map(([wire, points]) => [
      model,
      wire,
      ...counts.flatMap((count) => {
        const point = points.find(({ connections }) => connections === count);
        return point === undefined ? ["–", "–"] : [rounded(point.slipwayPerSecond.median), ranged(point.overLimit)];
      }),
    ]),
  );
  const heads = ["model", "wire", ...counts.flatMap((count) => [`${count}: requests/s`, "over the limit"])];
  return withSources(measured, "serve", tableOf(heads, rows));
}

function scaleTable(results: readonly Result[]): string {
  const rows = perModel(results, "scale").flatMap(({ model, figures }) =>
    figures.arrangements.map(({ cores, fronts, instances, perSecond, overOne, p99Us }) => [
      model,
      String(cores),
      String(fronts),
      String(instances),
      ranged(perSecond),
      ranged(overOne),
      `${rounded(p99Us.median / 1000)} ms`,
    ]),
  );
  return tableOf(["model", "cores", "fronts", "runners", "requests/s", "over one core's", "p99"], rows);
}

function overloadTable(results: readonly Result[]): string {
  const rows = perModel(results, "overload").map(({ model, figures }) => [
    model,
    ranged(figures.offeredOverCapacity),
    ranged(figures.goodputOverCapacity),
    ranged(figures.goodputOverLeft),
    figures.flooded === null || figures.flooded === undefined
      ? "–"
      : `${ranged(figures.flooded.offeredOverCapacity)}; ${ranged(figures.flooded.goodputOverLeft)}`,
    figures.crowdedEchoPerSecond === undefined
      ? "–"
      : rounded(figures.crowdedEchoPerSecond.median / figures.echoPerSecond.median),
    ranged(figures.p99OverP99At80),
    `${ranged(figures.withoutDeadline.goodputOverCapacity)}; ${ranged(figures.withoutDeadline.p99OverP99At80)}`,
    figures.peakMemoryOverBefore === null ? "–" : ranged(figures.peakMemoryOverBefore),
    `${rounded(figures.healthAnswered.median * 100)} %, p99 ${rounded(figures.healthP99Ms.median)} ms`,
    ranged(figures.recoveryMs, " ms"),
  ]);
  return tableOf(
    [
      "model",
      "offered over capacity",
      "goodput over capacity",
      "over what is left",
      "flooded by wrk: offered; goodput over what is left",
      "an echo of as many clients, over one of 64",
      "p99 over p99 at 80 %",
      "without deadlines: goodput; p99",
      "peak memory over before",
      "health answered",
      "recovered after",
    ],
    rows,
  );
}

function startTable(results: readonly Result[]): string {
  const figures = figuresIn(results, "start", null);
  if (figures === undefined) return "";
  const memory = (figure: Figure | null) => (figure === null ? "not known there" : mebibytes(figure));
  return tableOf(
    ["what", "median (range)"],
    [
      ["start to the first answered image, new data directory, import included", ranged(figures.firstStartMs, " ms")],
      ["the same, used data directory", ranged(figures.secondStartMs, " ms")],
      ["idle memory, nothing deployed", memory(figures.idleEmptyBytes)],
      ["idle memory, digits deployed", memory(figures.idleDigitsBytes)],
    ],
  );
}

function memoryTable(results: readonly Result[]): string {
  const rows = perModel(results, "memory").map(({ model, figures }) => {
    const { samples } = figures;
    const at = (share: number) => samples[Math.max(0, Math.ceil(samples.length * share) - 1)]?.bytes ?? null;
    return [
      model,
      `${figures.requests.toLocaleString("en")} in ${Math.round(figures.seconds)} s`,
      ...[figures.beforeBytes, at(0), at(0.5), at(1), figures.restedBytes].map((bytes) =>
        bytes === null ? "–" : `${Math.round(bytes / 2 ** 20)} MiB`,
      ),
    ];
  });
  return tableOf(["model", "requests", "before", "after a tenth", "after half", "after all", "after a rest"], rows);
}

function profileTables(results: readonly Result[]): string {
  return (["front", "runner"] as const)
    .map((process) => {
      const columns = perModel(results, "profile").flatMap(({ model, figures }) =>
        figures.profiles.map(({ wire, processes }) => ({
          head: `${model}, ${wire}`,
          of: processes.find(({ process: its }) => its === process)!,
        })),
      );
      const stages = [...new Set(columns.flatMap(({ of }) => of.stages.map(({ stage }) => stage)))];
      const us = (of: (typeof columns)[number]["of"], wanted: string) =>
        of.stages.find(({ stage }) => stage === wanted)?.us ?? 0;
      const rows = stages.map((stage) => [stage, ...columns.map(({ of }) => us(of, stage).toFixed(1))]);
      rows.push(["**all**", ...columns.map(({ of }) => `**${of.cpuUs.toFixed(1)}**`)]);
      return tableOf([`${process}, CPU µs a request`, ...columns.map(({ head }) => head)], rows);
    })
    .join("\n\n");
}

function lengthsTable(results: readonly Result[]): string {
  const figures = figuresIn(results, "lengths", null);
  if (figures === undefined) return "";
  const rows = figures.loads.flatMap((of) =>
    Object.entries(of.modes).map(([mode, { rowsPerSecond, rowsPerCpuSecond, p50Ms, p99Ms, rowsPerRun, failed }]) => [
      of.load,
      mode,
      ranged(rowsPerSecond),
      ranged(rowsPerCpuSecond),
      ranged(p50Ms, " ms"),
      ranged(p99Ms, " ms"),
      rounded(rowsPerRun.median),
      rounded(failed.median),
    ]),
  );
  const ratios = figures.loads.flatMap((of) => [
    [of.load, "padded", ranged(of.rowsOverPadded), ranged(of.rowsPerCpuOverPadded), ranged(of.p99OverPadded)],
    [of.load, "alone", ranged(of.rowsOverAlone), ranged(of.rowsPerCpuOverAlone), ranged(of.p99OverAlone)],
  ]);
  return [
    tableOf(["load", "", "rows/s", "rows a CPU second", "p50", "p99", "rows a run", "failed"], rows),
    tableOf(["load", "grouped over", "rows/s", "rows a CPU second", "p99"], ratios),
  ].join("\n\n");
}

function trainTable(results: readonly Result[]): string {
  const rows = trained(results).flatMap(({ steps }) =>
    steps.flatMap(({ network, optimizer, threads, contenders }) =>
      contenders.map((of) => [
        network,
        optimizer,
        String(threads),
        of.name,
        ranged(of.stepMs, " ms"),
        of.name === "PyTorch" ? "" : ranged(of.overTorch),
        of.name === "PyTorch" ? "" : ranged(of.overTorchByCpu),
        `${Math.round(of.peakBytes / 2 ** 20)} (+${Math.round(of.addedBytes / 2 ** 20)}) MiB`,
        of.build === null
          ? ""
          : `${[of.build.prepareMs, of.build.differentiateMs, of.build.sessionMs].map((ms) => Math.round(ms)).join(" + ")} ms, ${of.build.nodes.step} nodes`,
      ]),
    ),
  );
  const heads = ["network", "optimiser", "threads", "", "step", "over PyTorch", "by CPU", "peak memory", "built"];
  return tableOf(heads, rows);
}

function trainOperatorsTable(results: readonly Result[]): string {
  const tables = trained(results).flatMap(({ profile }) => {
    if (profile === null) return [];
    const rows = profile.operators
      .filter(({ share }) => share >= 0.005)
      .map(({ operator, nodes, ms, share }) => [operator, String(nodes), rounded(ms), `${(100 * share).toFixed(1)} %`]);
    return [tableOf([`${profile.network}, one thread`, "nodes", "ms a step", "share"], rows)];
  });
  return tables.length === 0 ? "Not measured yet." : tables.join("\n\n");
}

function trained(results: readonly Result[]): readonly Figures["train"][] {
  return NETWORK_NAMES.flatMap((network) => figuresIn(results, "train", network) ?? []);
}

function peersTables(results: readonly Result[]): string {
  return perModel(results, "peers")
    .map(({ model, figures }) => {
      const hasOpen = figures.contenders.some(({ open }) => open !== null);
      const rows = figures.contenders
        .toSorted((a, b) => b.perSecond.median - a.perSecond.median)
        .map((of) => [
          of.wire === "json" ? of.name : `${of.name}, binary tensors`,
          ranged(of.perSecond),
          of.name === "slipway" ? "" : ranged(of.slipwayOver),
          ranged(of.cpuUs, " µs"),
          of.name === "slipway" ? "" : ranged(of.slipwayOverByCpu),
          `${rounded(of.p99Us.median / 1000)} ms`,
          `${rounded(of.p50Us.median / 1000)} ms`,
          ...(hasOpen
            ? [of.open === null ? "" : `${rounded(of.open.p50Ms.median)} / ${rounded(of.open.p99Ms.median)} ms`]
            : []),
          of.memoryBytes === null ? "–" : `${Math.round(of.memoryBytes / 2 ** 20)} MiB`,
        ]);
      const heads = [
        "requests/s, 32 connections",
        "Slipway over it",
        "CPU a request",
        "by CPU",
        "p99",
        "p50, 1 connection",
      ];
      const open = hasOpen ? ["p50 / p99 at 200 requests/s"] : [];
      const skipped = figures.skipped.map(({ name, why }) => `\n${name} was not measured: ${why.split("\n")[0]}`);
      return tableOf([model, ...heads, ...open, "memory"], rows) + skipped.join("");
    })
    .join("\n\n");
}

function tableOf(heads: readonly string[], rows: Rows): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(heads), `|${"---|".repeat(heads.length)}`, ...rows.map(line)].join("\n");
}

/** Median and range. */
function ranged({ median, low, high }: Figure, unit = ""): string {
  return `${rounded(median)}${unit} (${rounded(low)}–${rounded(high)})`;
}

function mebibytes(figure: Figure): string {
  const { median, low, high } = figure;
  return ranged({ ...figure, median: median / 2 ** 20, low: low / 2 ** 20, high: high / 2 ** 20 }, " MiB");
}

/** Three digits, thousands apart. */
function rounded(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 6 });
}
