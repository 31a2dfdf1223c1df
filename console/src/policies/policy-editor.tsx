// Where a policy is written: a line for each requirement, numbered, with what was found of it beside its number; the line
// at fault is marked and said.
import { useId } from "react";
import { StateMark } from "../parts/state-mark.tsx";
import type { PolicyVerdictView } from "../api.ts";
import type { Fault } from "./policy-lines.ts";

type Verdict = PolicyVerdictView["verdict"];

interface PolicyEditorProps {
  readonly text: string;
  readonly onChange: (text: string) => void;
  readonly fault: Fault | null;
  /** Of lines, by their place from 0. */
  readonly verdicts: ReadonlyMap<number, Verdict>;
}

const FEWEST_ROWS = 5;

export function PolicyEditor({ text, onChange, fault, verdicts }: PolicyEditorProps) {
  const id = useId();
  const lines = text.split("\n");
  const rows = Math.max(FEWEST_ROWS, lines.length + 1);
  return (
    <div className="policy-editor">
      <label htmlFor={id}>Requirements, one a line</label>
      <div className="policy-text" data-faulty={fault !== null}>
        <ol className="policy-gutter" aria-hidden="true">
          {Array.from({ length: rows }, (_, line) => (
            <li key={line} data-fault={fault?.line === line}>
              <Mark verdict={verdicts.get(line)} isFault={fault?.line === line} />
              <span>{line < lines.length ? line + 1 : ""}</span>
            </li>
          ))}
        </ol>
        <textarea
          id={id}
          value={text}
          rows={rows}
          wrap="off"
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          placeholder="size <= 5 MB"
          aria-invalid={fault !== null}
          aria-describedby={`${id}-fault`}
          onChange={(event) => onChange(event.target.value)}
        />
      </div>
      <p id={`${id}-fault`} className="policy-fault" aria-live="polite">
        {fault !== null && (
          <>
            <StateMark state="no" text={fault.line === null ? "Not a policy:" : `Line ${fault.line + 1}:`} />{" "}
            {fault.message}
          </>
        )}
      </p>
    </div>
  );
}

function Mark({ verdict, isFault }: { verdict: Verdict | undefined; isFault: boolean }) {
  if (isFault) return <StateMark state="no" text="" />;
  return verdict === undefined ? null : <StateMark state={verdict} text="" />;
}
