// Checks of what callers hand to statistics. A wrong argument is a RangeError that says which, what it was, and what it may be.

/** The value, when it is a finite number. */
export function finite(name: string, value: number): number {
  if (!Number.isFinite(value)) throw new RangeError(`${name} is ${value}; give a finite number.`);
  return value;
}

/** The value, when it is finite and above 0. */
export function positive(name: string, value: number): number {
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`${name} is ${value}; give a finite number above 0.`);
  }
  return value;
}

/** The value, when it is a probability: 0 and 1 count. */
export function probability(name: string, value: number): number {
  if (!(value >= 0 && value <= 1)) throw new RangeError(`${name} is ${value}; give a number from 0 to 1.`);
  return value;
}

/** The value, when it lies strictly between 0 and 1, as confidences and significance levels do. */
export function between0And1(name: string, value: number): number {
  if (!(value > 0 && value < 1)) throw new RangeError(`${name} is ${value}; give a number between 0 and 1.`);
  return value;
}

/** The value, when it is a whole number from `least` to `most`. */
export function whole(name: string, value: number, least = 0, most = Number.MAX_SAFE_INTEGER): number {
  if (!(Number.isInteger(value) && value >= least && value <= most)) {
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new RangeError(`${name} is ${value}; give a whole number ${range}.`);
  }
  return value;
}

/** The values, when there are at least `least` and all are finite. */
export function sample(name: string, values: ArrayLike<number>, least = 1): ArrayLike<number> {
  if (values.length < least) throw new RangeError(`${name} has ${values.length} values; give at least ${least}.`);
  for (let index = 0; index < values.length; index++) {
    if (!Number.isFinite(values[index])) {
      throw new RangeError(`${name}[${index}] is ${values[index]}; leave out what is not a finite number.`);
    }
  }
  return values;
}

/** Throws unless both have the same length, as pairs must. */
export function paired(nameA: string, a: ArrayLike<unknown>, nameB: string, b: ArrayLike<unknown>): void {
  if (a.length !== b.length) {
    throw new RangeError(`${nameA} has ${a.length} values and ${nameB} has ${b.length}; pairs need as many of each.`);
  }
}
