import type { IncomingMessage } from 'node:http';

import { Refusal } from './refusal.ts';

/** By which names this machine calls itself. Any port: it may be forwarded to. */
const LOOPBACK = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/u;
const FORBIDDEN = 403;

/**
 * Refuses what another page sends: under a name that leads here (DNS rebinding), or from an origin
 * that is not the lab's own (https://fetch.spec.whatwg.org/#origin-header).
 *
 * @throws {Refusal}
 */
export function checkRequest({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): void {
  const { host = '', origin, 'sec-fetch-site': site } = headers;
  if (!LOOPBACK.test(host)) throw new Refusal(FORBIDDEN, 'Cannot answer under this name: use 127.0.0.1 or localhost');
  const isForeign = origin !== undefined && origin !== `http://${host}`;
  // Typed into the address bar: none.
  const isOwn = site === undefined || site === 'same-origin' || site === 'none';
  if (isForeign || !(isOwn || isFollowedLink(method, headers)))
    throw new Refusal(FORBIDDEN, 'Cannot answer the pages of others');
}

/**
 * A link to the lab, such as that of `--open`: a window of its own, which the page that has the
 * link cannot look into (https://www.w3.org/TR/fetch-metadata).
 */
function isFollowedLink(method: string | undefined, headers: IncomingMessage['headers']): boolean {
  const { 'sec-fetch-mode': mode, 'sec-fetch-dest': destination } = headers;
  return method === 'GET' && mode === 'navigate' && destination === 'document';
}
