// A link within the console: an ordinary anchor that moves without loading the page again.
import type { AnchorHTMLAttributes, MouseEvent } from "react";
import { navigate } from "../router.ts";

export function Link(props: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  const follow = (event: MouseEvent<HTMLAnchorElement>): void => {
    props.onClick?.(event);
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (event.defaultPrevented || !isPlain) return;
    event.preventDefault();
    navigate(props.href);
    const anchor = new URL(props.href, location.href).hash.slice(1);
    if (anchor !== "") requestAnimationFrame(() => document.getElementById(anchor)?.scrollIntoView());
  };
  return (
    <a {...props} onClick={follow}>
      {props.children}
    </a>
  );
}
