// One endpoint: how it is and why, what it serves, where its time goes, and the processes that do its work.
import { ApiError, client, type DeploymentView, type EndpointView, type StatusView } from "../api.ts";
import { type FeedState, useFeed } from "../feed.ts";
import { Decisions } from "../activity/decisions.tsx";
import { Failure } from "../parts/failure.tsx";
import { Link } from "../parts/link.tsx";
import { PageTitle, Section } from "../parts/section.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { Ago } from "../parts/time.tsx";
import { durationText, valueText, versionText } from "../parts/format.ts";
import { useResource } from "../resource.ts";
import { versionPath } from "../router.ts";
import { Charts } from "../traffic/charts.tsx";
import { Endings } from "../traffic/endings.tsx";
import { Figures } from "../traffic/figures.tsx";
import { minuteOf, secondsOf } from "../traffic/series.ts";
import { StageTable } from "../traffic/stage-table.tsx";
import { Actions } from "./actions.tsx";
import { Containment, Deaths, Deployments, Runners } from "./runners.tsx";
import "./endpoint.css";

export function Endpoint({ name }: { name: string }) {
  const feed = useFeed();
  const { status } = feed;
  const endpoint = status?.endpoints.find((candidate) => candidate.name === name);
  if (status === null) return <PageTitle title={name} />;
  if (endpoint === undefined) return <Unknown name={name} />;
  return <Known endpoint={endpoint} status={status} feed={feed} />;
}

function Unknown({ name }: { name: string }) {
  return (
    <>
      <PageTitle title={name} />
      <div className="empty">
        <Failure
          error={new ApiError(404, "ENDPOINT_NOT_FOUND", `There is no endpoint "${name}".`, {})}
          what="Not found."
        />
        <p>
          The <Link href="/">overview</Link> lists the endpoints there are.
        </p>
      </div>
    </>
  );
}

function Known({ endpoint, status, feed }: { endpoint: EndpointView; status: StatusView; feed: FeedState }) {
  const seconds = secondsOf(feed.seconds, endpoint.name);
  const minute = minuteOf(seconds);
  const { live } = endpoint;
  const executor = live?.executor ?? null;
  const reason = endpoint.reason ?? live?.reason ?? executor?.reason ?? null;
  const isQuarantined = executor?.state === "quarantined";
  return (
    <>
      <div className="page-head">
        <div>
          <PageTitle title={endpoint.name} />
          <p className="page-state">
            <StateMark state={isQuarantined ? "quarantined" : endpoint.state} />
            {reason !== null && <span>{reason}</span>}
          </p>
        </div>
        <Actions endpoint={endpoint} isQuarantined={isQuarantined} />
      </div>
      <Facts endpoint={endpoint} now={status.now} />
      {live !== null && (
        <>
          <Section id="traffic" title="Traffic" note="the last minute">
            <div className="endpoint-figures">
              <Figures endpoint={endpoint} seconds={seconds} />
            </div>
            <Charts seconds={seconds} maxRows={executor?.batching.maxRows ?? 1} />
          </Section>
          <div className="halves">
            <Section id="stages" title="Latency by stage" note="latest second with answers">
              <StageTable minute={minute} />
            </Section>
            <Section id="endings" title="How requests ended" note="the last minute">
              <Endings minute={minute} />
            </Section>
          </div>
          <Section id="runners" title="Runners" note="the processes that run the model">
            <Runners executor={executor} now={status.now} />
          </Section>
          <div className="halves">
            <Plan live={live} threadPlan={status.threadPlan} />
            <Section id="containment" title="Containment" note="what a runner cannot do">
              <Containment executor={executor} />
            </Section>
          </div>
          <Section id="deaths" title="Deaths" note="runners that died or were killed">
            <Deaths executor={executor} now={status.now} />
          </Section>
        </>
      )}
      {endpoint.deployments.length > 1 && (
        <Section id="deployments" title="Loaded now" note="the live one first">
          <Deployments deployments={endpoint.deployments} now={status.now} />
        </Section>
      )}
      <History endpoint={endpoint} />
    </>
  );
}

function Facts({ endpoint, now }: { endpoint: EndpointView; now: number }) {
  const { live, previous } = endpoint;
  return (
    <dl className="facts endpoint-facts">
      <dt>Serves</dt>
      <dd>
        {live === null ? (
          "nothing now"
        ) : (
          <>
            <Link href={versionPath(live.name, live.number)}>{versionText(live)}</Link>, changed{" "}
            <Ago at={endpoint.changedAt} now={now} />
          </>
        )}
      </dd>
      <dt>Before</dt>
      <dd>
        {previous === null ? (
          <span className="quiet">nothing to roll back to</span>
        ) : (
          <Link href={versionPath(previous.name, previous.number)}>{versionText(previous)}</Link>
        )}
      </dd>
      <dt>Settings</dt>
      <dd>
        <Settings settings={live?.settings} />
      </dd>
    </dl>
  );
}

/** What the deployment sets differently, as `runtime.instances = 2`. */
function Settings({ settings }: { settings: unknown }) {
  const pairs = Object.entries((settings ?? {}) as Record<string, Record<string, unknown>>).flatMap(([group, keys]) =>
    Object.entries(keys ?? {}).map(([key, value]) => `${group}.${key} = ${valueText(value)}`),
  );
  if (pairs.length === 0) return <span className="quiet">as configured</span>;
  return <code>{pairs.join(", ")}</code>;
}

function Plan({ live, threadPlan }: { live: DeploymentView; threadPlan: string }) {
  const { executor } = live;
  const batching = executor?.batching;
  return (
    <Section id="batching" title="Plan" note="threads and batches">
      <dl className="facts">
        <dt>Cores</dt>
        <dd>{threadPlan}</dd>
        <dt>Threads a run</dt>
        <dd>{executor?.intraOpThreads ?? "–"}</dd>
        <dt>Batching</dt>
        <dd>
          {batching === undefined
            ? "–"
            : batching.mode === "dynamic"
              ? `on, at most ${batching.maxRows} rows a run`
              : "off, each request runs alone"}
        </dd>
        {batching !== undefined && batching.reason !== null && (
          <>
            <dt>Because</dt>
            <dd>{batching.reason}</dd>
          </>
        )}
        <dt>Padding</dt>
        <dd>{batching === undefined || batching.padAxis === null ? "none" : `along axis ${batching.padAxis}`}</dd>
        <dt>Back end</dt>
        <dd>{executor?.backend ?? "–"}</dd>
        <dt>Load time</dt>
        <dd>{executor === null ? "–" : durationOrMs(executor.loadMs)}</dd>
      </dl>
    </Section>
  );
}

function durationOrMs(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : durationText(ms);
}

function History({ endpoint }: { endpoint: EndpointView }) {
  const decisions = useResource(
    `decisions ${endpoint.name}`,
    (signal) => client.listDecisions({ query: { subject: endpoint.name, limit: 20 } }, { signal }),
    endpoint.changedAt,
  );
  return (
    <Section
      id="history"
      title="Decisions"
      note="the latest 20"
      end={<Link href={`/activity?subject=${encodeURIComponent(endpoint.name)}`}>All of them</Link>}
    >
      {decisions.error !== null && <Failure error={decisions.error} what="The decisions could not be read." />}
      {decisions.data !== null && <Decisions decisions={decisions.data} hasSubject={false} />}
    </Section>
  );
}
