import { spawnSync } from 'node:child_process';

/** Why ffmpeg is not available for comparison; false where it is. */
export function missingFfmpeg(): string | false {
  const { status } = spawnSync('ffmpeg', ['-version']);
  return status === 0 ? false : 'there is no ffmpeg to compare with: apt-get install ffmpeg';
}
