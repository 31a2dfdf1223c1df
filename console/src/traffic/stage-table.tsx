// Latency by stage as numbers: what each stage is, and its percentiles in the latest second that had answers.
import { msText } from "../parts/format.ts";
import { Table } from "../parts/table.tsx";
import { type Minute, otherMs, PERCENTILES, STAGE_TEXT, STAGES } from "./series.ts";

export function StageTable({ minute }: { minute: Minute }) {
  const stages = minute.latest?.stages ?? null;
  return (
    <Table
      caption="Latency by stage"
      columns={[
        "Stage",
        { title: "What it is", look: "secondary wide" },
        ...PERCENTILES.map((percentile) => ({ title: `${percentile}, ms`, look: "number" })),
      ]}
    >
      {(["total", ...STAGES] as const).map((stage) => (
        <tr key={stage}>
          <th scope="row">{stage}</th>
          <td className="secondary quiet">{STAGE_TEXT[stage]}</td>
          {PERCENTILES.map((percentile) => (
            <td className="number" key={percentile}>
              {msText(stages?.[stage][percentile])}
            </td>
          ))}
        </tr>
      ))}
      <tr>
        <th scope="row">other</th>
        <td className="secondary quiet">Reading and writing the protocol, preparing records</td>
        {PERCENTILES.map((percentile) => (
          <td className="number" key={percentile}>
            {msText(minute.latest === null ? null : otherMs(minute.latest, percentile))}
          </td>
        ))}
      </tr>
    </Table>
  );
}
