import type { GuestTest } from '../support/runner/guest-results.ts';

const TEST_CASE = /<testcase\b(?<attributes>[^>]*?)(?:\/>|>(?<body>.*?)<\/testcase>)/gsu;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

/**
 * The tests of a report as JUnit has it, which Bun and Deno write, in their order. Neither tells
 * why a test was skipped: the runtime's name stands for it.
 */
export function readJUnitReport(xml: string, runtime: string): GuestTest[] {
  return [...xml.matchAll(TEST_CASE)].map(({ groups }) => {
    const { attributes = '', body = '' } = groups ?? {};
    const name = unescape(/\bname="(?<name>[^"]*)"/u.exec(attributes)?.groups?.['name'] ?? '');
    const isSkipped = /<skipped\b/u.test(body);
    const failure = /<(?:failure|error)\b.*$/su.exec(body)?.[0];
    return {
      name,
      error: failure === undefined ? undefined : unescape(failure),
      skip: isSkipped ? `${runtime} left it out: see what it lacks in test/conformance/suite.ts` : undefined,
      todo: undefined,
      children: [],
    };
  });
}

function unescape(text: string): string {
  return text.replaceAll(/&(?:#(?<code>\d+)|(?<name>[a-z]+));/gu, (whole: string, code?: string, name?: string) =>
    code === undefined ? (ENTITIES[name ?? ''] ?? whole) : String.fromCodePoint(Number(code)),
  );
}
