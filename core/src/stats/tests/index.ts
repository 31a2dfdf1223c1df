// Tests: how likely what was seen is when nothing is going on.
export { aucInterval, compareAucs } from "./auc.ts";
export { kolmogorovSmirnovTest } from "./kolmogorov-smirnov.ts";
export { pairedTTest, welchTest } from "./means.ts";
export { adjustPValues, type Correction } from "./multiple.ts";
export {
  fisherExactTest,
  goodnessOfFitTest,
  independenceTest,
  mcnemarTest,
  type TwoByTwo,
  twoProportionTest,
} from "./proportions.ts";
export { mannWhitneyTest, type RankTestResult, signTest, wilcoxonTest } from "./ranks.ts";
export type { Alternative, TestResult } from "./result.ts";
