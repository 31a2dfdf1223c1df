// What people say that columns are, with `--role COLUMN=ROLE`, read the same way by every command that takes it.
import { SlipwayError } from "@slipway/core/base";
import { COLUMN_ROLES, type ColumnRole } from "#lab/dataset";
import { type CommandOptions, listOption } from "./command.ts";

/** Roles by column. @throws SlipwayError USAGE */
export function rolesFrom(options: CommandOptions): ReadonlyMap<string, ColumnRole> {
  const roles = new Map<string, ColumnRole>();
  for (const text of listOption(options, "role")) {
    // A column's name may hold anything, "=" too.
    const at = text.lastIndexOf("=");
    const [column, role] = [text.slice(0, at), text.slice(at + 1)];
    if (at <= 0 || !Object.hasOwn(COLUMN_ROLES, role)) {
      const takes = Object.keys(COLUMN_ROLES).join(", ");
      throw new SlipwayError(
        "USAGE",
        `--role is "${text}"; it must be COLUMN=ROLE, such as --role postcode=categorical, with a role of ${takes}.`,
      );
    }
    roles.set(column, role as ColumnRole);
  }
  return roles;
}
