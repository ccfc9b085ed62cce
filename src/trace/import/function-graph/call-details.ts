import type { GraphCall } from './graph-calls.ts';

const BUFFER = /\bdmabuf=(?<buffer>0x[0-9a-f]{1,16})/u;
const RESULT = /(?:ret=|= )(?<result>-?(?:0x)?[0-9a-f]{1,16})\b/u;

/** What funcgraph-args and funcgraph-retval put into a line, from the parenthesis or comment on. */
export function readCallDetails(text: string): Pick<GraphCall, 'buffer' | 'result'> {
  const comment = text.indexOf('/*');
  const buffer = BUFFER.exec(text)?.groups?.['buffer'];
  const result = comment === -1 ? undefined : RESULT.exec(text.slice(comment))?.groups?.['result'];
  return { buffer, result: result === undefined ? undefined : readResult(result) };
}

/** `0`, `-12`, `0xfffffff4` and `0xfffffffffffffff4`: an `int`, whatever it is printed as. */
export function readResult(text: string): number | undefined {
  if (!/^-?(?:0x[0-9a-f]{1,16}|\d{1,19})$/u.test(text)) return undefined;
  const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
  return Number(BigInt.asIntN(32, value));
}
