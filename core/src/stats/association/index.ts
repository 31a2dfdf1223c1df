// Association: what one column of cases tells of another.
export { cramersV, entropy, mutualInformation } from "./contingency.ts";
export { correlationRatio, pearsonCorrelation, spearmanCorrelation } from "./numbers.ts";
