import { formatCount, formatDuration } from '../../../base/number-format.ts';
import type { CallerStatistics } from '../../analysis/caller-statistics.ts';
import type { PartTimes } from '../../analysis/part-times.ts';
import { CALLERS_SHOWN } from './callers-section.ts';
import { html, shortName } from './markup.ts';
import type { Content, Markup } from './markup.ts';
import { legend, section, shareBar, table } from './page-parts.ts';
import { formatPercent } from './report-numbers.ts';
import { TIME_USE_NAMES, TIME_USES } from './time-use.ts';
import type { TimeUse } from './time-use.ts';

interface DividedCaller {
  readonly name: string;
  readonly dividedCount: number;
  readonly partTimes: PartTimes;
}

/** What mappings spend their time on, where the trace goes deep enough to tell. */
export function formatParts(callers: readonly CallerStatistics[]): Markup {
  const divided = callers.slice(0, CALLERS_SHOWN).flatMap(({ consumer, dividedCount, partTimes }, index) => {
    if (partTimes === undefined) return [];
    return [{ name: `${index + 1}. ${shortName(consumer.name)}`, dividedCount, partTimes }];
  });
  if (divided.length === 0) {
    return section(
      'parts',
      'What the time goes into',
      html`<p>The source does not tell: function_graph that goes down to vmap has the parts of each mapping.</p>`,
    );
  }
  const uses = TIME_USES.filter((use) => divided.some(({ partTimes }) => nsOf(partTimes, use) > 0));
  const columns = [
    { heading: 'Consumer' },
    { heading: 'Mappings', isNumber: true },
    ...uses.map((use) => ({ heading: TIME_USE_NAMES[use], isNumber: true })),
    { heading: 'Shares' },
  ];
  return section(
    'parts',
    'What the time goes into',
    html`<p>
      For each mapping, on average. Left out are mappings that something else disturbed. The conversion of the sg table
      has no function of its own: it is what the exporter's map function spends itself, the tracer's cost included.
    </p>`,
    legend(uses),
    table(
      'What a mapping spends its time on',
      columns,
      divided.map((caller) => toCells(caller, uses)),
    ),
  );
}

function toCells({ name, dividedCount, partTimes }: DividedCaller, uses: readonly TimeUse[]): Content[] {
  const shares = uses.map((use) => ({ use, ns: nsOf(partTimes, use) }));
  const totalNs = shares.reduce((sum, { ns }) => sum + ns, 0);
  return [
    name,
    formatCount(dividedCount),
    ...shares.map(({ ns }) =>
      ns === 0 ? '-' : html`${formatDuration(ns / dividedCount)} <small>${formatPercent((ns / totalNs) * 100)}</small>`,
    ),
    shareBar(shares, totalNs),
  ];
}

function nsOf(partTimes: PartTimes, use: TimeUse): number {
  return use === 'undivided' ? 0 : partTimes[use];
}
