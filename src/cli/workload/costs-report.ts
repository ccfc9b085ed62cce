import { formatNsPerPage } from '../../base/number-format.ts';
import type { CostRange, MappingCosts } from '../../workload/costs/mapping-costs.ts';
import { ORDER_COSTS, SINGLE_COSTS } from '../../workload/costs/mapping-costs.ts';
import { formatSection, indentLines, indentTexts, sectionColumns } from '../report-section.ts';
import type { ReportStyle } from '../report-section.ts';
import { formatTable, wrapText } from '../table.ts';

const COLUMNS = [
  { heading: 'NS', align: 'left' },
  { heading: 'OF EACH', align: 'left' },
  { heading: 'LOW', align: 'right' },
  { heading: 'LIKELY', align: 'right' },
  { heading: 'HIGH', align: 'right' },
] as const;

const NAMES = {
  call: ['the call and its lock', 'call'],
  mapping: ['beside its pages', 'mapping'],
  pageArray: ['array of pages', 'page'],
  byPage: ['conversion by page', 'page'],
  byEntry: ['conversion by entry', 'page'],
  vmap: ['vmap page by page', 'page'],
  vmapBatched: ['vmap by runs', 'page'],
} as const;

/** A row of the table, and what it rests on. */
interface CostLine {
  readonly name: string;
  readonly of: string;
  readonly range: CostRange;
  readonly basis: string;
}

/** Costs as a table, and what they rest on. */
export function formatCosts(costs: MappingCosts, style: ReportStyle): string[] {
  const lines = linesOf(costs);
  const table = formatTable(COLUMNS, lines.map(toCells), sectionColumns(style.columns));
  return [
    ...wrapText(`What mapping costs: ${costs.source}`, style.columns).map(style.bold),
    ...indentLines(table),
    ...formatBasis(costs, style),
  ];
}

/** What costs rest on: each basis once, with the names of its costs. */
export function formatBasis(costs: MappingCosts, style: ReportStyle): string[] {
  const names = new Map<string, string[]>();
  for (const { name, basis } of linesOf(costs)) names.set(basis, [...(names.get(basis) ?? []), name]);
  const texts = [...names].map(([basis, of]) => `${of.join(', ')}: ${basis}`);
  return formatSection({ heading: 'Basis', lines: indentTexts(texts, style.columns) }, style);
}

function linesOf(costs: MappingCosts): CostLine[] {
  const single = SINGLE_COSTS.flatMap((name): CostLine[] => {
    const cost = costs[name];
    return cost === undefined ? [] : [{ name: NAMES[name][0], of: NAMES[name][1], range: cost, basis: cost.basis }];
  });
  const byOrder = ORDER_COSTS.flatMap((name) =>
    (costs[name] ?? []).map((cost) => ({
      name: `${NAMES[name][0]}, order ${cost.order}`,
      of: NAMES[name][1],
      range: cost,
      basis: cost.basis,
    })),
  );
  return [...single, ...byOrder];
}

function toCells({ name, of, range: { lowNs, likelyNs, highNs } }: CostLine): string[] {
  return [name, of, ...[lowNs, likelyNs, highNs].map(formatNsPerPage)];
}
