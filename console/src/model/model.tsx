// One name: its versions, and for the one shown, what it takes and gives, what it is made of, and how to call it.
import type { Processing } from "@slipway/core/processing";
import { client, type StatusView, type VersionView } from "../api.ts";
import { useFeed } from "../feed.ts";
import { Command, CopyButton } from "../parts/copy.tsx";
import { Failure } from "../parts/failure.tsx";
import { EvidenceSection } from "../evidence/evidence-section.tsx";
import { bytesText, countText, versionText, wholeText } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { PageTitle, Section } from "../parts/section.tsx";
import { Moment } from "../parts/time.tsx";
import { processingOf } from "../processing.ts";
import { useResource } from "../resource.ts";
import { runPath } from "../router.ts";
import { GateSection } from "./gate-section.tsx";
import { processingText } from "./processing-text.ts";
import { RequestPanel } from "./request-panel.tsx";
import { Signature } from "./signature.tsx";
import { VersionJobs } from "./version-jobs.tsx";
import { Versions } from "./versions.tsx";
import "../activity/activity.css";
import "./model.css";

export function Model({ name, number }: { name: string; number: number | null }) {
  const { status } = useFeed();
  const changes = status?.endpoints.map((endpoint) => `${endpoint.name} ${endpoint.changedAt}`).join() ?? "";
  const { data, error, reload } = useResource(
    `versions of ${name}`,
    (signal) => client.listVersions({ query: { name } }, { signal }),
    changes,
  );
  if (error !== null) return <Missing name={name} error={error} />;
  if (data === null || status === null) return <PageTitle title={name} />;
  const shown = number === null ? data[0] : data.find((version) => version.number === number);
  if (data.length === 0) return <Missing name={name} error={null} />;
  return (
    <>
      <PageTitle title={name} />
      <p className="model-lead">
        {countText(data.length, "version")}, {liveText(name, status)}
      </p>
      <Section id="versions" title="Versions" note="newest first">
        <Versions
          versions={data}
          shown={shown?.number ?? 0}
          endpoints={status.endpoints}
          now={status.now}
          onDeployed={reload}
        />
      </Section>
      {shown === undefined ? (
        <p className="notice model-missing">
          {name} has no version {number}.
        </p>
      ) : (
        <Version key={shown.number} version={shown} status={status} />
      )}
    </>
  );
}

function liveText(name: string, { endpoints }: StatusView): string {
  const live = endpoints.filter((endpoint) => endpoint.live?.name === name);
  if (live.length === 0) return "none of them live.";
  return `live: ${live.map((endpoint) => `${endpoint.live?.number} in ${endpoint.name}`).join(", ")}.`;
}

function Missing({ name, error }: { name: string; error: Error | null }) {
  return (
    <>
      <PageTitle title={name} />
      <div className="empty">
        {error !== null ? (
          <Failure error={error} what="The versions could not be read." />
        ) : (
          <p>Nothing is registered under this name yet. Import a file to make it version 1:</p>
        )}
        <Command text={`npx slipway import model.onnx --name ${name}`} label="command to import a file" />
      </div>
    </>
  );
}

function Version({ version, status }: { version: VersionView; status: StatusView }) {
  const { model } = version;
  const processing = processingOf(version);
  const serving = status.endpoints.find(({ live }) => live?.name === version.name && live.number === version.number);
  return (
    <>
      <Known version={version} status={status} />
      <Section id="signature" title="Signature" note={`version ${version.number}`}>
        <Signature signature={model.signature} />
      </Section>
      <Section id="request" title="Request" note="copy, paste, answer">
        <RequestPanel
          options={{
            address: status.inferenceAddress,
            endpoint: serving?.name ?? version.name,
            signature: model.signature,
            processing,
          }}
          isServed={serving !== undefined}
        />
      </Section>
      <Section id="processing" title="Processing" note="what happens around the model">
        <ProcessingSteps processing={processing} />
      </Section>
      <Section id="model" title="Model">
        {model.warnings.length > 0 && (
          <div className="notice" data-tone="warn">
            {model.warnings.map((warning) => (
              <p key={warning}>
                <strong>Warning:</strong> {warning}
              </p>
            ))}
          </div>
        )}
        <ModelFacts version={version} />
      </Section>
    </>
  );
}

/** What is known of it, and what is being done to know more. */
function Known({ version, status }: { version: VersionView; status: StatusView }) {
  const { name, number } = version;
  const subject = versionText(version);
  const changes = status.endpoints.map((endpoint) => `${endpoint.name} ${endpoint.changedAt}`).join();
  const { data, error, reload } = useResource(
    `report of ${subject}`,
    (signal) => client.getReport({ params: { name, number }, query: {} }, { signal }),
    changes,
  );
  return (
    <>
      <VersionJobs subject={subject} now={status.now} onEnded={reload} />
      {error !== null && <Failure error={error} what="What is known of this version could not be read." />}
      {data !== null && (
        <>
          <GateSection report={data} />
          <EvidenceSection report={data} />
        </>
      )}
    </>
  );
}

function ProcessingSteps({ processing }: { processing: Processing | null }) {
  if (processing === null || processing.before.length + processing.after.length === 0)
    return <p className="quiet">None: tensors go in and out as they are.</p>;
  const { before, after } = processingText(processing);
  return (
    <ol className="steps">
      {before.map((text) => (
        <li key={text}>{text}</li>
      ))}
      <li className="steps-model">Run the model</li>
      {after.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ol>
  );
}

/** Where a version came from; a run is linked to. */
function Source({ source }: Pick<VersionView, "source">) {
  const [, run] = /^trained by run ([0-9A-Z]{26})$/.exec(source) ?? [];
  if (run === undefined) return source;
  return (
    <>
      trained by <Link href={runPath(run)}>run {run}</Link>
    </>
  );
}

function ModelFacts({ version }: { version: VersionView }) {
  const { model } = version;
  const opsets = model.opsets.map(({ domain, version }) => `${domain === "" ? "ai.onnx" : domain} ${version}`);
  return (
    <dl className="facts">
      <dt>Parameters</dt>
      <dd>{wholeText(model.parameterCount)}</dd>
      <dt>Size</dt>
      <dd>
        {bytesText(model.sizeBytes)}
        {model.files.length > 1 && ` in ${model.files.length} files`}
      </dd>
      <dt>Hash</dt>
      <dd className="hash">
        <code>{model.hash}</code> <CopyButton text={model.hash} label="hash" />
      </dd>
      <dt>Operators</dt>
      <dd className="operators">
        {[...model.operators]
          .sort((a, b) => b.count - a.count)
          .map(({ name, count }) => (
            <span key={name}>
              {name} <small>× {count}</small>
            </span>
          ))}
      </dd>
      <dt>Operator sets</dt>
      <dd>
        {opsets.join(", ")}; IR version {model.irVersion}
      </dd>
      <dt>Producer</dt>
      <dd>{model.producer === "" ? "not said" : model.producer}</dd>
      <dt>Source</dt>
      <dd>
        <Source source={version.source} />, registered <Moment at={version.createdAt} />
      </dd>
    </dl>
  );
}
