import { formatAmount, formatCount, formatDuration } from '../../../base/number-format.ts';
import { convertsTable, partKindOf } from '../../analysis/part-times.ts';
import { roleOf } from '../../map-functions.ts';
import type { WeightedStack } from '../stack-totals.ts';
import { layOutFlameGraph } from './flame-layout.ts';
import type { FlameFrame, FlameLayout } from './flame-layout.ts';
import { html, shortName } from './markup.ts';
import type { Content, Markup } from './markup.ts';
import { section, table } from './page-parts.ts';
import { formatPercent } from './report-numbers.ts';

/** What the width of a flame graph stands for. */
type FlameUnit = 'ns' | 'calls' | 'samples';

/** The stacks of a flame graph. */
export interface FlameStacks {
  readonly unit: FlameUnit;
  readonly stacks: readonly WeightedStack[];
  /** Weight of what is in no stack. */
  readonly otherWeight: number;
  /** Mappings that are not in it, since they have no duration. */
  readonly untimedCount: number;
}

const ROW_PX = 20;
const TABLE_ROWS_MAX = 60;
const SHADE_COUNT = 3;

const WIDTH_MEANS: Readonly<Record<FlameUnit, string>> = {
  ns: 'The width is the time in mappings.',
  calls: 'The source has no durations: the width is the number of calls, not time.',
  samples: 'The source has sampled stacks only: the width is the number of samples.',
};

/** The call paths as a picture, outermost functions on top, and as a table. */
export function formatFlameGraph(flame: FlameStacks): Markup {
  const layout = layOutFlameGraph(flame.stacks);
  if (layout.totalWeight <= 0) {
    return section('flame', 'Flame graph', html`<p>There is no call path to show.</p>`);
  }
  const gaps = describeGaps(flame, layout);
  return section(
    'flame',
    'Flame graph',
    html`<p>${WIDTH_MEANS[flame.unit]} Callers stand above what they call.${gaps.map((gap) => html` ${gap}`)}</p>
      <div id="flame-tools" class="tools" hidden></div> `,
    drawFlames(layout, flame.unit),
    html`<p id="flame-readout" class="readout" role="status"></p>
      <details>
        <summary>The flame graph as a table</summary>
        ${formatTable(layout, flame.unit)}
      </details> `,
  );
}

function describeGaps({ unit, otherWeight, untimedCount }: FlameStacks, { leftOutCount }: FlameLayout): string[] {
  return [
    ...(untimedCount === 0
      ? []
      : [
          `${formatAmount(untimedCount, 'mapping without a duration is', 'mappings without a duration are')} not in it.`,
        ]),
    ...(leftOutCount === 0
      ? []
      : [`${formatAmount(leftOutCount, 'frame is', 'frames are')} left out, the narrowest or deepest.`]),
    ...(otherWeight === 0 ? [] : [`${formatWeight(otherWeight, unit)} of further stacks are left out.`]),
  ];
}

function drawFlames(layout: FlameLayout, unit: FlameUnit): Markup {
  const total = formatWeight(layout.totalWeight, unit);
  const frames = layout.frames.map((frame) => drawFrame(frame, layout.totalWeight, unit));
  const height = layout.depthCount * ROW_PX;
  return html`<svg
    id="flame-graph"
    class="flame"
    width="100%"
    height="${height}"
    role="img"
    aria-label="Flame graph of ${total}; the table below has its numbers"
  >
    ${frames}
  </svg> `;
}

function drawFrame(frame: FlameFrame, totalWeight: number, unit: FlameUnit): Markup {
  const { name, depth, start, weight } = frame;
  const percentOf = (value: number): string => ((value / totalWeight) * 100).toFixed(3);
  return html`<svg
    class="f-${shadeOf(name)}"
    x="${percentOf(start)}%"
    y="${depth * ROW_PX}"
    width="${percentOf(weight)}%"
    height="${ROW_PX}"
  >
    <title>${shortName(name)}: ${describeWeight(frame, totalWeight, unit)}</title>
    <rect width="100%" height="100%" />
    <text x="4" y="14">${shortName(name)}</text>
  </svg> `;
}

/** The parts of a mapping have the colours that they have elsewhere in the report. */
function shadeOf(name: string): string {
  const kind = partKindOf(name);
  if (kind !== 'other') return kind;
  if (convertsTable(name)) return 'sg-to-pages';
  if (roleOf(name) !== 'none') return 'core';
  let sum = 0;
  for (const character of name) sum += character.codePointAt(0) ?? 0;
  return String(sum % SHADE_COUNT);
}

function describeWeight({ weight, ownWeight }: FlameFrame, totalWeight: number, unit: FlameUnit): string {
  const own = ownWeight > 0 && ownWeight < weight ? `, itself ${formatWeight(ownWeight, unit)}` : '';
  return `${formatWeight(weight, unit)}, ${formatPercent((weight / totalWeight) * 100)}${own}`;
}

function formatWeight(weight: number, unit: FlameUnit): string {
  if (unit === 'ns') return formatDuration(weight);
  return unit === 'calls' ? formatAmount(weight, 'call', 'calls') : formatAmount(weight, 'sample', 'samples');
}

/** The heaviest frames, each below its caller. */
function formatTable({ frames, totalWeight }: FlameLayout, unit: FlameUnit): Content {
  const heaviest = new Set(frames.toSorted((one, other) => other.weight - one.weight).slice(0, TABLE_ROWS_MAX));
  const rows = frames
    .filter((frame) => heaviest.has(frame))
    .map((frame) => [
      String(frame.depth + 1),
      html`<code>${shortName(frame.name)}</code>`,
      formatWeight(frame.weight, unit),
      formatPercent((frame.weight / totalWeight) * 100),
      frame.ownWeight > 0 ? formatWeight(frame.ownWeight, unit) : '-',
    ]);
  const columns = [
    { heading: 'Depth', isNumber: true },
    { heading: 'Function' },
    { heading: 'With what it calls', isNumber: true },
    { heading: 'Share', isNumber: true },
    { heading: 'Itself', isNumber: true },
  ];
  const more = frames.length - rows.length;
  return [
    table('Functions by call path, each below its caller', columns, rows),
    more === 0 ? undefined : html`<p>${formatCount(more)} lighter frames are in the picture only.</p> `,
  ];
}
