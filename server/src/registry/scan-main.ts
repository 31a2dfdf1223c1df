// The process that examines one stored model file: its place comes as arguments, what was found goes out as JSON.
import { slipwayErrorFrom } from "@slipway/core/base";
import { scanFile } from "./scan-file.ts";
import type { ScanAnswer } from "./scan-process.ts";

function examine(): ScanAnswer {
  const [path = "", ...numbers] = process.argv.slice(2);
  const [offset = 0, sizeBytes = 0, flags = 0] = numbers.map(Number);
  try {
    return { scan: scanFile({ path, offset, sizeBytes }, flags) };
  } catch (error) {
    const { code, message, details } = slipwayErrorFrom(error);
    return { code, message, ...(details === undefined ? {} : { details }) };
  }
}

process.stdout.write(JSON.stringify(examine()));
