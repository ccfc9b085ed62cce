/** The view as it is now, as a page that needs nothing else: styles inside, pictures as images. */
export function pageAsHtml(): string {
  const view = document.querySelector('main');
  const copy = view?.cloneNode(true) as HTMLElement | undefined;
  if (copy === undefined || view === null) return '';
  const drawn = view.querySelectorAll('canvas');
  for (const [index, canvas] of copy.querySelectorAll('canvas').entries()) {
    const image = document.createElement('img');
    image.src = drawn[index]?.toDataURL() ?? '';
    image.alt = canvas.getAttribute('aria-label') ?? '';
    canvas.replaceWith(image);
  }
  for (const control of copy.querySelectorAll('button, form, iframe, input')) control.remove();
  // As the page has them: the lab may be away.
  const rules = [...document.styleSheets].flatMap(({ cssRules }) => [...cssRules].map(({ cssText }) => cssText));
  const title = document.createElement('title');
  title.textContent = document.title;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">${title.outerHTML}<style>${rules.join('\n')}</style></head><body>${copy.outerHTML}</body></html>`;
}
