import { formatAmount, formatCount } from '../../../base/number-format.ts';
import type { CallerStatistics } from '../../analysis/caller-statistics.ts';
import type { Consumer } from '../../analysis/consumer.ts';
import { CALLERS_SHOWN } from './callers-section.ts';
import { html, shortName } from './markup.ts';
import type { Markup } from './markup.ts';
import { section } from './page-parts.ts';

const FUNCTIONS_SHOWN = 64;
const FAILURES_SHOWN = 8;

/** The call paths that the rows of the other tables stand for, whole. */
export function formatCallPaths(callers: readonly CallerStatistics[]): Markup | undefined {
  if (callers.length === 0) return undefined;
  const items = callers.slice(0, CALLERS_SHOWN).map(formatCallPath);
  return section(
    'paths',
    'Call paths',
    html`<p>From the innermost function that maps, outward to its callers.</p>
      <ol class="paths">
        ${items}
      </ol>`,
  );
}

function formatCallPath(caller: CallerStatistics, index: number): Markup {
  const { path, consumer, exporters } = caller;
  const shown = path.slice(0, FUNCTIONS_SHOWN).map((name) => html`<code>${shortName(name)}</code>`);
  const more = path.length - shown.length;
  const facts = [
    describeOrigin(consumer),
    ...(exporters.length === 0 ? [] : [`exporter: ${exporters.map(shortName).join(', ')}`]),
    ...describeCounts(caller),
  ];
  return html`<li id="path-${index + 1}">
    <h3>${shortName(consumer.name)}</h3>
    <p><small>${facts.join('; ')}</small></p>
    <p class="path">
      ${shown.map((name, at) => (at === 0 ? name : html` <span aria-label="called by">&#8592;</span> ${name}`))}${
        more === 0 ? undefined : ` and ${formatCount(more)} more`
      }
    </p>
  </li> `;
}

function describeOrigin({ origin, driver, buildId }: Consumer): string {
  const name = driver === undefined ? '' : `${shortName(driver)}: `;
  const build = buildId === undefined ? '' : `, build id ${shortName(buildId)}`;
  const place = { 'in-tree': "in the kernel's tree", 'out-of-tree': 'out of tree', unknown: 'of unknown origin' }[
    origin
  ];
  return `${name}${place}${build}`;
}

function describeCounts({ disturbedCount, failures, buffers }: CallerStatistics): string[] {
  const refused = Object.entries(failures).slice(0, FAILURES_SHOWN);
  return [
    ...(disturbedCount === 0 ? [] : [`${formatAmount(disturbedCount, 'mapping', 'mappings')} disturbed, in no median`]),
    ...refused.map(([name, count]) => `${formatCount(count)} refused with ${name}`),
    ...(buffers === undefined
      ? []
      : [`${formatAmount(buffers.count, 'buffer', 'buffers')}, ${formatCount(buffers.repeatCount)} mapped again`]),
  ];
}
