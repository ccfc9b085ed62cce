import { extname } from 'node:path';
import { readFile } from 'node:fs/promises';

import { PictureFileError } from '../../picture/file/picture-file-error.ts';
import { readPictureFile } from '../../video/picture-file.ts';
import type { PictureFile } from '../../video/picture-file.ts';
import { CommandFailure, SUCCEEDED } from '../command.ts';
import type { Command } from '../command.ts';
import { withFile } from '../file-failure.ts';
import { writeJsonLine } from '../json-line.ts';
import { formatName } from '../../base/printable-text.ts';
import { SHOW_DESCRIPTION, readShowCommandOptions } from './options.ts';
import { formatShown, toShownJson } from './report.ts';
import { showOnScreen } from './screen.ts';
import { showInWindow } from './window.ts';

export const showCommand: Command = {
  name: 'show',
  description: SHOW_DESCRIPTION,
  run: async (args, terminal) => {
    const options = readShowCommandOptions(args);
    const { place, source, seconds } = options;
    // Read before the screen is taken: a file that cannot be shown leaves the console alone.
    const content = source.kind === 'camera' ? source : await openPictureFile(source.path);
    const shown =
      place.kind === 'window'
        ? await showInWindow({ content, seconds }, terminal)
        : await showOnScreen({ content, seconds, display: place.display }, terminal);
    terminal.clearProgress();
    if (options.json) writeJsonLine(toShownJson(shown), terminal.writeJson);
    else for (const line of formatShown(shown, terminal.columns)) terminal.print(line);
    return SUCCEEDED;
  },
};

async function openPictureFile(path: string): Promise<PictureFile> {
  const bytes = await withFile('read', path, async () => await readFile(path));
  try {
    return readPictureFile(bytes, extname(path).toLowerCase());
  } catch (cause) {
    if (!(cause instanceof PictureFileError)) throw cause;
    throw new CommandFailure(`Cannot show ${formatName(path)}: ${cause.message}`, { cause });
  }
}
