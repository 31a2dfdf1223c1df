// A version chosen from all there are.
import type { VersionView } from "../api.ts";
import { versionText } from "./format.ts";

interface VersionChoiceProps {
  readonly label: string;
  readonly versions: readonly VersionView[];
  /** As `digits@2`. */
  readonly value: string;
  readonly onChange: (value: string) => void;
}

export function VersionChoice({ label, versions, value, onChange }: VersionChoiceProps) {
  const names = [...new Set(versions.map(({ name }) => name))].sort((a, b) => a.localeCompare(b));
  return (
    <label className="field">
      <span>{label}</span>
      <select className="input" value={value} onChange={(event) => onChange(event.target.value)}>
        {!versions.some((version) => versionText(version) === value) && (
          <option value={value}>{value || "none"}</option>
        )}
        {names.map((name) => (
          <optgroup key={name} label={name}>
            {versions
              .filter((version) => version.name === name)
              .map((version) => (
                <option key={version.number} value={versionText(version)}>
                  {versionText(version)}
                </option>
              ))}
          </optgroup>
        ))}
      </select>
    </label>
  );
}

/** `digits@2` in its parts; null for anything else. */
export function versionNamed(text: string | null): { name: string; number: number } | null {
  const found = /^(.+)@([1-9]\d{0,8})$/.exec(text ?? "");
  return found === null ? null : { name: found[1]!, number: Number(found[2]) };
}
