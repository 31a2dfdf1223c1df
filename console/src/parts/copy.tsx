// Text to take away: a button that copies, and a command or snippet with one.
import { useEffect, useState } from "react";

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [outcome, setOutcome] = useState<"" | "Copied" | "Not copied">("");
  useEffect(() => {
    if (outcome === "") return undefined;
    const timer = setTimeout(() => setOutcome(""), 2000);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => setOutcome("Copied"),
      () => setOutcome("Not copied"),
    );
  };
  return (
    <>
      <button type="button" className="button small" onClick={copy} aria-label={`Copy ${label}`}>
        {/* Both words take part in the layout, so that the button keeps its width. */}
        <span style={{ display: "inline-grid" }} aria-hidden="true">
          <span style={{ gridArea: "1/1", visibility: outcome === "" ? "visible" : "hidden" }}>Copy</span>
          <span style={{ gridArea: "1/1", visibility: outcome === "" ? "hidden" : "visible" }}>
            {outcome === "Not copied" ? "Failed" : "Copied"}
          </span>
        </span>
      </button>
      <span role="status" className="hidden-visually">
        {outcome}
      </span>
    </>
  );
}

export function Command({ text, label }: { text: string; label: string }) {
  return (
    <div className="command">
      {/* Scrolls when it is long, so the keyboard must reach it. */}
      <pre tabIndex={0} role="region" aria-label={label}>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} label={label} />
    </div>
  );
}
