import { functionName } from '../../map-functions.ts';
import type { StackFrame } from '../../stack-frame.ts';

/**
 * ` => vb2_qbuf+0xa2/0x140 [videobuf2_v4l2] <ffffffffc0a3d1b2>`, without offsets where sym-offset
 * is off; trace-cmd has the address in parentheses (kernel/trace/trace_output.c,
 * trace_stack_print).
 */
const FRAME =
  /^\s*=> (?<symbol>[\w.$]{1,256}|\[FTRACE TRAMPOLINE\]|<[0-9a-f]{8,16}>)(?:\+0x[0-9a-f]+(?:\/0x[0-9a-f]+)?)?(?: \[(?<module>[\w-]{1,64})(?: (?<buildId>[0-9a-f]{8,40}))?\])?(?:\s+[<(](?:0x)?[0-9a-f]{4,16}[>)])?\s*$/u;
const LOOKS_LIKE_FRAME = /^\s*=>(?:\s|$)/u;

/** Undefined for what is no frame. */
export function parseStackLine(text: string): StackFrame | undefined {
  const { symbol, module, buildId } = FRAME.exec(text)?.groups ?? {};
  if (symbol === undefined) return undefined;
  return {
    name: functionName(symbol),
    ...(module === undefined ? {} : { module }),
    ...(buildId === undefined ? {} : { buildId }),
  };
}

/** Whether a line that cannot be read stands where a frame should. */
export function looksLikeStackLine(text: string): boolean {
  return LOOKS_LIKE_FRAME.test(text);
}
