import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';

import { saveBlob, saveText } from './save-file.ts';
import { pageAsHtml } from './page-as-html.ts';

const COPIED_MS = 3000;

interface SaveButtonsProps {
  /** Of the files, without an ending. */
  readonly name: string;
  /** The figures of the view. */
  readonly json: () => object;
  /** Its picture, where it has one. */
  readonly canvas?: () => HTMLCanvasElement | null;
}

/** Takes a view away: as a page of its own, as a picture, as JSON. */
export function SaveButtons({ name, json, canvas }: SaveButtonsProps): JSX.Element {
  const copied = useSignal<'' | 'Copied' | 'The browser forbids to copy'>('');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(JSON.stringify(json(), undefined, 2));
      copied.value = 'Copied';
    } catch {
      copied.value = 'The browser forbids to copy';
    }
    // What is shown goes on, and may be copied again.
    setTimeout(() => (copied.value = ''), COPIED_MS);
  };
  const savePicture = (): void => canvas?.()?.toBlob((blob) => blob !== null && saveBlob(`${name}.png`, blob));
  const savePage = (): void => saveText(`${name}.html`, 'text/html', pageAsHtml());
  return (
    <p class="save">
      <button type="button" onClick={savePage}>
        Save as HTML
      </button>
      {canvas === undefined ? undefined : (
        <button type="button" onClick={savePicture}>
          Save as PNG
        </button>
      )}
      <button type="button" onClick={() => saveText(`${name}.json`, 'application/json', JSON.stringify(json()))}>
        Save as JSON
      </button>
      <button type="button" onClick={() => void copy()}>
        Copy as JSON
      </button>
      <span role="status">{copied.value}</span>
    </p>
  );
}
