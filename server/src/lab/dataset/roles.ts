// What a column is for a model that learns: told by whoever knows, else found in its values, with the reason said. The rules
// are a list; the first that speaks decides.
import { nearestWords, shellQuoted, SlipwayError } from "@slipway/core/base";
import { isMomentText, isNumberText, type SampledColumn, type TableSample } from "./table-sample.ts";

/** What columns can be. */
export const COLUMN_ROLES = {
  numeric: "a number to learn from",
  categorical: "one of some values, to learn from",
  timestamp: "a date or time, to learn from",
  label: "what is to be predicted",
  weight: "how much a row counts",
  id: "names the row; nothing to learn from",
  protected: "an attribute that decisions must not rest on; kept for slices",
  ignored: "left out",
} as const satisfies Readonly<Record<string, string>>;
export type ColumnRole = keyof typeof COLUMN_ROLES;

/** The flag that says what a column is, as it is typed: `--role 'home town=categorical'`. */
export function roleFlag(column: string, role: ColumnRole): string {
  return `--role ${shellQuoted(`${column}=${role}`)}`;
}

export interface RoleDecision {
  readonly column: string;
  readonly role: ColumnRole;
  /** For people: "64 different texts in 800 rows". */
  readonly reason: string;
  readonly isTold: boolean;
  /** Whether no row has a value. */
  readonly isEmpty: boolean;
}

/** What is known of columns without a look at their values. */
export interface KnownRoles {
  readonly label: string | null;
  readonly weight: string | null;
  /** Columns that decide a row's split. */
  readonly split: readonly string[];
  /** By column, as a person said; it goes before everything else. */
  readonly told: ReadonlyMap<string, ColumnRole>;
}

/** Why a column by which rows are split is left out. */
export const DECIDES_SPLIT = "it decides the split";
/** Texts of more different values than these, or than half the rows, are no categories unless it is told. */
const MOST_CATEGORIES = 1000;
/** Columns of fewer rows say nothing by having a value of its own in each row. */
const LEAST_ROWS_OF_IDS = 20;
/** Texts are numbers, or times, with a few that are none where these many are. */
const ALMOST_ALL = 0.9;
/** Such a share of them is said, since the others may stand for something missing. */
export const MOSTLY_READ = 0.5;
/** Texts of more characters on the average are prose. */
const LONGEST_CATEGORY = 40;

/** Whole words at the end of a name that say that it is an id. */
const ID_NAME =
  /(?:^|[\s_.-])(?:id|ids|uuid|guid|key|index|idx|rowid|row[\s_.-]?(?:no|num|number))$|[a-z]I[dD]$|^unnamed: 0$|^#$/i;
/**
 * Names of attributes that law protects from being decided by in credit, work and housing; age is not among them, since many
 * decisions may lawfully rest on it. Sources: Directives 2000/43/EC, 2000/78/EC and 2004/113/EC; 15 U.S.C. § 1691(a) (Equal
 * Credit Opportunity Act); GDPR, article 9.
 */
const PROTECTED_NAME =
  /^(?:sex|gender|race|ethnicity|ethnic[\s_-]?(?:group|origin)|religion|nationality|national[\s_-]?origin|citizenship|marital[\s_-]?status|disability|disabled|sexual[\s_-]?orientation|pregnan(?:t|cy)|skin[\s_-]?colou?r|caste|union[\s_-]?member(?:ship)?|protected(?:[\s_-].*)?)$/i;

/**
 * The role of every column.
 * @param sample of the rows that are learnt from, and no others
 * @throws SlipwayError DATASET_INVALID where a column is told of that is not there
 */
export function inferRoles(sample: TableSample, known: KnownRoles): readonly RoleDecision[] {
  const names = sample.columns.map(({ name }) => name);
  for (const column of known.told.keys()) {
    if (names.includes(column)) continue;
    const near = nearestWords(column, names, 1)[0];
    const meant = near === undefined ? `there is ${names.slice(0, 12).join(", ")}` : `did you mean "${near}"?`;
    throw new SlipwayError(
      "DATASET_INVALID",
      `A role is told for the column "${column}", which there is not; ${meant}`,
    );
  }
  return sample.columns.map((column) => {
    const told = known.told.get(column.name);
    const isEmpty = column.missing === sample.rows && sample.rows > 0;
    if (told !== undefined) return { column: column.name, role: told, reason: "as told", isTold: true, isEmpty };
    const [role, reason] = roleOf(column, sample, known);
    return { column: column.name, role, reason, isTold: false, isEmpty };
  });
}

