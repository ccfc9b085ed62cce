import { wrongType, wrongValue } from '../base/argument-error.ts';
import type { Argument } from '../base/argument-error.ts';
import { readArray } from '../base/read-array.ts';
import { isSummary, isUnmapping, parseMappingEvent } from './parse-mapping-event.ts';
import type { TraceRecord } from './mapping-event.ts';

/** A record is four levels deep: its modules, one of them, its functions, their names. */
const DEPTH_MAX = 5;
/** As many parts as a record may have, and then some. */
const COUNT_MAX = 65_536;

/**
 * A record as a plain value of its own, each property read once.
 *
 * @throws {TypeError | RangeError} for what is no record
 */
export function checkRecord(value: unknown, argument: Argument): TraceRecord {
  if (typeof value !== 'object' || value === null)
    throw wrongType(argument, { must: 'be a record of readTrace()', received: value });
  const copy = copyPlain(value, argument, DEPTH_MAX);
  const record = parseMappingEvent(copy) ?? (isUnmapping(copy) || isSummary(copy) ? copy : undefined);
  if (record === undefined) throw wrongValue(argument, { must: 'be a record of readTrace()', received: copy });
  return record;
}

function copyPlain(value: unknown, argument: Argument, depthLeft: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depthLeft === 0) throw wrongValue(argument, { must: 'be a record of readTrace()', received: value });
  if (Array.isArray(value))
    return readArray(value, { ...argument, countMax: COUNT_MAX }, (element) =>
      copyPlain(element, argument, depthLeft - 1),
    );
  const source = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.keys(source).map((key) => [key, copyPlain(source[key], argument, depthLeft - 1)]));
}
