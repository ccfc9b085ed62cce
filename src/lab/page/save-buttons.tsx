import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';

import { saveBlob, saveText } from './save-file.ts';
import { pageAsHtml } from './page-as-html.ts';

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
  const isCopied = useSignal(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(JSON.stringify(json(), undefined, 2));
    isCopied.value = true;
  };
  const savePicture = (): void => canvas?.()?.toBlob((blob) => blob !== null && saveBlob(`${name}.png`, blob));
  const savePage = async (): Promise<void> => saveText(`${name}.html`, 'text/html', await pageAsHtml());
  return (
    <p class="save">
      <button type="button" onClick={() => void savePage()}>
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
        {isCopied.value ? 'Copied' : 'Copy as JSON'}
      </button>
    </p>
  );
}