function roleOf(column: SampledColumn, sample: TableSample, known: KnownRoles): readonly [ColumnRole, string] {
  const { name, kind, type, missing } = column;
  const { rows } = sample;
  if (name === known.label) return ["label", "the target"];
  if (name === known.weight) return ["weight", "the column of weights"];
  if (known.split.includes(name)) return ["ignored", DECIDES_SPLIT];
  if (kind === "image") return ["ignored", "paths of images, which networks for images read"];
  if (kind === "list" || kind === "other") return ["ignored", `${type}, of which no feature is made`];
  if (missing === rows) return ["ignored", "no row has a value"];
  const facts = factsOf(column, sample);
  if (facts.distinct === 1) {
    const alone = missing === 0 ? "every row has" : "every row that has a value has";
    return ["ignored", `${alone} the same one: nothing to learn from`];
  }
  if (PROTECTED_NAME.test(name)) return ["protected", "it is named like an attribute that law protects"];
  const isEach = facts.distinct === rows - missing && rows >= LEAST_ROWS_OF_IDS;
  if (ID_NAME.test(name) && (kind === "text" || kind === "whole") && facts.distinct > 0.9 * (rows - missing)) {
    return ["id", "its name and its values, one for each row"];
  }
  if (kind === "truth") return ["numeric", "true or false, as 1 and 0"];
  if (kind === "moment") return ["timestamp", "dates or times"];
  if (kind === "whole" && isEach && facts.isCounting) return ["id", "whole numbers that count the rows"];
  if (kind === "number" || kind === "whole") {
    const few = kind === "whole" && facts.distinct <= 12 && facts.distinct > 2;
    const codes = few ? `; if they are codes, say categorical` : "";
    return ["numeric", `${kind === "whole" ? "whole numbers" : "numbers"}, ${facts.distinct} different${codes}`];
  }
  return roleOfTexts(facts, rows - missing, isEach);
}

function roleOfTexts(
  { distinct, numbers, moments, length }: Facts,
  filled: number,
  isEach: boolean,
): [ColumnRole, string] {
  for (const { what, role, share, firstOther } of [numbers, moments]) {
    if (share < ALMOST_ALL) continue;
    // All may be, where the files' own types are text.
    const others =
      firstOther === null
        ? ", written as text"
        : `, but for ${percent(1 - share)} of its values, the first ${quoted(firstOther)}`;
    return [role, `${what}${others}`];
  }
  if (length > LONGEST_CATEGORY && distinct > filled / 2) {
    return ["ignored", `prose: ${distinct} different texts of ${Math.round(length)} characters on the average`];
  }
  if (isEach) return ["id", `each of ${filled} rows has a text of its own`];
  const most = [numbers, moments].find(({ share }) => share >= MOSTLY_READ);
  const share = most === undefined ? "" : `, ${percent(most.share)} of which are ${most.what}`;
  const found = `${distinct} different texts in ${filled} rows${share}`;
  if (distinct <= MOST_CATEGORIES && (distinct <= filled / 2 || filled < LEAST_ROWS_OF_IDS))
    return ["categorical", found];
  return ["ignored", `${found}: too many to be categories`];
}

interface Facts {
  /** Different values. */
  readonly distinct: number;
  /** Of texts: how many of them are numbers, or dates and times. */
  readonly numbers: ReadTexts;
  readonly moments: ReadTexts;
  /** Of texts: characters on the average. */
  readonly length: number;
  /** Of numbers: whether they span no more than the rows do. */
  readonly isCounting: boolean;
}

/** Texts that are something else. */
interface ReadTexts {
  readonly what: string;
  readonly role: ColumnRole;
  readonly share: number;
  /** The first that is not. */
  readonly firstOther: string | null;
}

function readTexts(
  { texts }: SampledColumn,
  as: Pick<ReadTexts, "what" | "role">,
  isOne: (text: string) => boolean,
): ReadTexts {
  const filled = texts?.filter((text) => text !== null) ?? [];
  const others = filled.filter((text) => !isOne(text));
  return { ...as, share: 1 - others.length / filled.length, firstOther: others[0] ?? null };
}

function factsOf(column: SampledColumn, { rows, places }: TableSample): Facts {
  const { numbers, texts } = column;
  const read = {
    numbers: readTexts(column, { what: "numbers", role: "numeric" }, isNumberText),
    moments: readTexts(column, { what: "dates or times", role: "timestamp" }, isMomentText),
  };
  if (numbers !== null) {
    const seen = new Set<number>();
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const value of numbers) {
      if (Number.isNaN(value)) continue;
      seen.add(value);
      if (value < least) least = value;
      if (value > most) most = value;
    }
    // Of rows that are a part of all, numbers that count the rows have gaps as the rows' places do.
    const span = rows === 0 ? 0 : places[rows - 1]! - places[0]! + 1;
    return { ...read, distinct: seen.size, length: 0, isCounting: most - least + 1 <= 1.1 * span };
  }
  const seen = new Set<string>();
  let [filled, characters] = [0, 0];
  for (const text of texts ?? []) {
    if (text === null) continue;
    seen.add(text);
    filled += 1;
    characters += text.length;
  }
  return { ...read, distinct: seen.size, length: characters / filled, isCounting: false };
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 20));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
