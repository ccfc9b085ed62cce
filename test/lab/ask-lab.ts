/** Requests to a lab, as any program of the machine can send them. */

import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';

import { partsOf } from './lab-for-test.ts';

interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

/** What the lab answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** Asks, with the path as it is given: `fetch` would make it straight. */
export async function ask(port: number, { method = 'GET', path = '/', headers = {}, body }: Ask): Promise<Answer> {
  const asked = request({ host: '127.0.0.1', port, method, path, headers, agent: false });
  // A body that is refused is not read to its end.
  asked.on('error', () => {});
  asked.end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) };
}

/** The key that the token of an address gives. */
export async function keyOf(address: string): Promise<string> {
  const { port, token } = partsOf(address);
  const { body } = await ask(port, { method: 'POST', path: '/api/session', body: JSON.stringify({ token }) });
  return (JSON.parse(body) as { readonly key: string }).key;
}

/** What a page with the key sends to the lab that is on the port now. */
export async function passOf(port: number, key: string): Promise<string> {
  const { run } = JSON.parse((await ask(port, { path: '/api/run' })).body) as { readonly run: string };
  return createHmac('sha256', key).update(run).digest('base64url');
}

/** The headers of a page that spends the token of an address. */
export async function admitted(address: string): Promise<OutgoingHttpHeaders> {
  return bearing(await passOf(partsOf(address).port, await keyOf(address)));
}

/** The headers of a page with a pass. */
export function bearing(pass: string): OutgoingHttpHeaders {
  return { authorization: `Bearer ${pass}` };
}
