// Decisions as a table: what was changed, by whom, on what.
import type { DecisionView } from "../api.ts";
import { Link } from "../parts/link.tsx";
import { Moment } from "../parts/time.tsx";
import { Table } from "../parts/table.tsx";

export function Decisions({ decisions, hasSubject }: { decisions: readonly DecisionView[]; hasSubject: boolean }) {
  if (decisions.length === 0) return <p className="quiet">Nothing was decided yet.</p>;
  return (
    <Table
      caption="Decisions, newest first"
      columns={[
        "When",
        "What",
        ...(hasSubject ? ["Of"] : []),
        { title: "In words", look: "wide" },
        { title: "By", look: "secondary" },
      ]}
    >
      {decisions.map((decision) => (
        <tr key={`${decision.at} ${decision.subject} ${decision.text}`}>
          <td className="nowrap">
            <Moment at={decision.at} />
          </td>
          <th scope="row" className="nowrap">
            {decision.kind}
          </th>
          {hasSubject && (
            <td className="nowrap">
              <Link href={`/activity?subject=${encodeURIComponent(decision.subject)}`}>{decision.subject}</Link>
            </td>
          )}
          <td>{decision.text}</td>
          <td className="secondary nowrap">{decision.actor}</td>
        </tr>
      ))}
    </Table>
  );
}
