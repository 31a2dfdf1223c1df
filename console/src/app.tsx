// The frame around every page: where one is, whether the server answers, and what it is.
import { Activity } from "./activity/activity.tsx";
import { Compare } from "./compare/compare.tsx";
import { Dataset } from "./datasets/dataset.tsx";
import { Datasets } from "./datasets/datasets.tsx";
import { Endpoint } from "./endpoint/endpoint.tsx";
import { type FeedState, useFeed } from "./feed.ts";
import { Job } from "./jobs/job.tsx";
import { Jobs } from "./jobs/jobs.tsx";
import { Measure } from "./measure/measure.tsx";
import { Model } from "./model/model.tsx";
import { Models } from "./models/models.tsx";
import { Overview } from "./overview/overview.tsx";
import { Command } from "./parts/copy.tsx";
import { bytesText, countText, durationText } from "./parts/format.ts";
import { Link } from "./parts/link.tsx";
import { PageTitle } from "./parts/section.tsx";
import { StateMark } from "./parts/state-mark.tsx";
import { ThemeSwitch } from "./parts/theme-switch.tsx";
import { Policies } from "./policies/policies.tsx";
import { Policy } from "./policies/policy.tsx";
import { type Route, routeFromPath, usePath } from "./router.ts";
import { CompareRuns } from "./runs/compare-runs.tsx";
import { Run } from "./runs/run.tsx";
import { Runs } from "./runs/runs.tsx";
import { StartRun } from "./runs/start-run.tsx";
import { Settings } from "./settings/settings.tsx";
import "./app.css";

const PAGES = [
  ["/", "Overview", ["overview", "endpoint"]],
  ["/models", "Models", ["models", "model", "measure", "compare"]],
  ["/datasets", "Datasets", ["datasets", "dataset"]],
  ["/runs", "Training", ["runs", "run", "start-run", "compare-runs"]],
  ["/jobs", "Jobs", ["jobs", "job"]],
  ["/policies", "Policies", ["policies", "policy"]],
  ["/activity", "Activity", ["activity"]],
  ["/settings", "Settings", ["settings"]],
] as const satisfies readonly (readonly [string, string, readonly Route["page"][]])[];

export function App() {
  const path = usePath();
  const route = routeFromPath(path);
  const feed = useFeed();
  return (
    <div className={feed.connection === "stale" ? "app stale" : "app"}>
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <header className="top">
        <Link className="brand" href="/" aria-label="Slipway, overview">
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M2 7.5 L22 17.5 M2 19.5 H22 M7 3.5 L17.5 8.75 L20 4.5" />
          </svg>
          Slipway
        </Link>
        <nav aria-label="Pages">
          {PAGES.map(([href, title, pages]) => (
            <Link
              key={href}
              href={href}
              aria-current={(pages as readonly string[]).includes(route.page) ? "page" : undefined}
            >
              {title}
            </Link>
          ))}
        </nav>
        <div className="top-end">
          <Connection feed={feed} />
          <ThemeSwitch />
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        {feed.connection === "unauthorized" ? <Unauthorized /> : <Page key={path} route={route} />}
      </main>
      <Foot feed={feed} />
    </div>
  );
}

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case "overview":
      return <Overview />;
    case "endpoint":
      return <Endpoint name={route.name} />;
    case "models":
      return <Models />;
    case "model":
      return <Model name={route.name} number={route.number} />;
    case "measure":
      return <Measure name={route.name} number={route.number} />;
    case "compare":
      return <Compare />;
    case "datasets":
      return <Datasets />;
    case "dataset":
      return <Dataset name={route.name} />;
    case "runs":
      return <Runs />;
    case "run":
      return <Run id={route.id} />;
    case "start-run":
      return <StartRun />;
    case "compare-runs":
      return <CompareRuns />;
    case "jobs":
      return <Jobs />;
    case "job":
      return <Job id={route.id} />;
    case "policies":
      return <Policies />;
    case "policy":
      return <Policy endpoint={route.endpoint} />;
    case "activity":
      return <Activity />;
    case "settings":
      return <Settings />;
    case "missing":
      return (
        <>
          <PageTitle title="No such page" />
          <p>
            There is nothing at <code>{route.path}</code>. Go to the <Link href="/">overview</Link>.
          </p>
        </>
      );
  }
}

function Connection({ feed }: { feed: FeedState }) {
  const { connection } = feed;
  return (
    <span className="connection">
      <StateMark state={connection === "unauthorized" ? "stale" : connection} />
    </span>
  );
}

function Unauthorized() {
  return (
    <div className="empty">
      <PageTitle title="This page needs the server's token" />
      <p>
        Open the address that <code>slipway start</code> printed. It carries a token that this browser then remembers.
        This command shows the address again:
      </p>
      <Command text="npx slipway status" label="command that shows the address" />
    </div>
  );
}

function Foot({ feed }: { feed: FeedState }) {
  const { status } = feed;
  return (
    <footer className="foot">
      {status !== null && (
        <ul>
          <li>Slipway {status.version}</li>
          <li>{status.backend}</li>
          <li>Node {status.node.replace(/^v/, "")}</li>
          <li>{countText(status.cores, "core")}</li>
          <li>{bytesText(status.totalMemoryBytes)} memory</li>
          <li>server process {bytesText(status.residentBytes)}</li>
          {status.fronts.length > 1 && (
            <li>
              {countText(status.fronts.length, "front")}{" "}
              {bytesText(status.fronts.reduce((sum, { residentBytes }) => sum + (residentBytes ?? 0), 0))}
            </li>
          )}
          <li>up {durationText(status.now - status.startedAt)}</li>
          <li>
            inference on <code>{status.inferenceAddress}</code>
          </li>
        </ul>
      )}
    </footer>
  );
}
