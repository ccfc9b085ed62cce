import type { ServerResponse } from 'node:http';

import { Refusal } from './refusal.ts';

const INTERNAL_ERROR = 500;
export const HTML = 'text/html; charset=utf-8';

/** Of every answer: nothing is kept, guessed, framed by others or told to others. */
export const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** The page runs its own files and nothing else (https://www.w3.org/TR/CSP3). */
export function pagePolicy(importMapHash: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' '${importMapHash}'`,
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data: blob:",
    "frame-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** A report in a frame has its own policy, and no origin: it reaches nothing of the lab. */
export const FRAMED_POLICY = "sandbox allow-scripts allow-downloads; frame-ancestors 'self'";

export function sendJson(response: ServerResponse, value: object, status = 200): void {
  response.writeHead(status, { ...HEADERS, 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

/** Only a refusal's reason is for others. Any other error is the lab's own fault. */
export function sendRefusal(response: ServerResponse, error: unknown): void {
  const [status, message] =
    error instanceof Refusal ? [error.status, error.message] : [INTERNAL_ERROR, 'The lab failed: see its terminal'];
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // What is left of the request is not read.
  response.setHeader('connection', 'close');
  sendJson(response, { error: message }, status);
}
