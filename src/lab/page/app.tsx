import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { JSX, TargetedMouseEvent } from 'preact';

import type { HelloMessage, ViewName } from '../protocol/messages.ts';
import { VIEW_NAMES } from '../protocol/messages.ts';
import { link } from './watch-view.ts';
import { CallersView } from './views/callers.tsx';
import { CameraView } from './views/camera.tsx';
import { ConvertView } from './views/convert.tsx';
import { HeapView } from './views/heap.tsx';
import { MachineView } from './views/machine.tsx';
import { WorkloadsView } from './views/workloads.tsx';

const TITLES: Readonly<Record<ViewName, string>> = {
  heap: 'Heap',
  machine: 'Machine',
  convert: 'Convert and map',
  camera: 'Camera',
  workloads: 'Workloads',
  callers: 'Callers',
};

/** The page: its views, one at a time, each at an address of its own. */
export function App({ hello }: { hello: HelloMessage }): JSX.Element {
  const view = useSignal(viewOf(location.pathname));
  useEffect(() => {
    const follow = (): void => void (view.value = viewOf(location.pathname));
    addEventListener('popstate', follow);
    return () => removeEventListener('popstate', follow);
  }, []);
  useEffect(() => void (document.title = `${TITLES[view.value]} · dmabuf lab`), [view.value]);
  const open = (event: TargetedMouseEvent<HTMLAnchorElement>, name: ViewName): void => {
    // Anything but a plain click is the browser's.
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    history.pushState(null, '', `/${name}`);
    view.value = name;
  };
  return (
    <>
      <header>
        <nav aria-label="Views">
          {VIEW_NAMES.map((name) => (
            <a
              key={name}
              href={`/${name}`}
              aria-current={name === view.value ? 'page' : undefined}
              onClick={(event) => open(event, name)}
            >
              {TITLES[name]}
            </a>
          ))}
        </nav>
        <LinkState />
      </header>
      <main id="view" data-view={view.value}>
        {VIEWS[view.value](hello)}
      </main>
      <footer>
        <small>dmabuf {hello.version}</small>
      </footer>
    </>
  );
}

const VIEWS: Readonly<Record<ViewName, (hello: HelloMessage) => JSX.Element>> = {
  heap: () => <HeapView />,
  machine: () => <MachineView />,
  convert: ({ mayControl, mixes }) => <ConvertView mayControl={mayControl} mixes={mixes} />,
  camera: ({ mayControl }) => <CameraView mayControl={mayControl} />,
  workloads: ({ mayControl, workloads }) => <WorkloadsView mayControl={mayControl} workloads={workloads} />,
  callers: ({ mayControl }) => <CallersView mayControl={mayControl} />,
};

function LinkState(): JSX.Element {
  const { value } = link;
  const text = {
    connecting: 'connecting',
    live: 'live',
    away: 'The lab is away: what is shown may be old. It is looked for.',
    refused: value.state === 'refused' ? value.reason : '',
  }[value.state];
  return (
    <span class={`link ${value.state}`} role="status">
      {text}
    </span>
  );
}

function viewOf(path: string): ViewName {
  return VIEW_NAMES.find((name) => path === `/${name}`) ?? 'heap';
}
