/** What the questions of src/trace/fleet/sql ask, answered event by event: slow and plain. */

import type { MappingEvent } from '../../../src/trace/mapping-event.ts';
import { SEEDED_CALLERS, SEEDED_PARTS } from './seeded-fleet.ts';
import type { SeededCaller, SeededRecording } from './seeded-fleet.ts';

/** A mapping with where it is from. */
interface Call {
  readonly event: MappingEvent;
  readonly caller: SeededCaller;
  readonly recording: SeededRecording;
  readonly count: number;
  readonly ns: number | undefined;
}

type Row = Readonly<Record<string, unknown>>;

const isDefined = <Value>(value: Value | undefined): value is Value => value !== undefined;
const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);
/** Undefined where nothing is known, as SQL's SUM has it. */
const sumKnown = (numbers: readonly (number | undefined)[]): number | undefined =>
  numbers.some(isDefined) ? sumOf(numbers.filter(isDefined)) : undefined;
const callsOf = (calls: readonly Call[]): number => sumOf(calls.map(({ count }) => count));
const nsOf = (calls: readonly Call[]): number | undefined => sumKnown(calls.map(({ ns }) => ns));
const distinct = (values: readonly (string | undefined)[]): number => new Set(values.filter(isDefined)).size;
const devicesOf = (calls: readonly Call[]): number => distinct(calls.map(({ recording }) => recording.device));
const longestOf = (calls: readonly Call[]): number | undefined => {
  const known = calls.map(({ ns }) => ns).filter(isDefined);
  return known.length === 0 ? undefined : Math.max(...known);
};
const bytesOf = (calls: readonly Call[]): number | undefined =>
  sumKnown(calls.map(({ event: { sizeBytes }, count }) => (sizeBytes === undefined ? undefined : sizeBytes * count)));

/** Without what is not known. */
function known(row: Row): Row {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));
}

function groupBy<Value>(values: readonly Value[], keyOf: (value: Value) => string): Value[][] {
  const groups = new Map<string, Value[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group === undefined) groups.set(keyOf(value), [value]);
    else group.push(value);
  }
  return [...groups.values()];
}

const isSample = ({ event }: Call): boolean => event.marks?.includes('sample') === true;
const isDisturbed = ({ event }: Call): boolean =>
  event.marks?.some((mark) => ['interrupted', 'moved', 'preempted', 'lost-events'].includes(mark)) === true;

function mappingsOf(recordings: readonly SeededRecording[]): Call[] {
  return recordings.flatMap((recording) =>
    recording.records.flatMap((event) => {
      if (event.kind !== 'mapping') return [];
      const caller = SEEDED_CALLERS.find(({ path }) => path.join() === event.path.join());
      if (caller === undefined) throw new Error('The fleet has callers of its own');
      return [{ event, caller, recording, count: event.count ?? 1, ns: event.durationNs ?? undefined }];
    }),
  );
}

function secondsOf({ records }: SeededRecording): number | undefined {
  return records.flatMap((record) => (record.kind === 'summary' ? (record.timeSpanSeconds ?? []) : []))[0];
}

const summaryOf = ({ records }: SeededRecording): { lostEvents: number; unreadable: number } => {
  const summary = records.at(-1);
  if (summary?.kind !== 'summary') throw new Error('A recording ends in a summary');
  return { lostEvents: summary.lostEvents, unreadable: summary.unreadableLines.length };
};

