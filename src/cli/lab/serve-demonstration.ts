import { once } from 'node:events';

import { DemonstrationHeap } from '../../lab/demonstration.ts';
import { serveLab } from '../../lab/serve-lab.ts';
import { CommandFailure } from '../command.ts';
import { wrapText } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { readLabKey } from './lab-key.ts';
import { openInBrowser } from './open-in-browser.ts';

const SEED = 1;

/** For {@link serveDemonstration}. */
interface ServeOptions {
  readonly port: number;
  readonly capacityBytes: number;
  /** Whether a browser is started. */
  readonly opens: boolean;
  readonly mayControl: boolean;
  /** Of the package. */
  readonly version: string;
}

/**
 * Serves a lab over a demonstration until the user ends it.
 *
 * @throws {CommandFailure} where the port cannot be had
 */
export async function serveDemonstration(options: ServeOptions, terminal: Terminal): Promise<void> {
  const demonstration = new DemonstrationHeap({ capacityBytes: options.capacityBytes, seed: SEED });
  try {
    await serve(demonstration, options, terminal);
  } finally {
    demonstration.close();
  }
}

async function serve(
  { heap }: DemonstrationHeap,
  { port, mayControl, version, opens }: ServeOptions,
  terminal: Terminal,
): Promise<void> {
  const key = readLabKey(port);
  const onFailure = (error: unknown): void =>
    terminal.printError(error instanceof Error ? error.message : String(error));
  const lab = await serveLab({ heap, port, mayControl, version, key, onFailure }).catch((error: unknown) => {
    throw explainListen(error, port);
  });
  let forget = (): void => {};
  try {
    const first = lab.newAddress();
    const printAddress = (address: string): void => terminal.print(address);
    lab.onAdmitted(() => {
      forget();
      terminal.print('A browser was let in. For another:');
      printAddress(lab.newAddress());
    });
    for (const line of wrapText(
      'The lab is served on this machine alone. Open this, or end it with Ctrl-C:',
      terminal.columns,
    ))
      terminal.print(line);
    printAddress(first);
    if (opens) forget = await openInBrowser(first, terminal);
    await untilInterrupted(async (signal) => {
      if (!signal.aborted) await once(signal, 'abort');
    });
  } finally {
    forget();
    await lab.close();
  }
}

function explainListen(error: unknown, port: number): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  if (error.code === 'EADDRINUSE')
    return new CommandFailure(`Cannot listen on port ${port} as it is taken: give another with --port, or 0 for any`);
  if (error.code === 'EACCES')
    return new CommandFailure(`Cannot listen on port ${port} as it needs root: give one from 1024 on with --port`);
  return error;
}
