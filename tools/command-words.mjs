// What `npm start -- WORD...` hands to the command. Without a command's name, a size or options are for the main job, `dmabuf vmap`.

export function commandWords(words) {
  const [first = '--'] = words;
  const isForCommandItself = ['--help', '-h', '--version'].includes(first);
  return /^[-\d]/u.test(first) && !isForCommandItself ? ['vmap', ...words] : words;
}
