import { randomUUID } from 'node:crypto';

/** A unique abstract name. */
export function abstractPath(): string {
  return `\0dmabuf-arguments-${randomUUID()}`;
}
