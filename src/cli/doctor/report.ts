import type { Remedy } from '../../diagnosis/remedy.ts';
import type { BackendChoice } from '../../machine/doctor/choose-backend.ts';
import type { Finding, FindingStatus, FindingTopic } from '../../machine/doctor/finding.ts';
import type { MachineReport } from '../../machine/doctor/examine-machine.ts';
import { formatAmount } from '../../base/number-format.ts';
import type { ReportStyle } from '../report-section.ts';
import { formatLabelled, wrapText } from '../table.ts';

const HEADINGS: Readonly<Record<FindingTopic, string>> = {
  heaps: 'Heaps of the kernel',
  udmabuf: 'udmabuf',
  memory: 'Memory',
  limits: 'Limits',
  tracing: 'Tracing',
  kernel: 'Kernel configuration',
  machine: 'This process',
};

const EMPHASIS: Readonly<Record<FindingStatus, (style: ReportStyle, label: string) => string>> = {
  ok: (style, label) => style.dim(label),
  note: (_style, label) => label,
  warning: (style, label) => style.bold(label),
  problem: (style, label) => style.bold(label),
};

/** The width of "problem" and "warning", between two gaps. */
const LABEL_WIDTH = 11;
const INDENT = ' '.repeat(LABEL_WIDTH);

/**
 * The report for people: the opened heap, then the findings by topic. Commands are never wrapped,
 * so that they can be copied.
 */
export function formatDoctorReport({ findings, choice, machine }: MachineReport, style: ReportStyle): string[] {
  const topics = Object.entries(HEADINGS).map(([topic, heading]) =>
    formatTopic(
      heading,
      findings.filter((finding) => finding.topic === topic),
      style,
    ),
  );
  const { kernelRelease, architecture, pageSizeBytes } = machine;
  return [
    ...wrapText(`Linux ${kernelRelease} on ${architecture}, pages of ${pageSizeBytes} bytes`, style.columns),
    ...formatChoice(choice, style.columns),
    '',
    ...topics.flat(),
    ...wrapText(summarize(findings), style.columns),
  ];
}

function formatTopic(heading: string, findings: readonly Finding[], style: ReportStyle): string[] {
  if (findings.length === 0) return [];
  return [style.bold(heading), ...findings.flatMap((finding) => formatFinding(finding, style)), ''];
}

function formatChoice({ name, backend, reason, passedOver }: BackendChoice, columns: number): string[] {
  const call = `openHeap('${name}')`;
  const taken = backend === undefined ? `${call} fails: ` : `${call} takes ${backend}: `;
  return [
    ...formatLabelled(taken, reason, columns),
    ...passedOver.flatMap((listing) => formatLabelled(`  not ${listing.backend}: `, listing.reason, columns)),
  ];
}

function formatFinding({ status, found, matters, remedy }: Finding, style: ReportStyle): string[] {
  const [first = '', ...further] = formatLabelled(INDENT, found, style.columns);
  const label = `  ${status.padEnd(LABEL_WIDTH - 2)}`;
  return [
    `${EMPHASIS[status](style, label)}${first.slice(LABEL_WIDTH)}`,
    ...further,
    ...(status === 'ok' ? [] : formatLabelled(`${INDENT}why: `, matters, style.columns)),
    ...(remedy === undefined ? [] : formatRemedyLines(remedy, style.columns)),
  ];
}

function formatRemedyLines({ commands, note }: Remedy, columns: number): string[] {
  if (commands.length === 0) return formatLabelled(`${INDENT}remedy: `, note ?? '', columns);
  const then = note === undefined ? [] : formatLabelled(INDENT, note, columns);
  return [`${INDENT}remedy:`, ...commands.map((command) => `${INDENT}  ${command}`), ...then];
}

function summarize(findings: readonly Finding[]): string {
  const count = (status: FindingStatus): number => findings.filter((finding) => finding.status === status).length;
  return [
    formatAmount(count('problem'), 'problem', 'problems'),
    formatAmount(count('warning'), 'warning', 'warnings'),
    formatAmount(count('note'), 'note', 'notes'),
  ].join(', ');
}
