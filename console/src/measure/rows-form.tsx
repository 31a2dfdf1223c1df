// Labelled rows for measurements that need them: a registered dataset and which of its splits, or files: what the rows are called,
// and a .npy file for each input and for the labels.
import { useId, useState } from "react";
import type { DatasetView, SignatureView } from "../api.ts";
import { bytesText } from "../parts/format.ts";
import { type ArrayFile, misfit, readArrayFile } from "./stored-file.ts";

export interface Rows {
  /** A registered dataset, and then nothing of the others but the split; null for files. */
  readonly registered: DatasetView | null;
  readonly name: string;
  readonly split: string;
  readonly inputs: Readonly<Record<string, ArrayFile>>;
  readonly labels: ArrayFile | null;
}

export const NO_ROWS: Rows = { registered: null, name: "", split: "", inputs: {}, labels: null };

/** What is still missing; null where the rows are whole. */
export function missingOf(rows: Rows, { inputs }: SignatureView): string | null {
  if (rows.registered !== null) return null;
  if (rows.name.trim() === "") return "The dataset needs a name.";
  const missing = inputs.find(({ name, isOptional }) => !isOptional && rows.inputs[name] === undefined);
  if (missing !== undefined) return `The input ${missing.name} needs a file.`;
  if (rows.labels === null) return "The labels need a file.";
  return misfit(rows.inputs, rows.labels);
}

interface RowsFormProps {
  readonly rows: Rows;
  readonly signature: SignatureView;
  /** Those that are registered, newest first. */
  readonly datasets: readonly DatasetView[];
  /** Files are read for a while: a change is made to the rows as they then are. */
  readonly onChange: (change: (rows: Rows) => Rows) => void;
}

/** The rows with a file for an input, or without one. */
function withInput(rows: Rows, name: string, file: ArrayFile | null): Rows {
  const { [name]: _, ...others } = rows.inputs;
  return { ...rows, inputs: file === null ? others : { ...others, [name]: file } };
}

export function RowsForm({ rows, signature, datasets, onChange }: RowsFormProps) {
  const set = (changes: Partial<Rows>): void => onChange((before) => ({ ...before, ...changes }));
  return (
    <fieldset className="measure-part">
      <legend>Labelled rows</legend>
      {datasets.length > 0 && (
        <label className="field">
          <span>Rows</span>
          <select
            className="input"
            value={rows.registered === null ? "" : calledOf(rows.registered)}
            onChange={({ target }) => {
              const registered = datasets.find((one) => calledOf(one) === target.value) ?? null;
              onChange(() => ({ ...NO_ROWS, registered }));
            }}
          >
            <option value="">Files of this computer</option>
            {datasets.map((one) => (
              <option key={calledOf(one)} value={calledOf(one)}>
                {`${calledOf(one)}, ${one.manifest.rows} rows (${one.manifest.format})`}
              </option>
            ))}
          </select>
        </label>
      )}
      {rows.registered === null ? (
        <FilesForm rows={rows} signature={signature} set={set} onChange={onChange} />
      ) : (
        <SplitField dataset={rows.registered} split={rows.split} onChange={(split) => set({ split })} />
      )}
    </fieldset>
  );
}

function calledOf({ name, number }: DatasetView): string {
  return `${name}:${number}`;
}

interface SplitFieldProps {
  readonly dataset: DatasetView;
  readonly split: string;
  readonly onChange: (split: string) => void;
}

function SplitField({ dataset, split, onChange }: SplitFieldProps) {
  const splits = Object.entries(dataset.manifest.splits);
  return (
    <div className="measure-fields">
      <label className="field">
        <span>Split</span>
        <select className="input" value={split} onChange={({ target }) => onChange(target.value)}>
          <option value="">{`All ${dataset.manifest.rows} rows`}</option>
          {splits.map(([name, rows]) => (
            <option key={name} value={name}>{`${name}, ${rows} rows`}</option>
          ))}
        </select>
      </label>
    </div>
  );
}

interface FilesFormProps extends Pick<RowsFormProps, "rows" | "signature" | "onChange"> {
  readonly set: (changes: Partial<Rows>) => void;
}

function FilesForm({ rows, signature, set, onChange }: FilesFormProps) {
  return (
    <>
      <p className="quiet">
        Files as NumPy saves them (<code>.npy</code>), rows along the first axis. They are stored on the server as long
        as a job needs them. Evidence names the dataset, so that a policy can ask for it.
      </p>
      <div className="measure-fields">
        <label className="field">
          <span>Dataset</span>
          <input
            className="input"
            value={rows.name}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => set({ name: event.target.value })}
          />
        </label>
        <label className="field">
          <span>Split, if it has one</span>
          <input
            className="input"
            value={rows.split}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => set({ split: event.target.value })}
          />
        </label>
        {signature.inputs.map(({ name, type }) => (
          <FileField
            key={name}
            title={`Input ${name}`}
            about={type}
            file={rows.inputs[name] ?? null}
            onChange={(file) => onChange((before) => withInput(before, name, file))}
          />
        ))}
        <FileField
          title="Labels"
          about="the class index of each row"
          file={rows.labels}
          onChange={(labels) => set({ labels })}
        />
      </div>
    </>
  );
}

interface FileFieldProps {
  readonly title: string;
  readonly about: string;
  readonly file: ArrayFile | null;
  readonly onChange: (file: ArrayFile | null) => void;
}

function FileField({ title, about, file, onChange }: FileFieldProps) {
  const id = useId();
  const [wrong, setWrong] = useState<string | null>(null);
  const choose = async (chosen: File | undefined): Promise<void> => {
    setWrong(null);
    onChange(null);
    if (chosen === undefined) return;
    try {
      onChange(await readArrayFile(chosen));
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <div className="field">
      <label htmlFor={id}>{title}</label>
      <input
        id={id}
        type="file"
        accept=".npy"
        aria-describedby={`${id}-about`}
        aria-invalid={wrong !== null}
        onChange={(event) => void choose(event.target.files?.[0])}
      />
      <p id={`${id}-about`} className="option-about" role="status">
        {wrong !== null ? <b>{wrong}</b> : file === null ? about : holdsText(file)}
      </p>
    </div>
  );
}

/** `float32[500, 1, 28, 28], 1.6 MB`. */
function holdsText({ dtype, shape, bytes }: ArrayFile): string {
  return `${dtype}[${shape.join(", ")}], ${bytesText(bytes.byteLength)}`;
}
