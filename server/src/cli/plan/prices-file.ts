// The table of machine prices: a file that is named, the one in the data directory, or the examples that come with Slipway.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import { parse } from "yaml";
import { EXAMPLE_PRICES, PRICES_FILE, pricesFrom, type PriceTable } from "#lab/plan";
import { readNamedFile } from "../files.ts";

/**
 * @param named relative to the working directory; undefined looks into the data directory
 * @throws SlipwayError FILE_UNREADABLE for a named file, PARAMETER_INVALID for one that holds no prices
 */
export async function readPrices(
  workingDirectory: string,
  dataDirectory: string,
  named: string | undefined,
): Promise<PriceTable> {
  if (named !== undefined) return parsed((await readNamedFile(workingDirectory, named)).toString("utf8"), named);
  const file = path.join(dataDirectory, PRICES_FILE);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return EXAMPLE_PRICES;
    throw new SlipwayError("FILE_UNREADABLE", `${file} can't be read: ${(error as Error).message}.`, { cause: error });
  }
  return parsed(text, file);
}

function parsed(text: string, file: string): PriceTable {
  let value: unknown;
  try {
    value = parse(text, { prettyErrors: true });
  } catch (error) {
    throw new SlipwayError("PARAMETER_INVALID", `${file} is no YAML: ${(error as Error).message}`, { cause: error });
  }
  return pricesFrom(value, file);
}
