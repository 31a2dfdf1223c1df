// Start a measurement of a version: what is to be measured, with which options, on which rows. It becomes a job, which this
// page then leads to.
import { type FormEvent, useState } from "react";
import { client, type DatasetView, type MeasurementView, type VersionView } from "../api.ts";
import { Failure } from "../parts/failure.tsx";
import { Link } from "../parts/link.tsx";
import { PageTitle } from "../parts/section.tsx";
import { useResource } from "../resource.ts";
import { jobPath, navigate, useQueryParameter, versionPath } from "../router.ts";
import { OptionInput } from "./option-input.tsx";
import { fieldsOf, nested, type OptionField, valueTyped } from "./options.ts";
import { missingOf, NO_ROWS, type Rows, RowsForm } from "./rows-form.tsx";
import { storeFile } from "./stored-file.ts";
import "../activity/activity.css";
import "./measure.css";

export function Measure({ name, number }: { name: string; number: number }) {
  const version = useResource(`version ${name} ${number}`, (signal) =>
    client.getVersion({ params: { name, number } }, { signal }),
  );
  const measurements = useResource("measurements", (signal) => client.listMeasurements(undefined, { signal }));
  const datasets = useResource("datasets", (signal) => client.listDatasets({ query: {} }, { signal }));
  const error = version.error ?? measurements.error;
  return (
    <>
      <PageTitle title={`Measure ${name}@${number}`} />
      <p className="lead">
        What is found is kept as evidence of <Link href={versionPath(name, number)}>{`${name}@${number}`}</Link>, which
        launch policies ask for. It is carried out as a job: it can be watched, cancelled and resumed.
      </p>
      {error !== null && <Failure error={error} what="What can be measured could not be read." />}
      {version.data !== null && measurements.data !== null && (
        <MeasureForm
          version={version.data}
          measurements={measurements.data.filter((one) => !one.needsRival)}
          datasets={datasets.data ?? []}
        />
      )}
    </>
  );
}

/** What was typed of each option, by measurement and option: `latency seconds`. */
type Texts = ReadonlyMap<string, string>;

const keyOf = (one: MeasurementView, field: OptionField): string => `${one.name} ${field.name}`;

interface MeasureFormProps {
  readonly version: VersionView;
  readonly measurements: readonly MeasurementView[];
  readonly datasets: readonly DatasetView[];
}

function MeasureForm({ version, measurements, datasets }: MeasureFormProps) {
  const [asked, ask] = useQueryParameter("what");
  const [texts, setTexts] = useState<Texts>(new Map());
  const [rows, setRows] = useState<Rows>(NO_ROWS);
  const [reason, setReason] = useState("");
  const [doing, setDoing] = useState<string | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const names = new Set<string>(asked?.split(",") ?? []);
  const chosen = measurements.filter((one) => names.has(one.name));
  const needsRows = chosen.some((one) => one.needsRows);
  const missing =
    chosen.length === 0
      ? "Choose at least one."
      : (optionFault(chosen, texts) ?? (needsRows ? missingOf(rows, version.model.signature) : null));
  const choose = (name: string, isChosen: boolean): void => {
    const next = measurements.filter((one) => (one.name === name ? isChosen : names.has(one.name)));
    ask(next.length === 0 ? null : next.map((one) => one.name).join(","));
  };
  const start = async (): Promise<void> => {
    const data = needsRows ? await storedRows(rows, setDoing) : null;
    setDoing("Queueing…");
    const job = await client.startMeasure({
      params: { name: version.name, number: version.number },
      body: {
        what: chosen.map((one) => one.name),
        options: optionsOf(chosen, texts),
        data,
        reason: reason.trim() === "" ? null : reason.trim(),
      },
    });
    navigate(jobPath(job.id));
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setError(null);
    setDoing("Starting…");
    start().catch((failure: unknown) => {
      setError(failure instanceof Error ? failure : new Error(String(failure)));
      setDoing(null);
    });
  };
  return (
    <form className="measure" onSubmit={submit}>
      <fieldset className="measure-part">
        <legend>What</legend>
        {measurements.map((one) => (
          <Choice
            key={one.name}
            measurement={one}
            isChosen={names.has(one.name)}
            onChoose={(isChosen) => choose(one.name, isChosen)}
            texts={texts}
            onTyped={(field, text) => setTexts(new Map(texts).set(keyOf(one, field), text))}
          />
        ))}
      </fieldset>
      {needsRows && <RowsForm rows={rows} signature={version.model.signature} datasets={datasets} onChange={setRows} />}
      <label className="field measure-reason">
        <span>Reason, for the record</span>
        <input
          className="input"
          value={reason}
          autoComplete="off"
          onChange={(event) => setReason(event.target.value)}
        />
      </label>
      {error !== null && <Failure error={error} what="That did not start." />}
      <div className="measure-end">
        <button type="submit" className="button primary" disabled={doing !== null || missing !== null}>
          {doing ?? "Start measuring"}
        </button>
        <p className="quiet" role="status">
          {missing}
        </p>
      </div>
    </form>
  );
}

