// A plan as people read it: the answer, why, and what each way of getting there costs.
import { objectiveText, type Plan, type PlanOption } from "#lab/plan";
import { columns, count, duration, table } from "../text.ts";

/** @param commands how to put it into effect, and what was kept where */
export function planText(plan: Plan, commands: readonly string[]): string {
  const { model, asked, machine, why, options, notes } = plan;
  const lines = [
    `${model.title} on ${machineText(machine.facts)}`,
    "",
    ...columns([
      ["asked for", `${objectiveText(asked)} at ${askedText(plan)}`],
      ["measured", `${duration(plan.tookMs)} on servers of its own${windowsText(plan)}`],
      ["settings", plan.threadsText],
    ]),
    "",
    answerText(plan),
    "",
    ...why.map((sentence) => `- ${sentence}`),
  ];
  if (options.length > 0) lines.push("", ...optionLines(plan));
  if (commands.length > 0) lines.push("", ...commands.map((line) => `  ${line}`));
  lines.push(...notes.flatMap((note) => ["", note]));
  return lines.join("\n");
}

function answerText({ outcome, asked, replicas, ratePerReplica }: Plan): string {
  switch (outcome) {
    case "fits":
      return asked.ratePerSecond === null
        ? `Up to ${perSecond(ratePerReplica!)}: these settings on this machine.`
        : "Yes: these settings on this machine.";
    case "replicas":
      return `It needs ${count(replicas!)} replicas: machines like this one, each with these settings.`;
    case "cannot":
      return "Cannot: a faster (smaller) model or a looser objective is needed.";
    case "undecided":
      return "Undecided: what was measured can't tell.";
  }
}

function machineText(facts: Plan["machine"]["facts"]): string {
  const cores = Number(facts["cores"]);
  return `${cores} ${cores === 1 ? "core" : "cores"} (${String(facts["cpu"])}), ${String(facts["memoryGiB"])} GiB`;
}

function askedText({ asked: { ratePerSecond, rowsPerRequest } }: Plan): string {
  const rows = `${count(rowsPerRequest)} ${rowsPerRequest === 1 ? "row" : "rows"} a request`;
  return `${ratePerSecond === null ? "the highest rate there is" : perSecond(ratePerSecond)}, ${rows}`;
}

function windowsText({ load: { windowMs }, confirmation }: Plan): string {
  return windowMs === null || confirmation === null
    ? ""
    : `; confirmed in windows of ${duration(windowMs)}, open loop, Poisson arrivals`;
}

/** Machines against machines: those that carry the rate, the cheapest first. */
function optionLines({ options, prices, asked, ratePerReplica }: Plan): string[] {
  const { currency, source, asOf } = prices;
  const rate = asked.ratePerSecond ?? ratePerReplica!;
  const head = [
    "machine",
    "cores",
    "×",
    "carry",
    "used",
    "known by",
    "added",
    "one fails",
    `${currency}/h`,
    `${currency}/million`,
    "with one spare",
  ];
  return [
    `What carries ${perSecond(rate)}, the cheapest first (${source}; ${asOf}):`,
    "",
    ...table(head, options.map(optionRow), "lrrrrlrlrrr"),
    "",
    "CARRY is with the reserve kept free, /million predictions at the rate; WITH ONE SPARE is what the same costs where the rate is carried while any one machine is down.",
  ];
}

function optionRow({ fleet, cost, surviving, survivingCost }: PlanOption): string[] {
  const { cores, replicas, ratePerSecond, utilisation, basis, addedLatencyMs, lostShare, survivesOne } = fleet;
  return [
    cost.machine,
    count(cores),
    count(replicas),
    perSecond(ratePerSecond),
    percent(utilisation),
    BASES[basis],
    addedLatencyMs === 0 ? "–" : duration(addedLatencyMs),
    survivesOne ? `${percent(lostShare)} less, carries on` : `${percent(lostShare)} less, overload`,
    money(cost.perHour),
    money(cost.perMillionAtRate),
    `${money(survivingCost.perMillionAtRate)} (${count(surviving.replicas)} ×)`,
  ];
}

const BASES: Readonly<Record<PlanOption["fleet"]["basis"], string>> = {
  measured: "measured",
  law: "scaling law",
  proportional: "share of cores",
  unchanged: "no gain known",
};

function perSecond(rate: number): string {
  return `${count(rate)}/s`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Three significant digits. */
function money(amount: number): string {
  return String(Number(amount.toPrecision(3)));
}
