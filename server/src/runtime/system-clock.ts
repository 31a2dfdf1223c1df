// The real clock. Only composition roots (the platform, a runner's entry) take it; everything else is given one.
import type { Clock } from "@slipway/core/base";

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
  soon: (task) => void setImmediate(task),
};
