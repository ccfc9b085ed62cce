import type { CommandDescription } from '../command-description.ts';

/** The command `dmabuf`, as the shells' completions need it. */
export interface DescribedProgram {
  readonly commands: readonly NamedCommand[];
  /** Options in the place of a command, such as `--version`. */
  readonly options: Readonly<Record<string, string>>;
}

/** A command, and the word that calls it. */
export interface NamedCommand {
  readonly name: string;
  readonly description: CommandDescription;
}

/** Heaps without a file in {@link HEAP_FOLDER}. */
export const STANDING_HEAP_NAMES: readonly string[] = ['system', 'udmabuf'];
export const HEAP_FOLDER = '/dev/dma_heap';
