// The words of `npm start -- WORD...` for the command. Without a command's name, a size or options
// belong to the main job, `dmabuf vmap`.

export function commandWords(words) {
  const [first = '--'] = words;
  const isForCommandItself = ['--help', '-h', '--version'].includes(first);
  return /^[-\d]/u.test(first) && !isForCommandItself ? ['vmap', ...words] : words;
}
