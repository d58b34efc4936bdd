import type { WorkflowKind } from '../control-plane.ts'
import type { Definition } from './definition.ts'
import { exporting } from './export.ts'
import { move } from './move.ts'
import { offboard } from './offboard.ts'
import { onboard } from './onboard.ts'
import { resume, suspend } from './suspension.ts'

export const DEFINITIONS: Readonly<Record<WorkflowKind, Definition>> = {
  onboard,
  suspend,
  resume,
  move,
  offboard,
  export: exporting,
}
