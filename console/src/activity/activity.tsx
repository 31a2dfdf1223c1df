// What was decided and changed on this server, newest first.
import { client } from "../api.ts";
import { useFeed } from "../feed.ts";
import { Command } from "../parts/copy.tsx";
import { Failure } from "../parts/failure.tsx";
import { PageTitle } from "../parts/section.tsx";
import { useResource } from "../resource.ts";
import { useQueryParameter } from "../router.ts";
import { Decisions } from "./decisions.tsx";
import "./activity.css";

const STEP = 100;
const MOST = 1000;

export function Activity() {
  const [subject, setSubject] = useQueryParameter("subject");
  const [limitText, setLimit] = useQueryParameter("limit");
  const limit = Math.min(MOST, Math.max(STEP, Math.floor(Number(limitText ?? STEP)) || STEP));
  const { status } = useFeed();
  const changes = status?.endpoints.map(({ name, changedAt }) => `${name} ${changedAt}`).join() ?? "";
  const decisions = useResource(
    `decisions ${limit} ${subject ?? ""}`,
    (signal) => client.listDecisions({ query: { limit, ...(subject === null ? {} : { subject }) } }, { signal }),
    changes,
  );
  const { data, error } = decisions;
  return (
    <>
      <PageTitle title="Activity" />
      <p className="lead">Each import, deployment, rollback and release, with who decided it.</p>
      {subject !== null && (
        <p className="filter">
          Only <b>{subject}</b>{" "}
          <button type="button" className="button small" onClick={() => setSubject(null)}>
            Show all
          </button>
        </p>
      )}
      {error !== null && <Failure error={error} what="The decisions could not be read." />}
      {data !== null && data.length === 0 ? (
        <div className="empty">
          <p>Nothing was decided yet. The first decision is to deploy something:</p>
          <Command text="npx slipway deploy model.onnx --name my-model" label="command to deploy a file" />
        </div>
      ) : (
        data !== null && <Decisions decisions={data} hasSubject />
      )}
      {data !== null && data.length === limit && limit < MOST && (
        <p className="more">
          <button type="button" className="button" onClick={() => setLimit(String(Math.min(MOST, limit + STEP)))}>
            Show {STEP} more
          </button>
        </p>
      )}
    </>
  );
}
