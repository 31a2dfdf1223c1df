// Latency by stage as numbers: what each stage is, and its percentiles in the latest second that had answers.
import { msText } from "../parts/format.ts";
import { type Minute, otherMs, PERCENTILES, STAGE_TEXT, STAGES } from "./series.ts";

export function StageTable({ minute }: { minute: Minute }) {
  const stages = minute.latest?.stages ?? null;
  return (
    <div className="scroll">
      <table className="table">
        <caption className="hidden-visually">Latency by stage</caption>
        <thead>
          <tr>
            <th scope="col">Stage</th>
            <th scope="col" className="secondary wide">
              What it is
            </th>
            {PERCENTILES.map((percentile) => (
              <th scope="col" className="number" key={percentile}>
                {percentile}, ms
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
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
        </tbody>
      </table>
    </div>
  );
}
