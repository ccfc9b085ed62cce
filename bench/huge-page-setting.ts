/**
 * Allows transparent huge pages for shared memory for a moment: for benchmarks, and for tests of
 * their effects.
 */

import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

import { thisMachine } from '../src/linux/machine.ts';
import { readSharedHugePages } from '../src/linux/proc/huge-pages.ts';

const SETTING_PATH = '/sys/kernel/mm/transparent_hugepage/shmem_enabled';

/**
 * Holds the setting, and restores it when its input ends: in every case, even if SIGKILL ended the
 * requesting process. Signals to a whole terminal do not end it. A lock admits one holder at a
 * time, so that none mistakes another's setting for the machine's.
 */
const KEEPER = `
PATH=/usr/bin:/bin
trap '' INT TERM HUP PIPE
exec 9< "$0"
command -v flock >/dev/null && flock 9
before=$(sed 's/.*\\[\\(.*\\)\\].*/\\1/' "$0")
trap 'echo "$before" > "$0"' EXIT
echo "$1" > "$0"
echo held
read -r end
`;

type HugePageMode = 'advise' | 'always' | 'never';

/** Why huge pages cannot be allowed here; false where they can, or already are. */
export function cannotAllowHugePages(): string | false {
  const { sizes, settingPath, reason } = readSharedHugePages(thisMachine);
  if (sizes.length > 0) return false;
  if (settingPath !== SETTING_PATH) return `huge pages cannot be allowed by ${SETTING_PATH}: ${reason}`;
  try {
    accessSync(SETTING_PATH, constants.W_OK);
    return false;
  } catch (error) {
    return `${SETTING_PATH} cannot be written: ${(error as NodeJS.ErrnoException).code ?? String(error)}`;
  }
}

/** Runs `body` while the setting is `mode`, and restores it on every exit. */
export async function withHugePageSetting<Result>(
  mode: HugePageMode,
  body: () => Result | Promise<Result>,
): Promise<Result> {
  const setting = await HugePageSetting.hold(mode);
  try {
    return await body();
  } finally {
    await setting.restore();
  }
}

/** The machine's setting, under the control of one process until it is restored. */
export class HugePageSetting {
  readonly #keeper: ChildProcessByStdio<Writable, Readable, null>;

  private constructor(keeper: ChildProcessByStdio<Writable, Readable, null>) {
    this.#keeper = keeper;
  }

  /**
   * Sets it, as soon as no other process holds it.
   *
   * @param mode `advise`: huge pages where a program asks for them
   * @throws {Error} when it cannot be set
   */
  static async hold(mode: HugePageMode): Promise<HugePageSetting> {
    const keeper = spawn('/bin/sh', ['-c', KEEPER, SETTING_PATH, mode], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    const [line] = (await Promise.race([
      once(createInterface({ input: keeper.stdout }), 'line'),
      once(keeper, 'exit').then(() => ['']),
    ])) as [string];
    if (line !== 'held') throw new Error(`Cannot set ${SETTING_PATH} to ${mode}`);
    return new HugePageSetting(keeper);
  }

  /** Resolves when the earlier setting is restored. */
  async restore(): Promise<void> {
    if (this.#keeper.exitCode !== null) return;
    const exited = once(this.#keeper, 'exit');
    this.#keeper.stdin.end();
    await exited;
  }
}
