// Frames onto a socket: what one flush built leaves in one write.
import type { Socket } from "node:net";
import type { Send } from "./frame-writer.ts";

/** How to send on a socket; what is sent once it is closed is dropped, since whoever closed it is told otherwise. */
export function sendOn(socket: Socket): Send {
  return (chunks) => {
    if (!socket.writable) return true;
    if (chunks.length === 1) socket.write(chunks[0]!);
    else {
      socket.cork();
      for (const chunk of chunks) socket.write(chunk);
      socket.uncork();
    }
    return socket.writableLength === 0;
  };
}
