// Runs held against each other: their curves in one plot, what they came to, and what differed in what decided them.
import { client, type RunView } from "../api.ts";
import { Failure } from "../parts/failure.tsx";
import { Swatch } from "../parts/chart.tsx";
import { Link } from "../parts/link.tsx";
import { PageTitle, Section } from "../parts/section.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { Table } from "../parts/table.tsx";
import { useFollowed } from "../resource.ts";
import { runPath, useQueryParameter } from "../router.ts";
import { bestPoint } from "./curve.ts";
import { ComparedCharts, RUN_LOOKS } from "./learning-charts.tsx";
import { bestFigure, decided, epochText, figureText, hasEnded, runLabel, shortText } from "./run-text.ts";
import "../activity/activity.css";
import "./runs.css";

/** As many as lines are told apart. */
export const MOST_COMPARED = RUN_LOOKS.length;
const PERIOD_MS = 1500;

export function CompareRuns() {
  const [asked, setAsked] = useQueryParameter("runs");
  const ids = [...new Set((asked ?? "").split(".").filter((id) => id !== ""))].slice(0, MOST_COMPARED);
  const { data, error } = useFollowed(
    `runs ${ids.join()}`,
    async (signal) => await Promise.all(ids.map((id) => client.getRun({ params: { id } }, { signal }))),
    { periodMs: PERIOD_MS, isFollowed: (runs) => runs.some((one) => !hasEnded(one)) },
  );
  const set = (next: readonly string[]): void => setAsked(next.length === 0 ? null : next.join("."));
  return (
    <>
      <PageTitle title="Compare runs" />
      <p className="lead">
        Curves over the same epochs. Figures hold against each other where runs were judged on the same rows.
      </p>
      {error !== null && <Failure error={error} what="The runs could not be read." />}
      <Chosen runs={data ?? []} onRemove={(id) => set(ids.filter((one) => one !== id))} />
      {ids.length < MOST_COMPARED && <Another known={ids} onAdd={(id) => set([...ids, id])} />}
      {data !== null && data.length > 0 && <Compared runs={data} />}
    </>
  );
}

function Chosen({ runs, onRemove }: { runs: readonly RunView[]; onRemove: (id: string) => void }) {
  return (
    <ul className="compared-runs">
      {runs.map((one, at) => (
        <li key={one.id}>
          <Swatch series={RUN_LOOKS[at]!} isArea={false} />
          <Link href={runPath(one.id)}>{runLabel(one)}</Link>
          <StateMark state={one.state} />
          <button type="button" className="button small" onClick={() => onRemove(one.id)}>
            Remove<span className="hidden-visually"> {runLabel(one)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Another({ known, onAdd }: { known: readonly string[]; onAdd: (id: string) => void }) {
  const { data } = useFollowed("runs to compare", (signal) => client.listRuns({ query: {} }, { signal }), {
    periodMs: 10_000,
    isFollowed: () => true,
  });
  const others = data?.filter(({ id, run }) => run !== null && !known.includes(id)) ?? [];
  if (others.length === 0)
    return known.length > 0 ? null : <p className="quiet">Nothing was trained yet that could be compared.</p>;
  return (
    <label className="field run-another">
      <span>{known.length === 0 ? "A run" : "Another run"}</span>
      <select className="input" value="" onChange={({ target }) => onAdd(target.value)}>
        <option value="">Choose one</option>
        {others.map((one) => (
          <option key={one.id} value={one.id}>
            {runLabel(one)}, {one.state}
          </option>
        ))}
      </select>
    </label>
  );
}

function Compared({ runs }: { runs: readonly RunView[] }) {
  const begun = runs.filter(({ run }) => run !== null);
  const targets = new Set(begun.map(({ run }) => run!.task.target));
  const rows = new Set(begun.map(({ run }) => run!.data.hash));
  if (begun.length === 0) return <p className="quiet">None of these has been through an epoch yet.</p>;
  return (
    <>
      {targets.size > 1 ? (
        <p className="notice" data-tone="warn">
          These runs learn different targets ({[...targets].join(", ")}), so their figures say nothing of each other.
        </p>
      ) : (
        rows.size > 1 && (
          <p className="notice" data-tone="warn">
            These runs were judged on different rows, so small differences of their figures mean nothing.
          </p>
        )
      )}
      <Section id="curves" title="Learning curves">
        <ComparedCharts runs={runs} />
      </Section>
      <Section id="came-to" title="What they came to, and what differed">
        <Differences runs={runs} />
      </Section>
    </>
  );
}

function Differences({ runs }: { runs: readonly RunView[] }) {
  // What waits is not decided in full yet.
  const facts = runs.map((one) => (one.run === null ? null : decided(one)));
  const known = facts.filter((one) => one !== null);
  const keys = [...new Set(known.flatMap((one) => [...one.keys()]))];
  const differing = keys.filter((key) => new Set(known.map((one) => one.get(key))).size > 1);
  const scores = [...new Set(runs.flatMap(({ run }) => (run === null ? [] : [run.score])))];
  const outcomes: readonly (readonly [string, (one: RunView) => string])[] = [
    [`best ${scores.join(" or ")} on validation`, ({ run }) => figureText(bestFigure(run)?.value)],
    ["least validation loss", ({ run }) => shortText(bestPoint(run?.curve ?? [])?.validationLoss)],
    ["in epoch", ({ run }) => String(bestPoint(run?.curve ?? [])?.epoch ?? "–")],
    ["epochs", epochText],
    ["seconds of training", ({ run }) => shortText(run?.curve.at(-1)?.seconds)],
  ];
  return (
    <Table
      caption="What runs came to, and what differed"
      columns={["Of", ...runs.map((one) => ({ title: runLabel(one), look: "number" }))]}
    >
      {outcomes.map(([name, text]) => (
        <tr key={name}>
          <th scope="row">{name}</th>
          {runs.map((one) => (
            <td key={one.id} className="number">
              {text(one)}
            </td>
          ))}
        </tr>
      ))}
      {differing.map((key) => (
        <tr key={key}>
          <th scope="row">
            <code>{key}</code>
          </th>
          {runs.map((one, at) => (
            <td key={one.id} className="number">
              {facts[at]?.get(key) ?? "–"}
            </td>
          ))}
        </tr>
      ))}
    </Table>
  );
}
