import { formatSize } from '../../base/sizes.ts';
import { callRate } from './call-rate.ts';
import type { CallerStatistics } from './caller-statistics.ts';

/** Something that a trace shows, in words, with the numbers behind it. */
export interface Finding {
  /** For programs. */
  readonly kind:
    | 'repeated-mapping'
    | 'one-use-mapping'
    | 'steady-mapping'
    | 'failed-mapping'
    | 'lock-wait'
    | 'fbdev-mapping'
    | 'no-fbdev-mapping'
    | 'gaps-in-source';
  /** For people: a sentence without its full stop. */
  readonly text: string;
  /** By name: counts, bytes, nanoseconds, calls a second. */
  readonly evidence: Readonly<Record<string, number | string>>;
}

/** What findings are made from. */
interface TraceFacts {
  readonly callers: readonly CallerStatistics[];
  readonly mappingCount: number;
  readonly lostEvents: number;
  readonly unreadableLineCount: number;
  readonly timeSpanSeconds?: number;
}

/** Of what mappings took with their waits: less is nothing to look into. */
const WAIT_SHARE_MIN = 0.1;
/** For each mapping: a lock that nobody else has takes less, the tracer included. */
const WAIT_NS_MIN = 10_000;
/** A shorter trace shows nothing of what happens seldom. */
const SPAN_SECONDS_MIN = 1;
const FBDEV = 'fbdev emulation';

export function findFindings(facts: TraceFacts): Finding[] {
  const perCaller = facts.callers.flatMap((caller) => [
    ...findRepeats(caller),
    ...findOneUses(caller),
    ...findSteady(caller),
    ...findFailures(caller),
    ...findLockWaits(caller),
  ]);
  return [...perCaller, ...findFbdev(facts), ...findGaps(facts)];
}

function findRepeats({ consumer, buffers, callCount }: CallerStatistics): Finding[] {
  if (buffers === undefined || buffers.repeatCount === 0) return [];
  const { count, repeatCount, repeatNs } = buffers;
  const what = count === 1 ? 'one buffer' : `${count} buffers`;
  const cost = repeatNs === 0 ? '' : `, which took ${formatMs(repeatNs)} ms`;
  return [
    {
      kind: 'repeated-mapping',
      text: `${consumer.name} mapped ${what} ${callCount} times, once each would do: ${repeatCount} mappings too many${cost}`,
      evidence: { consumer: consumer.name, bufferCount: count, callCount, repeatCount, repeatNs },
    },
  ];
}

function findOneUses({ consumer, buffers, callCount }: CallerStatistics): Finding[] {
  // A buffer that is mapped once and unmapped at its end was mapped for all its uses.
  if (buffers === undefined || buffers.oneUseCount < 2 || buffers.repeatCount === 0) return [];
  const { oneUseCount } = buffers;
  return [
    {
      kind: 'one-use-mapping',
      text: `${consumer.name} unmaps what it mapped before it maps it again: ${oneUseCount} of ${callCount} mappings were for one use`,
      evidence: { consumer: consumer.name, oneUseCount, callCount },
    },
  ];
}

/** "maps 1.5 MiB 60 times a second: 4 % of a core". */
function findSteady(caller: CallerStatistics): Finding[] {
  const { consumer, callCount, totalNs, totalBytes } = caller;
  const rate = callRate(caller);
  if (rate === undefined) return [];
  const { seconds, callsPerSecond } = rate;
  const size = totalBytes === undefined ? 'a buffer' : formatSize(Math.round(totalBytes / callCount));
  const sharePercent = totalNs === undefined ? undefined : (totalNs / 1e9 / seconds) * 100;
  const share = sharePercent === undefined ? '' : `, ${toThreeDigits(sharePercent)} % of a core`;
  return [
    {
      kind: 'steady-mapping',
      text: `${consumer.name} maps ${size} ${toThreeDigits(callsPerSecond)} times a second${share}`,
      evidence: {
        consumer: consumer.name,
        callCount,
        seconds,
        callsPerSecond,
        ...(totalBytes === undefined ? {} : { bytesPerCall: totalBytes / callCount }),
        ...(sharePercent === undefined ? {} : { sharePercent }),
      },
    },
  ];
}

function findFailures({ consumer, failureCount, failures, callCount }: CallerStatistics): Finding[] {
  if (failureCount === 0) return [];
  const names = Object.keys(failures).toSorted().join(', ');
  return [
    {
      kind: 'failed-mapping',
      text: `${consumer.name} was refused ${failureCount} of ${callCount} mappings, with ${names}`,
      evidence: { consumer: consumer.name, failureCount, callCount, names },
    },
  ];
}

/** For the buffer's reservation lock, and for its exporter's. */
function findLockWaits({ consumer, partTimes, dividedCount }: CallerStatistics): Finding[] {
  if (partTimes === undefined) return [];
  const { 'lock-wait': waitedNs, ...working } = partTimes;
  const share = waitedNs / Object.values(working).reduce((sum, ns) => sum + ns, waitedNs);
  if (waitedNs < dividedCount * WAIT_NS_MIN || share < WAIT_SHARE_MIN) return [];
  const sharePercent = share * 100;
  const mappings = dividedCount === 1 ? 'one mapping' : `${dividedCount} mappings`;
  return [
    {
      kind: 'lock-wait',
      text: `${consumer.name} waited ${formatMs(waitedNs)} ms for locks in ${mappings}, ${toThreeDigits(sharePercent)} % of their time: somebody else uses the buffer meanwhile`,
      evidence: { consumer: consumer.name, waitedNs, dividedCount, sharePercent },
    },
  ];
}

function findFbdev({ callers, timeSpanSeconds, mappingCount }: TraceFacts): Finding[] {
  const calls = callers
    .filter(({ consumer }) => consumer.subsystem === FBDEV)
    .reduce((sum, { callCount }) => sum + callCount, 0);
  if (calls > 0) {
    const text = `${FBDEV}: ${calls} of ${mappingCount} mappings`;
    return [{ kind: 'fbdev-mapping', text, evidence: { callCount: calls, mappingCount } }];
  }
  if (timeSpanSeconds === undefined || timeSpanSeconds < SPAN_SECONDS_MIN) return [];
  const text = `${FBDEV}: no mapping in ${toThreeDigits(timeSpanSeconds)} s`;
  return [{ kind: 'no-fbdev-mapping', text, evidence: { callCount: 0, seconds: timeSpanSeconds } }];
}

function findGaps({ lostEvents, unreadableLineCount }: TraceFacts): Finding[] {
  if (lostEvents === 0 && unreadableLineCount === 0) return [];
  const lost = lostEvents === 0 ? [] : [`the source lost ${lostEvents} events`];
  const unreadable = unreadableLineCount === 0 ? [] : [`${unreadableLineCount} lines could not be read`];
  const text = `There may be more mappings than were found: ${[...lost, ...unreadable].join(', ')}`;
  return [{ kind: 'gaps-in-source', text, evidence: { lostEvents, unreadableLineCount } }];
}

function formatMs(ns: number): string {
  return toThreeDigits(ns / 1e6);
}

function toThreeDigits(value: number): string {
  if (value >= 99.95) return String(Math.round(value));
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}
