// Vertical against horizontal: each priced machine in the number it takes for the rate, and in the number that also stands
// the loss of one.
import { fleetCost, type PriceTable } from "./prices.ts";
import type { PlanOption } from "./plan-document.ts";
import { capacityWith, fleetFor, type Measured, type Reserve, survivingFleet } from "./replicas.ts";
import { type Assumptions, MOST_REPLICAS } from "./planner.ts";

/**
 * @param rate requests a second of all machines together
 * @returns the cheapest first; machines of which it would take more than `MOST_REPLICAS` are left out
 */
export function optionsFor(
  prices: PriceTable,
  measured: Measured,
  rate: number,
  reserve: Reserve,
  assumptions: Assumptions,
  rowsPerRequest: number,
): PlanOption[] {
  return prices.machines
    .map((machine) => {
      const fleet = fleetFor(capacityWith(machine.cores, measured), rate, reserve, assumptions.balancerMs);
      const surviving = survivingFleet(fleet, rate, reserve, assumptions.balancerMs);
      return {
        fleet,
        cost: fleetCost(machine, fleet, rate, rowsPerRequest),
        surviving,
        survivingCost: fleetCost(machine, surviving, rate, rowsPerRequest),
      };
    })
    .filter(({ fleet }) => fleet.replicas <= MOST_REPLICAS)
    .toSorted((a, b) => a.cost.perHour - b.cost.perHour || a.fleet.replicas - b.fleet.replicas);
}
