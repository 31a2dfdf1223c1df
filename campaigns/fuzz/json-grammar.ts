// JSON made by chance from its grammar, with what its readers trip over: edges of numbers, escapes, depth, white space.
import type { Random } from "./random.ts";

const TEXTS = [
  "",
  "a",
  "name",
  "data",
  "\\u0000",
  "\\n",
  "\\\\",
  '\\"',
  "\\/",
  "é",
  "😀",
  "\\ud83d\\ude00",
  "\\ud800",
  "\u007f",
  "__proto__",
];
const SPACES = ["", "", "", "", " ", "\n", "\r\n", "\t", "  "];
const DIGITS = ["0", "1", "9", "12", "123456789", "9007199254740993", "00", "99999999999999999999999"];

export function numberText(random: Random): string {
  const sign = random.oneIn(3) ? "-" : "";
  switch (random.below(8)) {
    case 0:
      return random.pick([
        "NaN",
        "Infinity",
        "-Infinity",
        "Inf",
        "-NaN",
        "1e400",
        "-0",
        "5e-324",
        "2.2250738585072011e-308",
      ]);
    case 1:
    case 2:
      return String(random.below(1000));
    case 3:
      return sign + String(Math.fround(random.below(2 ** 31) / 2 ** random.below(60)));
    case 4:
      return `${sign}${random.pick(DIGITS)}e${random.pick(["", "+", "-"])}${random.below(330)}`;
    case 5:
      return `${sign}${random.below(2 ** 31)}${random.below(2 ** 31)}`.slice(0, 1 + random.below(22));
    default:
      return `${sign}${random.below(100)}.${random.below(2 ** 31)}${random.oneIn(2) ? random.below(2 ** 31) : ""}${random.oneIn(4) ? `E${random.below(40) - 20}` : ""}`;
  }
}

export function stringText(random: Random): string {
  let text = "";
  for (let parts = random.below(3); parts > 0; parts--) text += random.pick(TEXTS);
  return `"${text}"`;
}

export function valueText(random: Random, depth = 0): string {
  const space = random.pick(SPACES);
  const kind = depth > 5 ? random.below(4) : random.below(8);
  switch (kind) {
    case 0:
      return space + random.pick(["true", "false", "null"]);
    case 1:
      return space + stringText(random);
    case 2:
    case 3:
      return space + numberText(random);
    case 4:
      return random.oneIn(40) ? deep(random) : listText(random, depth);
    case 5:
      return listText(random, depth);
    default: {
      const entries: string[] = [];
      for (let left = random.below(4); left > 0; left--) {
        entries.push(
          `${random.pick(SPACES)}${stringText(random)}${random.pick(SPACES)}:${valueText(random, depth + 1)}`,
        );
      }
      return `${space}{${entries.join(",")}${random.pick(SPACES)}}`;
    }
  }
}

function listText(random: Random, depth: number): string {
  const items: string[] = [];
  for (let left = random.below(5); left > 0; left--) items.push(valueText(random, depth + 1));
  return `[${items.join(",")}${random.pick(SPACES)}]`;
}

/** About as deep as is read. */
function deep(random: Random): string {
  const levels = 60 + random.below(8);
  return random.oneIn(2) ? "[".repeat(levels) + "]".repeat(levels) : `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
}
