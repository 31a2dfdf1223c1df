// Labelled rows for measurements that need them: what they are called, and a .npy file for each input and for the labels.
import { useId, useState } from "react";
import type { SignatureView } from "../api.ts";
import { bytesText } from "../parts/format.ts";
import { type ArrayFile, misfit, readArrayFile } from "./stored-file.ts";

export interface Rows {
  readonly name: string;
  readonly split: string;
  readonly inputs: Readonly<Record<string, ArrayFile>>;
  readonly labels: ArrayFile | null;
}

export const NO_ROWS: Rows = { name: "", split: "", inputs: {}, labels: null };

/** What is still missing; null where the rows are whole. */
export function missingOf(rows: Rows, { inputs }: SignatureView): string | null {
  if (rows.name.trim() === "") return "The dataset needs a name.";
  const missing = inputs.find(({ name, isOptional }) => !isOptional && rows.inputs[name] === undefined);
  if (missing !== undefined) return `The input ${missing.name} needs a file.`;
  if (rows.labels === null) return "The labels need a file.";
  return misfit(rows.inputs, rows.labels);
}

interface RowsFormProps {
  readonly rows: Rows;
  readonly signature: SignatureView;
  /** Files are read for a while: a change is made to the rows as they then are. */
  readonly onChange: (change: (rows: Rows) => Rows) => void;
}

/** The rows with a file for an input, or without one. */
function withInput(rows: Rows, name: string, file: ArrayFile | null): Rows {
  const { [name]: _, ...others } = rows.inputs;
  return { ...rows, inputs: file === null ? others : { ...others, [name]: file } };
}

export function RowsForm({ rows, signature, onChange }: RowsFormProps) {
  const set = (changes: Partial<Rows>): void => onChange((before) => ({ ...before, ...changes }));
  return (
    <fieldset className="measure-part">
      <legend>Labelled rows</legend>
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
    </fieldset>
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
