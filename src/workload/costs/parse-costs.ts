import { ORDER_COSTS, SINGLE_COSTS } from './mapping-costs.ts';
import type { MappingCosts } from './mapping-costs.ts';

/** What is wrong with costs. The message names the place: `costs.vmap[0].lowNs`. */
export class CostsFault extends Error {
  override readonly name = 'CostsFault';
}

const FIGURES = ['lowNs', 'likelyNs', 'highNs'] as const;
const NS_MAX = 1e12;
const ORDER_MAX = 30;
const TEXT_MAX = 1000;

/**
 * Costs as JSON has them: `costs` of docs/schemas/dmabuf-workload-costs.schema.json.
 *
 * @throws {CostsFault} for what is none
 */
export function parseCosts(value: unknown): MappingCosts {
  const costs = objectAt(value, 'costs', ['source', ...SINGLE_COSTS, ...ORDER_COSTS]);
  checkText(costs['source'], 'costs.source');
  for (const name of SINGLE_COSTS) if (costs[name] !== undefined) checkCost(costs[name], `costs.${name}`);
  for (const name of ORDER_COSTS) if (costs[name] !== undefined) checkOrders(costs[name], `costs.${name}`);
  const isComplete = costs['vmap'] !== undefined && (costs['byPage'] !== undefined || costs['byEntry'] !== undefined);
  if (!isComplete) throw new CostsFault('costs must have vmap, and one of byPage and byEntry');
  return value as MappingCosts;
}

function checkOrders(value: unknown, place: string): void {
  if (!Array.isArray(value) || value.length === 0) throw new CostsFault(`${place} must be a list with a cost`);
  let before = -1;
  for (const [index, each] of value.entries()) {
    const at = `${place}[${index}]`;
    const { order } = checkCost(each, at, ['order']);
    const isNext = typeof order === 'number' && Number.isInteger(order) && order > before && order <= ORDER_MAX;
    if (!isNext || (index === 0 && order !== 0))
      throw new CostsFault(`${at}.order must ascend from 0, to at most ${ORDER_MAX}`);
    before = order;
  }
}

function checkCost(value: unknown, place: string, more: readonly string[] = []): Readonly<Record<string, unknown>> {
  const cost = objectAt(value, place, [...FIGURES, 'basis', ...more]);
  checkText(cost['basis'], `${place}.basis`);
  for (const name of FIGURES) {
    const ns = cost[name];
    if (typeof ns !== 'number' || !(ns >= 0 && ns <= NS_MAX))
      throw new CostsFault(`${place}.${name} must be ns, from 0 to ${NS_MAX}`);
  }
  const [low, likely, high] = FIGURES.map((name) => cost[name] as number) as [number, number, number];
  if (low > likely || likely > high) throw new CostsFault(`${place} must have lowNs up to likelyNs up to highNs`);
  return cost;
}

function checkText(value: unknown, place: string): void {
  if (typeof value === 'string' && value !== '' && value.length <= TEXT_MAX) return;
  throw new CostsFault(`${place} must be a text`);
}

function objectAt(value: unknown, place: string, keys: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CostsFault(`${place} must be an object`);
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) throw new CostsFault(`${place}.${unknown} is none of ${keys.join(', ')}`);
  return value as Readonly<Record<string, unknown>>;
}
