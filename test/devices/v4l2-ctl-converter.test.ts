/** What `v4l2-ctl` of Debian's v4l-utils has vim2m make of pictures, against this package. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { openVideoConverter } from '../../src/v4l2/index.ts';
import { missingVim2m, unloadVim2m, vim2mPath } from '../support/devices/vim2m.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

checkLeaksAfterFile();

const PROGRAM = 'v4l2-ctl';

function missingProgram(): string | false {
  const { status } = spawnSync(PROGRAM, ['--version']);
  return status === 0 ? false : `there is no ${PROGRAM} here: it is in Debian's v4l-utils`;
}

const skip = missingProgram() || missingVim2m();
after(() => {
  if (skip === false) unloadVim2m();
});

/** How each side is called here, and by v4l2-ctl. */
interface Side {
  readonly width: number;
  readonly height: number;
  readonly format: string;
  readonly v4l2: string;
}

const CASES: readonly { readonly input: Side; readonly output: Side }[] = [
  {
    input: { width: 640, height: 480, format: 'RGB565', v4l2: 'RGBP' },
    output: { width: 322, height: 199, format: 'YUYV', v4l2: 'YUYV' },
  },
  {
    input: { width: 96, height: 50, format: 'RGB888', v4l2: 'BGR3' },
    output: { width: 640, height: 480, format: 'RGB565', v4l2: 'RGBP' },
  },
];

/** Random, and the same in each run. */
function noise(length: number): Uint8Array {
  let state = 12_345;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 16;
  });
}

for (const { input, output } of CASES) {
  test(
    `convert() makes ${output.v4l2} ${output.width}x${output.height} of ${input.v4l2} ${input.width}x${input.height} as v4l2-ctl does`,
    { skip },
    async (t) => {
      const folder = temporaryFolder(t);
      const [from, to] = [join(folder, 'from'), join(folder, 'to')];
      using converter = openVideoConverter(vim2mPath(), {
        input: { width: input.width, height: input.height, format: input.format },
        output: { width: output.width, height: output.height, format: output.format },
      });
      const length = converter.input.format.memories[0]?.length ?? 0;
      const picture = noise(length);
      writeFileSync(from, picture);
      const formatOf = ({ width, height, v4l2 }: Side): string => `width=${width},height=${height},pixelformat=${v4l2}`;
      const { status, stderr, stdout } = spawnSync(
        PROGRAM,
        [
          ['-d', vim2mPath()],
          [`--set-fmt-video-out=${formatOf(input)}`, `--set-fmt-video=${formatOf(output)}`],
          ['--stream-out-mmap', '--stream-mmap', '--stream-count=1', '--stream-loop'],
          [`--stream-from=${from}`, `--stream-to=${to}`],
        ].flat(),
        { encoding: 'utf8', timeout: 120_000 },
      );
      assert.equal(status, 0, `${stderr}${stdout}`);
      const taken = converter.acquire();
      taken.layout.accessSync('write', ([plane]) => plane?.bytes.set(picture));
      using frame = await taken.convert();
      const made = frame.layout.accessSync('read', ([plane]) => Uint8Array.from(plane?.bytes ?? []));
      const expected = readFileSync(to);
      assert.equal(made.length, output.width * output.height * 2);
      assert.equal(expected.length, made.length);
      assert.equal(Buffer.compare(expected, made), 0);
      assert.ok(new Set(made).size > 100, 'a picture of noise is no flat one');
    },
  );
}
