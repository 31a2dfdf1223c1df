// Where a model is best put: on the user's device, in the browser, on a server, or in batches. Rules over the fits of
// devices and what people need, each with its numbers. Pure.
import type { DeviceFit, FitCheck, FitVerdict } from "./fit.ts";

export type Place = "edge" | "browser" | "server" | "batch";

/** What people need; null where they do not say. */
export interface Needs {
  /** An answer is there within it, 99 times of 100. */
  readonly p99Ms: number | null;
  /** Whether inputs must stay on the device they arise on. */
  readonly isPrivate: boolean;
  /** How often the model is replaced. */
  readonly updatesPerDay: number | null;
  /** Requests a second, of all users together. */
  readonly requestsPerSecond: number | null;
}

export interface PlaceAdvice {
  readonly place: Place;
  readonly verdict: "recommended" | "possible" | "tight" | "unknown" | "ruled-out";
  /** The device of the place that does best; null for a place that has none. */
  readonly device: string | null;
  readonly reasons: readonly string[];
  /** Such devices it takes to answer all requests; null where that is not known or means nothing. */
  readonly devices: number | null;
}

export interface Advice {
  readonly recommended: Place | null;
  /** The best first. */
  readonly places: readonly PlaceAdvice[];
}

/** Those who can wait so long can wait for a batch. */
const BATCH_WAIT_MS = 60_000;
/** Of its time that a server should be busy at most: queues grow with 1 / (1 - utilisation) beyond. */
const UTILISATION = 0.7;
/** Where all else is equal: what is simplest to run first. */
const PREFERENCE: readonly Place[] = ["batch", "server", "browser", "edge"];
const BY_VERDICT: readonly PlaceAdvice["verdict"][] = ["recommended", "possible", "tight", "unknown", "ruled-out"];
const DEVICE_ORDER: readonly FitVerdict[] = ["fits", "not-asked", "tight", "unknown", "does-not-fit"];

/**
 * Advises on a place. What is unknown is never recommended.
 * @param fits of devices, latency judged against `needs.p99Ms`
 * @param fileBytes what an update sends
 */
export function advise(fits: readonly DeviceFit[], fileBytes: number, needs: Needs): Advice {
  const places = PREFERENCE.map((place) => advicePerPlace(place, fits, fileBytes, needs)).sort(
    (a, b) => BY_VERDICT.indexOf(a.verdict) - BY_VERDICT.indexOf(b.verdict),
  );
  const [first, ...rest] = places;
  if (first === undefined || (first.verdict !== "possible" && first.verdict !== "tight")) {
    return { recommended: null, places };
  }
  return { recommended: first.place, places: [{ ...first, verdict: "recommended" }, ...rest] };
}

function advicePerPlace(place: Place, fits: readonly DeviceFit[], fileBytes: number, needs: Needs): PlaceAdvice {
  const { isPrivate, p99Ms } = needs;
  const none = { place, device: null, devices: null } as const;
  if (isPrivate && (place === "server" || place === "batch")) {
    return {
      ...none,
      verdict: "ruled-out",
      reasons: ["Inputs must stay on the device they arise on, and here they leave it."],
    };
  }
  if (place === "batch" && p99Ms !== null && p99Ms < BATCH_WAIT_MS) {
    const reason = `An answer must be there within ${text(p99Ms)} ms; batches are for those who can wait a minute or more.`;
    return { ...none, verdict: "ruled-out", reasons: [reason] };
  }
  const at = place === "batch" ? "server" : place;
  const fit = fits
    .filter((one) => one.place === at)
    .sort((a, b) => DEVICE_ORDER.indexOf(a.verdict) - DEVICE_ORDER.indexOf(b.verdict))[0];
  if (fit === undefined) return { ...none, verdict: "unknown", reasons: ["No device of this kind was looked at."] };
  const reasons = [...fitReasons(fit)];
  let verdict = FROM_FIT[fit.verdict];
  let devices: number | null = null;
  if (place === "server" || place === "batch") {
    devices = devicesFor(fit, needs, reasons);
    reasons.push(
      place === "batch"
        ? "Work waits for its batch: the machine is used fully while it runs, and not at all in between."
        : "The way to the server and back comes on top of the time of a run.",
    );
  } else {
    const burden = updateBurden(fit, fileBytes, needs, reasons);
    if (burden && verdict === "possible") verdict = "tight";
    reasons.push("Each user's device answers for itself: no servers, whatever the volume, and nothing leaves it.");
  }
  return { place, device: fit.device, verdict, reasons, devices };
}

const FROM_FIT: Readonly<Record<FitVerdict, PlaceAdvice["verdict"]>> = {
  fits: "possible",
  "not-asked": "possible",
  tight: "tight",
  unknown: "unknown",
  "does-not-fit": "ruled-out",
};

function fitReasons({ device, checks }: DeviceFit): string[] {
  return checks.flatMap((check) => {
    if (check.question === "operators" && check.verdict === "fits") return [];
    if (check.verdict === "not-asked" && check.question !== "latency") return [];
    return [`${device}: ${checkText(check)}.`];
  });
}

/** A check in words: "latency 3.1 ms (0.77 to 12) against 50 ms: fits". */
export function checkText({ question, verdict, found, lower, upper, limit, unit, method }: FitCheck): string {
  if (found === null) return `${question} is not known: ${method}`;
  if (question === "operators") return verdict === "fits" ? "all operators run" : method;
  const { scale, name } = unit === "B" ? { scale: 1e6, name: "MB" } : { scale: 1, name: unit };
  const amount = (value: number): string => text(value / scale);
  const [from, to] = [amount(lower!), amount(upper!)];
  const range = from === to ? "" : ` (${from} to ${to})`;
  const against = limit === null ? "" : ` against ${amount(limit)} ${name}`;
  const outcome = verdict === "not-asked" ? "" : `: ${verdict.replaceAll("-", " ")}`;
  return `${question} ${amount(found)} ${name}${range}${against}${outcome}`;
}

/** By Little's law: requests a second times seconds each is how many are busy. */
function devicesFor({ latency, device }: DeviceFit, { requestsPerSecond }: Needs, reasons: string[]): number | null {
  if (requestsPerSecond === null || latency === null) return null;
  const busy = requestsPerSecond * latency.seconds;
  const [count, most] = [busy, requestsPerSecond * latency.upper].map((load) =>
    Math.max(1, Math.ceil(load / UTILISATION)),
  );
  const devices = count === most ? `${count}` : `${count} (at most ${most})`;
  reasons.push(
    `${text(requestsPerSecond)} requests a second of ${text(1000 * latency.seconds)} ms keep ${text(busy)} of ${device} busy; at ${100 * UTILISATION} % use that takes ${devices}.`,
  );
  return count!;
}

/** Whether updates send more than the device's budget for downloads every day. */
function updateBurden({ checks }: DeviceFit, fileBytes: number, { updatesPerDay }: Needs, reasons: string[]): boolean {
  if (updatesPerDay === null) return false;
  const perDay = fileBytes * updatesPerDay;
  const budget = checks.find(({ question }) => question === "download")?.limit ?? null;
  const isOver = budget !== null && perDay > budget;
  const against = budget === null ? "" : isOver ? `, more than the ${text(budget / 1e6)} MB of a download` : "";
  reasons.push(`Updates send ${text(perDay / 1e6)} MB a day to every device${against}.`);
  return isOver;
}

function text(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
