// Two versions side by side: each measured value of both with its interval, the difference and whether it is one, what was
// measured pair by pair, charts of the same kind, and what else differs.
import { type Chart, client, type Comparison, type ReportView } from "../api.ts";
import { ChartFigure } from "../evidence/chart-figure.tsx";
import { Failure } from "../parts/failure.tsx";
import { versionText } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { PageTitle, Section } from "../parts/section.tsx";
import { Table } from "../parts/table.tsx";
import { VersionChoice, versionNamed } from "../parts/version-choice.tsx";
import { useResource } from "../resource.ts";
import { useQueryParameter, versionPath } from "../router.ts";
import { ComparedValues } from "./compared-values.tsx";
import "../activity/activity.css";
import "../evidence/evidence.css";
import "./compare.css";

export function Compare() {
  const versions = useResource("versions", (signal) => client.listVersions({ query: {} }, { signal }));
  const [first, setFirst] = useQueryParameter("first");
  const [second, setSecond] = useQueryParameter("second");
  const isChosen = versionNamed(first) !== null && versionNamed(second) !== null;
  return (
    <>
      <PageTitle title="Compare" />
      <p className="lead">
        The second version is held against the first. Only intervals that are apart, and numbers that were counted, make
        one better or worse.
      </p>
      {versions.error !== null && <Failure error={versions.error} what="The versions could not be read." />}
      {versions.data !== null && (
        <div className="compare-choice">
          <VersionChoice label="First" versions={versions.data} value={first ?? ""} onChange={setFirst} />
          <VersionChoice label="Second" versions={versions.data} value={second ?? ""} onChange={setSecond} />
        </div>
      )}
      {isChosen && first === second && <p className="quiet">Both are the same version; choose another.</p>}
      {isChosen && first !== second && <Both key={`${first} ${second}`} first={first!} second={second!} />}
      {!isChosen && versions.data !== null && <p className="quiet">Choose two versions.</p>}
    </>
  );
}

function Both({ first, second }: { first: string; second: string }) {
  const one = useReport(first, null);
  const other = useReport(second, first);
  const error = one.error ?? other.error;
  const comparison = other.data?.comparison ?? null;
  if (error !== null) return <Failure error={error} what="The versions could not be compared." />;
  if (one.data === null || other.data === null || comparison === null) return null;
  return (
    <>
      <Section id="values" title="Values" note={`${second} held against ${first}`}>
        {comparison.values.length === 0 ? (
          <p className="quiet">
            Neither was measured yet. Measure <VersionLink of={first} /> and <VersionLink of={second} />.
          </p>
        ) : (
          <ComparedValues comparison={comparison} />
        )}
      </Section>
      {comparison.paired.length > 0 && <Paired comparison={comparison} />}
      <Charts first={one.data} second={other.data} />
      {comparison.facts.length > 0 && (
        <Section id="facts" title="What else differs">
          <Table caption="What else differs" columns={["Of", first, { title: second, look: "wide" }]}>
            {comparison.facts.map((fact) => (
              <tr key={fact.name}>
                <th scope="row">{fact.name}</th>
                <td>{fact.first}</td>
                <td>{fact.second}</td>
              </tr>
            ))}
          </Table>
        </Section>
      )}
    </>
  );
}

function useReport(version: string, against: string | null) {
  const { name, number } = versionNamed(version)!;
  const key = against === null ? `report of ${version}` : `report of ${version} against ${against}`;
  return useResource(key, (signal) =>
    client.getReport({ params: { name, number }, query: against === null ? {} : { against } }, { signal }),
  );
}

function VersionLink({ of }: { of: string }) {
  const { name, number } = versionNamed(of)!;
  return <Link href={versionPath(name, number)}>{of}</Link>;
}

function Paired({ comparison }: { comparison: Comparison }) {
  return (
    <Section id="paired" title="Row by row" note="both on the same rows, which sees smaller differences">
      {comparison.paired.map(({ evidenceId, where, sentences }) => (
        <div key={evidenceId} className="paired">
          {where !== "" && <h3>{where}</h3>}
          <ul>
            {sentences.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        </div>
      ))}
    </Section>
  );
}

/** Charts both have, by kind and title, beside each other. */
function Charts({ first, second }: { first: ReportView; second: ReportView }) {
  const pairs = pairsOf(first.charts, second.charts);
  if (pairs.length === 0) return null;
  return (
    <Section
      id="charts"
      title="Charts"
      note={`${versionText(first.subject)} left, ${versionText(second.subject)} right`}
    >
      {pairs.map(([left, right]) => (
        <div className="chart-pair" key={left.id}>
          {[
            { report: first, chart: left },
            { report: second, chart: right },
          ].map(({ report, chart }) => (
            <div key={versionText(report.subject)}>
              <h3>{versionText(report.subject)}</h3>
              <ChartFigure version={report.subject} chart={chart} />
            </div>
          ))}
        </div>
      ))}
    </Section>
  );
}

/** Charts that show the same of both: the kind and place among its kind are the same. */
export function pairsOf(first: readonly Chart[], second: readonly Chart[]): readonly (readonly [Chart, Chart])[] {
  const open = [...second];
  return first.flatMap((chart) => {
    const place = open.findIndex(({ kind, title }) => kind === chart.kind && title === chart.title);
    const found = open[place];
    if (found === undefined) return [];
    open.splice(place, 1);
    return [[chart, found] as const];
  });
}
