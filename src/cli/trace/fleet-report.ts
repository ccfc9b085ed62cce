import { errnoName } from '../../base/errors.ts';
import { formatSize } from '../../base/sizes.ts';
import type { FleetReport } from '../../trace/fleet/report-fleet.ts';
import {
  formatAmount,
  formatCount,
  formatDuration,
  formatRate,
  formatRatio,
  formatShare,
} from '../../base/number-format.ts';
import { formatName } from '../../base/printable-text.ts';
import { formatSection, indentLines, indentTexts, sectionColumns } from '../report-section.ts';
import type { ReportStyle } from '../report-section.ts';
import { formatLabelled, formatTable, wrapText } from '../table.ts';
import type { Cells, Column } from '../table.ts';

/** A person reads the first rows; a program reads the JSON. */
const ROWS_SHOWN = 10;
const UNKNOWN = '-';

const right = (heading: string): Column => ({ heading, align: 'right' });
const left = (heading: string): Column => ({ heading, align: 'left' });

/** What a fleet's files say: a table for each question that has an answer. */
export function formatFleet(report: FleetReport, style: ReportStyle): string[] {
  return [
    ...formatHead(report, style),
    ...formatCallPaths(report, style),
    ...formatGrowth(report, style),
    ...formatConsumers(report, style),
    ...formatRepeats(report, style),
    ...formatSlowest(report, style),
    ...formatFailures(report, style),
    ...formatDevices(report, style),
  ];
}

function formatHead({ builds, fileCount, devices }: FleetReport, { columns, bold }: ReportStyle): string[] {
  const sum = (numbers: readonly (number | undefined)[]): number =>
    numbers.reduce<number>((total, number) => total + (number ?? 0), 0);
  const names = builds.flatMap(({ build }) => build ?? []);
  const deviceCount = new Set(devices.flatMap(({ device }) => device ?? [])).size;
  const recordedNs = sum(builds.map(({ recordedTotalNs }) => recordedTotalNs));
  const lost = sum(builds.map(({ lostTotal }) => lostTotal));
  const unreadable = sum(builds.map(({ unreadableTotal }) => unreadableTotal));
  const calls = formatAmount(sum(builds.map((build) => build.calls)), 'mapping', 'mappings');
  const where = formatAmount(fileCount, 'file', 'files');
  const facts = [
    ...(deviceCount === 0 ? [] : [formatAmount(deviceCount, 'device', 'devices')]),
    ...(names.length === 0 ? [] : [`${names.length === 1 ? 'build' : 'builds'} ${names.map(formatName).join(', ')}`]),
    formatAmount(sum(builds.map(({ recordings }) => recordings)), 'recording', 'recordings'),
    ...(recordedNs === 0 ? [] : [`${formatDuration(recordedNs)} recorded`]),
    ...(lost === 0 ? [] : [`${formatAmount(lost, 'event', 'events')} lost`]),
    ...(unreadable === 0 ? [] : [`${formatAmount(unreadable, 'line', 'lines')} not readable`]),
  ];
  return [...wrapText(`${calls} in ${where}`, columns).map(bold), ...wrapText(facts.join('; '), columns)];
}

function formatCallPaths({ callers }: FleetReport, style: ReportStyle): string[] {
  const columns = [right(''), right('CALLS'), right('IN ALL'), right('LONGEST'), right('BYTES'), right('DEVICES'), left('WHO')]; // prettier-ignore
  const table = formatRows({ heading: 'Call paths', columns, rows: callers }, style, (caller, index) => [
    String(index + 1),
    formatCount(caller.calls),
    formatNs(caller.totalNs),
    formatNs(caller.longestNs),
    caller.totalBytes === undefined ? UNKNOWN : formatSize(caller.totalBytes),
    formatDeviceCount(caller.devices),
    formatName(caller.consumer),
  ]);
  const paths = callers.slice(0, ROWS_SHOWN).flatMap(({ callPath }, index) => {
    const functions = callPath.split(';').toReversed().map(formatName).join(' ← ');
    return formatLabelled(`${index + 1}  `, functions, sectionColumns(style.columns));
  });
  return [...table, ...(paths.length === 0 ? [] : ['', ...indentLines(paths)])];
}

