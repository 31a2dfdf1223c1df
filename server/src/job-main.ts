// The entry of a job's process: the composition root of what computes for minutes, so that serving does not wait for it.
import { serveJob } from "#jobs";
import { systemClock } from "#runtime";
import { carryOutMeasureTask } from "./measure-job.ts";
import { carryOutTrainTask } from "./train-job.ts";

serveJob({ measure: carryOutMeasureTask, train: carryOutTrainTask }, systemClock);
