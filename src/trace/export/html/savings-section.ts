import { formatDuration } from '../../../base/number-format.ts';
import type { Saving, Savings } from '../../analysis/what-if.ts';
import { html } from './markup.ts';
import type { Markup } from './markup.ts';
import { section, table } from './page-parts.ts';
import type { TableColumn } from './page-parts.ts';
import { formatPercent } from './report-numbers.ts';

const NAMES: Readonly<Record<keyof Savings, string>> = {
  byEntry: 'Converting sg tables by entry',
  batched: 'Mapping runs of pages at once',
  mappedOnce: 'Mapping each buffer once',
};

const COLUMNS: readonly TableColumn[] = [
  { heading: 'What if' },
  { heading: 'At least', isNumber: true },
  { heading: 'At most', isNumber: true },
  { heading: 'Of', isNumber: true },
  { heading: 'Of that, at most' },
];

/** What could be saved: ranges, and what each of them rests on. */
export function formatSavings(savings: Savings): Markup {
  const known = (Object.entries(savings) as [keyof Savings, Saving | undefined][]).flatMap(([name, saving]) =>
    saving === undefined ? [] : [{ name: NAMES[name], saving }],
  );
  if (known.length === 0) {
    return section(
      'savings',
      'What could be saved',
      html`<p>The source does not tell: it has neither sizes, nor durations with parts, nor the buffers' pointers.</p>`,
    );
  }
  return section(
    'savings',
    'What could be saved',
    html`<p>The savings overlap: they must not be added up.</p>`,
    table('What could be saved, in time', COLUMNS, known.map(toCells)),
    known.map(({ name, saving }) => formatBasis(name, saving)),
  );
}

function toCells({ name, saving: { lowNs, highNs, ofNs } }: { name: string; saving: Saving }): (Markup | string)[] {
  const isKnown = ofNs !== undefined && ofNs > 0;
  const bar = isKnown ? html`${rangeBar(lowNs / ofNs, highNs / ofNs)} ${formatPercent((highNs / ofNs) * 100)}` : '-';
  return [name, formatDuration(lowNs), formatDuration(highNs), isKnown ? formatDuration(ofNs) : '-', bar];
}

/** From 0 to what is there now: what is saved at least is full, what is saved at most is pale. */
function rangeBar(low: number, high: number): Markup {
  const [from, to] = [Math.min(1, low) * 100, Math.min(1, high) * 100].map((percent) => percent.toFixed(2));
  return html`<svg class="bar short" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <rect class="all" width="100" height="10" />
    <rect class="high" width="${to}" height="10" />
    <rect class="low" width="${from}" height="10" />
  </svg>`;
}

function formatBasis(name: string, { basis }: Saving): Markup {
  const sentences = basis.map((sentence) => html`<li>${sentence}</li>`);
  return html`<h3>${name}: what the range rests on</h3>
    <ul class="basis">
      ${sentences}
    </ul> `;
}
