// Who may talk to the administration listener: holders of the token, and the console's own pages. A page of another
// site can reach a loopback port through its visitor's browser; Host and Origin tell it apart (DNS rebinding, CSRF).
import { timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { SlipwayError } from "@slipway/core/base";

const IP_ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/;

export interface GuardOptions {
  readonly token: string;
  /** Names this listener is called by, without port. */
  readonly hosts: readonly string[];
  readonly port: () => number;
}

export interface Guard {
  /** @throws SlipwayError ORIGIN_REFUSED */
  checkOrigin(headers: IncomingHttpHeaders): void;
  /** @throws SlipwayError UNAUTHENTICATED */
  checkToken(headers: IncomingHttpHeaders): void;
  isToken(text: string): boolean;
  /** The cookie that stands in for the token in the console's pages. */
  cookie(): string;
}

export function createGuard({ token, hosts, port }: GuardOptions): Guard {
  // Cookies are not kept apart by port; the name is, so that two servers on a machine do not log each other out.
  const cookieName = () => `slipway-${port()}`;
  const expected = Buffer.from(token);
  const isToken = (text: string) => {
    const given = Buffer.from(text);
    return given.byteLength === expected.byteLength && timingSafeEqual(given, expected);
  };
  // A page can make its visitor's browser call any address, but not choose the Host it sends: rebinding needs a name of
  // its own. So names must be ours, while bare addresses and any port (a tunnel's) are fine.
  const isOwnHost = (host: string) => {
    const name = host.replace(/:\d+$/, "").toLowerCase();
    return hosts.includes(name) || IP_ADDRESS.test(name);
  };
  return {
    checkOrigin(headers) {
      if (!isOwnHost(headers.host ?? "")) {
        throw new SlipwayError(
          "ORIGIN_REFUSED",
          `The Host header "${headers.host ?? ""}" is not an address of this listener.`,
        );
      }
      const { origin } = headers;
      const site = headers["sec-fetch-site"];
      const isForeign = origin !== undefined && origin.replace(/^https?:\/\//, "") !== headers.host;
      if (
        isForeign ||
        (typeof site === "string" &&
          site !== "same-origin" &&
          site !== "none" &&
          headers["sec-fetch-mode"] !== "navigate")
      ) {
        throw new SlipwayError(
          "ORIGIN_REFUSED",
          `A page of another origin (${origin ?? site}) called the administration listener.`,
        );
      }
    },
    checkToken(headers) {
      const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1];
      if (bearer !== undefined && isToken(bearer)) return;
      for (const pair of (headers.cookie ?? "").split(";")) {
        const [name, value] = pair.trim().split("=", 2);
        if (name === cookieName() && value !== undefined && isToken(value)) return;
      }
      throw new SlipwayError(
        "UNAUTHENTICATED",
        "This needs the server's token. Open the address `slipway start` printed, or send the token from the data directory's server file as `Authorization: Bearer …`.",
      );
    },
    isToken,
    cookie: () => `${cookieName()}=${token}; HttpOnly; SameSite=Strict; Path=/`,
  };
}
