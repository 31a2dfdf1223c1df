// What can be done to an endpoint. Each says what will happen before it happens.
import { useState } from "react";
import { client, type EndpointView } from "../api.ts";
import { Confirm } from "../parts/confirm.tsx";
import { versionText } from "../parts/format.ts";

type Act = "rollback" | "unload" | "release";

export function Actions({ endpoint, isQuarantined }: { endpoint: EndpointView; isQuarantined: boolean }) {
  const [act, setAct] = useState<Act | null>(null);
  const close = (): void => setAct(null);
  const { name, live, previous } = endpoint;
  const params = { endpoint: name };
  return (
    <div className="actions">
      {isQuarantined && (
        <button type="button" className="button primary" onClick={() => setAct("release")}>
          Release
        </button>
      )}
      <button type="button" className="button" disabled={previous === null} onClick={() => setAct("rollback")}>
        Roll back
      </button>
      <button type="button" className="button danger" disabled={live === null} onClick={() => setAct("unload")}>
        Unload
      </button>
      {act === "rollback" && previous !== null && (
        <Confirm
          title={`Roll ${name} back to ${versionText(previous)}?`}
          action="Roll back"
          doing="Rolling back…"
          run={() => client.rollback({ params, body: { reason: null } })}
          onClose={close}
        >
          <p>
            {versionText(previous)} is loaded and warmed up; then {name} switches to it
            {live !== null && <> from {versionText(live)}, which finishes what it has begun</>}. No request is lost.
            Rolling back again returns to where you are now.
          </p>
        </Confirm>
      )}
      {act === "unload" && live !== null && (
        <Confirm
          title={`Unload ${name}?`}
          action="Unload"
          doing="Unloading…"
          tone="danger"
          typed={name}
          run={() => client.unload({ params, body: { reason: null } })}
          onClose={close}
        >
          <p>
            {name} finishes what it has begun and stops. Requests to it then get the error{" "}
            <code>ENDPOINT_NOT_FOUND</code> until a version is deployed again. Its versions stay registered.
          </p>
        </Confirm>
      )}
      {act === "release" && live !== null && (
        <Confirm
          title={`Release ${name} from quarantine?`}
          action="Release"
          doing="Releasing…"
          run={() => client.release({ params })}
          onClose={close}
        >
          <p>
            New runners are started for {versionText(live)} and it answers again. If inputs still kill its runners, it
            is quarantined again; look at the deaths below first.
          </p>
        </Confirm>
      )}
    </div>
  );
}
