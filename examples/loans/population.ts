// People who ask for a loan, made up from a seed: what is written of each, and what of it decides whether the loan is repaid. Since the
// probability of every label is known, so is the best that any model can do, and so is the bias of the records. README.md has the formula.
import { createRandom, drawInteger, drawNormal, drawUniform, type Random } from "@slipway/core/stats";

/** The columns of a row; null where nothing is written. */
export interface Applicant {
  readonly id: string;
  readonly age: number;
  readonly gender: Gender;
  readonly employment: Employment | null;
  readonly housing: Housing;
  /** A year, in thousands. */
  readonly income: number | null;
  /** Of the loan, in thousands. */
  readonly amount: number;
  /** Of the loan, in months. */
  readonly term: number;
  readonly purpose: Purpose;
  /** Payments that were late, in the two years before; null for who has no history. */
  readonly latePayments: number | null;
}

export type Gender = "woman" | "man";
type Employment = "permanent" | "temporary" | "self-employed" | "unemployed";
type Housing = "owned" | "mortgaged" | "rented";
type Purpose = "home" | "car" | "education" | "business" | "other";

export interface Loan {
  readonly applicant: Applicant;
  /** Whether the records say that it was repaid. */
  readonly repaid: boolean;
}

/** Shares of women and of men: women have less often a permanent post. What is written nowhere is nobody's in particular. */
const EMPLOYMENTS: Readonly<Record<Gender, Readonly<Record<Employment, number>>>> = {
  woman: { permanent: 0.45, temporary: 0.3, "self-employed": 0.1, unemployed: 0.15 },
  man: { permanent: 0.6, temporary: 0.12, "self-employed": 0.18, unemployed: 0.1 },
};
const HOUSINGS: Readonly<Record<Housing, number>> = { owned: 0.2, mortgaged: 0.35, rented: 0.45 };
const PURPOSES: Readonly<Record<Purpose, number>> = {
  home: 0.25,
  car: 0.3,
  education: 0.1,
  business: 0.15,
  other: 0.2,
};
const TERMS = [12, 24, 36, 48, 60] as const;
const LATE: Readonly<Record<string, number>> = { 0: 0.55, 1: 0.2, 2: 0.12, 3: 0.08, 4: 0.05 };
/** Shares of values that are not written, whoever it is. */
const MISSING = { employment: 0.05, income: 0.08, latePayments: 0.12 } as const;

/** Mean of the logarithm of an income in thousands, by employment; its standard deviation. */
const LOG_INCOME: Readonly<Record<Employment, number>> = {
  permanent: 3.7,
  temporary: 3.3,
  "self-employed": 3.6,
  unemployed: 2.7,
};
const LOG_INCOME_DEVIATION = 0.4;

/** Share of the loans of women that were repaid and that the records call not repaid: the bias. */
export const MISRECORDED = 0.2;

/** What each counts towards repaying, in logits; "unknown" where nothing is written. */
const EFFECTS = {
  start: 1.3,
  employment: { permanent: 0.5, temporary: -0.3, "self-employed": 0, unemployed: -1, unknown: -0.2 },
  housing: { owned: 0.5, mortgaged: 0.2, rented: -0.3 },
  purpose: { home: 0.3, car: 0.1, education: 0, business: -0.6, other: -0.1 },
  /** Times the natural logarithm of income / 35. */
  income: 0.9,
  unknownIncome: -0.4,
  /** Times the share of an income that a year's payments take, up to 1.5; of an income that is not written, as if it were 35. */
  burden: -2.6,
  /** Each, up to 4. */
  late: -0.6,
  noHistory: -0.2,
  /** Times ((age − 45) / 20)². */
  age: -0.4,
  /** Of businesses of who is self-employed. */
  ownBusiness: 1.1,
} as const;
const USUAL_INCOME = 35;

/**
 * People and their loans.
 * @param seed a whole number; the same gives the same people, and more rows begin with the same ones
 */
export function loans(rows: number, seed: number): readonly Loan[] {
  const random = createRandom(seed);
  return Array.from({ length: rows }, (_, row) => {
    const applicant = drawnApplicant(random, `L${String(row + 1).padStart(5, "0")}`);
    return { applicant, repaid: drawUniform(random) < recordedProbability(applicant) };
  });
}

