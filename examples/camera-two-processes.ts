// A camera in one process, the screen in another: the screen's buffers go to the camera once, and
// each frame is a message of some bytes. Nothing is copied.
// node camera-two-processes.ts [CAMERA] [CARD]
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { DmaBuf } from 'dmabuf';
import { openDisplay } from 'dmabuf/drm';
import { connectionForChild, takeInheritedConnection } from 'dmabuf/share';
import { listCameras, openCamera } from 'dmabuf/v4l2';
import type { CameraFrame } from 'dmabuf/v4l2';

const [device = listCameras()[0]?.path ?? '/dev/video0', path] = process.argv.slice(2);
const [width, height, format] = [640, 480, 'XRGB8888'] as const;

if (process.env['CAMERA_PROCESS'] === undefined) await showWhatComes();
else await fillWhatIsSent();

async function showWhatComes(): Promise<void> {
  const inherited = connectionForChild();
  const { connection } = inherited;
  const env = { ...process.env, ...inherited.env, CAMERA_PROCESS: '1' };
  const words = [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const child = spawn(process.execPath, words, { stdio: inherited.stdio, env });
  inherited.close();
  process.once('SIGINT', () => child.kill('SIGINT'));

  using display = openDisplay({ path, mode: { width, height } });
  const pictures = Array.from({ length: 4 }, () => display.allocate({ width, height, format }));
  const buffers = pictures.flatMap(({ frame }) => frame.buffers);
  await connection.send({ buffers, message: String(pictures[0]?.frame.planes[0]?.stride) });
  let shown: string | undefined;
  for await (const { text } of connection) {
    const picture = pictures[Number(text)];
    if (picture !== undefined) await display.show(picture);
    // The camera may fill the one before again.
    if (shown !== undefined) await connection.send({ message: shown });
    shown = text;
  }
  connection.close();
}

async function fillWhatIsSent(): Promise<void> {
  const end = new AbortController();
  process.once('SIGINT', () => end.abort());
  const connection = takeInheritedConnection();
  const offer = await connection.receive();
  if (offer === undefined) throw new Error('The screen has gone');
  const buffers: readonly DmaBuf[] = offer.buffers;
  using camera = openCamera(device, { width, height, format, stride: Number(offer.text), buffers });

  const away = new Map<string, CameraFrame>();
  const takeBack = async (): Promise<void> => {
    for await (const { text = '' } of connection) {
      away.get(text)?.close();
      away.delete(text);
    }
  };
  const taking = takeBack();
  try {
    for await (const frame of camera.frames({ signal: end.signal, backlog: 1 })) {
      away.set(String(frame.index), frame);
      await connection.send({ message: String(frame.index) });
    }
  } catch (error) {
    if (!end.signal.aborted) throw error;
  } finally {
    connection.close();
    // It ends with the connection.
    await taking.catch(() => {});
    offer.close();
  }
}
