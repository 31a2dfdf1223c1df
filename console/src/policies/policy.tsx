// One policy: written here, and held at once against a version, so that what a change would mean is seen before it is made.
import { type ReactNode, useEffect, useState } from "react";
import { client, type EndpointView, type PolicyView, type VersionView } from "../api.ts";
import { useFeed } from "../feed.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Failure } from "../parts/failure.tsx";
import { countText, versionText } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { PageTitle, Section } from "../parts/section.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { Moment } from "../parts/time.tsx";
import { VersionChoice, versionNamed } from "../parts/version-choice.tsx";
import { useResource } from "../resource.ts";
import { useQueryParameter, versionPath } from "../router.ts";
import { PolicyEditor } from "./policy-editor.tsx";
import { faultOf, linesOf, verdictsByLine } from "./policy-lines.ts";
import { useVerdict } from "./use-verdict.ts";
import { VerdictTable, verdictText } from "./verdict.tsx";
import "../activity/activity.css";
import "../endpoint/endpoint.css";
import "./policies.css";

/** The name of what a policy stands before; `*` in words. */
export function endpointText(endpoint: string): string {
  return endpoint === "*" ? "all other endpoints" : endpoint;
}

export function Policy({ endpoint }: { endpoint: string }) {
  const policies = useResource("policies", (signal) => client.listPolicies(undefined, { signal }));
  const versions = useResource("versions", (signal) => client.listVersions({ query: {} }, { signal }));
  const { status } = useFeed();
  const error = policies.error ?? versions.error;
  const title = `Policy of ${endpointText(endpoint)}`;
  if (error !== null || policies.data === null || versions.data === null || status === null) {
    return (
      <>
        <PageTitle title={title} />
        {error !== null && <Failure error={error} what="The policy could not be read." />}
      </>
    );
  }
  const policy = policies.data.find((one) => one.endpoint === endpoint) ?? null;
  return (
    <>
      <PageTitle title={title} />
      <p className="lead">
        {policy === null ? (
          "No policy stands here yet; what is written below is asked of a version, and nothing is kept until it is set."
        ) : (
          <>
            {countText(policy.requirements.length, "line")}, last changed <Moment at={policy.changedAt} />. Changing it
            leaves alone what is live.
          </>
        )}
      </p>
      <Written
        endpoint={endpoint}
        policy={policy}
        versions={versions.data}
        endpoints={status.endpoints}
        onChanged={policies.reload}
      />
    </>
  );
}

interface WrittenProps {
  readonly endpoint: string;
  readonly policy: PolicyView | null;
  readonly versions: readonly VersionView[];
  readonly endpoints: readonly EndpointView[];
  readonly onChanged: () => void;
}