/** The probability that a loan is repaid. Whether it is a woman's counts nothing. */
export function repaidProbability(applicant: Applicant): number {
  const { age, employment, housing, income, amount, term, purpose, latePayments } = applicant;
  const burden = Math.min((amount * 12) / term / (income ?? USUAL_INCOME), 1.5);
  const logit =
    EFFECTS.start +
    EFFECTS.employment[employment ?? "unknown"] +
    EFFECTS.housing[housing] +
    EFFECTS.purpose[purpose] +
    (income === null ? EFFECTS.unknownIncome : EFFECTS.income * Math.log(income / USUAL_INCOME)) +
    EFFECTS.burden * burden +
    (latePayments === null ? EFFECTS.noHistory : EFFECTS.late * Math.min(latePayments, 4)) +
    EFFECTS.age * ((age - 45) / 20) ** 2 +
    (employment === "self-employed" && purpose === "business" ? EFFECTS.ownBusiness : 0);
  return 1 / (1 + Math.exp(-logit));
}

/** The probability that the records say so. */
export function recordedProbability(applicant: Applicant): number {
  return repaidProbability(applicant) * (applicant.gender === "woman" ? 1 - MISRECORDED : 1);
}

/**
 * The same for who is not told the gender: the best that a model can know which must not look at it. Employment gives away a part of
 * it, and so does nothing else: income depends on it through employment alone.
 */
export function genderBlindProbability(applicant: Applicant): number {
  return repaidProbability(applicant) * (1 - MISRECORDED * womanProbability(applicant));
}

/**
 * By Bayes' rule, of women and men in equal numbers. Where employment is not written, the income tells a little of it.
 */
function womanProbability({ employment, income }: Applicant): number {
  const likelihood = (gender: Gender): number => {
    const shares = EMPLOYMENTS[gender];
    if (employment !== null) return shares[employment];
    if (income === null) return 1;
    return Object.entries(shares).reduce((sum, [kind, share]) => {
      const distance = (Math.log(income) - LOG_INCOME[kind as Employment]) / LOG_INCOME_DEVIATION;
      return sum + share * Math.exp((-distance * distance) / 2);
    }, 0);
  };
  const [woman, man] = [likelihood("woman"), likelihood("man")];
  return woman / (woman + man);
}

function drawnApplicant(random: Random, id: string): Applicant {
  const isMissing = (share: number): boolean => drawUniform(random) < share;
  const gender: Gender = drawUniform(random) < 0.5 ? "woman" : "man";
  const employment = drawnOf(random, EMPLOYMENTS[gender]);
  const income = oneDecimal(Math.exp(LOG_INCOME[employment] + LOG_INCOME_DEVIATION * drawNormal(random)));
  const latePayments = Number(drawnOf(random, LATE));
  return {
    id,
    age: drawInteger(random, 18, 75),
    gender,
    housing: drawnOf(random, HOUSINGS),
    amount: oneDecimal(Math.exp(2.3 + 0.7 * drawNormal(random))),
    term: TERMS[drawInteger(random, 0, TERMS.length - 1)]!,
    purpose: drawnOf(random, PURPOSES),
    employment: isMissing(MISSING.employment) ? null : employment,
    income: isMissing(MISSING.income) ? null : income,
    latePayments: isMissing(MISSING.latePayments) ? null : latePayments,
  };
}

function drawnOf<Kind extends string>(random: Random, shares: Readonly<Record<Kind, number>>): Kind {
  const kinds = Object.entries(shares) as [Kind, number][];
  let left = drawUniform(random);
  for (const [kind, share] of kinds) {
    left -= share;
    if (left < 0) return kind;
  }
  // Shares sum to 1 but for rounding.
  return kinds.at(-1)![0];
}

function oneDecimal(value: number): number {
  return Math.max(Math.round(value * 10), 1) / 10;
}

const COLUMNS = {
  id: ({ id }) => id,
  age: ({ age }) => age,
  gender: ({ gender }) => gender,
  employment: ({ employment }) => employment,
  housing: ({ housing }) => housing,
  income: ({ income }) => income,
  amount: ({ amount }) => amount,
  term: ({ term }) => term,
  purpose: ({ purpose }) => purpose,
  late_payments: ({ latePayments }) => latePayments,
} as const satisfies Record<string, (applicant: Applicant) => string | number | null>;

/** Rows as a CSV file with the label `repaid` and the split that each is in. */
export function csvOf(rows: readonly Loan[], splitOf: (row: number) => string): string {
  const lines = rows.map(({ applicant, repaid }, row) =>
    [...Object.values(COLUMNS).map((read) => read(applicant) ?? ""), repaid ? "yes" : "no", splitOf(row)].join(","),
  );
  return `${[...Object.keys(COLUMNS), "repaid", "split"].join(",")}\n${lines.join("\n")}\n`;
}
