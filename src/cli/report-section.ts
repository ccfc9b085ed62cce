import { formatLabelled, wrapText } from './table.ts';
import type { Terminal } from './terminal.ts';

/** A part of a report: lines below a heading. */
export interface Section {
  readonly heading: string;
  readonly lines: readonly string[];
}

/** The style of headings and asides, and the longest line. */
export type ReportStyle = Pick<Terminal, 'bold' | 'dim' | 'columns'>;

const INDENT = '  ';

/** The longest line below a heading, before the indent. */
export function sectionColumns(columns: number): number {
  return columns - INDENT.length;
}

/** Lines below a heading, verbatim. */
export function indentLines(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? line : `${INDENT}${line}`));
}

/** Sentences below a heading, wrapped. */
export function indentTexts(texts: readonly string[], columns: number): string[] {
  return texts.flatMap((text) => formatLabelled(INDENT, text, columns));
}

/** An empty line, the heading, and the section's lines. */
export function formatSection({ heading, lines }: Section, { bold, columns }: ReportStyle): string[] {
  return [''].concat(wrapText(heading, columns).map(bold), lines);
}
