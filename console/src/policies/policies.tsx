// Every launch policy, and which endpoints have none.
import { useState } from "react";
import { client, type PolicyView } from "../api.ts";
import { useFeed } from "../feed.ts";
import { Failure } from "../parts/failure.tsx";
import { Link } from "../parts/link.tsx";
import { PageTitle, Section } from "../parts/section.tsx";
import { Table } from "../parts/table.tsx";
import { Ago } from "../parts/time.tsx";
import { useResource } from "../resource.ts";
import { navigate, policyPath } from "../router.ts";
import { endpointText } from "./policy.tsx";
import "../activity/activity.css";
import "./policies.css";

export function Policies() {
  const { data, error } = useResource("policies", (signal) => client.listPolicies(undefined, { signal }));
  const { status } = useFeed();
  const now = status?.now ?? Date.now();
  const governed = new Set(data?.map(({ endpoint }) => endpoint));
  const open = status?.endpoints.filter(({ name }) => !governed.has(name)).map(({ name }) => name) ?? [];
  return (
    <>
      <PageTitle title="Policies" />
      <p className="lead">
        What evidence must show of a version before it may go live. The gate asks each time a version is deployed; what
        was not measured never passes.
      </p>
      {error !== null && <Failure error={error} what="The policies could not be read." />}
      {data?.length === 0 && (
        <div className="empty">
          <p>No policy stands anywhere: every version may go live. Write the first one:</p>
        </div>
      )}
      {data !== null && data.length > 0 && <PolicyTable policies={data} now={now} />}
      {data !== null && (
        <Section id="new-policy" title={data.length === 0 ? "A first policy" : "Another policy"}>
          {open.length > 0 && (
            <p className="ungated">
              {governed.has("*") ? "Under the policy for all others: " : "Without a policy, so ungated: "}
              {open.map((name, i) => (
                <span key={name}>
                  {i > 0 && ", "}
                  <Link href={policyPath(name)}>{name}</Link>
                </span>
              ))}
              .
            </p>
          )}
          {!governed.has("*") && (
            <p className="ungated">
              One policy can stand before <Link href={policyPath("*")}>every endpoint without one of its own</Link>.
            </p>
          )}
          <NewPolicy />
        </Section>
      )}
    </>
  );
}

function PolicyTable({ policies, now }: { policies: readonly PolicyView[]; now: number }) {
  return (
    <Table
      caption="Launch policies"
      columns={["Before", { title: "Requirements", look: "wide" }, { title: "Changed", look: "number secondary" }]}
    >
      {policies.map(({ endpoint, requirements, changedAt }) => (
        <tr key={endpoint}>
          <th scope="row">
            <Link href={policyPath(endpoint)}>{endpointText(endpoint)}</Link>
          </th>
          <td>
            <ul className="policy-requirements">
              {requirements.map((requirement) => (
                <li key={requirement}>
                  <code>{requirement}</code>
                </li>
              ))}
            </ul>
          </td>
          <td className="number secondary">
            <Ago at={changedAt} now={now} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** For an endpoint that may not be there yet. */
function NewPolicy() {
  const [endpoint, setEndpoint] = useState("");
  return (
    <form
      className="new-policy"
      onSubmit={(event) => {
        event.preventDefault();
        if (endpoint.trim() !== "") navigate(policyPath(endpoint.trim()));
      }}
    >
      <label className="field">
        <span>Endpoint</span>
        <input
          className="input"
          value={endpoint}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => setEndpoint(event.target.value)}
        />
      </label>
      <button type="submit" className="button" disabled={endpoint.trim() === ""}>
        Write its policy
      </button>
    </form>
  );
}
