// What machines cost by the hour, as a table people edit, and what predictions then cost.
import { SlipwayError } from "@slipway/core/base";
import { z } from "zod";

export const PRICE_TABLE = z.strictObject({
  currency: z.string().min(1).max(8),
  /** Where the prices are from, and of which kind they are. */
  source: z.string().min(1).max(300),
  asOf: z.string().regex(/^\d{4}-\d{2}-\d{2}$/, "must be a date such as 2026-11-25"),
  machines: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(80),
        cores: z.number().int().min(1).max(1024),
        memoryGiB: z.number().positive().max(65_536),
        perHour: z.number().positive().max(1e6),
      }),
    )
    .min(1)
    .max(200),
});

export interface PriceTable extends z.output<typeof PRICE_TABLE> {
  /** Nobody's prices: figures that show what the sums look like. */
  readonly isExample: boolean;
}
export type PricedMachine = PriceTable["machines"][number];

/** The name looked for in the data directory where no file is named. */
export const PRICES_FILE = "prices.yaml";

/**
 * Round figures, no provider's. Prices differ by provider, region, contract and month, and a table that ships with a program
 * is out of date when it is read; these are here so that a plan without a table of one's own still shows how options compare.
 */
export const EXAMPLE_PRICES: PriceTable = {
  isExample: true,
  currency: "USD",
  source: "example figures of no provider: 0.05 a core and hour; put your own in prices.yaml",
  asOf: "2026-11-25",
  machines: [1, 2, 4, 8, 16, 32].map((cores) => ({
    name: `example-${cores}`,
    cores,
    memoryGiB: cores * 4,
    perHour: Math.round(cores * 5) / 100,
  })),
};

/**
 * Checks a table that was read from a file.
 * @param value what its YAML or JSON holds
 * @throws SlipwayError PARAMETER_INVALID
 */
export function pricesFrom(value: unknown, file: string): PriceTable {
  const parsed = PRICE_TABLE.safeParse(value);
  if (parsed.success) {
    const names = parsed.data.machines.map(({ name }) => name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice === undefined) return { ...parsed.data, isExample: false };
    throw new SlipwayError("PARAMETER_INVALID", `The prices in ${file} have the machine "${twice}" twice; keep one.`);
  }
  throw new SlipwayError(
    "PARAMETER_INVALID",
    `The prices in ${file} can't be used: ${z.prettifyError(parsed.error)}. A table has currency, source, asOf and machines, each with name, cores, memoryGiB and perHour.`,
  );
}

/**
 * What a million predictions cost.
 * @param perHour of all machines together
 * @param predictionsPerSecond that they make, day and night
 */
export function costPerMillion(perHour: number, predictionsPerSecond: number): number {
  return (perHour / 3600 / predictionsPerSecond) * 1e6;
}

/** What a fleet of a priced machine costs. */
export interface Cost {
  readonly machine: string;
  readonly perHour: number;
  /** At the stated rate, whatever is left unused. */
  readonly perMillionAtRate: number;
  /** Were the rate as high as the fleet carries with its reserve kept free. */
  readonly perMillionAtFullUse: number;
}

/**
 * @param rowsPerRequest predictions of each request
 */
export function fleetCost(
  machine: PricedMachine,
  fleet: { readonly replicas: number; readonly ratePerSecond: number },
  rate: number,
  rowsPerRequest: number,
): Cost {
  const perHour = machine.perHour * fleet.replicas;
  return {
    machine: machine.name,
    perHour,
    perMillionAtRate: costPerMillion(perHour, rate * rowsPerRequest),
    perMillionAtFullUse: costPerMillion(perHour, fleet.ratePerSecond * rowsPerRequest),
  };
}
