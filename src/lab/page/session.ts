/** The key that the lab gave this browser for its token, kept for this origin: host and port. */

import { PassRequests } from './pass-requests.ts';

const STORED_AS = 'dmabuf-lab-key';
const TOKEN = /^#token=(?<token>[\w-]+)$/u;

/** The lab refused, with a reason for people. */
export class LabRefusal extends Error {
  override readonly name = 'LabRefusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Spends the token of the address, if it has one, and takes it out of the address. */
export async function beginSession(): Promise<void> {
  const token = TOKEN.exec(location.hash)?.groups?.['token'];
  if (token === undefined) return;
  history.replaceState(null, '', location.pathname + location.search);
  const answer = await fetch('/api/session', { method: 'POST', body: JSON.stringify({ token }) });
  // An address that was used before is no harm to a browser that has a key.
  if (!answer.ok) return;
  const { key } = (await answer.json()) as { readonly key: string };
  localStorage.setItem(STORED_AS, key);
}

const requests = new PassRequests(() => localStorage.getItem(STORED_AS));

/** @throws {LabRefusal} for an answer that is none of 200 to 299 */
export async function askLab(path: string, options: RequestInit = {}): Promise<Response> {
  const answer = await requests.fetch(path, options);
  if (answer.ok) return answer;
  const { error = answer.statusText } = (await answer.json().catch(() => ({}))) as { readonly error?: string };
  throw new LabRefusal(answer.status, error);
}

/** @throws {LabRefusal} */
export async function postJson<Answer>(path: string, value: object = {}): Promise<Answer> {
  const answer = await askLab(path, { method: 'POST', body: JSON.stringify(value) });
  return (await answer.json()) as Answer;
}
