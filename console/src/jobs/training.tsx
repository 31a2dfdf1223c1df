// How a network learns, live: its curve as the server draws it, and what its answers are worth beside the baselines.
import { client, type RunView } from "../api.ts";
import { Failure } from "../parts/failure.tsx";
import { countText } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { Section } from "../parts/section.tsx";
import { Table } from "../parts/table.tsx";
import { useFollowed } from "../resource.ts";
import { versionPath } from "../router.ts";
import { useTheme } from "../theme.ts";

/** What a page shows of a run's record. */
interface RunRecord {
  readonly data: { readonly trainingRows: number; readonly validationRows: number };
  readonly network: { readonly kind: string; readonly text: string; readonly learned: number };
  readonly score: string;
  readonly curve: readonly { readonly epoch: number; readonly validationScore: number | null }[];
  readonly baselines: readonly { readonly name: string; readonly figures: Figures }[];
  readonly result: { readonly figures: { readonly validation?: Figures }; readonly bestEpoch: number } | null;
}
type Figures =
  | { readonly kind: "classification"; readonly accuracy: number; readonly logLoss: number }
  | { readonly kind: "regression"; readonly r2: number; readonly rmse: number };

const PERIOD_MS = 1000;

export function Training({ id }: { id: string }) {
  const { data, error } = useFollowed(`run ${id}`, (signal) => client.getRun({ params: { id } }, { signal }), {
    periodMs: PERIOD_MS,
    isFollowed: ({ state }) => state === "queued" || state === "running",
  });
  if (error !== null && data === null) return <Failure error={error} what="The run could not be read." />;
  const record = data === null ? null : (data.run as RunRecord | null);
  if (data === null || record === null) return null;
  const version = data.number === null ? null : versionPath(data.name, data.number);
  return (
    <Section
      id="training"
      title="How it learns"
      note={`${record.network.kind}, ${record.network.text}; ${countText(record.network.learned, "parameter")}`}
      end={version !== null && <Link href={version}>{`${data.name}@${data.number}`}</Link>}
    >
      {record.curve.length > 0 && <Curve run={data} record={record} />}
      <Worth record={record} />
    </Section>
  );
}

function Curve({ run, record: { curve, score, result } }: { run: RunView; record: RunRecord }) {
  const theme = useTheme();
  const last = curve.at(-1)!;
  const picture = (format: "svg" | "png"): string =>
    `/api/runs/${encodeURIComponent(run.id)}/curve?${new URLSearchParams({ format, theme, epoch: String(last.epoch) }).toString()}`;
  const reached =
    last.validationScore === null ? "" : `, with ${score} ${last.validationScore.toFixed(4)} on rows held out`;
  const best = result === null ? "" : ` The weights of epoch ${result.bestEpoch} are served.`;
  return (
    <figure className="report-chart wide">
      <img src={picture("svg")} alt={`Losses by epoch, ${last.epoch} of them${reached}.${best}`} />
      <figcaption>
        {`Losses by epoch, and ${score} on rows held out; dashed, the epoch of the least validation loss. ${countText(last.epoch, "epoch")} so far${reached}.${best}`}
        <span className="chart-files">
          <a href={picture("svg")} download="curve.svg">
            SVG<span className="hidden-visually"> of the curve</span>
          </a>{" "}
          <a href={picture("png")} download="curve.png">
            PNG<span className="hidden-visually"> of the curve</span>
          </a>
        </span>
      </figcaption>
    </figure>
  );
}

function Worth({ record: { baselines, result, network, data } }: { record: RunRecord }) {
  const own = result?.figures.validation;
  const rows = [
    ...(own === undefined ? [] : [{ name: `${network.kind}, as served`, figures: own }]),
    ...baselines.toReversed(),
  ];
  const isClass = rows[0]?.figures.kind === "classification";
  const titles = isClass ? ["Accuracy", "Log loss"] : ["R²", "RMSE"];
  return (
    <Table
      caption={`On ${countText(data.validationRows, "row")} that were not trained by`}
      columns={["Model", ...titles.map((title) => ({ title, look: "number" }))]}
    >
      {rows.map(({ name, figures }) => (
        <tr key={name}>
          <th scope="row">{name}</th>
          {valuesOf(figures).map((value, at) => (
            <td key={titles[at]} className="number">
              {value}
            </td>
          ))}
        </tr>
      ))}
    </Table>
  );
}

function valuesOf(figures: Figures): readonly string[] {
  return figures.kind === "classification"
    ? [figures.accuracy.toFixed(4), figures.logLoss.toFixed(4)]
    : [figures.r2.toFixed(4), String(Number(figures.rmse.toPrecision(4)))];
}
