/**
 * Zooms and searches the flame graph, with the pointer and with keys. The page says the same
 * without it: it changes pictures that are there, and adds the controls for that.
 */
export const REPORT_SCRIPT = `
(() => {
  'use strict';
  addEventListener('beforeprint', () => {
    for (const details of document.querySelectorAll('details')) details.open = true;
  });
  const graph = document.getElementById('flame-graph');
  if (graph === null) return;
  const tools = document.getElementById('flame-tools');
  const readout = document.getElementById('flame-readout');
  const LETTER_PX = 7.3;
  const NEARLY = 0.003;
  const numberOf = (element, name) => Number.parseFloat(element.getAttribute(name));
  const frames = [...graph.children].map((element) => ({
    element,
    text: element.querySelector('text'),
    name: element.querySelector('text').textContent,
    title: element.querySelector('title').textContent,
    x: numberOf(element, 'x'),
    width: numberOf(element, 'width'),
    y: numberOf(element, 'y'),
    shown: 0,
  }));
  const byElement = new Map(frames.map((frame) => [frame.element, frame]));
  const whole = { x: 0, width: 100, y: -1 };
  let zoomed = whole;
  let selected;

  const holds = (outer, inner) => outer.x <= inner.x + NEARLY && outer.x + outer.width >= inner.x + inner.width - NEARLY;
  const place = (frame, x, width) => {
    frame.shown = width;
    frame.element.style.display = width > 0 ? '' : 'none';
    frame.element.setAttribute('x', x + '%');
    frame.element.setAttribute('width', width + '%');
  };
  const fitText = () => {
    const widthPx = graph.clientWidth;
    for (const { text, name, shown } of frames) {
      const letters = Math.floor(((shown / 100) * widthPx - 6) / LETTER_PX);
      text.textContent = letters < 2 ? '' : name.length <= letters ? name : name.slice(0, letters - 1) + '\\u2026';
    }
  };
  const zoom = (target) => {
    zoomed = target;
    for (const frame of frames) {
      if (frame.y >= target.y && holds(target, frame))
        place(frame, ((frame.x - target.x) / target.width) * 100, (frame.width / target.width) * 100);
      else if (frame.y < target.y && holds(frame, target)) place(frame, 0, 100);
      else place(frame, 0, 0);
    }
    zoomOut.disabled = target === whole;
    fitText();
  };
  const select = (frame) => {
    if (frame === undefined) return;
    selected?.element.classList.remove('selected');
    selected = frame;
    frame.element.classList.add('selected');
    readout.textContent = frame.title;
  };
  const search = (wanted) => {
    let count = 0;
    let percent = 0;
    let covered;
    for (const frame of frames) {
      const isHit = wanted !== '' && frame.name.toLowerCase().includes(wanted.toLowerCase());
      frame.element.classList.toggle('hit', isHit);
      if (covered !== undefined && frame.y <= covered.y) covered = undefined;
      if (!isHit) continue;
      count += 1;
      if (covered !== undefined) continue;
      percent += frame.width;
      covered = frame;
    }
    readout.textContent = wanted === '' ? '' : count + (count === 1 ? ' frame has' : ' frames have') + ' this in the name: ' + percent.toFixed(1) + ' % of the graph';
  };

  const label = document.createElement('label');
  const input = document.createElement('input');
  input.type = 'search';
  label.append('Find a function ', input);
  const zoomOut = document.createElement('button');
  zoomOut.type = 'button';
  zoomOut.textContent = 'Zoom out';
  const hint = document.createElement('small');
  hint.textContent = 'A click zooms. Keys: arrows move, Enter zooms, Escape zooms out.';
  tools.append(label, zoomOut, hint);
  tools.hidden = false;
  input.addEventListener('input', () => search(input.value));
  zoomOut.addEventListener('click', () => zoom(whole));

  const rowPx = frames.length > 1 ? numberOf(graph.firstElementChild, 'height') : 1;
  const neighbour = (step) => {
    const row = frames.filter((frame) => frame.y === selected.y && frame.shown > 0);
    return row[row.indexOf(selected) + step];
  };
  const moves = {
    ArrowUp: () => frames.find((frame) => frame.y === selected.y - rowPx && holds(frame, selected)),
    ArrowDown: () => frames.find((frame) => frame.y === selected.y + rowPx && frame.shown > 0 && holds(selected, frame)),
    ArrowLeft: () => neighbour(-1),
    ArrowRight: () => neighbour(1),
  };
  graph.setAttribute('tabindex', '0');
  graph.setAttribute('role', 'application');
  graph.addEventListener('focus', () => select(selected ?? frames[0]));
  graph.addEventListener('keydown', (event) => {
    const move = moves[event.key];
    if (move !== undefined && selected !== undefined) select(move());
    else if (event.key === 'Enter' && selected !== undefined) zoom(selected);
    else if (event.key === 'Escape') zoom(whole);
    else return;
    event.preventDefault();
  });
  const frameOf = (event) => byElement.get(event.target.closest('#flame-graph > svg'));
  graph.addEventListener('click', (event) => {
    const frame = frameOf(event);
    if (frame === undefined) return;
    select(frame);
    zoom(frame === zoomed ? whole : frame);
  });
  graph.addEventListener('pointerover', (event) => {
    const frame = frameOf(event);
    if (frame !== undefined) readout.textContent = frame.title;
  });
  new ResizeObserver(fitText).observe(graph);
  zoom(whole);
})();
`;
