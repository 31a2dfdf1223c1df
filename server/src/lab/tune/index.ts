// What may be tuned, the race of candidates, and when one is better than another beyond the noise. It measures nothing itself:
// whoever races says how.
export { LEAST_GAIN, LEAST_PAIRS, MOST_FALSE_SHARE, type Spread, type Verdict, verdictOf } from "./decide.ts";
export { race, type RaceResult, type RaceStep, type Sample } from "./race.ts";
export {
  changesOf,
  type Circumstances,
  costOf,
  type Dimension,
  DIMENSIONS,
  effectOf,
  type Candidate,
  candidatesToTry,
  threadsOf,
  valueIn,
} from "./space.ts";
