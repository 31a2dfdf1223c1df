// How many replicas a rate takes, what is left when one fails, and what machines of another size come to.
import { assert } from "@slipway/core/base";
import { type ScalingLaw, scaledTo } from "./scaling.ts";

/** What is kept free beyond what was measured to hold. */
export interface Reserve {
  /** Of a replica's capacity, the share that is not planned with: the machine's own ups and downs. */
  readonly headroom: number;
  /** How much more than its part the busiest replica gets behind a balancer, as a share. */
  readonly imbalance: number;
}

/** The rate that the busiest of so many replicas sees. */
export function busiestRate(rate: number, replicas: number, { imbalance }: Pick<Reserve, "imbalance">): number {
  return replicas === 1 ? rate : (rate * (1 + imbalance)) / replicas;
}

const ROUNDING = 1e-9;

/**
 * Replicas that carry a rate with the reserve kept free.
 * @param rate requests a second
 * @param capacity the highest rate at which one replica still meets the objective
 */
export function replicasFor(rate: number, capacity: number, reserve: Reserve): number {
  assert(rate > 0 && capacity > 0, "Replicas are asked for of no rate or no capacity. This is a bug.");
  const usable = capacity * (1 - reserve.headroom);
  // Rates come from products; what is a whole number but for rounding is one.
  if (rate <= usable * (1 + ROUNDING)) return 1;
  return Math.max(2, Math.ceil(((rate * (1 + reserve.imbalance)) / usable) * (1 - ROUNDING)));
}

/** The highest rate that so many replicas carry with the reserve kept free. */
export function rateOf(replicas: number, capacity: number, { headroom, imbalance }: Reserve): number {
  return replicas === 1 ? capacity * (1 - headroom) : (replicas * capacity * (1 - headroom)) / (1 + imbalance);
}

/** So many equal machines, each a replica. */
export interface Fleet {
  readonly cores: number;
  readonly replicas: number;
  /** Of each replica: the highest rate at which it meets the objective, in requests a second. */
  readonly capacity: number;
  /** Where the capacity is from. */
  readonly basis: CapacityBasis;
  /** What all carry with the reserve kept free. */
  readonly ratePerSecond: number;
  /** Of the capacity of all, what the rate uses. */
  readonly utilisation: number;
  /** What a balancer in front of several adds: an assumption. */
  readonly addedLatencyMs: number;
  /** Of the capacity, what is gone while one replica is down. */
  readonly lostShare: number;
  /** Whether the others still carry the rate within their capacity, reserve used up. */
  readonly survivesOne: boolean;
}

/**
 * measured: a machine of as many cores as the one at hand. law: more cores, by the scaling law. proportional: fewer cores, by
 * their number, which is too little rather than too much. unchanged: more cores where nothing is known of how it scales, so
 * that they are taken to add nothing.
 */
export type CapacityBasis = "measured" | "law" | "proportional" | "unchanged";

/** What is known of the machine at hand. */
export interface Measured {
  readonly cores: number;
  readonly capacity: number;
  /** By how many cores are used; null where only one number was measured. */
  readonly scaling: ScalingLaw | null;
}

/** The capacity to be expected of a machine with so many cores. */
export function capacityWith(cores: number, measured: Measured): Pick<Fleet, "cores" | "capacity" | "basis"> {
  const { capacity, scaling } = measured;
  if (cores === measured.cores) return { cores, capacity, basis: "measured" };
  if (cores < measured.cores) return { cores, capacity: (capacity * cores) / measured.cores, basis: "proportional" };
  if (scaling === null) return { cores, capacity, basis: "unchanged" };
  // Nobody has to use all cores: beyond the peak of the law, the best number below.
  let most = 0;
  for (let used = measured.cores; used <= cores; used++) most = Math.max(most, scaledTo(scaling, used));
  return { cores, capacity: (capacity * most) / scaledTo(scaling, measured.cores), basis: "law" };
}

/** The fewest machines of a kind that carry a rate. */
export function fleetFor(
  machine: Pick<Fleet, "cores" | "capacity" | "basis">,
  rate: number,
  reserve: Reserve,
  balancerMs: number,
  leastReplicas = 1,
): Fleet {
  const { capacity } = machine;
  const replicas = Math.max(leastReplicas, replicasFor(rate, capacity, reserve));
  return {
    ...machine,
    replicas,
    ratePerSecond: rateOf(replicas, capacity, reserve),
    utilisation: rate / (replicas * capacity),
    addedLatencyMs: replicas === 1 ? 0 : balancerMs,
    lostShare: 1 / replicas,
    survivesOne: replicas > 1 && busiestRate(rate, replicas - 1, reserve) <= capacity * (1 + ROUNDING),
  };
}

/** The fewest machines of a kind that carry a rate also while one of them is down. */
export function survivingFleet(fleet: Fleet, rate: number, reserve: Reserve, balancerMs: number): Fleet {
  let surviving = fleet;
  while (!surviving.survivesOne) surviving = fleetFor(fleet, rate, reserve, balancerMs, surviving.replicas + 1);
  return surviving;
}
