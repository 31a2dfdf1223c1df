// `npm run bench -- [serve|start|lengths] [options]`: measures Slipway on this machine. bench/README.md tells how to read it.
import { parseArgs } from "node:util";
import { benchLengths, lengthsText } from "./lengths.ts";
import { MODELS, type ModelName } from "./models.ts";
import { canPin } from "./processes.ts";
import { keep, resultOf } from "./record.ts";
import { benchServe, serveText } from "./serve.ts";
import { benchStart, startText } from "./start.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: "string", default: "tiny,mid,ms1" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    keep: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const log = (line: string): void => console.error(line);

/** Each benchmark by name: measures, and tells what to print. */
const BENCHMARKS: Readonly<Record<string, () => Promise<{ figures: unknown; text: string }>>> = {
  serve: async () => {
    const figures = await benchServe({
      models: modelNames(values.models),
      rounds,
      seconds: Number(values.seconds),
      log,
    });
    return { figures, text: serveText(figures) };
  },
  start: async () => {
    const figures = await benchStart({ rounds, log });
    return { figures, text: startText(figures) };
  },
  lengths: async () => {
    const figures = await benchLengths({ rounds, seconds: Number(values.seconds), log });
    return { figures, text: lengthsText(figures) };
  },
};

function modelNames(text: string): ModelName[] {
  return text.split(",").map((name) => {
    if (!Object.hasOwn(MODELS, name))
      throw new Error(`There is no model "${name}"; there are ${Object.keys(MODELS).join(", ")}.`);
    return name as ModelName;
  });
}

if (!canPin) log("Processes can't be kept on a core here; server and load disturb each other.");
for (const name of positionals.length === 0 ? Object.keys(BENCHMARKS) : positionals) {
  const benchmark = BENCHMARKS[name];
  if (benchmark === undefined)
    throw new Error(`There is no benchmark "${name}"; there are ${Object.keys(BENCHMARKS).join(", ")}.`);
  const before = resultOf(name, null);
  const { figures, text } = await benchmark();
  console.log(text);
  if (values.keep) console.log(`kept in ${await keep({ ...before, figures })}`);
}