function formatGrowth({ growth }: FleetReport, style: ReportStyle): string[] {
  if (growth === undefined) return [];
  const { buildFrom, buildTo, drivers } = growth;
  const heading = `Growth of mappings from ${formatName(buildFrom)} to ${formatName(buildTo)}, per second of a device`;
  const columns = [right('CALLS'), right('THEN'), right('NOW'), right('BUSY'), right('THEN'), right('NOW'), left('DRIVER')]; // prettier-ignore
  return formatRows({ heading, columns, rows: drivers }, style, (driver) => [
    driver.callsRatio === undefined ? UNKNOWN : formatRatio(driver.callsRatio),
    formatKnown(driver.fromCallsPerSecond, formatRate),
    formatKnown(driver.toCallsPerSecond, formatRate),
    driver.busyRatio === undefined ? UNKNOWN : formatRatio(driver.busyRatio),
    formatKnown(driver.fromBusyShare, formatShare),
    formatKnown(driver.toBusyShare, formatShare),
    formatName(driver.driverName),
  ]);
}

function formatConsumers({ consumers }: FleetReport, style: ReportStyle): string[] {
  const columns = [right('CALLS'), right('IN ALL'), right('SG TO PAGES'), right('VMAP'), left('FROM'), left('CONSUMER')]; // prettier-ignore
  return formatRows({ heading: 'Consumers', columns, rows: consumers }, style, (consumer) => [
    formatCount(consumer.calls),
    formatNs(consumer.totalNs),
    formatNs(consumer.sgToPagesTotalNs),
    formatNs(consumer.vmapTotalNs),
    consumer.origin,
    formatName(consumer.consumer),
  ]);
}

function formatRepeats({ repeats }: FleetReport, style: ReportStyle): string[] {
  const columns = [right('CALLS'), right('BUFFERS'), right('AGAIN'), right('FOR'), left('WHO')];
  return formatRows({ heading: 'The same buffer mapped again', columns, rows: repeats }, style, (repeat) => [
    formatCount(repeat.calls),
    formatCount(repeat.buffers),
    formatCount(repeat.repeats),
    formatNs(repeat.repeatNs),
    formatName(repeat.consumer),
  ]);
}

function formatSlowest({ slowest }: FleetReport, style: ReportStyle): string[] {
  const columns = [right('CALLS'), right('MEDIAN'), right('95 %'), right('LONGEST'), left('WHO')];
  return formatRows({ heading: 'How long one mapping takes', columns, rows: slowest }, style, (path) => [
    formatCount(path.measuredCalls),
    formatDuration(path.medianNs),
    formatDuration(path.p95Ns),
    formatDuration(path.longestNs),
    formatName(path.consumer),
  ]);
}

function formatFailures({ failures }: FleetReport, style: ReportStyle): string[] {
  const columns = [right('CALLS'), left('ERROR'), right('DEVICES'), left('WHO')];
  return formatRows({ heading: 'Mappings that were refused', columns, rows: failures }, style, (failure) => [
    formatCount(failure.calls),
    errnoName(-failure.result),
    formatDeviceCount(failure.devices),
    formatName(failure.consumer),
  ]);
}

function formatDevices({ devices }: FleetReport, style: ReportStyle): string[] {
  if (devices.every(({ device, build }) => device === undefined && build === undefined)) return [];
  const columns = [right('CALLS'), right('RATE'), right('IN ALL'), right('BUSY'), right('REFUSED'), left('BUILD'), left('DEVICE')]; // prettier-ignore
  return formatRows({ heading: 'Devices', columns, rows: devices }, style, (device) => [
    formatCount(device.calls),
    formatKnown(device.callsPerSecond, formatRate),
    formatNs(device.totalNs),
    formatKnown(device.busyShare, formatShare),
    formatCount(device.failures),
    device.build === undefined ? UNKNOWN : formatName(device.build),
    device.device === undefined ? UNKNOWN : formatName(device.device),
  ]);
}

interface AnswerTable<Row> {
  readonly heading: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

function formatRows<Row>(
  { heading, columns, rows }: AnswerTable<Row>,
  style: ReportStyle,
  toCells: (row: Row, index: number) => Cells,
): string[] {
  if (rows.length === 0) return [];
  const width = sectionColumns(style.columns);
  const cells = rows.slice(0, ROWS_SHOWN).map(toCells);
  const table = formatTable(columns, cells, style.columns).map((line) => cutLine(line, width));
  const moreCount = rows.length - ROWS_SHOWN;
  const more = moreCount > 0 ? indentTexts([`… and ${formatCount(moreCount)} more: --json has them`], width) : [];
  return formatSection({ heading, lines: indentLines([...table, ...more.map((line) => line.trimStart())]) }, style);
}

/** Names may be long; the JSON has them whole. */
function cutLine(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, columns - 1)}…`;
}

function formatNs(ns: number | undefined): string {
  return formatKnown(ns, formatDuration);
}

function formatKnown(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? UNKNOWN : format(value);
}

/** None of them has a name where no label was given. */
function formatDeviceCount(count: number): string {
  return count === 0 ? UNKNOWN : formatCount(count);
}
