import { outOfRange, wrongType } from '../../base/argument-error.ts';
import { readOptions } from '../../base/check.ts';

/** What converting an sg table to pages costs on a machine, for each page. */
export interface ConversionCost {
  /** Nanoseconds, page by page. */
  readonly byPageNs: number;
  /** Nanoseconds, by entry. */
  readonly byEntryNs: number;
}

/** @throws {TypeError | RangeError} for what is no cost */
export function checkCost(cost: ConversionCost): ConversionCost {
  const action = 'estimate what could be saved';
  const { byPageNs, byEntryNs } = readOptions(cost, action, ['byPageNs', 'byEntryNs'], 'cost');
  return {
    byPageNs: checkNs(byPageNs, { action, name: 'cost.byPageNs' }),
    byEntryNs: checkNs(byEntryNs, { action, name: 'cost.byEntryNs' }),
  };
}

function checkNs(value: unknown, argument: { action: string; name: string }): number {
  const must = 'be nanoseconds, from 0 on';
  if (typeof value !== 'number') throw wrongType(argument, { must, received: value });
  if (!Number.isFinite(value) || value < 0) throw outOfRange(argument, { must, received: value });
  return value;
}
