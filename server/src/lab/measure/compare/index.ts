// Two models on the same rows: which is better, by how much, and where.
export { compareAnswers } from "./compare.ts";
