// A plan as evidence: what a launch policy may ask of it, with the whole plan beside the numbers.
import type { MeasuredValue, NewEvidence } from "#registry";
import type { Plan } from "./plan-document.ts";
import { BOUND_LEVEL, GOOD_SHARE, BAD_SHARE } from "./windows.ts";

/** Version of the evidence's form. */
const SCHEMA = 1;
export const PLAN_KIND = "plan";

/** @param plan of the version the evidence is kept with */
export function planEvidence(plan: Plan): NewEvidence {
  const { asked, confirmation, limit, headroom, options, prices, machine, code } = plan;
  const isPlan = plan.outcome === "fits" || plan.outcome === "replicas";
  const why = isPlan ? null : `The plan came to "${plan.outcome}"; its details say why.`;
  const of = (value: number | null, unit: string, method: string, count: number | null = null): MeasuredValue => ({
    value,
    reason: value === null ? (why ?? "It was not measured.") : null,
    unit,
    interval: null,
    method,
    count,
  });
  const windows = confirmation?.windows ?? null;
  const test = `sequential probability ratio test over windows (${GOOD_SHARE} against ${BAD_SHARE} of them), open loop, Poisson arrivals`;
  const latency = of(
    isPlan ? (confirmation?.latencyMs ?? null) : null,
    "ms",
    `median over windows of the ${asked.quantile} quantile; interval by order statistics`,
    windows,
  );
  const interval = isPlan ? (confirmation?.interval ?? null) : null;
  const [cheapest] = isPlan ? options : [];
  return {
    kind: PLAN_KIND,
    schema: SCHEMA,
    values: {
      rate: of(isPlan ? (asked.ratePerSecond ?? plan.ratePerReplica) : null, "/s", `${test}; all replicas`, windows),
      ratePerReplica: of(isPlan ? plan.ratePerReplica : null, "/s", test, windows),
      replicas: of(isPlan ? plan.replicas : null, "1", "rate over what one replica carries with its reserve kept free"),
      limit: of(limit?.ratePerSecond ?? null, "/s", "bisection of the rate, confirmed once", limit?.tests ?? null),
      headroom: of(
        headroom?.share ?? null,
        "1",
        "one-sided prediction bound on throughput of windows of the same load, log-normal, 0.95",
        headroom?.windows ?? null,
      ),
      latency: {
        ...latency,
        interval: latency.value === null || interval === null ? null : { ...interval, level: 0.95 },
      },
      latencyBound: of(
        isPlan ? (confirmation?.nextMs ?? null) : null,
        "ms",
        `one-sided prediction bound on the next window's ${asked.quantile} quantile, log-normal, ${BOUND_LEVEL}`,
        windows,
      ),
      costPerMillion: of(
        cheapest?.cost.perMillionAtRate ?? null,
        prices.currency,
        `${cheapest?.fleet.replicas ?? 0} × ${cheapest?.cost.machine ?? "no machine"} at the rate; ${prices.source}, ${prices.asOf}`,
      ),
    },
    details: { plan },
    dataset: null,
    machine,
    settings: plan.settings,
    method:
      "The highest rate at which a quantile of latency holds, found by bisection on a served instance under open-loop Poisson load; the rate planned with was confirmed over windows with arrivals of their own.",
    code,
  };
}
