// `npm run bench -- [NAME…] [options]`: measures Slipway on this machine. bench/README.md tells how to read it.
import { parseArgs } from "node:util";
import { BENCHMARKS, type BenchmarkName, measure, type Options } from "./benchmarks.ts";
import { checked, measureShort } from "./check.ts";
import { MODEL_NAMES } from "./models.ts";
import { NETWORK_NAMES, OPTIMIZER_NAMES } from "./train/networks.ts";
import { WIRES } from "./payloads.ts";
import { canPin, LOAD_CORE, movePinned } from "./processes.ts";
import { keep, keptResults, resultsElsewhere } from "./record.ts";
import { writeTables } from "./tables.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: "string" },
    wires: { type: "string" },
    connections: { type: "string" },
    rounds: { type: "string" },
    seconds: { type: "string" },
    requests: { type: "string" },
    gib: { type: "string" },
    networks: { type: "string" },
    optimizers: { type: "string" },
    threads: { type: "string" },
    peers: { type: "string" },
    install: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    from: { type: "string" },
  },
});
const log = (line: string): void => console.error(line);

// What watches must not take the server's core either.
movePinned(process.pid, LOAD_CORE);
if (!canPin) log("Processes can't be kept on a core here; server and load disturb each other.");
if (values.check) {
  if (values.from !== undefined && values.from !== "kept") throw new Error('--from takes "kept".');
  const { text, isKept } = checked(values.from === "kept" ? keptResults() : await measureShort(log));
  console.log(text);
  process.exitCode = isKept ? 0 : 1;
} else if (positionals.includes("tables")) {
  console.log((await writeTables(keptResults(), resultsElsewhere())).join("\n"));
} else {
  const given = { ...optionsGiven(), log };
  // Peers need other languages' tools, and a dataset room on the disk, so they are measured by name alone.
  const byNameAlone = ["peers", "dataset", "train", "fit"];
  const all = Object.keys(BENCHMARKS).filter((name) => !byNameAlone.includes(name));
  for (const name of listOf(positionals.length === 0 ? all : positionals, Object.keys(BENCHMARKS), "benchmark")) {
    for await (const { result, text } of measure(name as BenchmarkName, given)) {
      console.log(text);
      if (values.keep) console.log(`kept in ${await keep(result)}`);
    }
  }
}

function optionsGiven(): Partial<Options> {
  return {
    ...(values.models && { models: listOf(values.models.split(","), MODEL_NAMES, "model") }),
    ...(values.wires && { wires: listOf(values.wires.split(","), WIRES, "wire") }),
    ...(values.connections && { connections: values.connections.split(",").map(wholeNumber) }),
    ...(values.rounds && { rounds: wholeNumber(values.rounds) }),
    ...(values.seconds && { seconds: wholeNumber(values.seconds) }),
    ...(values.requests && { requests: wholeNumber(values.requests) }),
    ...(values.gib && { gib: wholeNumber(values.gib) }),
    ...(values.networks && { networks: listOf(values.networks.split(","), NETWORK_NAMES, "network") }),
    ...(values.optimizers && {
      optimizers: listOf(values.optimizers.split(","), OPTIMIZER_NAMES, "optimiser"),
    }),
    ...(values.threads && { threads: values.threads.split(",").map(wholeNumber) }),
    ...(values.peers && { peers: values.peers.split(",") }),
    isInstalling: values.install,
  };
}

function listOf<Name extends string>(given: readonly string[], known: readonly Name[], kind: string): Name[] {
  const unknown = given.find((name) => !(known as readonly string[]).includes(name));
  if (unknown !== undefined) throw new Error(`There is no ${kind} "${unknown}"; there are ${known.join(", ")}.`);
  return given as Name[];
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`"${text}" is no whole number above 0.`);
  return value;
}