/** Rows to be compared. Fractions are rounded, since a sum of doubles depends on its order. */
export function inAnyOrder(rows: readonly unknown[]): string[] {
  const round = (_: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isInteger(value) ? value.toPrecision(12) : value;
  return rows.map((row) => JSON.stringify(row, round)).toSorted();
}

/** The rows of every question, in any order. */
export function naiveFleet(recordings: readonly SeededRecording[]): Readonly<Record<string, Row[]>> {
  const all = mappingsOf(recordings);
  const calls = all.filter((call) => !isSample(call));
  const byPath = groupBy(calls, ({ caller }) => caller.callPath);
  return {
    builds: naiveBuilds(recordings, all),
    callers: byPath.map((group) =>
      known({
        callPath: group[0]?.caller.callPath,
        consumer: group[0]?.caller.consumer,
        calls: callsOf(group),
        totalNs: nsOf(group),
        longestNs: longestOf(group),
        totalBytes: bytesOf(group),
        devices: devicesOf(group),
      }),
    ),
    consumers: groupBy(calls, ({ caller }) => caller.consumer).map(naiveConsumer),
    repeats: byPath.flatMap(naiveRepeats),
    slowest: byPath.flatMap(naiveDurations),
    failures: groupBy(
      calls.filter(({ event }) => (event.result ?? 0) < 0),
      ({ caller, event }) => `${caller.consumer} ${event.result}`,
    ).map((group) => ({
      consumer: group[0]?.caller.consumer,
      result: group[0]?.event.result,
      calls: callsOf(group),
      devices: devicesOf(group),
      builds: distinct(group.map(({ recording }) => recording.build)),
    })),
    devices: groupBy(recordings, ({ device, build }) => `${device} ${build}`).map((group) => naiveDevice(group, calls)),
  };
}

function naiveBuilds(recordings: readonly SeededRecording[], all: readonly Call[]): Row[] {
  return groupBy(recordings, ({ build }) => String(build)).map((group) => {
    const own = all.filter(({ recording }) => group.includes(recording));
    const calls = own.filter((call) => !isSample(call));
    const seconds = sumKnown(group.map(secondsOf));
    return known({
      build: group[0]?.build,
      devices: distinct(group.map(({ device }) => device)),
      recordings: group.length,
      calls: callsOf(calls),
      unmappings: group.flatMap(({ records }) => records.filter(({ kind }) => kind === 'unmapping')).length,
      samples: callsOf(own.filter(isSample)),
      totalNs: nsOf(calls),
      recordedTotalNs: seconds === undefined ? undefined : seconds * 1e9,
      lostTotal: sumOf(group.map((one) => summaryOf(one).lostEvents)),
      unreadableTotal: sumOf(group.map((one) => summaryOf(one).unreadable)),
    });
  });
}

function naiveConsumer(group: readonly Call[]): Row {
  const { consumer, driver, origin } = group[0]?.caller ?? {};
  const divided = group.filter(({ event }) => event.parts !== undefined).length;
  const times = divided === 0 ? {} : SEEDED_PARTS;
  const total = (ns: number | undefined): number | undefined => (ns === undefined ? undefined : ns * divided);
  const { pageArray, sgToPages, vmap, free, lockWait, other } = times as Partial<typeof SEEDED_PARTS>;
  return known({
    consumer,
    driver,
    origin,
    calls: callsOf(group),
    totalNs: nsOf(group),
    totalBytes: bytesOf(group),
    dividedCalls: divided,
    pageArrayTotalNs: total(pageArray),
    sgToPagesTotalNs: total(sgToPages),
    vmapTotalNs: total(vmap),
    freeTotalNs: total(free),
    lockWaitTotalNs: total(lockWait),
    otherTotalNs: total(other),
    devices: devicesOf(group),
  });
}

function naiveRepeats(group: readonly Call[]): Row[] {
  const seen = new Map<SeededRecording, Set<string>>();
  const told = group.filter(({ event }) => event.buffer !== undefined);
  const again = told.filter(({ event: { buffer = '' }, recording }) => {
    const buffers = seen.get(recording) ?? new Set();
    seen.set(recording, buffers);
    if (buffers.has(buffer)) return true;
    buffers.add(buffer);
    return false;
  });
  if (again.length === 0) return [];
  const { callPath, consumer } = group[0]?.caller ?? {};
  const counts = { calls: told.length, buffers: told.length - again.length, repeats: again.length };
  return [known({ callPath, consumer, ...counts, repeatNs: nsOf(again) })];
}

function naiveDurations(group: readonly Call[]): Row[] {
  const durations = group
    .filter((call) => !isDisturbed(call))
    .flatMap(({ ns }) => ns ?? [])
    .toSorted((one, other) => one - other);
  if (durations.length === 0) return [];
  const rank = (share: number): number => toThreeDigits(durations[Math.ceil(durations.length * share) - 1] ?? 0);
  const { callPath, consumer } = group[0]?.caller ?? {};
  const times = { medianNs: rank(0.5), p95Ns: rank(0.95), longestNs: durations.at(-1) };
  return [{ callPath, consumer, measuredCalls: durations.length, ...times }];
}

/** Cut, not rounded: 5,678 becomes 5,670. */
function toThreeDigits(ns: number): number {
  return Number(String(ns).replace(/(?<=^\d{3})\d+$/u, (digits) => '0'.repeat(digits.length)));
}

function naiveDevice(group: readonly SeededRecording[], all: readonly Call[]): Row {
  const calls = all.filter(({ recording }) => group.includes(recording));
  const timed = calls.filter(({ recording }) => secondsOf(recording) !== undefined);
  const seconds = sumKnown(group.map(secondsOf));
  const busyNs = nsOf(timed);
  return known({
    device: group[0]?.device,
    build: group[0]?.build,
    recordings: group.length,
    calls: callsOf(calls),
    totalNs: nsOf(calls),
    failures: callsOf(calls.filter(({ event }) => (event.result ?? 0) < 0)),
    lostTotal: sumOf(group.map((one) => summaryOf(one).lostEvents)),
    recordedTotalNs: seconds === undefined ? undefined : seconds * 1e9,
    callsPerSecond: seconds === undefined ? undefined : (callsOf(timed) * 1e9) / (seconds * 1e9),
    busyShare: seconds === undefined || busyNs === undefined ? undefined : busyNs / (seconds * 1e9),
  });
}

/** What the question `growth` asks. */
export function naiveGrowth(
  recordings: readonly SeededRecording[],
  { from, to }: { readonly from: string; readonly to: string },
): Row[] {
  const side = (build: string): readonly SeededRecording[] => recordings.filter((one) => one.build === build);
  const calls = mappingsOf([...side(from), ...side(to)]).filter((call) => !isSample(call));
  const nameOf = ({ caller: { driver, subsystem, consumer } }: Call): string => driver ?? subsystem ?? consumer;
  return groupBy(calls, nameOf).map((group) => {
    const [before, after] = [from, to].map((build) => {
      const own = group.filter(({ recording }) => recording.build === build);
      const timed = own.filter(({ recording }) => secondsOf(recording) !== undefined);
      const ns = (sumKnown(side(build).map(secondsOf)) ?? 0) * 1e9;
      const busyNs = nsOf(timed);
      return {
        calls: callsOf(own),
        rate: ns === 0 || (own.length > 0 && timed.length === 0) ? undefined : (callsOf(timed) * 1e9) / ns,
        share: ns === 0 || busyNs === undefined ? undefined : busyNs / ns,
      };
    });
    const ratio = (one: number | undefined, other: number | undefined): number | undefined =>
      one === undefined || other === undefined || other === 0 ? undefined : one / other;
    return known({
      driverName: group[0] === undefined ? undefined : nameOf(group[0]),
      fromCalls: before?.calls,
      toCalls: after?.calls,
      fromCallsPerSecond: before?.rate,
      toCallsPerSecond: after?.rate,
      callsRatio: ratio(after?.rate, before?.rate),
      fromBusyShare: before?.share,
      toBusyShare: after?.share,
      busyRatio: ratio(after?.share, before?.share),
    });
  });
}
