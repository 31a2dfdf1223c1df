// The dialog before anything that changes what is served: says what will happen, and asks for the name where it is hard
// to undo. The browser's own dialog keeps the focus inside and closes on Escape.
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { feed } from "../feed.ts";
import { Failure } from "./failure.tsx";

export interface ConfirmProps {
  readonly title: string;
  /** What will happen. */
  readonly children: ReactNode;
  /** The verb on the button: "Roll back". */
  readonly action: string;
  /** What the button says while it happens: "Rolling back…". */
  readonly doing: string;
  readonly tone?: "primary" | "danger";
  /** This has to be typed first. */
  readonly typed?: string;
  readonly isBlocked?: boolean;
  /** What not doing it is called; Cancel if left out. */
  readonly keep?: string;
  readonly run: () => Promise<unknown>;
  readonly onError?: (error: Error) => void;
  readonly onClose: () => void;
}

export function Confirm(props: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState("");
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const titleId = useId();
  useEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal();
  }, []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setRunning(true);
    setError(null);
    props
      .run()
      .then(() => {
        feed.refresh();
        props.onClose();
      })
      .catch((failure: unknown) => {
        const failed = failure instanceof Error ? failure : new Error(String(failure));
        setError(failed);
        setRunning(false);
        props.onError?.(failed);
      });
  };
  const isReady = !isRunning && props.isBlocked !== true && (props.typed === undefined || typed === props.typed);
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={titleId} onClose={props.onClose}>
      <form onSubmit={submit}>
        <h2 id={titleId}>{props.title}</h2>
        {props.children}
        {props.typed !== undefined && (
          <label className="field">
            <span>
              Type <code>{props.typed}</code> to go on
            </span>
            <input
              className="input"
              value={typed}
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => setTyped(event.target.value)}
            />
          </label>
        )}
        {error !== null && <Failure error={error} what="That did not happen." />}
        <div className="actions">
          <button type="button" className="button" onClick={props.onClose}>
            {props.keep ?? "Cancel"}
          </button>
          <button type="submit" className={`button ${props.tone ?? "primary"}`} disabled={!isReady}>
            {isRunning ? props.doing : props.action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