interface ChoiceProps {
  readonly measurement: MeasurementView;
  readonly isChosen: boolean;
  readonly onChoose: (isChosen: boolean) => void;
  readonly texts: Texts;
  readonly onTyped: (field: OptionField, text: string) => void;
}

function Choice({ measurement, isChosen, onChoose, texts, onTyped }: ChoiceProps) {
  const fields = fieldsOf(measurement.options);
  return (
    <div className="measure-choice">
      <label className="check">
        <input type="checkbox" checked={isChosen} onChange={(event) => onChoose(event.target.checked)} />
        <span>
          <b>{measurement.name}</b> <span className="measure-about">{measurement.about}</span>
          {measurement.needsRows && <span className="measure-need">Needs labelled rows.</span>}
          {measurement.isTimed && <span className="measure-need">Best while the machine does nothing else.</span>}
        </span>
      </label>
      {isChosen && fields.length > 0 && (
        <details className="more-of measure-options" open={fields.some(({ isRequired }) => isRequired)}>
          <summary>Options of {measurement.name}</summary>
          <div className="measure-fields">
            {fields.map((field) => (
              <OptionInput
                key={field.name}
                field={field}
                text={texts.get(keyOf(measurement, field)) ?? ""}
                onChange={(text) => onTyped(field, text)}
              />
            ))}
          </div>
        </details>
      )}
    </div>
  );
}

/** The first option that can't be what was typed, or that has to be said; null where all is well. */
function optionFault(chosen: readonly MeasurementView[], texts: Texts): string | null {
  for (const one of chosen) {
    for (const field of fieldsOf(one.options)) {
      const typed = valueTyped(field, texts.get(keyOf(one, field)) ?? "");
      if (typed === null && field.isRequired) return `${one.name}: ${field.name} has to be said.`;
      if (typed !== null && "wrong" in typed) return `${one.name}: ${field.name}. ${typed.wrong}`;
    }
  }
  return null;
}

/** Only what was said; the server knows the rest. */
function optionsOf(chosen: readonly MeasurementView[], texts: Texts): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    chosen.flatMap((one) => {
      const said = fieldsOf(one.options).flatMap((field) => {
        const typed = valueTyped(field, texts.get(keyOf(one, field)) ?? "");
        return typed !== null && "value" in typed ? [[field.name, typed.value] as const] : [];
      });
      return said.length === 0 ? [] : [[one.name, nested(said)] as const];
    }),
  );
}

type OrderedRows = NonNullable<Parameters<typeof client.startMeasure>[0]["body"]["data"]>;

/** Rows as an order names them: where they are registered, or, their bytes stored, as files. */
async function storedRows(rows: Rows, tell: (doing: string) => void): Promise<OrderedRows> {
  if (rows.registered !== null) {
    const { description, hash } = rows.registered;
    return { description, hash, split: rows.split === "" ? null : rows.split } as OrderedRows;
  }
  const inputs: Record<string, string> = {};
  for (const [name, file] of Object.entries(rows.inputs)) {
    tell(`Storing ${file.file.name}…`);
    inputs[name] = await storeFile(file);
  }
  tell(`Storing ${rows.labels!.file.name}…`);
  const labels = await storeFile(rows.labels!);
  return { name: rows.name.trim(), split: rows.split.trim() === "" ? null : rows.split.trim(), inputs, labels };
}
