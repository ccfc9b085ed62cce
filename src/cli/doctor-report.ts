import type { Remedy } from '../linux/remedy.ts';
import type { BackendChoice } from '../machine/doctor/choose-backend.ts';
import type { Finding, FindingStatus, FindingTopic } from '../machine/doctor/finding.ts';
import type { MachineReport } from '../machine/doctor/examine-machine.ts';
import { formatAmount } from './number-format.ts';
import type { ReportStyle } from './report-section.ts';
import { formatLabelled } from './table.ts';
import { WIDTH } from './terminal.ts';

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

/** The report for people: what is opened, then the findings topic by topic. Commands are never broken: they are there to be copied. */
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
    `Linux ${kernelRelease} on ${architecture}, pages of ${pageSizeBytes} bytes`,
    ...formatChoice(choice),
    '',
    ...topics.flat(),
    summarize(findings),
  ];
}

function formatTopic(heading: string, findings: readonly Finding[], style: ReportStyle): string[] {
  if (findings.length === 0) return [];
  return [style.bold(heading), ...findings.flatMap((finding) => formatFinding(finding, style)), ''];
}

function formatChoice({ name, backend, reason, passedOver }: BackendChoice): string[] {
  const call = `openHeap('${name}')`;
  const taken = backend === undefined ? `${call} fails: ` : `${call} takes ${backend}: `;
  return [
    ...formatLabelled(taken, reason, WIDTH),
    ...passedOver.flatMap((listing) => formatLabelled(`  not ${listing.backend}: `, listing.reason, WIDTH)),
  ];
}

function formatFinding({ status, found, matters, remedy }: Finding, style: ReportStyle): string[] {
  const [first = '', ...further] = formatLabelled(INDENT, found, WIDTH);
  const label = `  ${status.padEnd(LABEL_WIDTH - 2)}`;
  return [
    `${EMPHASIS[status](style, label)}${first.slice(LABEL_WIDTH)}`,
    ...further,
    ...(status === 'ok' ? [] : formatLabelled(`${INDENT}why: `, matters, WIDTH)),
    ...(remedy === undefined ? [] : formatRemedyLines(remedy)),
  ];
}

function formatRemedyLines({ commands, note }: Remedy): string[] {
  if (commands.length === 0) return formatLabelled(`${INDENT}remedy: `, note ?? '', WIDTH);
  const then = note === undefined ? [] : formatLabelled(INDENT, note, WIDTH);
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
