import { functionName } from '../../map-functions.ts';
import type { StackFrame } from '../../stack-frame.ts';

/** A frame of a call trace, or two of which one called the other. */
export interface FrameText {
  readonly frame: StackFrame;
  /** The frame around it, where the line names both (32-bit Arm). */
  readonly caller?: StackFrame;
  /** A module's name or build id is not all there: the line was broken or cut. */
  readonly isUnclosed?: true;
}

const ADDRESSES = String.raw`(?:\[\s?<?(?:0x)?[0-9a-f]{6,16}>?\]\s{0,4}){0,3}`;
const OFFSET = String.raw`\+0x[0-9a-f]{1,16}\/0x[0-9a-f]{1,16}`;
const SYMBOL = String.raw`[A-Za-z_.$][\w.$]{0,255}`;
/**
 * `%pSb` of a module's function: name, taint flags, build id (kernel/kallsyms.c, __sprint_symbol).
 */
const MODULE = /^ ?\[(?<module>[\w-]{1,64})(?:\([A-Z+-]{1,8}\))?(?: (?<buildId>[0-9a-f]{8,40}))?\]/u;
const UNCLOSED_MODULE = /^ ?\[(?:[\w-]{0,64}(?:\([A-Z+-]{0,8}\)?)?(?: [0-9a-f]{0,40})?)?$/u;

/** ` ? name+0x17c/0x254 [module build-id]` on most architectures. */
const PLAIN = new RegExp(
  String.raw`^\s{0,16}${ADDRESSES}(?<mark>\? {1,2})?\(?(?<symbol>${SYMBOL})${OFFSET}\)?(?<rest>.*)$`,
  'u',
);
/** What may follow: reliability (arm64 `(P)`, PowerPC `(unreliable)`), where the code is. */
const REST =
  /^(?: \((?<flags>[A-Z]{1,4}|unreliable)\))?(?: (?:in )?\S{1,256}:\d{1,7}(?: \(discriminator \d+\))?(?: \[inline\])?)?\s*$/u;
/** decode_stacktrace.sh: `name (file.c:12 (discriminator 3)) module`. */
const DECODED = new RegExp(
  String.raw`^\s{0,16}(?<mark>\? {1,2})?(?<symbol>${SYMBOL}) \((?:\S{1,256}:(?:\d{1,7}|\?)(?: \(discriminator \d+\))?|inlined by[^()]{0,256})(?: \[inline\])?\)(?: \((?:[A-Z]{1,4}|unreliable)\))?(?: \[?(?<module>[\w-]{1,64})(?:\([A-Z+-]{1,8}\))?(?: (?<buildId>[0-9a-f]{8,40}))?\]?)?\s*$`,
  'u',
);
/** syzkaller's symbolizer: ` name file.c:12 [inline]`. */
const INLINE = new RegExp(
  String.raw`^\s{0,16}(?<mark>\? {1,2})?(?<symbol>${SYMBOL}) \S{1,256}:\d{1,7} \[inline\]\s*$`,
  'u',
);
/** decode_stacktrace.sh of others: ` name [inline]`. */
const SHORT_INLINE = new RegExp(String.raw`^\s{0,16}(?<symbol>${SYMBOL}) ?\[inline\](?: \S{1,256}:\d{1,7})?\s*$`, 'u');
/** 32-bit Arm (arch/arm/kernel/traps.c, dump_backtrace_entry): `callee from caller+0x10/0x14`. */
const FROM = new RegExp(
  String.raw`^\s{0,16}${ADDRESSES}\(?(?<callee>${SYMBOL})(?: \[(?<calleeModule>[\w-]{1,64})(?: [0-9a-f]{8,40})?\])?\)? from ${ADDRESSES}\(?(?<symbol>${SYMBOL})${OFFSET}(?: \[(?<module>[\w-]{1,64})(?: (?<buildId>[0-9a-f]{8,40}))?\])?\)?(?: \(.{0,256}\))?\s*$`,
  'u',
);
/** Where an exception came from, within a stack: `RIP: 0010:name+0x17c/0x254`. */
const RIP = new RegExp(String.raw`^RIP: 0010:(?<symbol>${SYMBOL})${OFFSET}(?<rest>.*)$`, 'u');
const LOOKS_LIKE_FRAME = new RegExp(
  String.raw`^\s{0,16}${ADDRESSES}(?:\? {1,2})?(?:${SYMBOL}\+(?:0|$)|\(?${SYMBOL}\)? from |\[<[0-9a-f]{4,16}$)`,
  'u',
);
const CUT_SYMBOL = /^\s{0,16}(?:\? {1,2})?[a-z_][\w.$]{2,255}\s*$/u;

/** Undefined for what is no frame. */
export function parseFrameText(text: string): FrameText | undefined {
  const plain = PLAIN.exec(text)?.groups;
  if (plain !== undefined) return readPlain(plain);
  const from = FROM.exec(text)?.groups;
  if (from !== undefined) return readFrom(from);
  const other = (DECODED.exec(text) ?? INLINE.exec(text) ?? SHORT_INLINE.exec(text))?.groups;
  return other === undefined ? undefined : { frame: frameOf(other) };
}

/** The function in which an exception came, where a stack goes on through it. */
export function parseExceptionPoint(text: string): FrameText | undefined {
  const groups = RIP.exec(text)?.groups;
  return groups === undefined ? undefined : readPlain(groups);
}

/** Whether a line that cannot be read stands where a frame should. */
export function looksLikeFrame(text: string): boolean {
  return LOOKS_LIKE_FRAME.test(text);
}

/** A name alone, as a line ends that was cut. */
export function isCutSymbol(text: string): boolean {
  return CUT_SYMBOL.test(text);
}

function readPlain(groups: Readonly<Record<string, string | undefined>>): FrameText | undefined {
  const { rest = '' } = groups;
  // Where the source is comes before or after the module: ` file.c:12 [module]`.
  const located = / (?:in )?\S{1,256}:\d{1,7}(?: \[inline\])?/u.exec(rest);
  const withoutLocation = located?.index === 0 ? rest.slice(located[0].length) : rest;
  const module = MODULE.exec(withoutLocation);
  const after = module === null ? withoutLocation : withoutLocation.slice(module[0].length);
  const frame = frameOf({ ...groups, ...module?.groups });
  const last = REST.exec(after);
  if (last !== null)
    return { frame: last.groups?.['flags'] === 'unreliable' ? { ...frame, isUnreliable: true } : frame };
  return UNCLOSED_MODULE.test(after) ? { frame, isUnclosed: true } : undefined;
}

function readFrom(groups: Readonly<Record<string, string | undefined>>): FrameText {
  const { callee, calleeModule } = groups;
  return { frame: frameOf({ symbol: callee, module: calleeModule }), caller: frameOf(groups) };
}

function frameOf({ symbol = '', module, buildId, mark }: Readonly<Record<string, string | undefined>>): StackFrame {
  return {
    name: functionName(symbol),
    ...(module === undefined ? {} : { module }),
    ...(buildId === undefined ? {} : { buildId }),
    ...(mark === undefined ? {} : { isUnreliable: true }),
  };
}
