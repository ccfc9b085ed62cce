/** By which standard Y, Cb and Cr are made of red, green and blue. */
export type ColorEncoding = 'bt601' | 'bt709' | 'bt2020' | 'smpte240m';

/** Whether values go from 0 to 255, or Y from 16 to 235 and colours from 16 to 240. */
export type ColorRange = 'full' | 'limited';
