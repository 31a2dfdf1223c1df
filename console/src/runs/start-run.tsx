// Start a run on a registered dataset: what is to be learnt from which rows, by which network. It becomes a job, whose run this page
// then leads to.
import { type FormEvent, type ReactNode, useId, useState } from "react";
import { ApiError, client, type DatasetView } from "../api.ts";
import { OptionInput } from "../measure/option-input.tsx";
import { Command } from "../parts/copy.tsx";
import { Failure } from "../parts/failure.tsx";
import { wholeText } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { PageTitle } from "../parts/section.tsx";
import { useResource } from "../resource.ts";
import { datasetPath, navigate, runPath, useQueryParameter } from "../router.ts";
import {
  faultsOf,
  isOfNetwork,
  isTable,
  knownTarget,
  needsTarget,
  networkByDefault,
  orderOf,
  refusedFields,
  type SettingField,
  SETTINGS,
  type Typed,
} from "./run-order.ts";
import "../activity/activity.css";
import "../measure/measure.css";
import "./runs.css";

export function StartRun() {
  const { data, error } = useResource("datasets", (signal) => client.listDatasets({ query: {} }, { signal }));
  const [asked, ask] = useQueryParameter("dataset");
  const chosen = data?.find((one) => calledOf(one) === asked) ?? null;
  return (
    <>
      <PageTitle title="Train" />
      <p className="lead">
        A network is fitted to registered rows, beside a linear model and the simplest guess, and becomes a version: one
        ONNX file from a row to its answer. What is left empty is chosen by what the rows are.
      </p>
      {error !== null && <Failure error={error} what="The datasets could not be read." />}
      {data?.length === 0 && (
        <div className="empty">
          <p>Rows come from a registered dataset, and none is registered yet. Register a file or a folder of images:</p>
          <Command text="npx slipway dataset add rows.csv --target label" label="command to register a file" />
        </div>
      )}
      {data !== null && data.length > 0 && (
        <WithDetails key={chosen === null ? "" : calledOf(chosen)} datasets={data} chosen={chosen} onChoose={ask} />
      )}
    </>
  );
}

function calledOf({ name, number }: DatasetView): string {
  return `${name}:${number}`;
}

interface ChoiceProps {
  readonly datasets: readonly DatasetView[];
  readonly chosen: DatasetView | null;
  readonly onChoose: (name: string | null) => void;
}

/** With what was found in the chosen rows, which lists leave out. */
function WithDetails({ datasets, chosen, onChoose }: ChoiceProps) {
  const { data, error } = useResource(`dataset ${chosen === null ? "" : calledOf(chosen)}`, async (signal) =>
    chosen === null
      ? null
      : await client.getDataset({ params: { name: chosen.name }, query: { number: chosen.number } }, { signal }),
  );
  return (
    <>
      {error !== null && <Failure error={error} what="The dataset could not be read." />}
      {(chosen === null || data !== null) && (
        <TrainForm datasets={datasets} chosen={chosen === null ? null : data} onChoose={onChoose} />
      )}
    </>
  );
}

