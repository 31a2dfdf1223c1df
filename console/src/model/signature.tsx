// A model's typed inputs and outputs.
import type { PortView, SignatureView } from "../api.ts";
import { Table } from "../parts/table.tsx";

export function Signature({ signature }: { signature: SignatureView }) {
  return (
    <Table
      caption="Signature"
      columns={[
        "Port",
        "Name",
        { title: "Type", look: "wide" },
        { title: "Protocol datatype", look: "secondary nowrap" },
      ]}
    >
      <Ports ports={signature.inputs} kind="input" />
      <Ports ports={signature.outputs} kind="output" />
    </Table>
  );
}

function Ports({ ports, kind }: { ports: readonly PortView[]; kind: "input" | "output" }) {
  return ports.map(({ name, type, datatype, isOptional }) => (
    <tr key={`${kind} ${name}`}>
      <td className="quiet">
        {kind}
        {isOptional && ", optional"}
      </td>
      <th scope="row">
        <code>{name}</code>
      </th>
      <td>
        <code>{type}</code>
      </td>
      <td className="secondary">{datatype ?? <span className="quiet">none</span>}</td>
    </tr>
  ));
}
