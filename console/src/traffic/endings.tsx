// How the requests of the last minute ended, by code.
import { percentText, wholeText } from "../parts/format.ts";
import { Table } from "../parts/table.tsx";
import type { Minute } from "./series.ts";

export function Endings({ minute }: { minute: Minute }) {
  const all = minute.answered + minute.unanswered;
  const rows = Object.entries(minute.codes).sort(([a, m], [b, n]) => Number(b === "OK") - Number(a === "OK") || n - m);
  return (
    <Table
      caption="Requests of the last minute by how they ended"
      columns={[
        { title: "Ending", look: "wide" },
        { title: "Requests", look: "number" },
        { title: "Share", look: "number" },
      ]}
    >
      {rows.length === 0 && (
        <tr>
          <td colSpan={3} className="quiet">
            No request ended in the last minute.
          </td>
        </tr>
      )}
      {rows.map(([code, count]) => (
        <tr key={code}>
          <th scope="row">{code === "OK" ? "Answered" : <code>{code}</code>}</th>
          <td className="number">{wholeText(count)}</td>
          <td className="number">{percentText(count / all)}</td>
        </tr>
      ))}
    </Table>
  );
}
