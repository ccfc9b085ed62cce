import type { SourceLine } from './source-line.ts';

/** Reads the lines of one form. */
export interface LineImporter {
  /**
   * Takes a line of its form, and gives whether it was one. A line that stands where one of its
   * form
   * should, and cannot be read, is taken and counted.
   */
  readonly take: (line: SourceLine) => boolean;
  /** The text ends: what is open is given as far as it is known. */
  readonly end: () => void;
}
