// A model's typed inputs and outputs.
import type { PortView, SignatureView } from "../api.ts";

export function Signature({ signature }: { signature: SignatureView }) {
  return (
    <div className="scroll">
      <table className="table">
        <caption className="hidden-visually">Signature</caption>
        <thead>
          <tr>
            <th scope="col">Port</th>
            <th scope="col">Name</th>
            <th scope="col" className="wide">
              Type
            </th>
            <th scope="col" className="secondary nowrap">
              Protocol datatype
            </th>
          </tr>
        </thead>
        <tbody>
          <Ports ports={signature.inputs} kind="input" />
          <Ports ports={signature.outputs} kind="output" />
        </tbody>
      </table>
    </div>
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
