// Deploy a version: where, and what will happen. A signature that would break callers has to be allowed by hand, and so has
// a version the launch policy refuses, with a reason.
import { useState } from "react";
import { ApiError, client, type EndpointView, type VersionView } from "../api.ts";
import { Confirm } from "../parts/confirm.tsx";
import { versionText } from "../parts/format.ts";

interface DeployDialogProps {
  readonly version: VersionView;
  readonly endpoints: readonly EndpointView[];
  readonly onClose: () => void;
  readonly onDeployed: () => void;
}

export function DeployDialog({ version, endpoints, onClose, onDeployed }: DeployDialogProps) {
  const [endpoint, setEndpoint] = useState(version.name);
  const [isBreaking, setBreaking] = useState(false);
  const [allowBreaking, setAllowBreaking] = useState(false);
  const [isRefused, setRefused] = useState(false);
  const [isOverride, setOverride] = useState(false);
  const [reason, setReason] = useState("");
  const { name, number } = version;
  const live = endpoints.find((candidate) => candidate.name === endpoint)?.live ?? null;
  return (
    <Confirm
      title={`Deploy ${versionText(version)}`}
      action="Deploy"
      doing="Loading and warming up…"
      isBlocked={endpoint.trim() === "" || (isOverride && reason.trim() === "")}
      run={async () => {
        await client.deploy({
          params: { endpoint: endpoint.trim() },
          body: {
            name,
            number,
            settings: {},
            allowBreaking,
            isOverride,
            reason: reason.trim() === "" ? null : reason.trim(),
          },
        });
        onDeployed();
      }}
      onError={(error) => {
        setBreaking(error instanceof ApiError && error.code === "SIGNATURE_BREAKING");
        if (error instanceof ApiError && error.code === "GATE_REFUSED") setRefused(true);
      }}
      onClose={onClose}
    >
      <label className="field">
        <span>Endpoint, the name clients call</span>
        <input
          className="input"
          value={endpoint}
          spellCheck={false}
          autoComplete="off"
          list="deploy-endpoints"
          onChange={(event) => {
            setEndpoint(event.target.value);
            setBreaking(false);
            setAllowBreaking(false);
            setRefused(false);
            setOverride(false);
          }}
        />
        <datalist id="deploy-endpoints">
          {endpoints.map((candidate) => (
            <option key={candidate.name} value={candidate.name} />
          ))}
        </datalist>
      </label>
      <p>
        {versionText(version)} is loaded and warmed up; then{" "}
        {live === null ? (
          <>{endpoint.trim() || "the endpoint"} begins to answer with it.</>
        ) : (
          <>
            {endpoint} switches to it from {versionText(live)}, which finishes what it has begun. No request is lost,
            and one click rolls back.
          </>
        )}
      </p>
      {isBreaking && (
        <label className="check">
          <input type="checkbox" checked={allowBreaking} onChange={(event) => setAllowBreaking(event.target.checked)} />
          Switch all the same, although callers of the live version would break
        </label>
      )}
      {isRefused && (
        <>
          <label className="check">
            <input type="checkbox" checked={isOverride} onChange={(event) => setOverride(event.target.checked)} />
            Deploy all the same, against the launch policy
          </label>
          {isOverride && (
            <label className="field">
              <span>Reason, which is recorded</span>
              <input
                className="input"
                value={reason}
                autoComplete="off"
                onChange={(event) => setReason(event.target.value)}
              />
            </label>
          )}
        </>
      )}
    </Confirm>
  );
}
