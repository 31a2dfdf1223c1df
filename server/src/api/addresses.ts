// Addresses to listen on and to print. Until there is access control, only loopback is listened on without asking twice.
import type { AddressInfo } from "node:net";
import { SlipwayError } from "@slipway/core/base";

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

/** @throws SlipwayError PUBLIC_REFUSED when a listener would be reachable from other machines */
export function checkListenAddress(host: string, isPublicAllowed: boolean, setting: string): void {
  if (isPublicAllowed || LOOPBACK.test(host)) return;
  throw new SlipwayError(
    "PUBLIC_REFUSED",
    `${setting} is "${host}", which other machines can reach, and there is no access control yet. Listen on 127.0.0.1, or say --insecure-public if the network itself is trusted.`,
  );
}

/** `http://127.0.0.1:8000`; an address that stands for all of them is shown as loopback. */
export function httpAddress({ address, port, family }: AddressInfo): string {
  const host =
    address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "[::1]" : family === "IPv6" ? `[${address}]` : address;
  return `http://${host}:${port}`;
}
