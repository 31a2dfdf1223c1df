// May this version go live, and behind which endpoint? What each launch policy says of it.
import type { ReportView } from "../api.ts";
import { Link } from "../parts/link.tsx";
import { Section } from "../parts/section.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { VerdictTable, verdictText } from "../policies/verdict.tsx";
import { endpointPath, policyPath } from "../router.ts";

export function GateSection({ report: { gates, subject } }: { report: ReportView }) {
  return (
    <Section id="gate" title="Launch policy" note="may it go live?">
      {gates.length === 0 && <p className="quiet">It is behind no endpoint, and no policy stands before one.</p>}
      {gates.map(({ endpoint, isLive, judged }) => (
        <div className="gate" key={endpoint}>
          <p className="gate-verdict">
            <StateMark state={judged?.verdict ?? "ungated"} />
            <span>
              Behind <Link href={endpointPath(endpoint)}>{endpoint}</Link>
              {isLive && ", where it is live"}:{" "}
              {judged === null ? "no policy stands there, so nothing is asked." : verdictText(judged)}
            </span>
            <Link href={policyPath(endpoint)}>
              {judged === null ? "Write a policy" : "Policy"}
              <span className="hidden-visually"> of {endpoint}</span>
            </Link>
          </p>
          {judged !== null && <VerdictTable judged={judged} version={subject} />}
        </div>
      ))}
    </Section>
  );
}
