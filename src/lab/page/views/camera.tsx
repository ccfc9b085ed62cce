import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { JSX } from 'preact';

import { formatCount, formatDuration, formatRate } from '../../../base/number-format.ts';
import type { Frame } from '../../protocol/frames.ts';
import type { CameraChoice, CameraFactsMessage, StreamMessage } from '../../protocol/messages.ts';
import { Facts } from '../facts.tsx';
import { SaveButtons } from '../save-buttons.tsx';
import { postJson } from '../session.ts';
import { messageOf, watchView } from '../watch-view.ts';

/** A camera's picture, as it comes. */
export function CameraView({ mayControl }: { mayControl: boolean }): JSX.Element {
  const cameras = useSignal<readonly CameraChoice[] | undefined>(undefined);
  const path = useSignal('');
  useEffect(() => {
    void postJson<{ readonly cameras: readonly CameraChoice[] }>('/api/cameras').then(
      (answer) => {
        cameras.value = answer.cameras;
        path.value = answer.cameras[0]?.path ?? '';
      },
      // The banner says what is wrong.
      () => {},
    );
  }, []);
  return (
    <>
      <h1>Camera</h1>
      {cameras.value?.length === 0 ? (
        <p class="gap">This machine has no camera that this user may open: dmabuf camera says more.</p>
      ) : undefined}
      {mayControl ? undefined : (
        <p class="gap">
          This lab is read-only: start it with <code>dmabuf lab --control</code> to open a camera from here.
        </p>
      )}
      {cameras.value === undefined || cameras.value.length === 0 ? undefined : (
        <label>
          Camera{' '}
          <select name="camera" value={path.value} onChange={(event) => (path.value = event.currentTarget.value)}>
            {cameras.value.map((camera) => (
              <option key={camera.path} value={camera.path}>
                {camera.name} ({camera.path})
              </option>
            ))}
          </select>
        </label>
      )}
      {mayControl && path.value !== '' ? <LivePicture key={path.value} path={path.value} /> : undefined}
    </>
  );
}

function LivePicture({ path }: { path: string }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const facts = useSignal<CameraFactsMessage | undefined>(undefined);
  const format = useSignal('');
  const problem = useSignal('');
  useEffect(() => {
    const stop = new AbortController();
    const takeMessage = (message: StreamMessage): void => {
      if (message.type === 'camera-facts') facts.value = message;
      if (message.type !== 'camera-shape' || canvas.current === null) return;
      const { width, height } = message;
      Object.assign(canvas.current, { width, height });
      format.value = `${message.format}, ${width} by ${height}`;
    };
    const take = (frame: Frame): void => {
      if (frame.kind === 'json') takeMessage(messageOf(frame));
      else if (canvas.current !== null) void draw(canvas.current, frame);
    };
    void watchView(`camera&path=${encodeURIComponent(path)}`, take, stop.signal, (reason) => (problem.value = reason));
    return () => stop.abort();
  }, []);
  return (
    <>
      <div role="status">{problem.value}</div>
      <figure>
        <canvas ref={canvas} class="camera" role="img" aria-label={`The camera's picture, ${format.value}`} />
        <figcaption>{format.value}</figcaption>
      </figure>
      {facts.value === undefined ? undefined : <CameraFacts facts={facts.value} />}
      <SaveButtons name="dmabuf-camera" json={() => ({ path, ...facts.value })} canvas={() => canvas.current} />
    </>
  );
}

function CameraFacts({ facts }: { facts: CameraFactsMessage }): JSX.Element {
  const { framesPerSecond, lostCount, droppedCount, cameraNs, convertNs } = facts;
  return (
    <Facts
      facts={[
        ['Frames a second', framesPerSecond === null ? 'not yet known' : formatRate(framesPerSecond)],
        ['Lost by the driver', formatCount(lostCount)],
        ['Too fast for the lab', formatCount(droppedCount)],
        ['Waited for', formatDuration(cameraNs)],
        ['Converted in', formatDuration(convertNs)],
      ]}
    />
  );
}

async function draw(canvas: HTMLCanvasElement, { kind, body }: Frame): Promise<void> {
  const context = canvas.getContext('2d');
  if (context === null) return;
  if (kind === 'jpeg') {
    // A camera may give a damaged one: the next is drawn.
    const picture = await createImageBitmap(new Blob([new Uint8Array(body)], { type: 'image/jpeg' })).catch(() => null);
    if (picture === null) return;
    context.drawImage(picture, 0, 0);
    picture.close();
    return;
  }
  const pixels = new Uint8ClampedArray(body);
  if (pixels.length === canvas.width * canvas.height * 4)
    context.putImageData(new ImageData(pixels, canvas.width, canvas.height), 0, 0);
}
