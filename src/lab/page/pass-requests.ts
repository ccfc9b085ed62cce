const UNAUTHORIZED = 401;

/**
 * Requests that show that the page has the key (server/access.ts). The key itself goes to nobody,
 * as another program may have the port when the lab has ended: what goes is a pass, which is worth
 * something for one run of the lab.
 */
export class PassRequests {
  readonly #readKey: () => string | null;
  #pass: string | undefined;

  constructor(readKey: () => string | null) {
    this.#readKey = readKey;
  }

  /** As the browser's. A pass of a run that has ended is made anew, once. */
  async fetch(path: string, options: RequestInit): Promise<Response> {
    if (this.#pass !== undefined) {
      const answer = await fetchWith(this.#pass, path, options);
      if (answer.status !== UNAUTHORIZED) return answer;
    }
    const pass = await newPass(this.#readKey());
    this.#pass = pass;
    return await fetchWith(pass, path, options);
  }
}

async function fetchWith(pass: string, path: string, options: RequestInit): Promise<Response> {
  const headers = new Headers(options.headers);
  headers.set('authorization', `Bearer ${pass}`);
  return await fetch(path, { ...options, headers });
}

/** Worth nothing where there is no key: the lab's answer says what to do. */
async function newPass(secret: string | null): Promise<string> {
  if (secret === null) return '';
  const { run } = (await (await fetch('/api/run')).json()) as { readonly run: string };
  const text = new TextEncoder();
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', text.encode(secret), hmac, false, ['sign']);
  return toBase64url(new Uint8Array(await crypto.subtle.sign('HMAC', key, text.encode(run))));
}

function toBase64url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
