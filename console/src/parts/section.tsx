// A titled region of a page, and the heading that a page begins with.
import { type ReactNode, useEffect, useRef } from "react";

export function Section(props: { id: string; title: string; note?: ReactNode; end?: ReactNode; children: ReactNode }) {
  return (
    <section className="section" id={props.id} aria-labelledby={`${props.id}-title`}>
      <header>
        <h2 id={`${props.id}-title`}>{props.title}</h2>
        {props.note !== undefined && <span className="quiet">{props.note}</span>}
        {props.end !== undefined && <span className="end">{props.end}</span>}
      </header>
      {props.children}
    </section>
  );
}

let isFirstPage = true;

/** The page's heading. Moving to a page puts the focus here, so that a screen reader says where one is. */
export function PageTitle({ title, children }: { title: string; children?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!isFirstPage) heading.current?.focus({ preventScroll: true });
    isFirstPage = false;
  }, []);
  useEffect(() => {
    document.title = `${title} · Slipway`;
  }, [title]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children ?? title}
    </h1>
  );
}
