// The effective configuration: each key with its value, where it came from and what it means.
import { client, type ConfigView } from "../api.ts";
import { Failure } from "../parts/failure.tsx";
import { amountText, valueText } from "../parts/format.ts";
import { PageTitle, Section } from "../parts/section.tsx";
import { Table } from "../parts/table.tsx";
import { useResource } from "../resource.ts";
import { useQueryParameter } from "../router.ts";
import "../activity/activity.css";
import "./settings.css";

type Key = ConfigView["keys"][number];

/** Keys in groups by what comes before their first dot, in the configuration's order. */
function grouped(keys: readonly Key[]): [string, Key[]][] {
  const groups = new Map<string, Key[]>();
  for (const key of keys) {
    const name = key.key.includes(".") ? (key.key.split(".")[0] ?? "") : "general";
    groups.set(name, [...(groups.get(name) ?? []), key]);
  }
  return [...groups];
}

function Amount({ text }: { text: string | null }) {
  return text === null ? null : <span className="quiet"> ({text})</span>;
}

export function Settings() {
  const { data, error } = useResource("config", (signal) => client.getConfig(undefined, { signal }));
  const [changed, setChanged] = useQueryParameter("changed");
  const isChangedOnly = changed === "1";
  const keys = (data?.keys ?? []).filter(({ source }) => !isChangedOnly || source !== "default");
  return (
    <>
      <PageTitle title="Settings" />
      <p className="lead">
        What is in force, and where each value came from: a flag, else the environment, else{" "}
        <code>{data?.file ?? "slipway.yaml"}</code>, else the default. Changes take effect when the server starts again.
      </p>
      {error !== null && <Failure error={error} what="The configuration could not be read." />}
      {data !== null && (
        <label className="check">
          <input
            type="checkbox"
            checked={isChangedOnly}
            onChange={(event) => setChanged(event.target.checked ? "1" : null)}
          />
          Only what differs from its default
        </label>
      )}
      {data !== null && keys.length === 0 && <p className="quiet settings-none">Everything is at its default.</p>}
      {grouped(keys).map(([group, members]) => (
        <Section key={group} id={`settings-${group}`} title={group}>
          <Table caption={`Settings of ${group}`} look="settings" columns={["Key", "Value", "From", "What it means"]}>
            {members.map(({ key, value, source, description }) => (
              <tr key={key} data-changed={source !== "default"}>
                <th scope="row">
                  <code>{key}</code>
                </th>
                <td>
                  <code>{valueText(value)}</code>
                  <Amount text={amountText(key, value)} />
                </td>
                <td>{source}</td>
                <td className="quiet">{description}</td>
              </tr>
            ))}
          </Table>
        </Section>
      ))}
    </>
  );
}
