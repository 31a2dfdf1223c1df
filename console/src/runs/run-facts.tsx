// What decided a run: the rows by their hash, the network, all settings, the code and the machine.
import { client, type RunRecord, type RunView } from "../api.ts";
import { CopyButton } from "../parts/copy.tsx";
import { countText, wholeText } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { useResource } from "../resource.ts";
import { datasetPath } from "../router.ts";
import { endText, plainText } from "./run-text.ts";

const MOST_SAID = 8;

export function RunFacts({ view }: { view: RunView }) {
  const { order, run, machine, code, anew } = view;
  return (
    <dl className="facts">
      <dt>Data</dt>
      <dd>
        <DatasetName order={order} />
      </dd>
      {run === null ? (
        <>
          <dt>Target</dt>
          <dd>{order.target ?? "the dataset’s label"}</dd>
        </>
      ) : (
        <RecordFacts run={run} />
      )}
      {machine !== null && (
        <>
          <dt>Machine</dt>
          <dd>{machine.name}</dd>
        </>
      )}
      {anew !== null && (
        <>
          <dt>Begun anew</dt>
          <dd>It did not go on: {anew}.</dd>
        </>
      )}
      {code !== null && (
        <>
          <dt>Code</dt>
          <dd>
            {Object.entries(code)
              .map(([name, version]) => `${name} ${version}`)
              .join(", ")}
          </dd>
        </>
      )}
      <dt>Run</dt>
      <dd>
        <code className="long">{view.id}</code> <CopyButton text={view.id} label="id of the run" />
      </dd>
    </dl>
  );
}

/** With a link, where it is registered. */
function DatasetName({ order }: Pick<RunView, "order">) {
  const { description, hash } = order.data;
  const { data } = useResource("datasets", (signal) => client.listDatasets({ query: {} }, { signal }));
  const known = hash === null ? undefined : data?.find((one) => one.hash === hash);
  if (known === undefined) return description.name;
  return (
    <Link href={datasetPath(known.name, known.number)}>
      {known.name}:{known.number}
    </Link>
  );
}

function RecordFacts({ run }: { run: RunRecord }) {
  const { task, data, network } = run;
  const ended = endText(run);
  const used = data.columns.filter(({ features }) => Number(features) > 0);
  const features = used.reduce((sum, one) => sum + Number(one["features"]), 0);
  return (
    <>
      <dt>Rows</dt>
      <dd>
        {wholeText(data.trainingRows)} to train by, {wholeText(data.validationRows)} to validate by
        {typeof data.unstratified === "string" && <>, drawn whatever their class, since {data.unstratified}</>}
        {data.skippedRows > 0 && (
          <>
            ; {wholeText(data.skippedRows)} left out, such as: {data.skippedFirst[0]}
          </>
        )}
      </dd>
      <dt>Their hash</dt>
      <dd>
        <code className="long">{data.hash}</code> <CopyButton text={data.hash} label="hash of the rows" />
      </dd>
      <dt>Target</dt>
      <dd>
        {task.target}
        {task.kind === "classification" ? (
          <>
            , one of {task.labels.length}: {task.labels.slice(0, MOST_SAID).join(", ")}
            {task.labels.length > MOST_SAID && ` and ${task.labels.length - MOST_SAID} more`}
          </>
        ) : (
          ", a number"
        )}
      </dd>
      {used.length > 0 && (
        <>
          <dt>Columns</dt>
          <dd>
            {used.map(({ name, role }) => `${plainText(name)} (${plainText(role)})`).join(", ")}; together{" "}
            {countText(features, "feature")}
          </dd>
        </>
      )}
      <dt>Network</dt>
      <dd>
        {network.kind}, {network.text}; {countText(network.learned, "parameter")}
      </dd>
      {ended !== null && (
        <>
          <dt>Epochs</dt>
          <dd>{ended}</dd>
        </>
      )}
    </>
  );
}

/** All settings, with what was chosen where nothing was said. */
export function SettingsList({ run }: { run: RunRecord }) {
  const flat = Object.entries(run.settings).flatMap(([key, value]) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.entries(value).map(([inner, one]) => [`${key}.${inner}`, one] as const)
      : [[key, value] as const],
  );
  return (
    <dl className="run-settings">
      {flat.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{plainText(value)}</dd>
        </div>
      ))}
    </dl>
  );
}
