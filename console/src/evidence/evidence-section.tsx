// What is known of a version: every kind of evidence with its findings, and what nobody has measured yet.
import { useEffect } from "react";
import type { ReportView } from "../api.ts";
import { Link } from "../parts/link.tsx";
import { Section } from "../parts/section.tsx";
import { measurePath } from "../router.ts";
import { versionFile } from "./chart-figure.tsx";
import { FindingView } from "./finding.tsx";
import { kindsOf } from "./groups.ts";
import "./evidence.css";

export function EvidenceSection({ report }: { report: ReportView }) {
  const { subject, unmeasured } = report;
  const kinds = kindsOf(report.evidence);
  const measure = measurePath(subject.name, subject.number);
  useEffect(() => {
    // What the address points at was not there before it was read.
    if (location.hash.startsWith("#evidence")) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }, []);
  return (
    <Section
      id="evidence"
      title="Evidence"
      note={kinds.length === 0 ? "nothing was measured yet" : "what was measured, newest first"}
      end={
        <Link className="button small" href={measure}>
          Measure…
        </Link>
      }
    >
      {kinds.length > 0 && (
        <p className="evidence-files">
          As files: <a href={versionFile(subject, "report.html")}>report</a>,{" "}
          <a href={versionFile(subject, "card.md")}>model card</a>,{" "}
          <a href={versionFile(subject, "evidence")}>all of it in JSON</a>
        </p>
      )}
      {kinds.map(({ kind, findings }) => (
        <section key={kind} className="kind" aria-labelledby={`kind-${kind}`}>
          <h3 id={`kind-${kind}`}>{kind}</h3>
          {findings.map((finding) => (
            <FindingView key={finding.evidence.id} finding={finding} report={report} />
          ))}
        </section>
      ))}
      {unmeasured.length > 0 && (
        <section className="kind" aria-labelledby="unmeasured">
          <h3 id="unmeasured">Not measured</h3>
          <ul className="unmeasured">
            {unmeasured.map(({ kind, about }) => (
              <li key={kind}>
                <Link href={`${measure}?what=${encodeURIComponent(kind)}`}>{kind}</Link>
                <span className="quiet">{about}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </Section>
  );
}
