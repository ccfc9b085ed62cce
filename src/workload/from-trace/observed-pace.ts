import type { SlotPolicy } from '../loads/load.ts';
import type { SizeUse } from './observed-caller.ts';

/** What a template gives where the trace is silent. */
interface PaceTemplate {
  readonly recipe: string;
  readonly stepsPerSecond: number;
  readonly bufferCount: number;
}

/** What is to be taken from the trace, and in which terms. */
interface PaceRequest {
  readonly use: SizeUse;
  /** How often buffers of that size are mapped in a step. */
  readonly callsPerStep: number;
  /** Whether a buffer that the driver keeps is mapped once, so that mappings tell no rate. */
  readonly keepsMappings: boolean;
  readonly template: PaceTemplate;
  /** Told what was taken from the template. */
  readonly note: (text: string) => void;
}

/** How often, with how many buffers, and how they come to slots. */
interface ObservedPace {
  readonly stepsPerSecond: number;
  readonly bufferCount: number;
  readonly slots: SlotPolicy;
}

const COUNT_MAX = 10_000;
const RATE_MAX = 1_000_000;

/** Where a buffer is never mapped again, mappings end, and how fast they came is no rate. */
export function paceOf({ use, callsPerStep, keepsMappings, template, note }: PaceRequest): ObservedPace {
  const ends = keepsMappings && use.bufferCount > 0 && !use.isMappedAgain;
  const goesOn = keepsMappings && use.isMappedAgain;
  return {
    stepsPerSecond: ends
      ? rateOfTemplate('its mappings end', template, note)
      : rateOf({ use, callsPerStep, template, note }),
    bufferCount: bufferCountOf(use, { callsPerStep, goesOn, template, note }),
    slots: goesOn ? 'shuffled' : 'kept',
  };
}

function rateOf({ use, callsPerStep, template, note }: Omit<PaceRequest, 'keepsMappings'>): number {
  const stepCount = use.callCount / callsPerStep;
  if (stepCount <= 1 || use.seconds === 0) return rateOfTemplate('the trace does not tell how often', template, note);
  return Math.min(RATE_MAX, toThreeDigits((stepCount - 1) / use.seconds));
}

function rateOfTemplate(why: string, { recipe, stepsPerSecond }: PaceTemplate, note: PaceRequest['note']): number {
  note(`${why}: ${stepsPerSecond} steps a second, as in ${recipe}`);
  return stepsPerSecond;
}

interface BufferRequest extends Pick<PaceRequest, 'callsPerStep' | 'template' | 'note'> {
  readonly goesOn: boolean;
}

function bufferCountOf({ bufferCount }: SizeUse, { callsPerStep, goesOn, template, note }: BufferRequest): number {
  if (bufferCount === 0) {
    note(`the trace does not tell buffers apart: ${template.bufferCount}, as in ${template.recipe}`);
    return template.bufferCount;
  }
  // One buffer that comes again and again goes through two slots: in one, it would stay mapped.
  const count = Math.max(goesOn ? 2 : 1, Math.round(bufferCount / callsPerStep));
  if (count > COUNT_MAX) note(`${count} buffers: ${COUNT_MAX} of them, which is the most that a workload has`);
  return Math.min(count, COUNT_MAX);
}

/** Times of a trace are no more exact. */
function toThreeDigits(rate: number): number {
  return Number(rate.toPrecision(3));
}