function Written({ endpoint, policy, versions, endpoints, onChanged }: WrittenProps) {
  const kept = policy?.requirements.join("\n") ?? "";
  const [text, setText] = useState(kept);
  const [act, setAct] = useState<"set" | "remove" | null>(null);
  useEffect(() => setText(kept), [kept]);
  const [asked, ask] = useQueryParameter("version");
  const version = versionNamed(asked ?? versionAt(endpoint, versions, endpoints));
  const answer = useVerdict(text, version);
  const lines = linesOf(text);
  const isAnswered = JSON.stringify(answer.lines) === JSON.stringify(lines);
  const fault = isAnswered ? faultOf(answer.error, lines) : null;
  const found = isAnswered && answer.judged !== null ? verdictsByLine(answer.judged, lines) : new Map();
  const isChanged =
    lines.map((line) => line.text).join("\n") !==
    linesOf(kept)
      .map((line) => line.text)
      .join("\n");
  return (
    <>
      <PolicyEditor
        text={text}
        onChange={setText}
        fault={fault}
        verdicts={new Map([...found].map(([line, { verdict }]) => [line, verdict]))}
      />
      <div className="actions policy-actions">
        <button
          type="button"
          className="button primary"
          disabled={!isChanged || lines.length === 0 || fault !== null}
          onClick={() => setAct("set")}
        >
          Set the policy…
        </button>
        <button type="button" className="button" disabled={text === kept} onClick={() => setText(kept)}>
          Undo changes
        </button>
        {policy !== null && (
          <button type="button" className="button danger" onClick={() => setAct("remove")}>
            Remove it…
          </button>
        )}
      </div>
      <HowToWrite />
      <Section
        id="verdict"
        title="Held against"
        end={
          version !== null && (
            <Link href={versionPath(version.name, version.number)}>What is known of {versionText(version)}</Link>
          )
        }
      >
        {version === null ? (
          <p className="quiet">Nothing is registered yet, so there is no version to ask about.</p>
        ) : (
          <>
            <div className="policy-version">
              <VersionChoice label="Version" versions={versions} value={versionText(version)} onChange={ask} />
            </div>
            {answer.error !== null && faultOf(answer.error, lines) === null && (
              <Failure error={answer.error} what="The policy could not be asked." />
            )}
            {answer.judged !== null && (
              <>
                <p className="policy-verdict" role="status">
                  <StateMark state={answer.judged.verdict} /> {verdictText(answer.judged)}
                </p>
                <VerdictTable judged={answer.judged} version={version} />
              </>
            )}
          </>
        )}
      </Section>
      {act === "set" && (
        <ChangeDialog
          title={`Set the policy of ${endpointText(endpoint)}?`}
          action="Set the policy"
          run={(reason) =>
            client.setPolicy({
              params: { endpoint },
              body: { requirements: lines.map((line) => line.text), reason },
            })
          }
          onChanged={onChanged}
          onClose={() => setAct(null)}
        >
          From now on the gate asks {countText(lines.length, "line")} of every version that is to go live{" "}
          {endpoint === "*" ? "behind an endpoint without a policy of its own" : `behind ${endpoint}`}. What is live
          stays.
        </ChangeDialog>
      )}
      {act === "remove" && (
        <ChangeDialog
          title={`Remove the policy of ${endpointText(endpoint)}?`}
          action="Remove it"
          tone="danger"
          run={(reason) => client.removePolicy({ params: { endpoint }, query: reason === null ? {} : { reason } })}
          onChanged={onChanged}
          onClose={() => setAct(null)}
        >
          Then{" "}
          {endpoint === "*"
            ? "every version may go live where no other policy stands"
            : "the policy for all other endpoints holds, or, where there is none, every version may go live"}
          .
        </ChangeDialog>
      )}
    </>
  );
}

/** The version a policy is held against unless another is chosen: the newest of its name, else what is live there, else any. */
function versionAt(
  endpoint: string,
  versions: readonly VersionView[],
  endpoints: readonly EndpointView[],
): string | null {
  const live = endpoints.find(({ name }) => name === endpoint)?.live ?? null;
  const version = versions.find(({ name }) => name === endpoint) ?? live ?? versions[0];
  return version === undefined ? null : versionText(version);
}

interface ChangeDialogProps {
  readonly title: string;
  readonly action: string;
  readonly tone?: "danger";
  readonly run: (reason: string | null) => Promise<unknown>;
  readonly onChanged: () => void;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

function ChangeDialog({ title, action, tone, run, onChanged, onClose, children }: ChangeDialogProps) {
  const [reason, setReason] = useState("");
  return (
    <Confirm
      title={title}
      action={action}
      doing="Recording…"
      {...(tone === undefined ? {} : { tone })}
      run={() => run(reason.trim() === "" ? null : reason.trim()).then(onChanged)}
      onClose={onClose}
    >
      <p>{children}</p>
      <label className="field">
        <span>Reason, for the record</span>
        <input
          className="input"
          value={reason}
          autoComplete="off"
          onChange={(event) => setReason(event.target.value)}
        />
      </label>
    </Confirm>
  );
}

function HowToWrite() {
  return (
    <details className="more-of">
      <summary>How a requirement is written</summary>
      <dl className="facts">
        <dt>
          <code>size &lt;= 5 MB</code>
        </dt>
        <dd>a measurement, a comparison, a number with its unit</dd>
        <dt>
          <code>quality.accuracy.lower &gt;= 0.97 on digits/test</code>
        </dt>
        <dd>one of its values, the lower end of its interval, on one dataset</dd>
        <dt>
          <code>latency.p99.upper &lt;= 5 ms on this machine</code>
        </dt>
        <dd>only what was measured on the machine that asks</dd>
        <dt>
          <code>fresh within 30d</code>
        </dt>
        <dd>as a line of its own: no evidence may be older, unless a requirement says otherwise</dd>
      </dl>
    </details>
  );
}
