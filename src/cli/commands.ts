import { readFileSync } from 'node:fs';

import { assert } from '../base/assert.ts';
import { packageFile } from '../base/package-file.ts';
import { callersCommand } from './callers/callers.ts';
import type { Command } from './command.ts';
import { cameraCommand } from './camera/camera.ts';
import { captureCommand } from './capture/capture.ts';
import { createCompletionCommand } from './completion/completion.ts';
import { doctorCommand } from './doctor/doctor.ts';
import { heapsCommand } from './heaps.ts';
import { createHelpCommand, PROGRAM_OPTIONS } from './help.ts';
import { createLabCommand } from './lab/lab.ts';
import { layoutCommand } from './layout/layout.ts';
import { lsCommand } from './ls/ls.ts';
import { showCommand } from './show/show.ts';
import { traceCommand } from './trace/trace.ts';
import { vmapCommand } from './vmap/vmap.ts';
import { workloadCommand } from './workload/workload.ts';

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  vmapCommand,
  heapsCommand,
  lsCommand,
  layoutCommand,
  cameraCommand,
  captureCommand,
  showCommand,
  callersCommand,
  traceCommand,
  workloadCommand,
  doctorCommand,
  createLabCommand(readVersion),
  createHelpCommand(() => COMMANDS, readVersion),
  createCompletionCommand(() => ({ commands: COMMANDS, options: PROGRAM_OPTIONS })),
];

/** The version of the package. */
export function readVersion(): string {
  const path = packageFile('package.json', import.meta.url);
  assert(path !== undefined, 'The command runs from its own package');
  const description = JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string };
  return description.version;
}
