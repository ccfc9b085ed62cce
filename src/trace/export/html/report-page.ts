import { createHash } from 'node:crypto';

import type { TraceReport } from '../../analysis/trace-analysis.ts';
import type { UnreadableLine } from '../../mapping-event.ts';
import { formatCallPaths } from './call-paths-section.ts';
import { formatCallers } from './callers-section.ts';
import { formatFindings } from './findings-section.ts';
import { formatFlameGraph } from './flame-graph-section.ts';
import type { FlameStacks } from './flame-graph-section.ts';
import { formatGaps } from './gaps-section.ts';
import { html, Markup } from './markup.ts';
import { formatParts } from './parts-section.ts';
import { REPORT_SCRIPT } from './report-script.ts';
import { REPORT_STYLE } from './report-style.ts';
import { formatSavings } from './savings-section.ts';
import { formatFiles, formatSummary } from './summary-section.ts';
import { formatTimeLines } from './time-line-section.ts';
import type { SourceTimeLine } from './time-line-section.ts';

/** What a page is made of. */
interface ReportPage {
  readonly report: TraceReport;
  readonly files: readonly string[];
  readonly unreadableLines: readonly UnreadableLine[];
  readonly flame: FlameStacks;
  readonly timeLines: readonly SourceTimeLine[];
  readonly otherFileCount: number;
}

/**
 * The whole page. Its policy lets a browser load nothing, and run and style nothing but what
 * stands in it here (https://www.w3.org/TR/CSP3/).
 */
export function formatReportPage(parts: ReportPage): string {
  const { report, files, flame, timeLines, otherFileCount } = parts;
  const policy = `default-src 'none'; script-src '${hashOf(REPORT_SCRIPT)}'; style-src '${hashOf(REPORT_STYLE)}'; base-uri 'none'; form-action 'none'`;
  const { callers, findings, savings } = report;
  // The policy has hashes of exactly what stands between the tags.
  const style = new Markup(`<style>${REPORT_STYLE}</style>`);
  const script = new Markup(`<script>${REPORT_SCRIPT}</script>`);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>dma-buf mappings in ${formatFiles(files)}</title>
        ${style}
      </head>
      <body>
        <main>
          ${formatSummary(report, files)} ${formatFindings(findings)} ${formatCallers(callers)} ${formatParts(callers)}
          ${formatSavings(savings)} ${formatFlameGraph(flame)} ${formatTimeLines(timeLines, otherFileCount)}
          ${formatCallPaths(callers)} ${formatGaps(report, parts.unreadableLines)}
        </main>
        ${script}
      </body>
    </html> `;
  return `${page.text.trimEnd()}\n`;
}

/** As the policy names a piece of a page. */
function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
