import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const SECRET_BYTES = 32;
const SCHEME = 'Bearer ';

/**
 * Who may see the lab. An address holds a token in its fragment, which browsers send to nobody; the
 * page spends it, once, for a key, which it keeps for its origin. No cookie: those go to every
 * port of the machine. The key itself is not sent again: a page sends a pass, which is worth
 * something for one run of the lab. So whoever has the port between two runs learns nothing of use
 * from pages that were left open.
 */
export class Access {
  /** Of this run of the lab, for everybody. */
  readonly run: string = newSecret();
  readonly #key: string;
  readonly #pass: string;
  #token: string | undefined;

  /** @param key of an earlier lab, whose pages may go on. Default: a new one */
  constructor(key: string = newSecret()) {
    this.#key = key;
    // page/pass-requests.ts has the same.
    this.#pass = createHmac('sha256', key).update(this.run).digest('base64url');
  }

  /** A new token. The one before is worth nothing from now on. */
  newToken(): string {
    this.#token = newSecret();
    return this.#token;
  }

  /** @returns the key; undefined for a token that is wrong, or was spent */
  spend(token: string): string | undefined {
    if (this.#token === undefined || !isSame(token, this.#token)) return undefined;
    this.#token = undefined;
    return this.#key;
  }

  /** @param authorization the header of a request */
  admits(authorization: string | undefined): boolean {
    return authorization?.startsWith(SCHEME) === true && isSame(authorization.slice(SCHEME.length), this.#pass);
  }
}

export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** Takes as long for every wrong text of that length. */
function isSame(received: string, secret: string): boolean {
  const [one, other] = [Buffer.from(received), Buffer.from(secret)];
  return one.length === other.length && timingSafeEqual(one, other);
}
