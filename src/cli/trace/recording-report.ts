import type { RecordingCost } from '../../trace/live/mapping-recording.ts';
import { formatAmount, formatDuration } from '../../base/number-format.ts';
import { formatSection, indentTexts } from '../report-section.ts';
import type { ReportStyle } from '../report-section.ts';

/** Whether a recording is complete, and what it cost. */
export function formatRecording(cost: RecordingCost, recordedMappings: number, style: ReportStyle): string[] {
  return formatSection(
    {
      heading: 'The recording',
      lines: indentTexts([describeCount(cost, recordedMappings), ...describeCost(cost)], style.columns),
    },
    style,
  );
}

function describeCount({ seconds, countedMappings }: RecordingCost, recorded: number): string {
  const time = `${formatDuration(seconds * 1e9)} were recorded`;
  if (countedMappings === undefined) return `${time}; this kernel has no counter to compare with`;
  if (countedMappings === recorded) return `${time}; a counter in the kernel saw as many mappings: ${recorded}`;
  return `${time}; a counter in the kernel saw ${formatAmount(countedMappings, 'mapping', 'mappings')}, ${recorded} were read`;
}

function describeCost({ eventCount, eventNs, stackNs, totalNs, processNs, seconds }: RecordingCost): string[] {
  const events = formatAmount(eventCount, 'event', 'events');
  const reading = `Reading took this process ${formatDuration(processNs)} of CPU time`;
  if (eventNs === undefined || stackNs === undefined) return [`${events} were written`, reading];
  const each = `${formatDuration(eventNs)} each, ${formatDuration(stackNs)} with a stack, as measured here`;
  const share = totalNs === undefined ? '' : `: ${formatShare(totalNs / 1e9 / seconds)} of a core`;
  return [`${events} cost those who map ${each}${share}`, reading];
}

function formatShare(share: number): string {
  const percent = share * 100;
  return percent < 0.01 ? 'less than 0.01 %' : `${percent.toFixed(2)} %`;
}
