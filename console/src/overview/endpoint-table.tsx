// Every endpoint in a row: how it is, what it serves and what it does now.
import type { EndpointView, LiveView } from "../api.ts";
import { megabytesText, msText, rateText, versionText, wholeText } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { Sparkline } from "../parts/sparkline.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { Table } from "../parts/table.tsx";
import { endpointPath, versionPath } from "../router.ts";
import { minuteOf, secondsOf } from "../traffic/series.ts";

export function EndpointTable({ endpoints, live }: { endpoints: readonly EndpointView[]; live: readonly LiveView[] }) {
  return (
    <Table
      caption="Endpoints"
      look="endpoints"
      columns={[
        "Endpoint",
        "State",
        { title: "Version", look: "secondary" },
        { title: "Requests/s", look: "number" },
        { title: "Last minute", look: "secondary" },
        { title: "p50, ms", look: "number secondary" },
        { title: "p99, ms", look: "number" },
        { title: "Waiting", look: "number secondary" },
        { title: "Memory, MB", look: "number secondary" },
        { title: "Unanswered/min", look: "number secondary" },
      ]}
    >
      {endpoints.map((endpoint) => (
        <Row key={endpoint.name} endpoint={endpoint} live={live} />
      ))}
    </Table>
  );
}

function Row({ endpoint, live }: { endpoint: EndpointView; live: readonly LiveView[] }) {
  const seconds = secondsOf(live, endpoint.name);
  const minute = minuteOf(seconds);
  const now = seconds.at(-1)?.traffic ?? null;
  const total = minute.latest?.stages?.total;
  return (
    <tr>
      <th scope="row">
        <Link href={endpointPath(endpoint.name)}>{endpoint.name}</Link>
      </th>
      <td>
        <StateMark state={endpoint.live?.executor?.state === "quarantined" ? "quarantined" : endpoint.state} />
      </td>
      <td className="secondary nowrap">
        {endpoint.live === null ? (
          "–"
        ) : (
          <Link href={versionPath(endpoint.live.name, endpoint.live.number)}>{versionText(endpoint.live)}</Link>
        )}
      </td>
      <td className="number">{rateText(now?.requestsPerSecond)}</td>
      <td className="secondary">
        <Sparkline values={seconds.map(({ traffic }) => traffic?.requestsPerSecond ?? null)} />
      </td>
      <td className="number secondary">{msText(total?.p50)}</td>
      <td className="number">{msText(total?.p99)}</td>
      <td className="number secondary">{wholeText(now?.queued)}</td>
      <td className="number secondary">{megabytesText(now?.residentBytes)}</td>
      <td className="number secondary">{now === null ? "–" : wholeText(minute.unanswered)}</td>
    </tr>
  );
}
