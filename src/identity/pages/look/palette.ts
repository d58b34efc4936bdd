import { type Hex, inkOn, lightenedFor } from './contrast.ts'

/** The colours of pages in one mode. A test holds every pair that meets to WCAG AA. */
export interface Palette {
  readonly background: Hex
  /** Of the card, on which nearly everything stands. */
  readonly surface: Hex
  readonly ink: Hex
  readonly muted: Hex
  /** Lines that only divide. */
  readonly line: Hex
  /** Lines that show where a field is. */
  readonly edge: Hex
  readonly danger: Hex
  readonly dangerSurface: Hex
  readonly good: Hex
  readonly goodSurface: Hex
  readonly noteSurface: Hex
}

export const LIGHT: Palette = {
  background: '#f3f5f8',
  surface: '#ffffff',
  ink: '#151a23',
  muted: '#535c6b',
  line: '#dde1e8',
  edge: '#7d8696',
  danger: '#b3261e',
  dangerSurface: '#fdf1f0',
  good: '#14693d',
  goodSurface: '#eef8f2',
  noteSurface: '#f3f5f8',
}

export const DARK: Palette = {
  background: '#0e1116',
  surface: '#171b22',
  ink: '#e9ecf2',
  muted: '#a5aebd',
  line: '#2b313c',
  edge: '#737d8e',
  danger: '#ff9a91',
  dangerSurface: '#2c1718',
  good: '#7fd6a5',
  goodSurface: '#13261c',
  noteSurface: '#1f252e',
}

/** The colour of a realm, and what is written on it. */
export interface Accent {
  readonly colour: Hex
  readonly ink: Hex
}

export const DEFAULT_ACCENT: Hex = '#2b57d0'

export function accents(
  light: Hex = DEFAULT_ACCENT,
  dark: Hex = lightenedFor(DARK.noteSurface, light),
): { readonly light: Accent; readonly dark: Accent } {
  return {
    light: { colour: light, ink: inkOn(light) },
    dark: { colour: dark, ink: inkOn(dark) },
  }
}
