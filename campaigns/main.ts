// `npm run campaign -- [NAME…] [--short] [--rounds N | --requests N | --minutes M] [--seed S] [--keep]`: harms servers and
// looks whether they hold. Without a size it does the long form; docs/reliability.md tells what each does and found.
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { removeDirectory } from "../test/platform.ts";
import { type Campaign, campaignRun } from "./campaign.ts";
import { faults } from "./faults/faults.ts";
import { killRunners } from "./kill-runners.ts";
import { killServer } from "./kill-server.ts";
import { overload } from "./overload.ts";
import { keepResult } from "./record.ts";
import { reload } from "./reload.ts";
import { soak } from "./soak.ts";

const CAMPAIGNS: readonly Campaign[] = [killServer, killRunners, reload, faults, overload, soak];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: "boolean", default: false },
    rounds: { type: "string" },
    requests: { type: "string" },
    minutes: { type: "string" },
    seconds: { type: "string" },
    connections: { type: "string" },
    seed: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});

function chosen(): readonly Campaign[] {
  if (positionals.length === 0) return CAMPAIGNS;
  return positionals.map((wanted) => {
    const found = CAMPAIGNS.find(({ name }) => name === wanted);
    if (found !== undefined) return found;
    throw new Error(`There is no campaign "${wanted}"; there are ${CAMPAIGNS.map(({ name }) => name).join(", ")}.`);
  });
}

async function runOne(campaign: Campaign): Promise<void> {
  const { name, unit } = campaign;
  const size = Number(values[unit] ?? (values.short ? campaign.short : campaign.long));
  const seed = Number(values.seed ?? randomBytes(4).readUInt32LE());
  const command = `npm run campaign -- ${name} --${unit} ${size} --seed ${seed}`;
  const startedAt = new Date();
  const seconds = () => ((Date.now() - startedAt.getTime()) / 1000).toFixed(1);
  const run = campaignRun(size, seed, (line) => console.error(`  ${seconds()} s: ${line}`));
  try {
    const figures = await campaign.run(run);
    console.log(`ok   ${command} (${seconds()} s)\n     ${JSON.stringify(figures)}`);
    if (values.keep) console.log(`     kept in ${await keepResult(name, command, startedAt, figures)}`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`FAIL ${command} (${seconds()} s)\n${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    removeDirectory(run.directory);
  }
}

for (const campaign of chosen()) await runOne(campaign);
// A campaign that failed may have left servers, sockets and timers behind.
process.exit();
