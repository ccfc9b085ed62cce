import { assert } from '../../base/assert.ts';
import type { Conversion } from '../kernel/exporter-mapping.ts';
import { addCost, NO_COST } from './mapping-costs.ts';
import type { Cost, CostRange, MappingCosts, OrderCost } from './mapping-costs.ts';
import type { LoadDemand, MappingDemand } from './mapping-demand.ts';

/** How pages are mapped: one by one, as mainline does, or runs at once. */
type Mapping = 'page' | 'run';

/** What one consumer's mappings would take, under one choice. */
export interface MappingPrediction {
  readonly consumer: string;
  readonly conversion: Conversion;
  readonly mapping: Mapping;
  /** Until each buffer has had its turn, in all. */
  readonly startNs: CostRange;
  /** In each step from then on. */
  readonly stepNs: CostRange;
  /** The same for each second: what a processor is busy with it. */
  readonly secondNs: CostRange;
  /** What is not in it, since nothing is known of what it costs. */
  readonly missing: readonly string[];
}

/** One figure for each way. */
interface ChosenCosts {
  readonly call: Cost | undefined;
  readonly mapping: Cost | undefined;
  readonly pageArray: Cost | undefined;
  readonly conversion: Cost;
  readonly vmap: readonly OrderCost[];
}

const MISSING = {
  call: 'the call with its lock',
  mapping: 'what each mapping costs beside its pages',
  pageArray: 'the array of pages',
} as const;

/**
 * What mappings would take on a machine with these costs, under each choice that they tell of. The
 * range is that of the costs, each at its least and each at its most.
 */
export function predictMappings(demands: readonly LoadDemand[], costs: MappingCosts): MappingPrediction[] {
  return demands.flatMap((demand) =>
    choicesOf(costs).map(({ conversion, mapping, chosen }) => {
      const { consumer, stepsPerSecond } = demand.load;
      const stepNs = costOf(demand.step, chosen);
      return {
        consumer,
        conversion,
        mapping,
        startNs: costOf(demand.start, chosen),
        stepNs,
        secondNs: addCost(NO_COST, stepsPerSecond, stepNs),
        missing: (['call', 'mapping', 'pageArray'] as const)
          .filter((name) => chosen[name] === undefined)
          .map((name) => MISSING[name]),
      };
    }),
  );
}

function choicesOf(costs: MappingCosts): { conversion: Conversion; mapping: Mapping; chosen: ChosenCosts }[] {
  const { call, mapping: fixed, pageArray, byPage, byEntry, vmap, vmapBatched } = costs;
  const conversions = [['page', byPage] as const, ['entry', byEntry] as const];
  const mappings = [['page', vmap] as const, ['run', vmapBatched] as const];
  return conversions.flatMap(([conversion, converted]) =>
    mappings.flatMap(([mapping, mapped]) =>
      converted === undefined || mapped === undefined
        ? []
        : [{ conversion, mapping, chosen: { call, mapping: fixed, pageArray, conversion: converted, vmap: mapped } }],
    ),
  );
}

function costOf({ callCount, mappingCount, pages }: MappingDemand, costs: ChosenCosts): CostRange {
  let sum = addCost(NO_COST, callCount, costs.call ?? NO_COST);
  sum = addCost(sum, mappingCount, costs.mapping ?? NO_COST);
  for (const { order, pageCount } of pages) {
    sum = addCost(sum, pageCount, costs.pageArray ?? NO_COST);
    sum = addCost(sum, pageCount, costs.conversion);
    sum = addCost(sum, pageCount, costOfOrder(costs.vmap, order));
  }
  return sum;
}

/** That of the largest order that is not above. */
function costOfOrder(costs: readonly OrderCost[], order: number): OrderCost {
  const found = costs.findLast((cost) => cost.order <= order);
  assert(found !== undefined, 'Costs by order begin with 0');
  return found;
}
