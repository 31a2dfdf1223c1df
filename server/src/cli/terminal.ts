// Where a command writes: answers to standard output, progress and errors to standard error. An argument, so that tests
// read what a person would.

export interface Terminal {
  /** Writes to standard output as it is. */
  out(text: string): void;
  /** Writes to standard error as it is. */
  err(text: string): void;
  /** Whether a person reads standard error: then progress may overwrite its line. */
  readonly isInteractive: boolean;
  readonly hasColour: boolean;
  readonly columns: number;
}

/** The terminal of this process. Colour is off where output is not a terminal, and where NO_COLOR is set (no-color.org). */
export function processTerminal(process_: NodeJS.Process): Terminal {
  const noColour = (process_.env["NO_COLOR"] ?? "") !== "" || process_.env["TERM"] === "dumb";
  return {
    out: (text) => void process_.stdout.write(text),
    err: (text) => void process_.stderr.write(text),
    isInteractive: process_.stderr.isTTY && process_.env["TERM"] !== "dumb",
    hasColour: process_.stdout.isTTY && !noColour,
    columns: process_.stdout.columns ?? 100,
  };
}

export type Style = "bold" | "dim" | "red" | "green" | "yellow";
const SEQUENCES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

/** Text in a style, where the terminal has colour. */
export function styled(terminal: Terminal, style: Style, text: string): string {
  if (!terminal.hasColour) return text;
  const [on, off] = SEQUENCES[style];
  return `\u001B[${on}m${text}\u001B[${off}m`;
}

/** A line of progress: overwritten on a terminal, written once per step elsewhere. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #isQuiet: boolean;
  #isOpen = false;

  constructor(terminal: Terminal, options: { readonly isQuiet: boolean }) {
    this.#terminal = terminal;
    this.#isQuiet = options.isQuiet;
  }

  /** A new step, shown everywhere. */
  step(text: string): void {
    if (this.#isQuiet) return;
    if (this.#terminal.isInteractive) this.update(text);
    else this.#terminal.err(`${text}\n`);
  }

  /** How the step goes on, shown only where it can be overwritten. */
  update(text: string): void {
    if (this.#isQuiet || !this.#terminal.isInteractive) return;
    this.#terminal.err(`\r\u001B[2K${text.slice(0, this.#terminal.columns - 1)}`);
    this.#isOpen = true;
  }

  /** Clears the line, so that what follows stands alone. */
  end(): void {
    if (this.#isOpen) this.#terminal.err("\r\u001B[2K");
    this.#isOpen = false;
  }
}
