import { formatAmount } from '../../../base/number-format.ts';
import type { TraceReport } from '../../analysis/trace-analysis.ts';
import type { UnreadableLine } from '../../mapping-event.ts';
import { html, shortName } from './markup.ts';
import type { Markup } from './markup.ts';
import { section } from './page-parts.ts';

/** What is missing in the report: lines that could not be read, events that were lost. */
export function formatGaps(
  { lostEvents, unreadableLineCount, otherMappingCount }: TraceReport,
  unreadableLines: readonly UnreadableLine[],
): Markup | undefined {
  const places = unreadableLines.map(({ file, line }) => `${shortName(file ?? 'line')}:${line}`);
  const more = unreadableLineCount > places.length ? ', …' : '';
  const gaps = [
    ...(unreadableLineCount === 0
      ? []
      : [`${formatAmount(unreadableLineCount, 'line', 'lines')} could not be read: ${places.join(', ')}${more}`]),
    ...(lostEvents === 0 ? [] : [`The source lost ${formatAmount(lostEvents, 'event', 'events')}`]),
    ...(otherMappingCount === 0
      ? []
      : [`${formatAmount(otherMappingCount, 'mapping', 'mappings')} by further call paths are counted, not shown`]),
  ];
  if (gaps.length === 0) return undefined;
  return section(
    'gaps',
    'What is missing',
    html`<ul>
      ${gaps.map((gap) => html`<li>${gap}.</li>`)}
    </ul>`,
  );
}
