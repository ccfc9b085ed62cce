import { formatCount, formatDuration } from '../../../base/number-format.ts';
import { formatSize } from '../../../base/sizes.ts';
import type { Finding } from '../../analysis/findings.ts';
import { html, cutText } from './markup.ts';
import type { Markup } from './markup.ts';
import { section } from './page-parts.ts';
import { formatPercent, formatRate, formatSpan } from './report-numbers.ts';

/** A hostile trace has a finding for each of thousands of paths. */
const FINDINGS_SHOWN = 100;
/** Sentences have names from the trace in them. */
const TEXT_LENGTH_MAX = 400;

/** What stands out, each with its evidence. */
export function formatFindings(findings: readonly Finding[]): Markup {
  if (findings.length === 0) return section('findings', 'Findings', html`<p>Nothing stands out.</p>`);
  const items = findings.slice(0, FINDINGS_SHOWN).map(formatFinding);
  const more = findings.length - items.length;
  const rest = more === 0 ? undefined : html`<p>${formatCount(more)} more findings are not shown.</p>`;
  return section(
    'findings',
    'Findings',
    html`<ul class="findings">
      ${items}
    </ul>`,
    rest,
  );
}

function formatFinding({ kind, text, evidence }: Finding): Markup {
  const facts = Object.entries(evidence).flatMap(([name, value]) => {
    // The sentence names it already.
    if (name === 'consumer') return [];
    return html`<div>
      <dt>${wordsOf(name)}</dt>
      <dd>${formatEvidence(name, value)}</dd>
    </div>`;
  });
  return html`<li class="finding ${kind}">
    <p>${cutText(text, TEXT_LENGTH_MAX)}.</p>
    <dl class="evidence">${facts}</dl>
  </li> `;
}

/** `callsPerSecond` as `calls per second`, `repeatNs` as `repeat time`: the value has the unit. */
function wordsOf(name: string): string {
  if (name === 'seconds') return 'in';
  return name
    .replace(/Ns$/u, 'Time')
    .replace(/(?:Percent|Bytes)$/u, '')
    .replaceAll(/[A-Z]/gu, (letter) => ` ${letter.toLowerCase()}`);
}

function formatEvidence(name: string, value: number | string): string {
  if (typeof value === 'string') return value;
  if (name.endsWith('Ns')) return formatDuration(value);
  if (name.endsWith('Percent')) return formatPercent(value);
  if (/^bytes|Bytes$/u.test(name)) return formatSize(Math.round(value));
  if (name === 'seconds') return formatSpan(value);
  return Number.isInteger(value) ? formatCount(value) : formatRate(value);
}
