import { render } from 'preact';

import type { HelloMessage } from '../protocol/messages.ts';
import { App } from './app.tsx';
import { reasonOf } from './reason-of.ts';
import { beginSession, postJson } from './session.ts';

const place = document.getElementById('lab') as HTMLElement;
try {
  await beginSession();
  render(<App hello={await postJson<HelloMessage>('/api/hello')} />, place);
} catch (error) {
  render(
    <main>
      <h1>dmabuf lab</h1>
      <p role="alert">{reasonOf(error)}</p>
    </main>,
    place,
  );
}
