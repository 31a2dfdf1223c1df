// A model's answers to labelled rows: gathered batch by batch, then as what figures are computed from.
export { type Answers, type SliceColumn } from "./answers.ts";
export { gatherAnswers, type SubjectRows } from "./gather.ts";
export { type ClassifiedAnswers, classifiedAnswers, type ScoreScale } from "./scale.ts";