function TrainForm({ datasets, chosen, onChoose }: ChoiceProps) {
  const [typed, setTyped] = useState<Typed>({
    name: chosen?.name ?? "",
    target: chosen === null ? "" : (knownTarget(chosen) ?? ""),
  });
  const [refused, setRefused] = useState<Readonly<Record<string, string>>>({});
  const [isTried, setTried] = useState(false);
  const [isDoing, setDoing] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const faults = faultsOf(typed, chosen);
  const wrong: Readonly<Record<string, string>> = { ...refused, ...(isTried ? faults : {}) };
  const type = (field: string, text: string): void => {
    setTyped({ ...typed, [field]: text });
    const { [field]: _, ...others } = refused;
    setRefused(others);
  };
  const start = async (): Promise<void> => {
    const job = await client.startTraining({ body: orderOf(typed, chosen!) });
    navigate(runPath(job.id));
  };
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = event.currentTarget;
    setTried(true);
    setError(null);
    if (Object.keys(faults).length > 0) {
      // Once it is drawn: to the first field that has to be changed.
      requestAnimationFrame(() => form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
      return;
    }
    setDoing(true);
    start().catch((failure: unknown) => {
      const found = failure instanceof ApiError ? refusedFields(failure) : {};
      setRefused(found);
      if (Object.keys(found).length === 0) setError(failure instanceof Error ? failure : new Error(String(failure)));
      setDoing(false);
    });
  };
  const input = (field: SettingField) => (
    <OptionInput
      key={field.path}
      field={field}
      text={typed[field.path] ?? ""}
      refused={refused[field.path]}
      onChange={(text) => type(field.path, text)}
    />
  );
  return (
    <form className="measure" noValidate onSubmit={submit}>
      <fieldset className="measure-part">
        <legend>What is learnt</legend>
        <div className="measure-fields">
          <Field title="Dataset" wrong={wrong["dataset"]} about={<DatasetAbout dataset={chosen} />}>
            {(described) => (
              <select
                {...described}
                value={chosen === null ? "" : calledOf(chosen)}
                onChange={({ target }) => onChoose(target.value === "" ? null : target.value)}
              >
                <option value="">Choose one</option>
                {datasets.map((one) => (
                  <option key={calledOf(one)} value={calledOf(one)}>
                    {`${calledOf(one)}, ${wholeText(one.manifest.rows)} rows (${one.manifest.format})`}
                  </option>
                ))}
              </select>
            )}
          </Field>
          {chosen !== null && needsTarget(chosen) && (
            <Field title="Target" wrong={wrong["target"]} about="The column to predict; the others tell of it.">
              {(described) => (
                <select
                  {...described}
                  value={typed["target"] ?? ""}
                  onChange={({ target }) => type("target", target.value)}
                >
                  <option value="">Choose a column</option>
                  {chosen.manifest.columns.map(({ name, type: of }) => (
                    <option key={name} value={name}>
                      {name} ({of})
                    </option>
                  ))}
                </select>
              )}
            </Field>
          )}
          <Field title="Task" wrong={wrong["task"]} about="Which of some classes it is, or which number.">
            {(described) => (
              <select {...described} value={typed["task"] ?? ""} onChange={({ target }) => type("task", target.value)}>
                <option value="">told by the target</option>
                <option value="classification">classification</option>
                <option value="regression">regression</option>
              </select>
            )}
          </Field>
          <Field title="Name" wrong={wrong["name"]} about="Of the version that comes of it.">
            {(described) => (
              <input
                {...described}
                value={typed["name"] ?? ""}
                autoComplete="off"
                spellCheck={false}
                onChange={({ target }) => type("name", target.value)}
              />
            )}
          </Field>
        </div>
      </fieldset>
      <fieldset className="measure-part">
        <legend>By which network</legend>
        <div className="measure-fields">
          <Field
            title="Network"
            wrong={wrong["network"]}
            about="mlp: layers of units, for columns. cnn: convolutions, for pictures and signals."
          >
            {(described) => (
              <select
                {...described}
                value={typed["network"] ?? ""}
                onChange={({ target }) => type("network", target.value)}
              >
                <option value="">{chosen === null ? "by the rows" : `by the rows: ${networkByDefault(chosen)}`}</option>
                <option value="mlp">mlp</option>
                {(chosen === null || !isTable(chosen)) && <option value="cnn">cnn</option>}
              </select>
            )}
          </Field>
          {SETTINGS.basic.filter(({ path }) => isOfNetwork(path, typed, chosen)).map(input)}
        </div>
        <details className="more-of">
          <summary>More settings</summary>
          <div className="measure-fields">
            {SETTINGS.more.map(input)}
            <Field
              title="Rows that can’t be used"
              wrong={wrong["badRows"]}
              about="An error names file, row, column and value."
            >
              {(described) => (
                <select
                  {...described}
                  value={typed["badRows"] ?? ""}
                  onChange={({ target }) => type("badRows", target.value)}
                >
                  <option value="">end the run with an error</option>
                  <option value="skip">are left out and counted</option>
                </select>
              )}
            </Field>
          </div>
        </details>
      </fieldset>
      <label className="field measure-reason">
        <span>Reason, for the record</span>
        <input
          className="input"
          value={typed["reason"] ?? ""}
          autoComplete="off"
          onChange={({ target }) => type("reason", target.value)}
        />
      </label>
      {error !== null && <Failure error={error} what="That did not start." />}
      <div className="measure-end">
        <button type="submit" className="button primary" disabled={isDoing}>
          {isDoing ? "Queueing…" : "Start training"}
        </button>
        <p className="quiet" role="status">
          {isTried && Object.keys(faults).length > 0 ? "Some fields have to be changed first." : ""}
        </p>
      </div>
    </form>
  );
}

function DatasetAbout({ dataset }: { dataset: DatasetView | null }) {
  if (dataset === null) return "Rows that were registered.";
  return <Link href={datasetPath(dataset.name, dataset.number)}>What was found in its rows</Link>;
}

interface FieldProps {
  readonly title: string;
  readonly about: ReactNode;
  readonly wrong: string | undefined;
  readonly children: (described: {
    readonly id: string;
    readonly className: string;
    readonly "aria-invalid": boolean;
    readonly "aria-describedby": string;
  }) => ReactNode;
}

/** A field with what it is for, and what is wrong with it. */
function Field({ title, about, wrong, children }: FieldProps) {
  const id = useId();
  return (
    <div className="option">
      <label htmlFor={id}>{title}</label>
      {children({
        id,
        className: "input",
        "aria-invalid": wrong !== undefined,
        "aria-describedby": `${id}-about`,
      })}
      <p id={`${id}-about`} className="option-about">
        {wrong !== undefined && <b>{wrong} </b>}
        {about}
      </p>
    </div>
  );
}
