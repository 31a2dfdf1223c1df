// What a network is worth beside what it has to beat, all on the same rows.
import type { Figures, RunRecord } from "../api.ts";
import { Whisker } from "../evidence/whisker.tsx";
import { wholeText } from "../parts/format.ts";
import { Table } from "../parts/table.tsx";
import { bestFigure, figureText, shortText, verdictText } from "./run-text.ts";
import "../evidence/evidence.css";

interface Row {
  readonly name: string;
  readonly figures: Figures;
  readonly isOwn: boolean;
}

export function FiguresTables({ run }: { run: RunRecord }) {
  const { baselines, result, network } = run;
  const own = (figures: Figures | undefined): readonly Row[] =>
    figures === undefined ? [] : [{ name: `${network.kind}, as served`, figures, isOwn: true }];
  const compared = [
    ...own(result?.figures.validation),
    ...baselines.toReversed().map((one) => ({ ...one, isOwn: false })),
  ];
  const test = own(result?.figures.test);
  const verdict = verdictText(run);
  const soFar = bestFigure(run);
  return (
    <>
      {verdict !== null && <p className="run-verdict">{verdict}</p>}
      {result === null && soFar !== null && (
        <p className="run-verdict">
          So far {run.score} {figureText(soFar.value)} at its best epoch; this is what it has to beat:
        </p>
      )}
      <FiguresTable caption={`On ${wholeText(run.data.validationRows)} validation rows`} rows={compared} />
      {test.length > 0 && (
        <FiguresTable caption={`On ${wholeText(test[0]!.figures.rows)} test rows, looked at once`} rows={test} />
      )}
    </>
  );
}

function FiguresTable({ caption, rows }: { caption: string; rows: readonly Row[] }) {
  const isClasses = rows[0]?.figures.kind === "classification";
  const number = (title: string, more = "") => ({ title, look: `number${more}` });
  const columns = isClasses
    ? [number("Accuracy"), { title: "95 % interval", look: "secondary" }, number("Balanced"), number("Log loss")]
    : [number("R²"), number("RMSE"), number("MAE")];
  return (
    <div className="run-figures">
      <Table caption={caption} columns={[{ title: caption, look: "wide" }, ...columns]}>
        {rows.map(({ name, figures, isOwn }) => (
          <tr key={name} className={isOwn ? "run-own" : ""}>
            <th scope="row">{name}</th>
            {figures.kind === "classification" ? (
              <>
                <td className="number">{figureText(figures.accuracy)}</td>
                <td className="secondary nowrap">
                  {figures.interval[0].toFixed(3)} to {figures.interval[1].toFixed(3)}{" "}
                  <Whisker
                    value={{
                      value: figures.accuracy,
                      interval: { lower: figures.interval[0], upper: figures.interval[1] },
                      unit: "1",
                    }}
                    axis={{ from: 0, to: 1 }}
                  />
                </td>
                <td className="number">{figureText(figures.balancedAccuracy)}</td>
                <td className="number">{figureText(figures.logLoss)}</td>
              </>
            ) : (
              <>
                <td className="number">{figureText(figures.r2)}</td>
                <td className="number">{shortText(figures.rmse)}</td>
                <td className="number">{shortText(figures.mae)}</td>
              </>
            )}
          </tr>
        ))}
      </Table>
    </div>
  );
}
