// An error as the reader needs it: what was wrong and what to do (the server's own words), its stable code, and the
// request's id where the server gave one.
import { ApiError } from "../api.ts";

export function Failure({ error, what }: { error: Error; what: string }) {
  const requestId = error instanceof ApiError ? error.details["requestId"] : undefined;
  return (
    <div className="notice" role="alert">
      <p>
        <strong>{what}</strong>{" "}
        {error instanceof ApiError
          ? error.message
          : "The server does not answer; `slipway status` says whether it runs."}
      </p>
      {error instanceof ApiError && (
        <p className="quiet">
          Code <code>{error.code}</code>
          {typeof requestId === "string" && (
            <>
              , request <code>{requestId}</code>
            </>
          )}
        </p>
      )}
    </div>
  );
}
