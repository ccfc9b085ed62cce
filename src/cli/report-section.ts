import type { Terminal } from './terminal.ts';

/** A part of a report: its lines stand under its heading. */
export interface Section {
  readonly heading: string;
  readonly lines: readonly string[];
}

/** How headings and asides look. */
export type ReportStyle = Pick<Terminal, 'bold' | 'dim'>;
