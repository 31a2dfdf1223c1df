// A table of figures: scrolls on its own where it is wider than the page, and has a caption for who can't see it.
import { type ReactNode, useEffect, useRef, useState } from "react";

interface Column {
  readonly title: string;
  /** Classes of its head: number, secondary, wide, nowrap. */
  readonly look?: string;
  /** The title is only read aloud. */
  readonly isHidden?: boolean;
}

interface TableProps {
  readonly caption: string;
  readonly columns: readonly (string | Column)[];
  /** A class of its own. */
  readonly look?: string;
  /** Its rows. */
  readonly children: ReactNode;
}

export function Table({ caption, columns, look, children }: TableProps) {
  const scroll = useRef<HTMLDivElement>(null);
  const isScrolled = useOverflow(scroll);
  return (
    // Scrolled by keyboard where there is something to scroll to.
    <div className="scroll" ref={scroll} {...(isScrolled ? { tabIndex: 0, role: "group", "aria-label": caption } : {})}>
      <table className={look === undefined ? "table" : `table ${look}`}>
        <caption className="hidden-visually">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={typeof column === "string" ? column : column.title} column={column} />
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** Whether an element's content is wider than the element. */
function useOverflow(element: { readonly current: HTMLElement | null }): boolean {
  const [isWider, setWider] = useState(false);
  useEffect(() => {
    const box = element.current;
    if (box === null) return undefined;
    const observer = new ResizeObserver(() => setWider(box.scrollWidth > box.clientWidth));
    observer.observe(box);
    if (box.firstElementChild !== null) observer.observe(box.firstElementChild);
    return () => observer.disconnect();
  }, [element]);
  return isWider;
}

function Head({ column }: { column: string | Column }) {
  const { title, look, isHidden }: Column = typeof column === "string" ? { title: column } : column;
  return (
    <th scope="col" className={look}>
      {isHidden === true ? <span className="hidden-visually">{title}</span> : title}
    </th>
  );
}
