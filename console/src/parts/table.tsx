// A table of figures: scrolls on its own where it is wider than the page, and has a caption for who can't see it.
import type { ReactNode } from "react";

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
  return (
    <div className="scroll">
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

function Head({ column }: { column: string | Column }) {
  const { title, look, isHidden }: Column = typeof column === "string" ? { title: column } : column;
  return (
    <th scope="col" className={look}>
      {isHidden === true ? <span className="hidden-visually">{title}</span> : title}
    </th>
  );
}
