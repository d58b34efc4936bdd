import { killOnRealCell } from './control-cell.test-support.ts'

const EVERY = Array.from({ length: 10 }, (_, index) => index + 1)

killOnRealCell({
  onboard: EVERY.slice(0, 8),
  move: [...EVERY, ...EVERY.map(() => undefined)],
  offboard: EVERY,
})
