/** The steps of a move, in order; the last two are of `finishMove` and `abortMove`. */
export const MOVE_STEPS = [
  'entered',
  'made',
  'copied',
  'noted',
  'held',
  'writers ended',
  'caught up',
  'verified',
  'opened',
  'swapped',
  'sessions ended',
  'dropped',
  'forgotten',
] as const
export type MoveStep = (typeof MOVE_STEPS)[number]
