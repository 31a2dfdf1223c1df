// One option of a measurement or setting of a run: as its schema says what it takes.
import { useId } from "react";
import { type OptionField, valueTyped } from "./options.ts";

interface OptionInputProps {
  readonly field: OptionField;
  readonly text: string;
  /** What the server said of it. */
  readonly refused?: string | undefined;
  readonly onChange: (text: string) => void;
}

export function OptionInput({ field, text, refused, onChange }: OptionInputProps) {
  const id = useId();
  const typed = valueTyped(field, text);
  const wrong = typed !== null && "wrong" in typed ? typed.wrong : (refused ?? null);
  const described = {
    id,
    className: "input",
    value: text,
    "aria-invalid": wrong !== null,
    "aria-describedby": `${id}-about`,
  };
  const change = (event: { target: { value: string } }): void => onChange(event.target.value);
  return (
    <div className="option">
      <label htmlFor={id}>{field.name}</label>
      {field.form.kind === "choice" || field.form.kind === "flag" ? (
        <select {...described} onChange={change}>
          <option value="">{defaultText(field)}</option>
          {(field.form.kind === "choice" ? field.form.choices : ["true", "false"]).map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      ) : (
        <input
          {...described}
          placeholder={defaultText(field)}
          inputMode={field.form.kind === "number" ? "decimal" : "text"}
          autoComplete="off"
          spellCheck={false}
          onChange={change}
        />
      )}
      <p id={`${id}-about`} className="option-about">
        {wrong !== null && <b>{wrong} </b>}
        {field.about}
      </p>
    </div>
  );
}

function defaultText({ byDefault }: OptionField): string {
  return byDefault === null || byDefault === "" ? "by default" : `by default ${byDefault}`;
}
