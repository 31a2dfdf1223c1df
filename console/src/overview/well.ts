// "Is it well?" in a sentence: what a person on call wants to know before any number.
import type { EndpointView } from "../api.ts";
import type { FeedState } from "../feed.ts";
import { countText, durationText, rateText } from "../parts/format.ts";
import { type Minute, minuteOf, secondsOf } from "../traffic/series.ts";

export interface Wellness {
  readonly level: "well" | "attention" | "trouble" | "unknown";
  readonly title: string;
  readonly text: string;
}

/** How the whole server is, the worst first. `nowMs` is this page's clock, as `staleSince` is. */
export function wellness(feed: FeedState, nowMs: number): Wellness {
  const { status, connection, staleSince } = feed;
  if (connection === "stale" && staleSince !== null)
    return {
      level: "unknown",
      title: "The server does not answer",
      text: `No answer for ${durationText(nowMs - staleSince)}; what you see is what was last known. Trying again each second.`,
    };
  if (status === null) return { level: "unknown", title: "Connecting", text: "Asking the server how it is." };
  const { endpoints } = status;
  const served = endpoints.filter(({ state }) => state !== "unloaded");
  if (served.length === 0)
    return {
      level: "unknown",
      title: endpoints.length === 0 ? "Nothing is deployed yet" : "Nothing is served now",
      text: "The server runs and waits for a version to deploy.",
    };
  const broken = served.filter(({ state }) => state === "not-ready");
  if (broken.length > 0)
    return { level: "trouble", title: brokenTitle(broken, served.length), text: broken.map(reasonText).join(" ") };
  const loading = served.filter(({ state }) => state === "loading");
  if (loading.length > 0)
    return { level: "attention", title: `${nameList(loading)} ${isAre(loading)} loading`, text: trafficText(feed) };
  const minutes = served.map(({ name }) => minuteOf(secondsOf(feed.seconds, name)));
  const unanswered = minutes.reduce((sum, minute) => sum + minute.unanswered, 0);
  if (unanswered > 0)
    return {
      level: "attention",
      title: `${countText(unanswered, "request")} got no answer in the last minute`,
      text: `${allReady(served)} Why not: ${codesText(minutes)}. ${trafficText(feed)}`,
    };
  return { level: "well", title: "All is well", text: `${allReady(served)} ${trafficText(feed)}` };
}

function brokenTitle(broken: readonly EndpointView[], served: number): string {
  const which = served === 1 ? nameList(broken) : `${broken.length} of ${served} endpoints`;
  return `${which} ${served === 1 || broken.length === 1 ? "does" : "do"} not answer`;
}

function reasonText({ name, reason, live }: EndpointView): string {
  const why = (reason ?? live?.executor?.reason ?? "it has no runner that can answer").replace(/\.$/, "");
  return `${name}: ${why}.`;
}

function allReady(served: readonly EndpointView[]): string {
  if (served.length === 1) return `${nameList(served)} is ready.`;
  return served.length === 2 ? "Both endpoints are ready." : `All ${served.length} endpoints are ready.`;
}

function trafficText({ seconds }: FeedState): string {
  const rate = (seconds.at(-1)?.endpoints ?? []).reduce((sum, traffic) => sum + traffic.requestsPerSecond, 0);
  return rate === 0 ? "No requests this second." : `${rateText(rate)} requests a second.`;
}

function codesText(minutes: readonly Minute[]): string {
  const codes = new Map<string, number>();
  for (const minute of minutes)
    for (const [code, count] of Object.entries(minute.codes))
      if (code !== "OK") codes.set(code, (codes.get(code) ?? 0) + count);
  return [...codes]
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => `${Math.round(count)} × ${code}`)
    .join(", ");
}

function nameList(endpoints: readonly EndpointView[]): string {
  return endpoints.map(({ name }) => name).join(", ");
}

function isAre(endpoints: readonly unknown[]): string {
  return endpoints.length === 1 ? "is" : "are";
}
