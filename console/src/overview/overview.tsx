// The first page: is it well, what does each endpoint do, and, for one of them, everything live.
import { client, type EndpointView } from "../api.ts";
import { DrawPanel } from "../draw/draw-panel.tsx";
import { imageTaskOf } from "../draw/image-task.ts";
import { type FeedState, useFeed } from "../feed.ts";
import { Command } from "../parts/copy.tsx";
import { Link } from "../parts/link.tsx";
import { PageTitle, Section } from "../parts/section.tsx";
import { processingOf } from "../processing.ts";
import { useResource } from "../resource.ts";
import { endpointPath, usePath, useQueryParameter } from "../router.ts";
import { Charts } from "../traffic/charts.tsx";
import { Endings } from "../traffic/endings.tsx";
import { Figures } from "../traffic/figures.tsx";
import { minuteOf, secondsOf } from "../traffic/series.ts";
import { EndpointTable } from "./endpoint-table.tsx";
import { wellness } from "./well.ts";
import "./overview.css";

export function Overview() {
  const feed = useFeed();
  const { level, title, text } = wellness(feed, Date.now());
  const endpoints = feed.status?.endpoints ?? [];
  const served = endpoints.filter(({ live }) => live !== null);
  const [chosen] = useQueryParameter("endpoint");
  const shown = served.find(({ name }) => name === chosen) ?? served[0];
  return (
    <>
      <div className="well" data-level={level}>
        <WellMark level={level} />
        <div>
          {/* Only the heading is announced when it changes; the numbers below change each second. */}
          <div role="status">
            <PageTitle title="Overview">{title}</PageTitle>
          </div>
          <p>{text}</p>
        </div>
      </div>
      {endpoints.length > 0 && (
        <div className="overview-endpoints">
          <EndpointTable endpoints={endpoints} live={feed.seconds} />
        </div>
      )}
      {feed.status !== null && served.length === 0 && <NothingServed hasEndpoints={endpoints.length > 0} />}
      {shown !== undefined && <Shown key={shown.name} endpoint={shown} endpoints={served} feed={feed} />}
    </>
  );
}

const MARKS = {
  well: <path d="M6 12.5 L10.5 17 L18.5 7.5" />,
  attention: <path d="M12 6 V13 M12 17.2 V17.4" />,
  trouble: <path d="M7 7 L17 17 M17 7 L7 17" />,
  unknown: <path d="M7 12 H17" />,
} as const;

function WellMark({ level }: { level: keyof typeof MARKS }) {
  return (
    <svg className="well-mark" viewBox="0 0 24 24" aria-hidden="true">
      {MARKS[level]}
    </svg>
  );
}

interface ShownProps {
  readonly endpoint: EndpointView;
  readonly endpoints: readonly EndpointView[];
  readonly feed: FeedState;
}

function Shown({ endpoint, endpoints, feed }: ShownProps) {
  const seconds = secondsOf(feed.seconds, endpoint.name);
  const task = useImageTask(endpoint);
  const maxRows = endpoint.live?.executor?.batching.maxRows ?? 1;
  return (
    <Section
      id="live"
      title={`${endpoint.name}, live`}
      note="the last minute"
      end={
        endpoints.length > 1 ? (
          <EndpointChoice endpoints={endpoints} chosen={endpoint.name} />
        ) : (
          <Link href={endpointPath(endpoint.name)}>All about {endpoint.name}</Link>
        )
      }
    >
      <div className="shown" data-draws={task !== null}>
        <div className="shown-main">
          <Figures endpoint={endpoint} seconds={seconds} />
          {task !== null && (
            <div className="shown-draw">
              <DrawPanel endpoint={endpoint.name} task={task} />
            </div>
          )}
          <Charts seconds={seconds} maxRows={maxRows} />
          <div className="shown-endings">
            <h3>How requests ended</h3>
            <Endings minute={minuteOf(seconds)} />
          </div>
        </div>
      </div>
    </Section>
  );
}

function EndpointChoice({ endpoints, chosen }: { endpoints: readonly EndpointView[]; chosen: string }) {
  const path = usePath();
  return (
    <nav className="tabs" aria-label="Endpoint shown">
      {endpoints.map(({ name }) => (
        <Link
          key={name}
          href={`${path}?endpoint=${encodeURIComponent(name)}`}
          aria-current={name === chosen ? "true" : undefined}
        >
          {name}
        </Link>
      ))}
    </nav>
  );
}

/** What the endpoint's live version can be asked about images. */
function useImageTask({ live }: EndpointView): ReturnType<typeof imageTaskOf> {
  const key = live === null ? "none" : `version ${live.name} ${live.number}`;
  const version = useResource(key, async (signal) =>
    live === null ? null : await client.getVersion({ params: { name: live.name, number: live.number } }, { signal }),
  );
  return version.data === null ? null : imageTaskOf(processingOf(version.data));
}

function NothingServed({ hasEndpoints }: { hasEndpoints: boolean }) {
  return (
    <div className="empty">
      <p>Deploy a model file under a name; it answers requests as soon as it is loaded and warmed up.</p>
      <Command text="npx slipway deploy model.onnx --name my-model" label="command to deploy a file" />
      {hasEndpoints && (
        <p>
          Or deploy a version that is registered already, on its page under <Link href="/models">Models</Link>.
        </p>
      )}
    </div>
  );
}
