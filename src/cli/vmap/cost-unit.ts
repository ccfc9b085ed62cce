import { formatDuration, formatLargeCount, formatNsPerPage } from '../../base/number-format.ts';

/** The clock of a report whose costs are instructions. */
export const INSTRUCTION_CLOCK =
  'counts instructions, not time: those of an emulated machine, whatever it costs to emulate them';

/** The unit of the costs in a report. */
export interface CostUnit {
  readonly isTime: boolean;
  /** The title of the table. */
  readonly title: string;
  /** The heading of the column. */
  readonly heading: string;
  readonly perPageHeading: string;
  /** In a cell of the column. */
  format(ns: number): string;
  formatPerPage(ns: number): string;
  /** In a sentence. */
  describe(ns: number): string;
}

const TIME: CostUnit = {
  isTime: true,
  title: 'What each step costs',
  heading: 'time',
  perPageHeading: 'ns/page',
  format: formatDuration,
  formatPerPage: formatNsPerPage,
  describe: formatDuration,
};

/**
 * @param instructionNs how many ns of the clock an instruction takes; undefined if the clock counts
 * time
 */
export function costUnitOf(instructionNs: number | undefined): CostUnit {
  if (instructionNs === undefined) return TIME;
  return {
    isTime: false,
    title: 'What each step costs, in instructions',
    heading: 'instr.',
    perPageHeading: 'per page',
    format: (ns) => formatLargeCount(ns / instructionNs),
    formatPerPage: (ns) => formatNsPerPage(ns / instructionNs),
    describe: (ns) => `${formatLargeCount(ns / instructionNs)} instructions`,
  };
}
