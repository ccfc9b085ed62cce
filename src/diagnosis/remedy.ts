/** What helps: commands that a user can copy, and a note on the rest. */
export interface Remedy {
  /** Shell commands, to be run in this order. None has a line break. */
  readonly commands: readonly string[];
  /** A further step, or the reason why no command helps: a clause without a full stop. */
  readonly note?: string;
}

/** A remedy as one line for the end of an error message: `run: COMMAND && COMMAND; NOTE`. */
export function formatRemedy({ commands, note }: Remedy): string {
  const run = commands.length === 0 ? [] : [`run: ${commands.join(' && ')}`];
  return [...run, ...(note === undefined ? [] : [note])].join('; ');
}
