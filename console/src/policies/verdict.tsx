// What evidence says of each requirement: met or not, by how much, and what to do about it.
import type { PolicyVerdictView } from "../api.ts";
import { digitsText } from "../evidence/quantity.ts";
import { countText } from "../parts/format.ts";
import { Link } from "../parts/link.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { Table } from "../parts/table.tsx";
import { measurePath, versionPath } from "../router.ts";
import { kindOf } from "./policy-lines.ts";
import "./policies.css";

interface VersionName {
  readonly name: string;
  readonly number: number;
}

type Requirement = PolicyVerdictView["requirements"][number];

/** In a sentence. */
export function verdictText({ verdict, requirements }: PolicyVerdictView): string {
  const met = requirements.filter((one) => one.verdict === "yes").length;
  const of = countText(requirements.length, "requirement");
  if (verdict === "yes") return requirements.length === 1 ? "Its requirement is met." : `All ${of} are met.`;
  return `It may not go live: ${met} of ${of} ${requirements.length === 1 ? "is" : "are"} met.`;
}

export function VerdictTable({ judged, version }: { judged: PolicyVerdictView; version: VersionName }) {
  return (
    <Table
      caption="Requirements and what was found"
      look="verdict"
      columns={[
        "Met",
        { title: "Requirement, what was found, and what to do", look: "wide" },
        { title: "Found", look: "number secondary" },
        { title: "Needed", look: "number secondary" },
        { title: "Margin", look: "number secondary" },
      ]}
    >
      {judged.requirements.map((requirement) => (
        <tr key={requirement.requirement}>
          <td>
            <StateMark state={requirement.verdict} />
          </td>
          <td>
            <code>{requirement.requirement}</code>
            <p className="found">
              {requirement.text} <Remedy requirement={requirement} version={version} />
            </p>
          </td>
          <td className="number secondary">{numberText(requirement.found, requirement.unit)}</td>
          <td className="number secondary">{numberText(requirement.needed, requirement.unit)}</td>
          <td className="number secondary">{marginText(requirement)}</td>
        </tr>
      ))}
    </Table>
  );
}

function Remedy({ requirement, version }: { requirement: Requirement; version: VersionName }) {
  const { verdict, remedy, evidenceId } = requirement;
  const { name, number } = version;
  const kind = kindOf(requirement.requirement);
  return (
    <>
      {verdict !== "yes" && remedy !== null && <span className="remedy">{remedy}</span>}
      {verdict === "unknown" && (
        <Link className="verdict-link" href={`${measurePath(name, number)}?what=${encodeURIComponent(kind)}`}>
          Measure {kind}
        </Link>
      )}
      {evidenceId !== null && (
        <Link className="verdict-link" href={`${versionPath(name, number)}#evidence-${evidenceId}`}>
          Evidence<span className="hidden-visually"> of {requirement.requirement}</span>
        </Link>
      )}
    </>
  );
}

function numberText(value: number | null, unit: string): string {
  return value === null ? "–" : `${digitsText(value)}${unit === "1" ? "" : ` ${unit}`}`;
}

/** `+0.0143` to spare, `−0.0413` short. */
function marginText({ margin, unit }: Requirement): string {
  if (margin === null) return "–";
  return `${margin < 0 ? "−" : "+"}${numberText(Math.abs(margin), unit)}`;
}
