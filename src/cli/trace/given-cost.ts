import type { ConversionCost } from '../../trace/analysis/conversion-cost.ts';
import { UsageError } from '../parse-arguments.ts';
import type { TraceOptions } from './description.ts';

/**
 * What conversion costs on the machine in question, if that was given.
 *
 * @throws {UsageError} for what is no time, and for one of the two alone
 */
export function readCost(options: Pick<TraceOptions, 'by-page-ns' | 'by-entry-ns'>): ConversionCost | undefined {
  const { 'by-page-ns': byPage, 'by-entry-ns': byEntry } = options;
  if (byPage === undefined && byEntry === undefined) return undefined;
  if (byPage === undefined || byEntry === undefined)
    throw new UsageError('Cannot use --by-page-ns or --by-entry-ns alone: give both');
  return { byPageNs: parseNs(byPage, '--by-page-ns'), byEntryNs: parseNs(byEntry, '--by-entry-ns') };
}

function parseNs(text: string, option: string): number {
  if (/^\d{1,9}(?:\.\d{1,9})?$/u.test(text)) return Number(text);
  throw new UsageError(`Cannot use "${text}" for ${option} as it must be nanoseconds, such as 2.75`);
}
