import type { SourceCall } from '../../trace/source/find-source-callers.ts';
import { escapeUnprintable } from '../../base/printable-text.ts';

/** Lines as `cscope -L -3` prints them: file, function, line, text. */
export function formatCallList(calls: readonly SourceCall[]): string[] {
  return calls.map(({ file, caller, line, text }) =>
    escapeUnprintable(`${file} ${caller} ${line} ${text.replaceAll(/\s+/gu, ' ')}`),
  );
}
