// Watching what is served: traffic by stage, the last minutes second by second, metrics for scrapers, logs.
export { AnswerBook } from "./answers.ts";
export { Histogram, type Percentiles } from "./histogram.ts";
export { LiveWindow, type LiveSecond, type LiveTraffic } from "./live.ts";
export { createLog, type Log, type LogOptions } from "./log.ts";
export { METRICS, metricsText, type ProcessFacts } from "./metrics.ts";
export { type BooksSnapshot, MergedTraffic, mergedAnswers, snapshotOf, type TrafficSnapshot } from "./snapshots.ts";
export { type Stage, type Traffic, TrafficBook, type TrafficView } from "./traffic.ts";
