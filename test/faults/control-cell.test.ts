import { killOnRealCell } from './control-cell.test-support.ts'

killOnRealCell({ onboard: [2], move: [5, undefined], offboard: [7] })
